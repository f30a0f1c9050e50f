//! What people and programs are told of sites: pages, API and metrics, by whole requests.

use chrono::TimeDelta;
use fairlease::cloud::port::CloudError;
use fairlease::cloud::simulated::{Fault, Profile};
use fairlease::db::DbError;
use fairlease::domain::person::Role;
use fairlease::services::{health, people};
use reqwest::StatusCode;
use serde_json::Value;

use crate::health::two_sites;
use crate::support::course::Course;
use crate::support::demo::Setup;
use crate::support::until;
use crate::support::visitor::{Visitor, client};
use crate::world::{World, on_both_databases, slot};

pub(crate) use crate::world::served::{Served, serve};

pub(crate) async fn staff(world: &World, net_id: &str) {
    let (app, net_id) = (world.app.clone(), net_id.parse().unwrap());
    world
        .app
        .db
        .write::<_, DbError, _>("staff", move |conn| {
            people::ensure_person(&app, conn, &net_id, "A teaching assistant", Role::Assistant)
        })
        .await
        .unwrap();
}

/// The first site fails for three minutes, and is looked at all the while.
pub(crate) async fn goes_down(world: &World) {
    world.cloud.faults().suffer(Some(Fault::Refuse(CloudError::Transient {
        message: "503 from inside".into(),
        retry_after: None,
    })));
    for _ in 0..6 {
        health::look(&world.app).await.unwrap();
        world.clock.advance(TimeDelta::seconds(30));
    }
}

async fn text(visitor: &Visitor, path: &str) -> String {
    let response = visitor.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

on_both_databases! {
    async fn everyone_reads_how_sites_do_and_staff_see_figures(backend: Backend) {
        let world = World::with(backend, two_sites(), Profile::instant()).await;
        staff(&world, "ta77").await;
        let served = serve(&world);
        let student = Visitor::sign_in(&client(), &served.url, "ff524").await;
        let assistant = Visitor::sign_in(&client(), &served.url, "ta77").await;
        assert!(text(&student, "/sites").await.contains("No site was looked at yet."));
        let person = world.student("ff524").await;
        let made = world.book(&person, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let booking = format!("/bookings/{}", made.id);
        assert!(!text(&student, &booking).await.contains("does not answer"));
        goes_down(&world).await;

        let says = "KVM@TACC does not answer since 09:10";
        for (path, what) in [
            ("/sites", "Bookings here wait, and go on as soon as it answers."),
            ("/labs/k8s", "what you book is made as soon as it does."),
            (booking.as_str(), "Your booking is kept, and goes on by itself once the site is back."),
        ] {
            let page = text(&student, path).await;
            assert!(page.contains(says) && page.contains(what), "{path}: {page}");
            assert!(!page.contains("503 from inside") && !page.contains("on average"), "{path}: for staff only");
        }
        let page = text(&assistant, "/sites").await;
        for part in ["503 from inside", "6 calls in the last hour took 0.00 s on average", "1 booking has something to do here, the first for 3 min; 1 has waited for more than a minute.", "CHI@UC", "<svg"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!text(&student, "/labs/gpu").await.contains("does not answer"), "the other site has no trouble");

        let json: Value = student.get("/api/v1/sites").await.json().await.unwrap();
        let sites = json["sites"].as_array().unwrap();
        assert_eq!((&sites[0]["id"], &sites[0]["state"]), (&"chi-uc".into(), &"unknown".into()));
        assert_eq!((&sites[1]["state"], &sites[1]["since"]), (&"down".into(), &"2025-02-08T09:10:00-05:00".into()));
        assert_eq!((&sites[1]["last_ok"], sites[1].get("last_fault")), (&Value::Null, None));
        let json: Value = assistant.get("/api/v1/sites").await.json().await.unwrap();
        assert_eq!(json["sites"][1]["last_fault"]["class"], "transient");
        let nobody = Visitor::anonymous(&served.url);
        assert_eq!(nobody.get("/sites").await.status(), StatusCode::SEE_OTHER);
        assert_eq!(nobody.get("/api/v1/sites").await.status(), StatusCode::UNAUTHORIZED);
    }

    async fn a_booking_says_what_becomes_of_it_while_its_site_is_down(backend: Backend) {
        let slow = Profile { boot: TimeDelta::minutes(30), ..Profile::instant() };
        let world = World::with(backend, two_sites(), slow).await;
        let served = serve(&world);
        let (one, two) = (world.student("ff524").await, world.student("gg10").await);
        let preparing = world.book(&one, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&one, &preparing.id, "preparing").await;
        let booked = world.book(&one, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work_until(&one, &booked.id, "booked").await;
        let held = world.book(&two, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let first = Visitor::sign_in(&client(), &served.url, "ff524").await;
        let second = Visitor::sign_in(&client(), &served.url, "gg10").await;
        let page = text(&second, &format!("/bookings/{}", held.id)).await;
        assert!(page.contains("This takes a few seconds."), "{page}");
        goes_down(&world).await;

        let kept = "Your booking is kept, and goes on by itself once the site is back.";
        let free = "You can cancel it, which costs you nothing.";
        for (visitor, booking, words) in [
            (&second, &held, ["Your place is not reserved yet.", "servers for you once it is back", free]),
            (&first, &booked, ["It is yours", "Preparing begins Mon Feb 10, 09:30", free]),
            (&first, &preparing, ["Preparing rests: ", "made once KVM@TACC is back", "If you release it before today 09:30, it costs you nothing."]),
        ] {
            let page = text(visitor, &format!("/bookings/{}", booking.id)).await;
            for words in words.iter().chain(&["KVM@TACC does not answer since", kept]) {
                assert!(page.contains(words), "{words}: {page}");
            }
            for wrong in ["a few seconds", "Trying again", "is being reserved", "being prepared"] {
                assert!(!page.contains(wrong), "{wrong}: {page}");
            }
        }
        world.clock.advance(TimeDelta::minutes(30));
        let page = text(&first, &format!("/bookings/{}", preparing.id)).await;
        assert!(page.contains("If you release it, what counts is the time since today 09:30."), "{page}");
    }

    async fn metrics_tell_what_is_stored_and_what_was_seen(backend: Backend) {
        let world = World::with(backend, two_sites(), Profile::instant()).await;
        let served = serve(&world);
        let person = world.student("ff524").await;
        world.book(&person, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        goes_down(&world).await;
        let student = Visitor::sign_in(&client(), &served.url, "ff524").await;
        for path in ["/labs/k8s", "/labs/gpu", "/nowhere/at/all"] {
            student.get(path).await;
        }
        let http = Visitor::anonymous(&served.metrics);
        let metrics = text(&http, "/metrics").await;
        for line in [
            "fairlease_bookings{state=\"held\"} 1",
            "fairlease_bookings_due{site=\"chi-uc\"} 0",
            "fairlease_bookings_due{site=\"kvm-tacc\"} 1",
            "fairlease_bookings_overdue{site=\"kvm-tacc\"} 1",
            "fairlease_bookings_due_oldest_seconds{site=\"kvm-tacc\"} 180",
            "fairlease_site_condition{condition=\"down\",site=\"kvm-tacc\"} 1",
            "fairlease_site_condition{condition=\"up\",site=\"kvm-tacc\"} 0",
            "fairlease_cloud_call_seconds_count{operation=\"health\",outcome=\"transient\",site=\"kvm-tacc\"} 6",
            "fairlease_http_request_seconds_count{method=\"GET\",route=\"/labs/{lab}\",status=\"200\"} 2",
            "fairlease_http_request_seconds_count{method=\"GET\",route=\"other\",status=\"404\"} 1",
            "fairlease_outbox_waiting 0",
        ] {
            assert!(metrics.lines().any(|it| it == line), "{line}:\n{metrics}");
        }
        assert!(!metrics.contains("ff524") && !metrics.contains("nowhere"), "nobody's name, no path");
        assert_eq!(student.get("/metrics").await.status(), StatusCode::NOT_FOUND, "not among the pages");
        assert_eq!(text(&http, "/health/ready").await, "ready\n");
    }
}

#[tokio::test]
async fn a_process_serves_metrics_where_it_is_told_to() {
    let demo = Setup::of(Course::example()).with_metrics().start().await;
    let metrics = Visitor::anonymous(&demo.metrics_url().await);
    let looked = until(async || {
        let text = metrics.get("/metrics").await.text().await.unwrap();
        let seen = text.contains("fairlease_site_condition{condition=\"up\",site=\"kvm-tacc\"} 1")
            && text.contains("fairlease_job_runs_total{job=\"look\",outcome=\"ok\"}")
            && text.contains("fairlease_cloud_call_seconds_bucket{operation=\"health\",outcome=\"ok\"");
        seen.then_some(text)
    });
    let text = looked.await.expect("the site is looked at when the worker starts");
    assert!(text.contains("# TYPE fairlease_cloud_call_seconds histogram"), "{text}");
}
