//! The reaper against the simulated cloud: what is over ends, what nobody owns goes, everything else stays.

use chrono::TimeDelta;
use fairlease::cloud::simulated::{Fault, Faults, Object, Profile};
use fairlease::config::course_file::CourseFile;
use fairlease::domain::blueprint::Kind;
use fairlease::domain::booking::EndReason;
use fairlease::domain::fitness::SiteService;
use fairlease::domain::ids::{BookingId, InstanceId};
use fairlease::domain::resource::Mark;
use fairlease::domain::survey::Belongs;
use fairlease::policy::reaping::Action;
use fairlease::services::{courses, reaping};

use crate::world::{EXAMPLE, World, local, on_both_databases, slot};

/// Names of what a plan would delete, in order.
fn doomed(actions: &[Action]) -> Vec<String> {
    actions
        .iter()
        .map(|action| match action {
            Action::EndBooking { booking, .. } => booking.to_string(),
            Action::DeleteOrphan { name, .. } => name.clone(),
            other => panic!("{other:?} is about nothing of ours"),
        })
        .collect()
}

on_both_databases! {
    async fn orphans_of_ours_go_and_what_is_not_ours_stays(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "active").await;
        let server = world.held().into_values().find(|object| object.name.starts_with("node1--")).unwrap();
        let put = |instance: &InstanceId, booking: u64| {
            let mark = Mark { instance: instance.clone(), booking: BookingId::from_bits(booking), key: "node9".parse().unwrap() };
            let name = mark.name("k8s-ff524");
            let mut object = server.clone();
            object.site_ref.clone_from(&name);
            object.name.clone_from(&name);
            world.cloud.put(&object).unwrap();
            name
        };
        let orphan = put(&world.app.instance, 4242);
        let others = put(&InstanceId::from_bits(99), 4242);
        let mut by_hand = server.clone();
        by_hand.name = "node1-cloud-ff524".into();
        by_hand.site_ref = "by-hand".into();
        world.cloud.put(&by_hand).unwrap();

        assert!(reaping::observe(&world.app).await.unwrap().actions.is_empty(), "too young to judge");
        world.clock.advance(TimeDelta::minutes(6));
        let dry = reaping::observe(&world.app).await.unwrap();
        assert_eq!(doomed(&dry.actions), std::slice::from_ref(&orphan));
        let (plan, done) = reaping::sweep(&world.app).await.unwrap();
        assert_eq!(plan, dry, "the dry run and the real run are one plan");
        assert_eq!(done[0].outcome, "gone");
        let held = world.held();
        assert!(!held.contains_key(&orphan));
        assert!(held.contains_key(&others) && held.contains_key("node1-cloud-ff524"));
        assert_eq!(held.len(), 12, "the booking's ten objects are untouched");
    }

    async fn what_people_made_by_hand_is_reported_and_stays(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        let made_at = local("2025-02-07T20:00");
        let server = |site_ref: &str, name: &str| Object::by_hand(Kind::Server, site_ref, name, made_at);
        let mut others = server("theirs", "node2-cloud-ff524");
        others.survey.belongs = Belongs::Others;
        for object in [server("hers", "node1-cloud-ff524"), server("course", "node1-project0"), others] {
            world.cloud.put(&object).unwrap();
        }
        let (plan, done) = reaping::sweep(&world.app).await.unwrap();
        assert_eq!((done, &plan.skipped[..]), (vec![], &[][..]));
        let told = serde_json::to_value(&plan).unwrap();
        let reported = told["reported"].as_array().unwrap();
        let hers = |it: &&serde_json::Value| it["target"]["site_ref"] == "hers";
        let hers = reported.iter().find(hers).unwrap_or_else(|| panic!("{told}"));
        assert_eq!((&hers["net_id"], &hers["target"]["kind"]), (&"ff524".into(), &"server".into()), "{hers}");
        assert!(reported.iter().all(|it| it["target"]["site_ref"] == "hers"), "{reported:?}");
        assert_eq!(world.held().len(), 3);
    }

    async fn what_no_sweep_carries_out_is_not_taken(backend: Backend) {
        let world = World::new(backend).await;
        for (table, key) in [("by_hand = \"delete\"", "reaper.by_hand")] {
            let text = format!("{EXAMPLE}\n[reaper]\n{table}\n");
            let asked = CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap();
            let now = local("2025-02-08T09:10");
            let refused = world.app.db.write("apply", move |conn| courses::apply(conn, &asked, now)).await.unwrap_err();
            assert!(refused.to_string().starts_with(&format!("{key}: sweeps only report so far")), "{refused}");
        }
    }

    async fn a_booking_that_was_never_ready_has_failed_and_counts_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.clock.set(local("2025-02-08T12:00"));
        reaping::sweep(&world.app).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        let booking = world.view(&student, &made.id).await.booking;
        assert_eq!(booking.state.reason(), Some(EndReason::Failed));
        assert_eq!(booking.charged(), None);
        assert_eq!(booking.trouble.as_deref(), Some("It was not ready before its time was over."));
        assert!(world.subjects().iter().any(|subject| subject.starts_with("Could not be provided: ")));
    }

    async fn an_extended_booking_is_not_ended_by_an_old_plan(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "active").await;
        let id = made.id.clone();
        world.clock.set(local("2025-02-08T11:59"));
        world.end_at(&student, &id, local("2025-02-08T13:00")).await.unwrap();
        world.clock.set(local("2025-02-08T12:00"));
        let plan = reaping::observe(&world.app).await.unwrap();
        assert_eq!(doomed(&plan.actions), [id.to_string()], "the site has not agreed yet");
        world.work().await;
        let done = reaping::carry_out(&world.app, &plan).await;
        assert!(done[0].outcome.starts_with("left alone"), "{done:?}");
        assert_eq!(world.state(&student, &id).await.word(), "active");
    }

    async fn two_sweeps_at_once_end_a_booking_once(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "active").await;
        world.clock.set(local("2025-02-08T12:00"));
        let (one, two) = tokio::join!(reaping::sweep(&world.app), reaping::sweep(&world.app));
        let outcomes = [one.unwrap().1, two.unwrap().1].concat();
        let ended = outcomes.iter().filter(|done| done.outcome.starts_with("its resources")).count();
        assert_eq!(ended, 1, "{outcomes:?}");
        world.work_until(&student, &made.id, "ended").await;
        assert!(world.held().is_empty());
        let told = world.subjects().iter().filter(|subject| subject.starts_with("Ended")).count();
        assert_eq!(told, 1);
    }

    async fn a_site_that_does_not_list_is_skipped_and_said_so(backend: Backend) {
        let world = World::new(backend).await;
        let failing = Fault::Refuse(fairlease::cloud::port::CloudError::Permanent("500".into()));
        let faulty = world.with_faults(Profile::instant(), Faults::at(0, failing), 2);
        let plan = reaping::observe(&faulty.app).await.unwrap();
        assert_eq!((plan.actions.len(), plan.skipped.len()), (0, 1));
        assert!(plan.skipped[0].reason.contains("the listing failed"));
    }

    async fn a_site_that_hides_what_labs_use_is_skipped_and_said_so(backend: Backend) {
        let world = World::new(backend).await;
        world.cloud.faults().hide([SiteService::Block, SiteService::Container]);
        let plan = reaping::observe(&world.app).await.unwrap();
        assert_eq!(plan.skipped, [], "no lab has volumes or containers");
        world.cloud.faults().hide([SiteService::Network]);
        let plan = reaping::observe(&world.app).await.unwrap();
        assert_eq!((plan.actions.len(), plan.skipped.len()), (0, 1));
        assert!(plan.skipped[0].reason.contains("no service for networks (Neutron)"), "{:?}", plan.skipped);
    }
}
