//! The reaper's pages, by whole requests: what staff see and say, and what students take back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use fairlease::db::{self, DbError};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::ids::SweepId;
use fairlease::domain::marked::{Marked, Predicate, Stage, Target};
use fairlease::domain::reaper::ByHand;
use fairlease::domain::su::Su;
use fairlease::domain::sweep::{Act, Savings, Sweep};
use fairlease::policy::reaping::{NextStep, Plan, Skip, Skipped, Told, Waiting};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::sites::{Served, serve, staff};
use crate::support::visitor::{Visitor, client};
use crate::world::{World, course, on_both_databases};

const REASON: &str = "it has been there since yesterday, for 12 h; the lab allows 8 h";

pub(crate) fn target(name: &str) -> Target {
    Target {
        site: "kvm-tacc".parse().unwrap(),
        kind: Kind::Server,
        site_ref: format!("id-of-{name}"),
        name: name.to_owned(),
    }
}

fn marked(world: &World, name: &str, net_id: Option<&str>) -> Marked {
    Marked {
        restores: 0,
        target: target(name),
        predicate: Predicate::OverCap,
        net_id: net_id.map(|id| id.parse().unwrap()),
        stage: Stage::Warned { at: world.app.now() },
    }
}

/// Writes marks as a sweep does.
pub(crate) async fn mark(world: &World, names: &[(&str, Option<&str>)]) -> Vec<Marked> {
    let all: Vec<_> = names.iter().map(|(name, net_id)| marked(world, name, *net_id)).collect();
    let written = all.clone();
    world
        .app
        .db
        .write::<_, DbError, _>("marks", move |conn| {
            for mark in &written {
                assert!(db::save_mark(conn, None, mark, REASON)?);
            }
            Ok(())
        })
        .await
        .unwrap();
    all
}

fn nothing(world: &World) -> Plan {
    Plan {
        at: world.app.now(),
        actions: Vec::new(),
        waiting: Vec::new(),
        kept: Vec::new(),
        reported: Vec::new(),
        skipped: Vec::new(),
        wholes: BTreeMap::new(),
        idle: BTreeMap::new(),
        held: BTreeMap::new(),
        ran: BTreeSet::new(),
    }
}

/// The plan in which each of these is stopped in two hours.
pub(crate) fn waits(world: &World, marks: &[Marked]) -> Plan {
    let at = world.app.now() + TimeDelta::hours(2);
    let waiting =
        |mark: &Marked| Waiting { mark: mark.clone(), next: NextStep::Stop, at, reason: REASON.to_owned() };
    Plan { waiting: marks.iter().map(waiting).collect(), ..nothing(world) }
}

pub(crate) fn reported(name: &str) -> Told {
    Told {
        target: target(name),
        predicate: Predicate::Leftover,
        net_id: None,
        reason: "nothing uses it; nobody is known whose it is".to_owned(),
    }
}

/// Writes a sweep with its plan, as the reaper does.
pub(crate) async fn swept(world: &World, plan: &Plan, acts: Vec<Act>) -> SweepId {
    let many = |number: usize| i32::try_from(number).unwrap();
    let sweep = Sweep {
        id: world.app.sweep_id(),
        at: world.app.now(),
        took_ms: 1200,
        listed: 40,
        acts: many(acts.len()),
        failed: many(acts.iter().filter(|act| act.failed).count()),
        waiting: many(plan.waiting.len()),
        kept: many(plan.kept.len()),
        reported: many(plan.reported.len()),
        skipped: plan.skipped.iter().map(|it| format!("{}: {}", it.site, it.reason)).collect(),
    };
    let (id, plan) = (sweep.id.clone(), serde_json::to_string(plan).unwrap());
    world
        .app
        .db
        .write::<_, DbError, _>("sweep", move |conn| db::insert_sweep(conn, &sweep, &acts, &plan))
        .await
        .unwrap();
    id
}

pub(crate) fn deleted(world: &World, name: &str, failed: bool) -> Act {
    Act {
        at: world.app.now(),
        what: format!("delete {}", target(name)),
        predicate: Some(Predicate::OverCap),
        net_id: None,
        booking: None,
        target: Some(target(name)),
        reason: REASON.to_owned(),
        outcome: if failed { "failed: 503 from inside" } else { "gone" }.to_owned(),
        failed,
        saved: (!failed).then(|| Savings { server_minutes: 90, su: Su::from_micro(2_500_000) }),
    }
}

/// The course's reaper goes all the way. Written past the check that a course file goes through.
pub(crate) async fn deletes(world: &World) {
    let mut deleting = course(&[]);
    deleting.reaper.by_hand = ByHand::Delete;
    let save = move |conn: &mut db::Conn<'_>| db::save_course(conn, &deleting);
    world.app.db.write::<_, DbError, _>("course", save).await.unwrap();
}

struct Scene {
    world: World,
    served: Served,
    ta: Visitor,
    student: Visitor,
}

impl Scene {
    /// A course whose reaper deletes, one of staff and a student.
    async fn set(backend: crate::world::Backend) -> Self {
        let world = World::new(backend).await;
        deletes(&world).await;
        staff(&world, "ta77").await;
        let served = serve(&world);
        let ta = Visitor::sign_in(&client(), &served.url, "ta77").await;
        let student = Visitor::sign_in(&client(), &served.url, "ff524").await;
        Self { world, served, ta, student }
    }

    async fn reads(&self, path: &str) -> String {
        text(self.ta.get(path).await, StatusCode::OK).await
    }
}

async fn text(response: Response, status: StatusCode) -> String {
    let (got, text) = (response.status(), response.text().await.unwrap());
    assert_eq!(got, status, "{text}");
    text
}

fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part}:\n{page}");
    }
}

/// The id in the first address of the page that begins so.
fn id_after<'a>(page: &'a str, begins: &str) -> &'a str {
    page.split(begins).nth(1).unwrap_or_else(|| panic!("{begins}:\n{page}")).split(['/', '"']).next().unwrap()
}

fn row_form(name: &str) -> [(&'static str, String); 3] {
    [("site", "kvm-tacc".to_owned()), ("kind", "server".to_owned()), ("id", format!("id-of-{name}"))]
}

async fn restore(who: &Visitor, path: &str, name: &str) -> Response {
    let form = row_form(name);
    let fields: Vec<_> = form.iter().map(|(key, value)| (*key, value.as_str())).collect();
    who.post(path, &fields).await
}

on_both_databases! {
    async fn the_first_page_answers_first(backend: Backend) {
        let scene = Scene::set(backend).await;
        let page = scene.reads("/staff/reaper").await;
        has(&page, &["No sweep has run yet.", "does not run"]);
        swept(&scene.world, &nothing(&scene.world), Vec::new()).await;
        scene.world.clock.advance(TimeDelta::seconds(20));
        let page = scene.reads("/staff/reaper").await;
        has(&page, &["Nothing needs you: the last sweep, 20 s ago, found nothing to do.", "told to its owner, then stopped, then deleted"]);

        let marks = mark(&scene.world, &[("a-ff524", Some("ff524")), ("b", None)]).await;
        let plan = Plan { reported: vec![reported("c"), reported("d")], ..waits(&scene.world, &marks) };
        swept(&scene.world, &plan, Vec::new()).await;
        let page = scene.reads("/staff/reaper").await;
        has(&page, &[
            "2 servers are stopped today 11:10, and 2 things are nobody&#39;s.",
            "server a-ff524", "in 2 h", "It has been there since yesterday, for 12 h; the lab allows 8 h.", "over_cap",
            "server c", "Nothing uses it; nobody is known whose it is.",
            "/staff/reaper/exemptions?what=object&#38;site=kvm-tacc&#38;value=id-of-c#add",
        ]);

        let skipped = |why, reason: &str| Skipped { site: "kvm-tacc".parse().unwrap(), why, reason: reason.to_owned() };
        let plan = Plan {
            skipped: vec![skipped(Skip::Failed, "the listing failed: 503"), skipped(Skip::Quiet, "a step waits until 07:00")],
            ..nothing(&scene.world)
        };
        swept(&scene.world, &plan, Vec::new()).await;
        let page = scene.reads("/staff/reaper").await;
        has(&page, &["The last sweep had trouble.", "KVM@TACC: The listing failed: 503.", "KVM@TACC: A step waits until 07:00."]);
        scene.world.clock.advance(TimeDelta::minutes(6));
        has(&scene.reads("/staff/reaper").await, &["The reaper does not run: the last sweep was 6 min ago."]);
    }

    async fn staff_pause_it_and_let_it_go_on(backend: Backend) {
        let scene = Scene::set(backend).await;
        let pauses = "/staff/reaper/pauses";
        let late = scene.world.app.now() - TimeDelta::hours(2);
        let late = late.with_timezone(&chrono_tz::America::New_York).format("%Y-%m-%dT%H:%M").to_string();
        let page = text(scene.ta.post(pauses, &[("site", "kvm-tacc"), ("until", &late)]).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        has(&page, &["The reaper was not paused", "Say why", "It would end on Sat Feb 8, 07:10, which is over.",
            "value=\"kvm-tacc\" selected", &format!("value=\"{late}\"")]);
        let done = scene.ta.post(pauses, &[("site", ""), ("reason", "the quota is moved")]).await;
        assert_eq!((done.status(), &done.headers()["location"]), (StatusCode::SEE_OTHER, &"/staff/reaper".parse().unwrap()));
        swept(&scene.world, &nothing(&scene.world), Vec::new()).await;
        let page = scene.reads("/staff/reaper").await;
        has(&page, &["The reaper is paused at all sites.", "ta77 paused it", "until someone resumes it", "The quota is moved.", "Resume"]);
        for site in ["", "kvm-tacc"] {
            let again = scene.ta.post(pauses, &[("site", site), ("reason", "again")]).await;
            let page = text(again, StatusCode::UNPROCESSABLE_ENTITY).await;
            has(&page, &["all sites: ta77 has paused it already, since Sat Feb 8, 09:10, until someone resumes it: the quota is moved.", "value=\"again\""]);
        }
        let end = format!("{pauses}/{}/end", id_after(&page, "/staff/reaper/pauses/"));
        assert_eq!(scene.ta.post(&end, &[]).await.status(), StatusCode::SEE_OTHER);
        text(scene.ta.post(&end, &[]).await, StatusCode::CONFLICT).await;
        has(&scene.reads("/staff/reaper").await, &["Nothing needs you"]);
        has(&scene.reads("/staff/reaper/exemptions").await, &["Earlier pauses", "ta77 paused it from today 09:10 to today 09:10, ended by ta77."]);
    }

    async fn staff_exempt_and_take_back(backend: Backend) {
        let scene = Scene::set(backend).await;
        let path = "/staff/reaper/exemptions";
        let filled = scene.reads("/staff/reaper/exemptions?what=object&site=kvm-tacc&value=abc").await;
        has(&filled, &["value=\"object\" checked", "value=\"abc\"", "value=\"2025-02-15T23:59\"", "Nothing is exempt."]);
        let refused: [(&[(&str, &str)], &str); 9] = [
            (&[], "Choose what is to be exempt."),
            (&[("what", "names"), ("value", "ab")], "Names that begin with fewer than 3 characters are too many"),
            (&[("what", "object"), ("site", "nowhere"), ("value", "x")], "There is no site &#34;nowhere&#34;; there is kvm-tacc."),
            (&[("what", "object"), ("site", "kvm-tacc"), ("value", " ")], "Say which object"),
            (&[("what", "lab"), ("value", "none")], "There is no lab &#34;none&#34;; there is k8s."),
            (&[("what", "person"), ("value", "zz1")], "Nobody here has the net ID zz1."),
            (&[("what", "person"), ("value", "ff524"), ("until", "2026-02-10T00:00")], "and may hold for 366 days"),
            (&[("what", "person"), ("value", "ff524"), ("until", "2025-02-08T09:00")], "which is over."),
            (&[("what", "person"), ("value", "ff524"), ("until", "")], "Say up to when"),
        ];
        for (fields, told) in refused {
            let mut all = vec![("reason", "shown in class")];
            all.extend(fields);
            if !fields.iter().any(|(key, _)| *key == "until") {
                all.push(("until", "2025-03-01T00:00"));
            }
            let page = text(scene.ta.post(path, &all).await, StatusCode::UNPROCESSABLE_ENTITY).await;
            has(&page, &["Nothing was exempted", told, "value=\"shown in class\""]);
        }
        let good = [("what", "lab"), ("value", "k8s"), ("until", "2025-03-01T00:00"), ("reason", "a demonstration")];
        assert_eq!(scene.ta.post(path, &good).await.status(), StatusCode::SEE_OTHER);
        let page = scene.reads(path).await;
        has(&page, &["1 exemption holds.", "lab k8s", "By k8s no server is judged any more", "a demonstration", "Sat Mar 1, 00:00"]);
        let revoke = format!("{path}/{}/revoke", id_after(&page, "/staff/reaper/exemptions/"));
        assert_eq!(scene.ta.post(&revoke, &[]).await.status(), StatusCode::SEE_OTHER);
        text(scene.ta.post(&revoke, &[]).await, StatusCode::CONFLICT).await;
        has(&scene.reads(path).await, &["Nothing is exempt."]);
        has(&scene.reads("/staff/reaper/exemptions?past=yes").await, &["taken back by ta77, today 09:10"]);
    }

    async fn a_student_takes_back_what_is_theirs_and_nothing_else(backend: Backend) {
        let scene = Scene::set(backend).await;
        let before = text(scene.student.get("/me").await, StatusCode::OK).await;
        assert!(!before.contains("Made by hand"), "{before}");
        let marks = mark(&scene.world, &[("mine-ff524", Some("ff524")), ("hers-gg7", Some("gg7")), ("other", None)]).await;
        swept(&scene.world, &waits(&scene.world, &marks), Vec::new()).await;
        let page = text(scene.student.get("/").await, StatusCode::OK).await;
        has(&page, &["The reaper has marked 1 server of yours: it is stopped today 11:10.", "/me#by-hand"]);
        let page = text(scene.student.get("/me").await, StatusCode::OK).await;
        has(&page, &["Made by hand", "server mine-ff524", "KVM@TACC", "stopped", "today 11:10", "in 2 h", "the lab allows 8 h."]);
        assert!(!page.contains("hers-gg7") && !page.contains("server other") && !page.contains("Exempt"), "{page}");

        for not_mine in ["hers-gg7", "other", "nothing"] {
            let page = text(restore(&scene.student, "/me/restore", not_mine).await, StatusCode::NOT_FOUND).await;
            has(&page, &["There is no such page", "or to something that is not yours"]);
        }
        let forged = scene.student.with_token("another");
        text(restore(&forged, "/me/restore", "mine-ff524").await, StatusCode::FORBIDDEN).await;
        let done = restore(&scene.student, "/me/restore", "mine-ff524").await;
        assert_eq!((done.status(), &done.headers()["location"]), (StatusCode::SEE_OTHER, &"/me".parse().unwrap()));
        let page = text(scene.student.get("/me").await, StatusCode::OK).await;
        has(&page, &["It was taken back, and is left alone until today 17:10.", "left alone"]);
        assert!(!page.contains("/me/restore"), "{page}");
        let again = text(restore(&scene.student, "/me/restore", "mine-ff524").await, StatusCode::CONFLICT).await;
        has(&again, &["it was taken back before, and is left alone until Sat Feb 8, 17:10"]);

        let page = scene.reads("/staff/reaper").await;
        assert!(!page.contains("mine-ff524"), "what was taken back does not come any more: {page}");
        has(&page, &["2 servers are stopped today 11:10", "hers-gg7"]);
        assert_eq!(restore(&scene.ta, "/staff/reaper/restore", "hers-gg7").await.status(), StatusCode::SEE_OTHER);
    }

    async fn a_pause_is_told_to_those_whose_things_are_marked(backend: Backend) {
        let scene = Scene::set(backend).await;
        mark(&scene.world, &[("mine-ff524", Some("ff524"))]).await;
        assert_eq!(scene.ta.post("/staff/reaper/pauses", &[("site", "kvm-tacc"), ("reason", "why not")]).await.status(), StatusCode::SEE_OTHER);
        let page = text(scene.student.get("/me").await, StatusCode::OK).await;
        has(&page, &["Staff have paused the reaper: nothing happens to it until they resume it."]);
        assert!(!page.contains("why not"), "what staff tell each other is theirs");
    }

    async fn sweeps_are_kept_with_their_acts(backend: Backend) {
        let scene = Scene::set(backend).await;
        let (world, mut last) = (&scene.world, None);
        for number in 0..52 {
            world.clock.advance(TimeDelta::minutes(1));
            last = Some(swept(world, &nothing(world), vec![deleted(world, &format!("s{number}"), number == 51)]).await);
            swept(world, &nothing(world), Vec::new()).await;
        }
        let page = scene.reads("/staff/reaper/sweeps").await;
        has(&page, &["1 act", "1 failed", "today 10:02"]);
        assert_eq!(page.matches("/staff/reaper/sweeps/").count(), 50, "those that did nothing are left out");
        let older = page.split("/staff/reaper/sweeps?before=").nth(1).unwrap().split('"').next().unwrap();
        let older = scene.reads(&format!("/staff/reaper/sweeps?before={older}")).await;
        assert_eq!(older.matches("/staff/reaper/sweeps/").count(), 2, "{older}");
        let page = scene.reads(&format!("/staff/reaper/sweeps/{}", last.unwrap())).await;
        has(&page, &["1 of 1 act failed.", "today 10:02", "Delete server s51 at kvm-tacc", "failed: 503 from inside", "40 objects in 1.2 s"]);
        text(scene.ta.get("/staff/reaper/sweeps/0123456789ab").await, StatusCode::NOT_FOUND).await;

        // 51 deletions of an hour and a half and 2.5 SU each.
        has(&scene.reads("/staff/reaper").await, &["51 deletions", "76.5 h", "127.5 SU"]);
        world.clock.advance(TimeDelta::days(8));
        let ta = Visitor::sign_in(&client(), &scene.served.url, "ta77").await;
        let page = text(ta.get("/staff/reaper").await, StatusCode::OK).await;
        let week = page.split("Last 7 days").nth(1).unwrap().split("</tr>").next().unwrap();
        has(week, &["0 deletions", "0 h", "0 SU"]);
    }

    async fn long_lists_have_pages(backend: Backend) {
        let scene = Scene::set(backend).await;
        let many: Vec<_> = (0..120).map(|number| reported(&format!("s{number:03}"))).collect();
        swept(&scene.world, &Plan { reported: many, ..nothing(&scene.world) }, Vec::new()).await;
        let page = scene.reads("/staff/reaper").await;
        has(&page, &["120 things are nobody&#39;s", "server s009", "All 120", "/staff/reaper/plan/reported"]);
        assert!(!page.contains("server s010"), "{page}");
        let page = scene.reads("/staff/reaper/plan/reported?page=2").await;
        has(&page, &["server s050", "server s099", "here are 51 to 100", "plan/reported?page=1", "plan/reported?page=3"]);
        assert!(!page.contains("server s049") && !page.contains("server s100"), "{page}");
        for nowhere in ["/staff/reaper/plan/reported?page=4", "/staff/reaper/plan/others"] {
            text(scene.ta.get(nowhere).await, StatusCode::NOT_FOUND).await;
        }
    }

    async fn a_look_shows_what_a_sweep_would_do_and_changes_nothing(backend: Backend) {
        let scene = Scene::set(backend).await;
        let student = scene.world.student("ff524").await;
        let made = scene.world.book(&student, crate::world::slot("2025-02-08T09:30", "2025-02-08T11:30")).await;
        scene.world.work_until(&student, &made.id, "active").await;
        let held = scene.world.held().len();
        scene.world.clock.advance(TimeDelta::hours(4));
        let page = text(scene.ta.post("/staff/reaper/look", &[]).await, StatusCode::OK).await;
        has(&page, &["A sweep would do 1 thing now.", "nothing was changed", &format!("End booking {} of ff524 (k8s)", made.id), "past_end"]);
        assert_eq!(scene.world.state(&student, &made.id).await.word(), "active");
        assert_eq!(scene.world.held().len(), held);
        has(&scene.reads("/staff/reaper").await, &["No sweep has run yet."]);
    }

    async fn for_students_there_are_no_such_pages(backend: Backend) {
        let scene = Scene::set(backend).await;
        mark(&scene.world, &[("mine-ff524", Some("ff524"))]).await;
        let nobody = Visitor::anonymous(&scene.served.url);
        let code = "0123456789ab";
        for path in ["/staff/reaper".to_owned(), "/staff/reaper/exemptions".to_owned(), "/staff/reaper/sweeps".to_owned(),
            "/staff/reaper/plan/coming".to_owned(), format!("/staff/reaper/sweeps/{code}")] {
            text(scene.student.get(&path).await, StatusCode::NOT_FOUND).await;
            assert_eq!(nobody.get(&path).await.status(), StatusCode::SEE_OTHER, "{path}");
        }
        for path in ["/staff/reaper/look".to_owned(), "/staff/reaper/pauses".to_owned(), format!("/staff/reaper/pauses/{code}/end"),
            "/staff/reaper/exemptions".to_owned(), format!("/staff/reaper/exemptions/{code}/revoke"), "/staff/reaper/restore".to_owned()] {
            let form = [("reason", "x"), ("what", "person"), ("value", "ff524"), ("until", "2025-03-01T00:00"),
                ("site", "kvm-tacc"), ("kind", "server"), ("id", "id-of-mine-ff524")];
            text(scene.student.post(&path, &form).await, StatusCode::NOT_FOUND).await;
            assert_eq!(nobody.post(&path, &form).await.status(), StatusCode::SEE_OTHER, "{path}");
            text(scene.ta.with_token("another").post(&path, &form).await, StatusCode::FORBIDDEN).await;
        }
        let home = text(scene.student.get("/").await, StatusCode::OK).await;
        assert!(!home.contains("/staff/reaper"), "{home}");
        has(&scene.reads("/").await, &["/staff/reaper"]);
    }

    async fn programs_ask_and_say_the_same(backend: Backend) {
        let scene = Scene::set(backend).await;
        let api = |path: &str| format!("/api/v1/reaper/{path}");
        let marks = mark(&scene.world, &[("mine-ff524", Some("ff524")), ("hers-gg7", Some("gg7"))]).await;
        swept(&scene.world, &waits(&scene.world, &marks), Vec::new()).await;
        let own: Value = scene.student.get(&api("marks")).await.json().await.unwrap();
        assert_eq!(own["marks"].as_array().unwrap().len(), 1, "{own}");
        let next = json!({"step": "stop", "at": "2025-02-08T11:10:00-05:00"});
        assert_eq!((&own["marks"][0]["name"], &own["marks"][0]["next"]), (&json!("mine-ff524"), &next));
        let all: Value = scene.ta.get(&api("marks")).await.json().await.unwrap();
        assert_eq!(all["marks"].as_array().unwrap().len(), 2, "{all}");

        let name = |name: &str| json!({"site": "kvm-tacc", "kind": "server", "id": format!("id-of-{name}")});
        let restore = api("marks/restore");
        for (who, body, status) in [
            (&scene.student, name("hers-gg7"), StatusCode::NOT_FOUND),
            (&scene.student.with_token("another"), name("mine-ff524"), StatusCode::FORBIDDEN),
            (&scene.student, name("mine-ff524"), StatusCode::OK),
            (&scene.student, name("mine-ff524"), StatusCode::CONFLICT),
            (&scene.ta, name("hers-gg7"), StatusCode::OK),
        ] {
            text(who.post_json(&restore, &body).await, status).await;
        }

        let plan: Value = scene.ta.get(&api("plan")).await.json().await.unwrap();
        assert_eq!((&plan["sweep"]["waiting"], &plan["plan"]["waiting"][0]["next"]), (&json!(2), &json!("stop")));
        let pause = api("pause");
        text(scene.ta.post_json(&pause, &json!({})).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        text(scene.ta.post_json(&pause, &json!({"reason": "moving"})).await, StatusCode::CREATED).await;
        text(scene.ta.post_json(&pause, &json!({"reason": "moving", "site": "kvm-tacc"})).await, StatusCode::CONFLICT).await;
        text(scene.ta.post_json(&api("resume"), &json!({})).await, StatusCode::OK).await;
        text(scene.ta.post_json(&api("resume"), &json!({})).await, StatusCode::CONFLICT).await;

        let exemptions = api("exemptions");
        let wanted = |until: &str| json!({"what": {"names_from": "class-"}, "reason": "shown", "until": until});
        let page = text(scene.ta.post_json(&exemptions, &wanted("2025-02-01T00:00:00Z")).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        has(&page, &["\"field\":\"until\"", "which is over."]);
        let made = text(scene.ta.post_json(&exemptions, &wanted("2025-03-01T00:00:00Z")).await, StatusCode::CREATED).await;
        let made: Value = serde_json::from_str(&made).unwrap();
        let held: Value = scene.ta.get(&exemptions).await.json().await.unwrap();
        assert_eq!(held["exemptions"], json!([made]));
        let one = format!("{exemptions}/{}", made["id"].as_str().unwrap());
        text(scene.ta.delete(&one).await, StatusCode::NO_CONTENT).await;
        text(scene.ta.delete(&one).await, StatusCode::NOT_FOUND).await;

        for path in ["plan", "exemptions"] {
            text(scene.student.get(&api(path)).await, StatusCode::NOT_FOUND).await;
        }
        for path in ["pause", "resume", "exemptions"] {
            let body = wanted("2025-03-01T00:00:00Z");
            text(scene.student.post_json(&api(path), &body).await, StatusCode::NOT_FOUND).await;
            text(scene.ta.with_token("another").post_json(&api(path), &body).await, StatusCode::FORBIDDEN).await;
        }
        let nobody = Visitor::anonymous(&scene.served.url);
        text(nobody.get(&api("marks")).await, StatusCode::UNAUTHORIZED).await;
    }
}
