//! Whether servers of a booking have run: what a listing tells of that.

use super::own::booking;
use super::*;

fn marked(mut found: Found, booking: u64) -> Found {
    let instance = instance();
    found.mark =
        Some(Mark { instance, booking: BookingId::from_bits(booking), key: "node1".parse().unwrap() });
    found
}

/// A booking that is active since ten, looked at at half past, by its servers.
fn scene(found: Vec<Found>) -> Scene {
    let mut scene = Scene::new("2025-02-08T10:30", found);
    let since = local("2025-02-08T10:00");
    let activity = Activity { site: site(), since, server_ran: false, opened: true, warned_at: None };
    scene.live = vec![booking("2025-02-08T18:00", Some(activity))];
    scene.standing.insert(BookingId::from_bits(5), Standing::InHand);
    scene.policy.no_show =
        Some(NoShowRule { minutes: 30, grace_minutes: 15, signal: NoShowSignal::NoServer });
    scene.policy.by_hand = ByHand::Report;
    scene
}

/// Whether it is warned, and whether it is remembered that a server ran.
fn seen(found: Vec<Found>) -> (bool, bool) {
    let plan = scene(found).plan();
    (!plan.actions.is_empty(), plan.ran.contains(&BookingId::from_bits(5)))
}

const WARNED: (bool, bool) = (true, false);
const RAN: (bool, bool) = (false, true);
const MAY_RUN: (bool, bool) = (false, false);

#[test]
fn a_server_with_the_bookings_mark_has_run_if_it_runs_or_is_stopped() {
    let with = |condition: Option<Condition>, booking: u64| {
        let mut server = marked(server("node1", "2025-02-08T09:55"), booking);
        server.survey.condition = condition;
        seen(vec![server])
    };
    assert_eq!(with(Some(Condition::InUse), 5), RAN);
    assert_eq!(with(Some(Condition::Stopped), 5), RAN);
    assert_eq!(with(Some(Condition::Shelved), 5), RAN);
    assert_eq!(with(Some(Condition::Changing), 5), WARNED);
    assert_eq!(with(Some(Condition::Broken("no host".into())), 5), WARNED);
    assert_eq!(with(None, 5), WARNED);
    assert_eq!(seen(Vec::new()), WARNED);
    let mut others = marked(server("node1", "2025-02-08T09:55"), 5);
    others.mark.as_mut().unwrap().instance = InstanceId::from_bits(2);
    assert_eq!(seen(vec![others]), WARNED);
}

#[test]
fn so_has_one_that_people_made_on_its_lease() {
    let lease = || marked(lease("l", "2025-02-08T10:00", "2025-02-08T18:00"), 5);
    let with = |backing: Backing, created: &str| {
        let mut server = server("mine", created);
        server.survey.backing = backing;
        seen(vec![server, lease()])
    };
    assert_eq!(with(Backing::Reservation("r-l".into()), "2025-02-08T10:10"), RAN);
    assert_eq!(with(Backing::Reservation("r-other".into()), "2025-02-08T10:10"), WARNED);
    assert_eq!(with(Backing::Nothing, "2025-02-08T10:10"), WARNED);
    assert_eq!(with(Backing::Untold, "2025-02-08T10:10"), MAY_RUN, "it may be on it");
    assert_eq!(with(Backing::Untold, "2025-02-08T09:59"), WARNED, "it is older than the lease");
}

#[test]
fn a_site_that_does_not_tell_is_no_reason_to_warn() {
    for look in [Look::Failed("503".into()), Look::Down("down".into()), Look::Partial("page 2".into())] {
        let mut scene = scene(Vec::new());
        scene.view.look = look;
        assert_eq!(scene.does(), Vec::<String>::new());
        scene.policy.no_show.as_mut().unwrap().signal = NoShowSignal::NotOpened;
        scene.live[0].activity.as_mut().unwrap().opened = false;
        assert_eq!(scene.does().len(), 1, "whether a page was opened no site has to tell");
    }
}

#[test]
fn once_it_ran_that_is_remembered_and_not_learned_again() {
    let mut scene = scene(vec![marked(server("node1", "2025-02-08T09:55"), 5)]);
    scene.live[0].activity.as_mut().unwrap().server_ran = true;
    assert_eq!((scene.does(), scene.plan().ran.len()), (Vec::new(), 0));
    scene.found.clear();
    assert_eq!(scene.does(), Vec::<String>::new(), "it was deleted since");
}
