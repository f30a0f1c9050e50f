//! What counts as usage of what people made by hand.

use crate::domain::usage::{Rate, Source};

use super::*;

/// At ten on a Saturday, an hour after everything was made.
fn scene(found: Vec<Found>) -> Scene {
    Scene::new("2025-02-08T10:00", found)
}

fn at_nine(name: &str) -> Found {
    let mut server = server(name, "2025-02-08T09:00");
    server.survey.charged = vec![("m1.medium".to_owned(), 1)];
    server
}

/// What counts: of what, whose, since when, how many servers, and millionths of a service unit an hour.
fn held(scene: &Scene) -> Vec<(String, PersonId, Option<DateTime<Utc>>, (i32, i64))> {
    let plan = scene.plan();
    let all = plan.held[&site()].held.iter().map(|(source, held)| {
        let Source::ByHand(object) = source else { panic!("{source:?}") };
        let Rate { units, servers, su_per_hour } = held.rate;
        assert_eq!(units, 0);
        (object.clone(), held.person.clone(), held.since, (servers, su_per_hour.micro()))
    });
    all.collect()
}

fn objects(scene: &Scene) -> Vec<String> {
    held(scene).into_iter().map(|(object, ..)| object).collect()
}

fn line(
    kind: &str,
    name: &str,
    of: &str,
    at: &str,
    rate: (i32, i64),
) -> (String, PersonId, Option<DateTime<Utc>>, (i32, i64)) {
    (format!("kvm {kind} ref-{name}"), person(of), Some(local(at)), rate)
}

#[test]
fn what_is_a_students_counts_and_nothing_else_does() {
    let mut found: Vec<Found> =
        ["n-ff524", "n-gg777", "tt1-box", "n-ff524-project51", "n-project0", "test", "ff524-gg777"]
            .map(at_nine)
            .into();
    let mut of_a_booking = at_nine("marked-ff524");
    of_a_booking.mark = Some(Mark {
        instance: InstanceId::from_bits(9),
        booking: BookingId::from_bits(1),
        key: "node1".parse().unwrap(),
    });
    let mut renamed = at_nine("renamed-ff524");
    renamed.survey.hints.metadata = vec![("fairlease_booking".to_owned(), "x".to_owned())];
    let mut others = at_nine("others-ff524");
    others.survey.belongs = Belongs::Untold;
    found.extend([
        of_a_booking,
        renamed,
        others,
        made(Kind::Network, "net-ff524", local("2025-02-08T09:00")),
    ]);
    let nine = "2025-02-08T09:00";
    assert_eq!(
        held(&scene(found)),
        [
            line("server", "n-ff524", "ff524", nine, (1, 40_000)),
            line("server", "n-gg777", "gg777", nine, (1, 40_000))
        ]
    );
}

#[test]
fn what_is_stopped_counts_and_what_is_shelved_or_broken_does_not() {
    let with = |condition| {
        let mut server = at_nine("n-ff524");
        server.survey.condition = condition;
        scene(vec![server])
    };
    for condition in [None, Some(Condition::InUse), Some(Condition::Stopped)] {
        assert_eq!(objects(&with(condition)), ["kvm server ref-n-ff524"]);
    }
    for condition in [Condition::Shelved, Condition::Broken("no host".into()), Condition::Changing] {
        let scene = with(Some(condition.clone()));
        assert_eq!(objects(&scene), Vec::<String>::new());
        let unsettled = scene.plan().held[&site()].unsettled.len();
        assert_eq!(unsettled, usize::from(condition == Condition::Changing), "{condition:?}");
    }
}

#[test]
fn a_lease_is_charged_and_what_is_on_it_is_not_charged_again() {
    let of_hers = lease("l-ff524", "2025-02-08T08:00", "2025-02-08T12:00");
    let mut on_it = at_nine("n-gg777");
    on_it.survey.backing = Backing::Reservation("r-l-ff524".into());
    let mut untold = at_nine("m-gg777");
    untold.survey.backing = Backing::Untold;
    let mut scene =
        scene(vec![of_hers, on_it, untold, lease("later-ff524", "2025-02-08T11:00", "2025-02-08T12:00")]);
    let (eight, nine) = ("2025-02-08T08:00", "2025-02-08T09:00");
    assert_eq!(
        held(&scene),
        [
            line("lease", "l-ff524", "ff524", eight, (0, 120_000)),
            line("server", "m-gg777", "gg777", nine, (1, 0)),
            line("server", "n-gg777", "gg777", nine, (1, 0)),
        ]
    );
    scene.view.standing_leases = vec!["l-ff524".to_owned()];
    assert_eq!(objects(&scene).len(), 2, "a lease that the course holds is nobody's");
    scene.view.standing_leases.clear();
    assert_eq!(objects(scene.at("2025-02-08T11:00")).len(), 4, "the other lease has begun");
    assert_eq!(objects(scene.at("2025-02-08T12:00")).len(), 2, "both are over");
    scene.at("2025-02-08T11:00").view.prices.clear();
    assert_eq!(objects(&scene).len(), 2, "nothing is known to be charged for leases");
}

#[test]
fn what_is_or_may_be_on_a_bookings_lease_counts_with_the_booking() {
    let mut booked = lease("booked", "2025-02-08T09:30", "2025-02-08T12:00");
    booked.mark =
        Some(Mark { instance: instance(), booking: BookingId::from_bits(1), key: "lease".parse().unwrap() });
    let on = |name: &str, made: &str, backing| {
        let mut server = server(name, made);
        server.survey.backing = backing;
        server
    };
    let scene = scene(vec![
        booked,
        on("on-ff524", "2025-02-08T09:40", Backing::Reservation("r-booked".into())),
        on("may-ff524", "2025-02-08T09:40", Backing::Untold),
        on("before-ff524", "2025-02-08T09:00", Backing::Untold),
        on("beside-ff524", "2025-02-08T09:40", Backing::Nothing),
    ]);
    assert_eq!(objects(&scene), ["kvm server ref-before-ff524", "kvm server ref-beside-ff524"]);
}

#[test]
fn what_the_reaper_may_not_touch_counts_all_the_same() {
    let mut scene = scene(vec![at_nine("n-ff524")]);
    scene.exemptions = vec![exemption(Exempt::Person("ff524".parse().unwrap()), "2025-02-09T10:00")];
    scene.pauses = vec![Pause { site: None, reason: "r".into(), by: "tt1".parse().unwrap(), until: None }];
    assert_eq!(objects(&scene).len(), 1);
}
