//! Since when something is idle: what a listing shows is set beside what earlier ones showed.

use proptest::prelude::*;

use super::*;

impl Scene {
    /// Takes what the plan remembers over, as the next sweep is given it.
    fn remember(&mut self) {
        let plan = self.plan();
        self.idle.extend(plan.idle);
        self.view.last_whole = plan.wholes.get(&site()).copied();
    }

    /// Since when the only object is idle, if it is.
    fn since(&self) -> Option<DateTime<Utc>> {
        self.plan().idle.get(&site()).and_then(|idle| idle.values().next()).copied()
    }
}

fn on(lease: &str, created: &str) -> Found {
    let mut server = server("node1-ff524", created);
    server.survey.backing = Backing::Reservation(format!("r-{lease}"));
    server
}

#[test]
fn a_lease_whose_server_goes_is_without_one_since_then() {
    let found =
        vec![lease("x-ff524", "2025-02-08T10:00", "2025-02-09T10:00"), on("x-ff524", "2025-02-08T10:05")];
    let mut scene = Scene::new("2025-02-08T15:59", found);
    scene.lab().policy.cap_minutes = 24 * 60;
    scene.remember();
    scene.found.truncate(1);
    assert_eq!(scene.at("2025-02-08T16:00").does(), Vec::<String>::new());
    assert_eq!(scene.since(), Some(local("2025-02-08T15:59")), "there was a server on it then");
    scene.remember();
    assert_eq!(scene.at("2025-02-08T21:58").does(), Vec::<String>::new());
    scene.remember();
    assert_eq!(scene.since(), Some(local("2025-02-08T15:59")));
    assert_eq!(
        scene.at("2025-02-08T21:59").does(),
        ["warn ff524 of lease x-ff524 at kvm: lease_without_server"]
    );
    scene.found.push(on("x-ff524", "2025-02-08T21:59"));
    scene.remember();
    assert_eq!((scene.since(), &scene.idle[&site()]), (None, &Idle::new()), "used again: forgotten");
}

#[test]
fn the_first_listing_of_all_goes_by_what_the_site_tells() {
    let mut scene = Scene::new("2025-02-08T10:00", vec![address("2025-02-01T10:00")]);
    assert_eq!(scene.since(), Some(local("2025-02-01T10:00")));
    scene.found[0].survey.idle_since = Some(local("2025-02-03T10:00"));
    assert_eq!(scene.since(), Some(local("2025-02-03T10:00")));
}

#[test]
fn what_is_new_since_the_last_listing_counts_from_when_it_was_made() {
    let mut scene = Scene::new("2025-02-08T10:00", Vec::new());
    scene.remember();
    scene.found.push(address("2025-02-08T10:00"));
    scene.found[0].created_at = Some(local("2025-02-08T10:00") + TimeDelta::seconds(20));
    assert_eq!(scene.at("2025-02-08T10:01").since(), scene.found[0].created_at);
}

#[test]
fn a_listing_that_is_not_trusted_teaches_and_forgets_nothing() {
    let mut scene = Scene::new("2025-02-08T10:00", vec![address("2025-02-01T10:00")]);
    scene.remember();
    let before = scene.idle.clone();
    for look in [Look::Failed("503".into()), Look::Partial("page 2".into()), Look::Down("down".into())] {
        scene.view.look = look;
        let plan = scene.plan();
        assert_eq!(plan.idle, BTreeMap::new());
        scene.remember();
        assert_eq!((&scene.idle, scene.view.last_whole.unwrap().at), (&before, local("2025-02-08T10:00")));
    }
}

#[test]
fn a_pause_lets_no_use_of_a_thing_be_missed() {
    let mut scene = Scene::new("2025-02-08T10:00", vec![address("2025-02-01T10:00")]);
    scene.pauses = vec![Pause { site: None, reason: "exam".into(), by: "tt1".parse().unwrap(), until: None }];
    scene.remember();
    scene.found[0].survey.condition = Some(Condition::InUse);
    scene.at("2025-02-08T10:01").remember();
    scene.found[0].survey.condition = Some(Condition::Idle);
    scene.pauses.clear();
    assert_eq!(scene.at("2025-02-08T10:02").since(), Some(local("2025-02-08T10:01")));
}

#[test]
fn what_is_being_changed_keeps_its_time() {
    let mut scene = Scene::new("2025-02-08T10:00", vec![address("2025-02-01T10:00")]);
    scene.remember();
    scene.found[0].survey.condition = Some(Condition::Changing);
    scene.at("2025-02-08T10:01").remember();
    scene.found[0].survey.condition = Some(Condition::Idle);
    assert_eq!(scene.at("2025-02-08T10:02").since(), Some(local("2025-02-01T10:00")));
}

#[test]
fn servers_and_what_is_a_bookings_are_not_remembered() {
    let mut ours = address("2025-02-01T10:00");
    ours.mark = own::orphan(1, None).mark;
    let scene = Scene::new("2025-02-08T10:00", vec![server(NAME, "2025-02-08T10:00"), ours]);
    assert_eq!(scene.plan().idle[&site()], Idle::new());
}

/// What a sweep saw of a thing: nothing, since the listing failed, or whether it was in use, and what the site told.
#[derive(Debug, Clone, Copy)]
enum Saw {
    Nothing,
    Used,
    Unused,
    UnusedSince(i64),
}

fn saw() -> impl Strategy<Value = Saw> {
    prop_oneof![
        1 => Just(Saw::Nothing),
        2 => Just(Saw::Used),
        6 => Just(Saw::Unused),
        1 => (0i64..50).prop_map(Saw::UnusedSince),
    ]
}

proptest! {
    /// Remembering makes nothing idle for longer than the site alone would have it, nor since before it was last seen in use;
    /// and what was seen without use, sweep after sweep, is so since the first of them at the latest.
    #[test]
    fn memory_only_shortens_and_use_begins_anew(story in proptest::collection::vec(saw(), 1..40)) {
        let begin = local("2025-02-08T10:00");
        let mut scene = Scene::new("2025-02-08T10:00", vec![address("2025-02-08T09:00")]);
        let (mut used_at, mut first_unused, mut longest_told) = (None, None, local("2025-02-08T09:00"));
        for (minute, saw) in (0..).zip(story) {
            scene.now = begin + TimeDelta::minutes(minute);
            scene.view.looked_at = scene.now;
            scene.view.look = Look::Whole(Vec::new());
            let survey = &mut scene.found[0].survey;
            (survey.condition, survey.idle_since) = (Some(Condition::Idle), None);
            match saw {
                Saw::Nothing => scene.view.look = Look::Failed("503".into()),
                Saw::Used => survey.condition = Some(Condition::InUse),
                Saw::Unused => {}
                Saw::UnusedSince(ago) => survey.idle_since = Some(scene.now - TimeDelta::minutes(ago)),
            }
            let told = scene.found[0].survey.idle_since.into_iter().chain(scene.found[0].created_at).max().unwrap();
            let since = scene.since();
            match saw {
                Saw::Nothing => prop_assert_eq!(since, None),
                Saw::Used => {
                    prop_assert_eq!(since, None);
                    (used_at, first_unused) = (Some(scene.now), None);
                    longest_told = local("2025-02-08T09:00");
                }
                Saw::Unused | Saw::UnusedSince(_) => {
                    let since = since.unwrap();
                    longest_told = longest_told.max(told);
                    first_unused = first_unused.or(Some(scene.now));
                    prop_assert!(since >= told && used_at.is_none_or(|used| since >= used));
                    prop_assert!(since <= longest_told.max(first_unused.unwrap()));
                }
            }
            scene.remember();
        }
    }
}
