//! The bookings of a team: its members see each other's, staff see all, and each changes their own.

use chrono::TimeDelta;
use fairlease::cloud::simulated::Profile;
use fairlease::db::{self, DbError, Dropped};
use fairlease::domain::person::Person;
use fairlease::services::booking;
use fairlease::services::shares::{self, Change, Placing};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::sites::staff;
use crate::world::served::{Credential, Served, serve};
use crate::world::{World, course, on_both_databases, slot, ta};

async fn place(world: &World, person: &Person, section: Option<&str>, team: &str) {
    let placing = Placing {
        net_id: person.net_id.clone(),
        section: section.map_or(Change::None, |name| Change::To(name.to_owned())),
        team: Change::To(team.to_owned()),
        shares: None,
    };
    shares::place(&world.app, &ta(), placing).await.unwrap();
}

async fn text(served: &Served, who: &Credential, path: &str) -> String {
    let response = served.request(who, Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

async fn person(world: &World, net_id: &str) -> Person {
    let net_id = net_id.parse().unwrap();
    let read = move |conn: &mut db::Conn<'_>| db::person_by_net_id(conn, &net_id);
    world.app.db.read::<_, DbError, _>("person", read).await.unwrap().unwrap()
}

/// What is in the part of the page that has this id.
fn part<'a>(page: &'a str, begins: &str, ends: &str) -> &'a str {
    page.split_once(begins).map_or("", |(_, rest)| rest.split(ends).next().unwrap_or_default())
}

on_both_databases! {
    async fn who_is_of_the_team_or_runs_the_course_sees_a_booking_and_nothing_to_press(backend: Backend) {
        let slow = Profile { boot: TimeDelta::seconds(8), ..Profile::instant() };
        let world = World::with(backend, course(&[]), slow).await;
        let (owner, mate) = (world.student("ff524").await, world.student("gg222").await);
        let other = world.student("hh333").await;
        staff(&world, "ta77").await;
        for person in [&owner, &mate] {
            place(&world, person, Some("a"), "red").await;
        }
        place(&world, &other, Some("a"), "blue").await;
        let served = serve(&world);
        let mate = world.session_of(&mate.id).await;
        let assistant = world.session_of(&person(&world, "ta77").await.id).await;
        let stranger = world.session_of(&other.id).await;
        let booking = world.book(&owner, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let path = format!("/bookings/{}", booking.id);
        let readers = [(&mate, "you are in their team"), (&assistant, "you run the course")];
        for state in ["held", "booked", "preparing", "active", "releasing", "ended"] {
            if state == "releasing" {
                booking::release(&world.app, owner.clone(), booking.id.clone()).await.unwrap();
            }
            world.work_until(&owner, &booking.id, state).await;
            for (who, because) in readers {
                let page = text(&served, who, &path).await;
                let says = format!("ff524&#39;s booking. You see it because {because}; only they can change it.");
                assert!(page.contains(&says), "{state}: {page}");
                let timeline = part(&page, "id=\"timeline\"", "class=\"after-links\"").to_lowercase();
                assert!(timeline.contains("class=\"timeline\""), "{state}: {page}");
                for wrong in ["<form", "your", "yours", " you ", "you.", "/move\"", "calendar.ics"] {
                    assert!(!timeline.contains(wrong), "{state}: {wrong}: {timeline}");
                }
                assert!(!page.contains("calendar.ics"), "{state}");
                assert_eq!(page.contains("id=\"ssh\""), state == "active", "{state}");
                let json: Value = serde_json::from_str(&text(&served, who, &format!("/api/v1{path}")).await).unwrap();
                assert_eq!(json["of"], "ff524", "{json}");
            }
        }
        for page in [path.clone(), format!("{path}/events"), format!("/api/v1{path}")] {
            let refused = served.request(&stranger, Method::GET, &page).send().await.unwrap();
            assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{page}");
        }
        let own = world.session_of(&owner.id).await;
        let json: Value = serde_json::from_str(&text(&served, &own, &format!("/api/v1{path}")).await).unwrap();
        assert_eq!(json.get("of"), None, "{json}");
        for who in [&mate, &assistant] {
            for page in [format!("{path}/calendar.ics"), format!("{path}/move")] {
                let refused = served.request(who, Method::GET, &page).send().await.unwrap();
                assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{page}");
            }
        }
    }

    async fn that_others_look_does_not_count_as_use(backend: Backend) {
        let world = World::new(backend).await;
        let (owner, mate) = (world.student("ff524").await, world.student("gg222").await);
        for person in [&owner, &mate] {
            place(&world, person, None, "red").await;
        }
        let served = serve(&world);
        let booking = world.book(&owner, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&owner, &booking.id, "active").await;
        let path = format!("/bookings/{}", booking.id);
        let opened = async || world.view(&owner, &booking.id).await.usage.unwrap().opened;
        text(&served, &world.session_of(&mate.id).await, &path).await;
        assert!(!opened().await);
        text(&served, &world.session_of(&owner.id).await, &path).await;
        assert!(opened().await);
    }

    async fn my_labs_has_what_the_team_has_booked(backend: Backend) {
        let world = World::new(backend).await;
        let (me, mate) = (world.student("ff524").await, world.student("gg222").await);
        let (left, namesake) = (world.student("hh444").await, world.student("ii555").await);
        let served = serve(&world);
        let session = world.session_of(&me.id).await;
        assert!(!text(&served, &session, "/").await.contains("Your team&#39;s bookings"));
        assert!(!text(&served, &session, "/").await.contains("team-title"), "who is in no team has no such part");
        for person in [&me, &mate, &left] {
            place(&world, person, Some("a"), "red").await;
        }
        place(&world, &namesake, Some("b"), "red").await;
        let mut ids = Vec::new();
        for (person, day) in [(&mate, "10"), (&left, "10"), (&namesake, "11"), (&me, "12")] {
            let day = format!("2025-02-{day}");
            ids.push(world.book(person, slot(&format!("{day}T10:00"), &format!("{day}T14:00"))).await.id);
        }
        let gone = left.id.clone();
        let dropped = Dropped { at: world.app.now(), bookings_end_at: None };
        let write = move |conn: &mut db::Conn<'_>| db::set_dropped(conn, &gone, Some(dropped));
        world.app.db.write::<_, DbError, _>("drop", write).await.unwrap();
        let page = text(&served, &session, "/").await;
        let team = part(&page, "id=\"team-title\"", "</section>");
        let has: Vec<_> = ids.iter().map(|id| team.contains(&format!("/bookings/{id}\""))).collect();
        assert_eq!(has, [true, false, false, false], "{page}");
        assert!(team.contains("<strong>gg222</strong>"), "{team}");
        booking::release(&world.app, mate.clone(), ids[0].clone()).await.unwrap();
        assert!(!text(&served, &session, "/").await.contains("team-title"), "what is given back is not ahead");
    }
}
