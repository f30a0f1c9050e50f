//! Bookings, and objects of ours.

use super::*;

pub(super) fn orphan(booking: u64, created: Option<DateTime<Utc>>) -> Found {
    let mark =
        Mark { instance: instance(), booking: BookingId::from_bits(booking), key: "node1".parse().unwrap() };
    let name = mark.name("k8s-ff524");
    Found {
        mark: Some(mark),
        created_at: created,
        survey: Survey::default(),
        ..made(Kind::Server, &name, local("2025-02-01T10:00"))
    }
}

#[test]
fn only_marked_old_objects_without_a_booking_are_deleted_as_ours() {
    let scene = |found| {
        let mut scene = Scene::new("2025-02-08T10:00", vec![found]);
        scene.standing.insert(BookingId::from_bits(1), Standing::InHand);
        scene.standing.insert(BookingId::from_bits(2), Standing::Ended);
        scene.policy = ReaperPolicy::default();
        scene
    };
    let deleted = |found| scene(found).does().len();
    let old = Some(local("2025-02-08T08:00"));
    assert_eq!(deleted(orphan(1, old)), 0, "its booking is in hand");
    assert_eq!(deleted(orphan(2, old)), 1, "its booking has ended");
    assert_eq!(deleted(orphan(3, old)), 1, "its booking is unknown");
    assert_eq!(deleted(orphan(3, None)), 1, "of unknown age");
    assert_eq!(deleted(orphan(3, Some(local("2025-02-08T09:56")))), 0, "young");
    assert_eq!(deleted(Found { mark: None, ..orphan(3, old) }), 0, "not ours");
    let mut others = orphan(3, old);
    others.survey.belongs = Belongs::Others;
    assert_eq!(deleted(others), 0);
    let mut exempt = scene(orphan(3, old));
    exempt.exemptions = vec![exemption(Exempt::NamesFrom("node1--".into()), "2026-01-01T00:00")];
    assert_eq!((exempt.does().len(), exempt.plan().kept.len()), (0, 1));
}

pub(super) fn booking(end: &str, activity: Option<Activity>) -> LiveBooking {
    LiveBooking {
        id: BookingId::from_bits(5),
        net_id: "ff524".parse().unwrap(),
        lab: "k8s".parse().unwrap(),
        slot: Interval::new(local("2025-02-08T10:00"), local(end)).unwrap(),
        activity,
    }
}

#[test]
fn bookings_end_at_their_end_and_not_before() {
    let mut scene = Scene::new("2025-02-08T12:00", Vec::new());
    scene.live = vec![booking("2025-02-08T12:00", None)];
    let Action::EndBooking { reason, .. } = scene.plan().actions.remove(0) else { panic!() };
    assert_eq!(reason, "its time was over at Sat Feb 8, 12:00, 0 s ago");
    assert_eq!(scene.at("2025-02-08T12:01").does().len(), 1);
    assert_eq!(scene.at("2025-02-08T11:59").does(), Vec::<String>::new());
}

/// Case 14, of the reaper: what counts is our own warning. It goes out once, and the release waits for it.
#[test]
fn case_14_a_no_show_is_warned_by_us_and_then_released() {
    let mut scene = Scene::new("2025-02-08T10:29", Vec::new());
    let activity = Activity {
        site: site(),
        since: local("2025-02-08T09:50"),
        server_ran: true,
        opened: false,
        warned_at: None,
    };
    scene.live = vec![booking("2025-02-08T18:00", Some(activity))];
    assert_eq!(scene.at("2025-02-08T17:00").does(), Vec::<String>::new(), "staff have not asked for it");
    let rule = |signal| Some(NoShowRule { minutes: 30, grace_minutes: 15, signal });
    scene.policy.no_show = rule(NoShowSignal::NoServer);
    assert_eq!(scene.does(), Vec::<String>::new(), "its servers ran");
    scene.policy.no_show = rule(NoShowSignal::NotOpened);
    assert_eq!(scene.at("2025-02-08T10:29").does(), Vec::<String>::new(), "its slot began at 10:00");
    scene.at("2025-02-08T10:30");
    assert_eq!(scene.does(), ["warn ff524 of releasing booking 000000000005 (k8s): no_show"]);
    assert_eq!(
        scene.plan().actions[0].reason(),
        "it is active since Sat Feb 8, 10:00, for 30 min, and its page was never opened; it is released at Sat Feb 8, 10:45"
    );
    let change = |scene: &mut Scene, change: &dyn Fn(&mut Activity)| {
        scene.live.iter_mut().filter_map(|it| it.activity.as_mut()).for_each(change);
    };
    change(&mut scene, &|it| it.warned_at = Some(local("2025-02-08T10:30")));
    assert_eq!(scene.at("2025-02-08T10:44").does(), Vec::<String>::new());
    assert_eq!(scene.at("2025-02-08T10:45").does(), ["release booking 000000000005 of ff524 (k8s): no_show"]);
    for what in [Exempt::Person("ff524".parse().unwrap()), Exempt::Lab("k8s".parse().unwrap())] {
        scene.exemptions = vec![exemption(what, "2025-02-09T00:00")];
        assert_eq!(scene.does(), Vec::<String>::new());
    }
    scene.exemptions.clear();
    scene.people[0].staff = true;
    assert_eq!(scene.does(), Vec::<String>::new());
    scene.people[0].staff = false;
    change(&mut scene, &|it| it.opened = true);
    assert_eq!(scene.does(), Vec::<String>::new(), "it was opened meanwhile");
}
