//! What keeps the reaper from harm.

use super::own::{booking, orphan};
use super::*;

#[test]
fn what_may_be_others_is_never_judged() {
    let with = |change: fn(&mut Found)| {
        let mut found = server(NAME, "2025-02-01T10:00");
        change(&mut found);
        let plan = Scene::new("2025-02-08T19:00", vec![found]).plan();
        plan.actions.len() + plan.reported.len()
    };
    assert_eq!(with(|_| {}), 1);
    for belongs in [Belongs::Untold, Belongs::Standard, Belongs::Shared, Belongs::Others] {
        let mut found = server(NAME, "2025-02-01T10:00");
        found.survey.belongs = belongs;
        let plan = Scene::new("2025-02-08T19:00", vec![found]).plan();
        assert_eq!((plan.actions.len(), plan.reported.len()), (0, 0), "{belongs:?}");
    }
    let marked = |it: &mut Found| {
        let (instance, booking) = (InstanceId::from_bits(2), BookingId::from_bits(1));
        it.mark = Some(Mark { instance, booking, key: "node1".parse().unwrap() });
    };
    assert_eq!(with(marked), 0, "another installation's");
    let renamed = |it: &mut Found| it.survey.hints.metadata.push(("fairlease_booking".into(), "x".into()));
    assert_eq!(with(renamed), 0, "a booking's, under another name");
    assert_eq!(with(|it| it.created_at = None), 0, "its age is not told");
    assert_eq!(with(|it| it.survey.condition = Some(Condition::Changing)), 0);
    assert_eq!(with(|it| it.created_at = Some(local("2025-02-08T18:56"))), 0, "young");
    assert_eq!(with(|it| it.survey.condition = Some(Condition::Shelved)), 0, "it holds no machine");
}

#[test]
fn what_a_sweep_may_do_is_bounded_by_class() {
    let mut scene = Scene::new("2025-02-08T19:00", (0..51).map(|n| orphan(n + 10, None)).collect());
    assert_eq!((scene.does().len(), scene.skips()), (0, vec![Skip::TooMany]));
    scene.found.pop();
    assert_eq!((scene.does().len(), scene.skips()), (50, vec![]));
    let servers = |count: usize| (0..count).map(|n| server(&format!("n{n}-ff524"), "2025-02-08T10:00"));
    scene.found.extend(servers(50));
    assert_eq!(scene.carry_out().len(), 100, "warnings are not bounded");
    scene.found.drain(..49);
    assert_eq!(scene.at("2025-02-08T21:00").skips(), [Skip::TooMany], "50 of 51 are more than half");
    assert!(scene.plan().skipped[0].reason.starts_with("50 of 51 objects are to be stopped or deleted"));
    assert_eq!(scene.does().len(), 1, "the other class goes on");
    scene.policy.limits.percent = 100;
    assert_eq!((scene.does().len(), scene.skips()), (51, vec![]));
    scene.policy.limits.most = 49;
    assert_eq!((scene.does().len(), scene.skips()), (1, vec![Skip::TooMany]));
    let mut small = Scene::new("2025-02-08T19:00", servers(19).collect());
    small.carry_out();
    assert_eq!(small.at("2025-02-08T21:00").does().len(), 19, "all of a small listing");
    small.found.extend(servers(1).map(|it| Found { site_ref: "more".into(), name: "x".into(), ..it }));
    assert_eq!(small.skips(), [Skip::TooMany], "95 percent");
}

#[test]
fn nothing_is_done_on_a_listing_that_is_not_to_be_trusted() {
    let due = || {
        let mut scene =
            Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00"), orphan(9, None)]);
        scene.carry_out();
        scene.at("2025-02-08T21:00");
        assert_eq!(scene.does().len(), 2);
        scene
    };
    for (look, why) in [
        (Look::Failed("503".into()), Skip::Failed),
        (Look::Partial("no page 2 of servers".into()), Skip::Partial),
        (Look::Down("since 20:00".into()), Skip::Down),
    ] {
        let mut scene = due();
        scene.view.look = look;
        assert_eq!((scene.does(), scene.skips()), (vec![], vec![why]));
    }
    let mut stale = due();
    stale.view.looked_at -= STALE + TimeDelta::seconds(1);
    assert_eq!((stale.does(), stale.skips()), (vec![], vec![Skip::Stale]));
    let mut empty = due();
    empty.found.clear();
    assert_eq!((empty.does(), empty.skips()), (vec![], vec![Skip::Empty]), "no mark is forgotten");
    let mut shrunk = due();
    let last = Whole { count: 6, at: local("2025-02-08T20:01") };
    shrunk.view.last_whole = Some(last);
    assert_eq!((shrunk.does(), shrunk.skips()), (vec![], vec![Skip::Shrunk]));
    assert_eq!(shrunk.plan().wholes[&site()], last, "what is compared with stays");
    shrunk.view.last_whole = Some(Whole { count: 5, ..last });
    assert_eq!(shrunk.skips(), [], "one person may clean up four");
    shrunk.view.last_whole = Some(Whole { at: local("2025-02-08T20:00"), ..last });
    assert_eq!(shrunk.does().len(), 2, "an hour later the site holds less");
    assert_eq!(shrunk.plan().wholes[&site()], Whole { count: 1, at: shrunk.now });
}

#[test]
fn pauses_and_quiet_hours_keep_what_is_not_a_booking() {
    let due = || {
        let mut scene =
            Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00"), orphan(9, None)]);
        scene.carry_out();
        scene.at("2025-02-08T22:30");
        scene.live = vec![booking("2025-02-08T22:00", None)];
        assert_eq!(scene.does().len(), 3);
        scene
    };
    let pause = |at: Option<&str>| Pause {
        site: at.map(|site| site.parse().unwrap()),
        reason: "moving hosts".into(),
        by: "tt1".parse().unwrap(),
        until: Some(local("2025-02-08T23:00")),
    };
    for (at, does) in [(None, 1), (Some("kvm"), 1), (Some("chi"), 3)] {
        let mut paused = due();
        paused.pauses = vec![pause(at)];
        assert_eq!(paused.does().len(), does, "{at:?}");
        assert!(paused.does()[0].starts_with("end booking"));
        assert_eq!(paused.at("2025-02-08T23:00").does().len(), 3, "it is over");
    }
    let mut quiet = due();
    quiet.policy.quiet = Some(QuietHours { from: 22 * 60, to: 8 * 60 });
    let plan = quiet.plan();
    assert_eq!(
        plan.actions.iter().map(Action::predicate).collect::<Vec<_>>(),
        [Some(Predicate::PastEnd), Some(Predicate::Orphan)]
    );
    assert_eq!(plan.skipped[0].reason, "a step waits until Sun Feb 9, 08:00: quiet hours are 22:00 to 08:00");
    assert!(!plan.skipped[0].why.is_trouble());
    quiet.marked.clear();
    assert_eq!(quiet.does().len(), 2, "nobody is warned");
    assert_eq!(quiet.at("2025-02-09T08:00").does().len(), 3);
}

#[test]
fn an_object_that_two_pages_have_is_acted_on_once() {
    let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
    scene.found.push(scene.found[0].clone());
    assert_eq!(scene.does().len(), 1);
    let target = Target { site: site(), kind: Kind::Server, site_ref: "ref-x".into(), name: String::new() };
    assert_eq!(target.to_string(), "server ref-x at kvm");
}
