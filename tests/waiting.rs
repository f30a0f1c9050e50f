//! Waiting for a place and everyone's share, by whole requests: pages for people, JSON for programs.

use chrono::TimeDelta;
use fairlease::cloud::simulated::Profile;
use fairlease::services::booking;
use reqwest::header::LOCATION;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::sites::{Served, serve, staff};
use crate::support::visitor::{Visitor, client};
use crate::world::{Backend, World, course, on_both_databases, slot};

/// One place, which somebody has on Wednesday; two students who would like it, and what they sign in with.
struct Scene {
    world: World,
    served: Served,
    one: Visitor,
    other: Visitor,
    /// Gives the place back.
    holder: (fairlease::domain::person::Person, fairlease::domain::ids::BookingId),
}

/// What is asked for: all of Wednesday morning, of which somebody has a part.
const MORNING: &str = "hours=6&at=2025-02-12.morning";
const FORM: [(&str, &str); 2] = [("hours", "6"), ("at", "2025-02-12.morning")];

impl Scene {
    async fn new(backend: Backend) -> Self {
        let one_place = course(&[("capacity = 30 ", "capacity = 1 ")]);
        let world = World::with(backend, one_place, Profile::instant()).await;
        for net_id in ["ff524", "gg10"] {
            world.student(net_id).await;
        }
        let person = world.student("ho2").await;
        let held = world.book(&person, slot("2025-02-12T10:00", "2025-02-12T14:00")).await;
        let served = serve(&world);
        let one = Visitor::sign_in(&client(), &served.url, "ff524").await;
        let other = Visitor::sign_in(&client(), &served.url, "gg10").await;
        Self { world, served, one, other, holder: (person, held.id) }
    }

    async fn give_back(&self) {
        let (person, id) = self.holder.clone();
        booking::release(&self.world.app, person, id).await.unwrap();
        self.world.work().await;
    }

    /// The path of what is offered to whoever this is.
    async fn offer(&self, who: &Visitor) -> Option<String> {
        let waits = json_of(who.get("/api/v1/waits").await).await;
        let id = waits["waits"][0]["offer"]["booking"]["id"].as_str()?;
        Some(format!("/bookings/{id}"))
    }

    /// One of them waits, and is offered what the holder gives back.
    async fn with_offer(backend: Backend) -> (Self, String) {
        let scene = Self::new(backend).await;
        assert_eq!(scene.one.post("/labs/k8s/wait", &FORM).await.status(), StatusCode::SEE_OTHER);
        scene.give_back().await;
        let offer = scene.offer(&scene.one).await.unwrap();
        (scene, offer)
    }
}

async fn text(visitor: &Visitor, path: &str) -> String {
    let response = visitor.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

async fn json_of(response: Response) -> Value {
    assert!(response.status().is_success(), "{}", response.status());
    response.json().await.unwrap()
}

async fn problem(response: Response, status: StatusCode) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    response.json().await.unwrap()
}

fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "\"{part}\" is not in {page}");
    }
}

fn lacks(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(!page.contains(part), "\"{part}\" is in {page}");
    }
}

fn led_to(response: &Response) -> &str {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[LOCATION].to_str().unwrap()
}

on_both_databases! {
    async fn what_is_full_leads_to_the_line(backend: Backend) {
        let scene = Scene::new(backend).await;
        let full = text(&scene.one, "/labs/k8s?start=2025-02-12T11:00-05:00").await;
        has(&full, &["href=\"/labs/k8s/wait?at=2025-02-12.morning\"", "href=\"/labs/k8s/wait\""]);
        let wanted = [("start", "2025-02-12T11:00-05:00"), ("hours", "4")];
        let refused = scene.one.post("/labs/k8s/bookings", &wanted).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        has(&refused.text().await.unwrap(), &["href=\"/labs/k8s/wait?hours=4&#38;at=2025-02-12.morning\""]);
        assert_eq!(scene.one.get("/labs/none/wait").await.status(), StatusCode::NOT_FOUND);
    }

    async fn one_sees_the_chances_before_one_joins(backend: Backend) {
        let scene = Scene::new(backend).await;
        let form = text(&scene.one, "/labs/k8s/wait").await;
        has(&form, &["Wait for a place", "2025-02-12.morning", "Show my chances", "you have 1 h to accept it"]);
        lacks(&form, &["2025-02-11.", "2025-02-08.night", "Join the line"]);
        let chances = text(&scene.one, &format!("/labs/k8s/wait?{MORNING}")).await;
        has(&chances, &["You would be 1st in line.", "6 h, Wed Feb 12, 06:00 to 12:00", "Join the line"]);
        has(&chances, &["value=\"2025-02-12.morning\" checked", "A guide, not a promise"]);
        let free = text(&scene.one, "/labs/k8s/wait?hours=2&at=2025-02-12.morning").await;
        has(&free, &["You need not wait", "/labs/k8s?hours=2&#38;start=2025-02-12T06:00-05:00#book"]);
        let vain = text(&scene.one, "/labs/k8s/wait?hours=9").await;
        has(&vain, &["Waiting for this would be in vain.", "over_cap"]);
        lacks(&vain, &["Join the line"]);
        has(&text(&scene.one, "/labs/k8s/wait?hours=8&at=2025-02-12.morning").await, &["is long enough"]);
        has(&text(&scene.one, "/labs/k8s/wait?hours=x&at=noon").await, &["is not a length", "is not a part"]);
    }

    async fn one_waits_and_takes_what_comes(backend: Backend) {
        let scene = Scene::new(backend).await;
        let forged = scene.one.with_token("not it").post("/labs/k8s/wait", &FORM).await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN);
        assert_eq!(led_to(&scene.one.post("/labs/k8s/wait", &FORM).await), "/labs/k8s/wait");
        assert_eq!(led_to(&scene.one.post("/labs/k8s/wait", &FORM).await), "/labs/k8s/wait");
        has(&text(&scene.one, "/labs/k8s/wait").await, &["You are 1st in line.", "Stop waiting"]);
        has(&text(&scene.one, "/").await, &["You are 1st in line for 6 h, Wed Feb 12, 06:00 to 12:00."]);
        scene.give_back().await;

        let offer = scene.offer(&scene.one).await.unwrap();
        let start = text(&scene.one, "/").await;
        let (accept, pass) = (format!("{offer}/accept"), format!("{offer}/pass"));
        has(&start, &["A place is offered to you until today 10:10.", &accept, &pass]);
        let page = text(&scene.one, &offer).await;
        has(&page, &["It is offered to you until today 10:10.", &accept, &pass, "1 h left"]);
        lacks(&page, &["Cancel this booking", "calendar.ics"]);
        has(&text(&scene.one, "/labs/k8s/wait").await, &["A place is offered to you", &accept]);

        assert_eq!(scene.other.get(&offer).await.status(), StatusCode::NOT_FOUND);
        for path in [&accept, &pass] {
            assert_eq!(scene.other.post(path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
            let forged = scene.one.with_token("").post(path, &[]).await;
            assert_eq!(forged.status(), StatusCode::FORBIDDEN, "{path}");
        }
        assert_eq!(led_to(&scene.one.post(&accept, &[]).await), offer);
        assert_eq!(led_to(&scene.one.post(&accept, &[]).await), offer, "twice is as good as once");
        lacks(&text(&scene.one, &offer).await, &[&accept, "It is offered"]);
        assert_eq!(scene.one.post(&pass, &[]).await.status(), StatusCode::CONFLICT);
    }

    async fn what_is_passed_goes_on(backend: Backend) {
        let (scene, offer) = Scene::with_offer(backend).await;
        assert_eq!(led_to(&scene.one.post(&format!("{offer}/pass"), &[]).await), offer);
        let page = text(&scene.one, &offer).await;
        has(&page, &["You passed this offer.", "href=\"/labs/k8s/wait\""]);
        lacks(&page, &["/accept", "confirmed by the site"]);
        let late = scene.one.post(&format!("{offer}/accept"), &[]).await;
        assert_eq!(late.status(), StatusCode::CONFLICT);
        has(&late.text().await.unwrap(), &["You asked to accept it. Nothing was done. You passed this offer."]);
        has(&text(&scene.one, "/labs/k8s/wait").await, &["You are 1st in line."]);
    }

    async fn an_offer_that_is_over_says_so(backend: Backend) {
        let (scene, offer) = Scene::with_offer(backend).await;
        scene.world.clock.advance(TimeDelta::hours(1));
        let late = scene.one.post(&format!("{offer}/accept"), &[]).await;
        assert_eq!(late.status(), StatusCode::CONFLICT);
        has(&late.text().await.unwrap(), &["You asked to accept it. Nothing was done. This offer is over."]);
        lacks(&text(&scene.one, "/").await, &["is offered to you"]);
        problem(scene.one.post_json(&format!("/api/v1{offer}/accept"), &json!({})).await, StatusCode::CONFLICT).await;
        scene.world.work().await;
        has(&text(&scene.one, &offer).await, &["This offer went by unanswered.", "href=\"/labs/k8s/wait\""]);
    }

    async fn one_stops_waiting(backend: Backend) {
        let (scene, offer) = Scene::with_offer(backend).await;
        let waits = json_of(scene.one.get("/api/v1/waits").await).await;
        let id = waits["waits"][0]["id"].as_str().unwrap();
        let leave = "/labs/k8s/wait/leave";
        assert_eq!(scene.other.post(leave, &[("wait", id)]).await.status(), StatusCode::NOT_FOUND);
        let forged = scene.one.with_token("").post(leave, &[("wait", id)]).await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN);
        assert_eq!(led_to(&scene.one.post(leave, &[("wait", id)]).await), "/labs/k8s/wait");
        has(&text(&scene.one, "/labs/k8s/wait").await, &["Wait for a place", "Show my chances"]);
        has(&text(&scene.one, &offer).await, &["You passed this offer."]);
    }

    async fn programs_wait_the_same_way(backend: Backend) {
        let scene = Scene::new(backend).await;
        let outlook = json_of(scene.one.get(&format!("/api/v1/labs/k8s/wait?{MORNING}")).await).await;
        assert_eq!((&outlook["position"], &outlook["free_now"]), (&json!(1), &json!([])));
        assert!(outlook["odds"].as_f64().unwrap() > 0.0 && outlook["until"].is_string(), "{outlook}");
        let nothing = problem(scene.one.get("/api/v1/labs/k8s/wait").await, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(nothing["errors"][0]["field"], "hours");

        let tuesday = json!({"start": "2025-02-11T10:00-05:00", "end": "2025-02-11T18:00-05:00"});
        let wednesday = json!({"start": "2025-02-12T06:00-05:00", "end": "2025-02-12T12:00-05:00"});
        let path = "/api/v1/labs/k8s/wait";
        let never = scene.one.post_json(path, &json!({"hours": 4, "windows": [tuesday]})).await;
        let never = problem(never, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(never["violations"][0]["code"], "wrong_day");
        let wish = json!({"hours": 6, "windows": [wednesday]});
        problem(scene.one.with_token("").post_json(path, &wish).await, StatusCode::FORBIDDEN).await;
        let joined = scene.one.post_json(path, &wish).await;
        assert_eq!(joined.status(), StatusCode::CREATED);
        let wait: Value = joined.json().await.unwrap();
        assert_eq!((&wait["state"], &wait["length_minutes"]), (&json!("waiting"), &json!(360)));
        problem(scene.one.post_json(path, &wish).await, StatusCode::CONFLICT).await;

        scene.give_back().await;
        let offer = scene.offer(&scene.one).await.unwrap();
        for answer in ["accept", "pass"] {
            let others = scene.other.post_json(&format!("/api/v1{offer}/{answer}"), &json!({})).await;
            problem(others, StatusCode::NOT_FOUND).await;
        }
        let passed = scene.one.post_json(&format!("/api/v1{offer}/pass"), &json!({})).await;
        assert_eq!(passed.status(), StatusCode::NO_CONTENT);
        let id = wait["id"].as_str().unwrap();
        problem(scene.other.delete(&format!("/api/v1/waits/{id}")).await, StatusCode::NOT_FOUND).await;
        assert_eq!(scene.one.delete(&format!("/api/v1/waits/{id}")).await.status(), StatusCode::NO_CONTENT);

        let joined = json_of(scene.other.post_json(path, &wish).await).await;
        assert_eq!(joined["state"], "offered", "it is free");
        let taken = format!("/api/v1/bookings/{}/accept", joined["booking"].as_str().unwrap());
        let taken = json_of(scene.other.post_json(&taken, &json!({})).await).await;
        assert_eq!((&taken["state"], &taken["start"]), (&json!("held"), &json!("2025-02-12T06:00:00-05:00")));
        assert_eq!(json_of(scene.other.get("/api/v1/waits").await).await, json!({"waits": []}));
    }

    async fn everyone_sees_why_they_stand_where_they_stand(backend: Backend) {
        let scene = Scene::new(backend).await;
        let page = text(&scene.one, "/standing").await;
        has(&page, &["Nobody comes before you when places are scarce.", "once the course has 5 students"]);
        let holder = Visitor::sign_in(&client(), &scene.served.url, "ho2").await;
        for net_id in ["aa4", "bb6"] {
            scene.world.student(net_id).await;
        }
        let page = text(&holder, "/standing").await;
        has(&page, &["Everyone else comes before you", "still counts as 13.5 server-hours", "you: 13.5"]);
        has(&page, &["0 others used more than you, 4 less", ">Booked<", "+13.5", "It counts half after 7 days"]);
        lacks(&page, &["ff524", "gg10"]);
        let own = json_of(holder.get("/api/v1/fairshare").await).await;
        assert_eq!((&own["fair_share"], &own["students"], &own["usage"]), (&json!(0.2), &json!(5), &json!(13.5)));
        assert_eq!((&own["ledger"][0]["why"], &own["shares"]), (&json!("booked"), &Value::Null));

        scene.give_back().await;
        let page = text(&holder, "/standing").await;
        has(&page, &["Nobody comes before you", ">Called off<", "\u{2212}13.5"]);
    }

    async fn staff_see_all_shares_and_every_line(backend: Backend) {
        let scene = Scene::new(backend).await;
        staff(&scene.world, "ta77").await;
        let ta = Visitor::sign_in(&client(), &scene.served.url, "ta77").await;
        assert_eq!(scene.one.post("/labs/k8s/wait", &FORM).await.status(), StatusCode::SEE_OTHER);
        for path in ["/staff/fair-share", "/staff/waitlist"] {
            assert_eq!(scene.one.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
        let page = text(&ta, "/staff/fair-share").await;
        has(&page, &["1 of 3 students have used something lately; ho2 the most, 13.5 server-hours.", "1 waits"]);
        has(&page, &["<td>ff524</td><td>1</td><td>0.333333</td><td>0.00</td><td>0.000000</td><td>1.000000</td><td>inf</td>"]);
        let page = text(&ta, "/staff/waitlist").await;
        has(&page, &["1 student waits; no offer is open.", "6 h, in 1 window", ">ff524<", "1000 × fair share"]);
        has(&text(&ta, "/staff/labs/k8s").await, &["/staff/waitlist#k8s"]);
        has(&text(&ta, "/standing").await, &["You have no share of your own.", "Everyone&#39;s share"]);
        let all = json_of(ta.get("/api/v1/fairshare").await).await;
        let last = &all["shares"].as_array().unwrap()[3];
        assert_eq!((&last["user"], &last["effectv_usage"]), (&json!("ho2"), &json!(1.0)));
        scene.give_back().await;
        has(&text(&ta, "/staff/waitlist").await, &["1 student waits, and has an offer.", "offered until today 10:10"]);
    }
}
