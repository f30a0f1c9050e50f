//! What holds of a plan for any site, people, marks and wishes of staff.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::America::New_York;
use proptest::prelude::*;

use super::tests::{Scene, instance, known, made, site};
use super::*;
use crate::domain::blueprint::Kind;
use crate::domain::calendar::DailyWindow;
use crate::domain::ids::{BookingId, InstanceId};
use crate::domain::interval::Interval;
use crate::domain::marked::{Exempt, Exemption, Marked, Pause, Stage, Target};
use crate::domain::reaper::{ByHand, FEW, ProjectRule, QuietHours};
use crate::domain::resource::{Found, Mark};
use crate::domain::survey::{Backing, Belongs, Condition};
use crate::policy::sentences::tests::local;

/// A Saturday evening.
const NOW: &str = "2025-02-08T21:00";

fn ago(minutes: i64) -> DateTime<Utc> {
    local(NOW) - TimeDelta::minutes(minutes)
}

/// Names; those that are somebody's are more likely.
const NAMES: [(u32, &str); 9] = [
    (12, "node1-cloud-ff524"),
    (8, "x-gg777"),
    (2, "node1"),
    (1, "aff5240"),
    (1, "ff524-gg777"),
    (1, "tt1-box"),
    (1, "node1-project0"),
    (4, "node1-project51"),
    (1, "sharednet1"),
];

const KINDS: [(u32, Kind); 8] = [
    (8, Kind::Server),
    (4, Kind::Lease),
    (5, Kind::FloatingIp),
    (2, Kind::Port),
    (2, Kind::Router),
    (3, Kind::Network),
    (3, Kind::Volume),
    (1, Kind::SecurityGroup),
];

const BELONGS: [(u32, Belongs); 5] = [
    (20, Belongs::Project),
    (1, Belongs::Untold),
    (1, Belongs::Standard),
    (1, Belongs::Shared),
    (1, Belongs::Others),
];

/// One of them, each so likely.
fn one_of<T: Clone + std::fmt::Debug + 'static>(choices: &[(u32, T)]) -> impl Strategy<Value = T> + use<T> {
    proptest::strategy::Union::new_weighted(
        choices.iter().map(|(weight, it)| (*weight, Just(it.clone()))).collect(),
    )
}

fn conditions() -> impl Strategy<Value = Option<Condition>> {
    one_of(&[
        (1, None),
        (6, Some(Condition::InUse)),
        (6, Some(Condition::Idle)),
        (2, Some(Condition::Stopped)),
        (1, Some(Condition::Shelved)),
        (2, Some(Condition::Broken("no fault".into()))),
        (1, Some(Condition::Changing)),
    ])
}

/// An object, mostly of the project's and mostly old enough to be judged; some carry a mark.
fn objects() -> impl Strategy<Value = Found> {
    let what = (one_of(&KINDS), one_of(&NAMES), one_of(&BELONGS), conditions());
    let ages =
        proptest::option::weighted(0.97, prop_oneof![1 => 0i64..30, 3 => 30i64..1500, 4 => 1500i64..60_000]);
    let ties = (
        one_of(&[(1, None), (3, Some(0)), (1, Some(1))]),
        one_of(&[(1, None), (4, Some(0)), (1, Some(2))]),
        0usize..8,
        any::<bool>(),
    );
    (what, ages, ties, proptest::option::weighted(0.1, (1u64..3, 1u64..4)), 0u16..1000).prop_map(
        |((kind, name, belongs, condition), age, (ports, attached, backing, tagged), mark, number)| {
            let mut found = made(kind, name, local(NOW));
            found.created_at = age.map(ago);
            found.site_ref = format!("{}-{number}", kind.word());
            found.mark = mark.map(|(of, booking)| Mark {
                instance: InstanceId::from_bits(of),
                booking: BookingId::from_bits(booking),
                key: "node1".parse().unwrap(),
            });
            let survey = &mut found.survey;
            (survey.belongs, survey.condition, survey.ports) = (belongs, condition, ports);
            survey.attached = attached.map(|count| (0..count).map(|n| format!("other-{n}")).collect());
            survey.backing = match backing {
                0 => Backing::Untold,
                1 => Backing::Nothing,
                _ => Backing::Reservation(format!("r{backing}")),
            };
            if tagged {
                survey.tags = vec!["reservation:r2".to_owned()];
            }
            if kind == Kind::Lease {
                let from = age.map_or(local(NOW), ago);
                survey.span = Interval::new(from, from + TimeDelta::minutes(60 * (i64::from(number) + 1)));
                survey.reservations = vec![format!("r{}", number % 8)];
            }
            found
        },
    )
}

/// What staff and earlier sweeps may have said of an object.
#[derive(Debug, Clone)]
struct Wishes {
    by_hand: ByHand,
    nobodys: Vec<Kind>,
    project: Option<ProjectRule>,
    data: bool,
    free_nights: bool,
    quiet: Option<u32>,
    most: i32,
    percent: i32,
    needs_leases: bool,
    cap: i32,
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let by_hand = prop_oneof![1 => Just(ByHand::Report), 1 => Just(ByHand::Warn), 6 => Just(ByHand::Delete)];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (by_hand, flags, proptest::option::weighted(0.2, 15u32..24), 0i32..30, 20i32..101, 60i32..900).prop_map(
        |(by_hand, (nobodys, project, data, free_nights, needs_leases), quiet, most, percent, cap)| Wishes {
            by_hand,
            nobodys: if nobodys { vec![Kind::FloatingIp, Kind::Port] } else { Vec::new() },
            project: project.then_some(ProjectRule { minutes: 1440, bare_metal_minutes: 360 }),
            data,
            free_nights,
            quiet,
            most,
            percent,
            needs_leases,
            cap,
        },
    )
}

fn exemptions() -> impl Strategy<Value = Exemption> {
    let what = prop_oneof![
        (0u16..1000).prop_map(|n| Exempt::Object(site(), format!("server-{n}"))),
        one_of(&NAMES).prop_map(|name| Exempt::NamesFrom(name[..5].to_owned())),
        proptest::sample::select(vec!["ff524", "gg777"]).prop_map(|id| Exempt::Person(id.parse().unwrap())),
        Just(Exempt::Lab("k8s".parse().unwrap())),
    ];
    (what, -60i64..600).prop_map(|(what, ends)| Exemption {
        what,
        reason: "r".into(),
        by: "tt1".parse().unwrap(),
        until: ago(-ends),
    })
}

fn stages() -> impl Strategy<Value = Option<Stage>> {
    let at = 0i64..6000;
    prop_oneof![
        3 => Just(None),
        4 => at.clone().prop_map(|at| Some(Stage::Warned { at: ago(at) })),
        2 => at.clone().prop_map(|at| Some(Stage::Stopped { warned_at: ago(at + 120), at: ago(at) })),
        1 => at.clone().prop_map(|at| Some(Stage::Deleting { warned_at: ago(at + 120), at: ago(at) })),
        1 => at.prop_map(|at| Some(Stage::Restored { until: ago(at - 3000) })),
    ]
}

/// What a scene is made of: objects with how far they are marked, wishes, and exemptions.
type Parts = (Vec<(Found, Option<Stage>)>, Wishes, Vec<Exemption>);

/// A site of the origin's course, with marks on some of its objects.
fn scenes() -> impl Strategy<Value = Parts> {
    (
        proptest::collection::vec((objects(), stages()), 0..40),
        wishes(),
        proptest::collection::vec(exemptions(), 0..3),
    )
}

fn scene((objects, wishes, exemptions): &Parts) -> Scene {
    let mut seen = BTreeSet::new();
    let once: Vec<_> =
        objects.iter().filter(|(found, _)| seen.insert((found.kind, &found.site_ref))).collect();
    let mut scene = Scene::new(NOW, once.iter().map(|(found, _)| found.clone()).collect());
    let policy = &mut scene.policy;
    policy.by_hand = wishes.by_hand;
    policy.nobodys.clone_from(&wishes.nobodys);
    policy.project = wishes.project;
    policy.idle.data_minutes = wishes.data.then_some(1440);
    policy.idle.network_minutes = 2880;
    policy.quiet = wishes.quiet.map(|from| QuietHours { from: from * 60, to: 8 * 60 });
    (policy.limits.most, policy.limits.percent) = (wishes.most, wishes.percent);
    scene.view.needs_leases = wishes.needs_leases;
    let lab = &mut scene.view.labs[0].policy;
    lab.cap_minutes = wishes.cap;
    lab.counted = wishes.free_nights.then_some(DailyWindow { from: 8 * 60, to: 24 * 60 });
    scene.people = vec![known("ff524", false), known("gg777", false), known("tt1", true)];
    scene.exemptions.clone_from(exemptions);
    scene.standing.insert(BookingId::from_bits(1), Standing::InHand);
    scene.standing.insert(BookingId::from_bits(2), Standing::Ended);
    scene.marked = once
        .iter()
        .filter_map(|(found, stage)| {
            Some(Marked {
                restores: 0,
                target: Target {
                    site: site(),
                    kind: found.kind,
                    site_ref: found.site_ref.clone(),
                    name: found.name.clone(),
                },
                predicate: Predicate::OverCap,
                net_id: None,
                stage: (*stage)?,
            })
        })
        .collect();
    scene
}

/// What a plan stops or deletes, by the site's ids.
fn harms(plan: &Plan) -> BTreeSet<String> {
    let harmed = plan.actions.iter().filter_map(|action| match action {
        Action::Stop { mark, .. } | Action::Delete { mark, .. } => Some(mark.target.site_ref.clone()),
        Action::DeleteOrphan { site_ref, .. } => Some(site_ref.clone()),
        _ => None,
    });
    harmed.collect()
}

/// What a plan does to whom.
fn touched(plan: &Plan) -> Vec<(&'static str, String)> {
    let each = plan.actions.iter().filter_map(|action| match action {
        Action::Warn { mark, .. } => Some(("warn", mark.target.site_ref.clone())),
        Action::Stop { mark, .. } => Some(("stop", mark.target.site_ref.clone())),
        Action::Delete { mark, .. } => Some(("delete", mark.target.site_ref.clone())),
        Action::DeleteOrphan { site_ref, .. } => Some(("orphan", site_ref.clone())),
        _ => None,
    });
    each.collect()
}

/// The documented judgement of one object, told from the documentation and minute by minute: whether anything may be done
/// to it at all.
fn may_be_touched(scene: &Scene, found: &Found) -> bool {
    let age = found.created_at.map(|created| (scene.now - created).num_minutes());
    if let Some(mark) = &found.mark {
        let known_dead = mark.instance == instance() && mark.booking != BookingId::from_bits(1);
        let ours = matches!(found.survey.belongs, Belongs::Project | Belongs::Untold);
        return known_dead && ours && age.is_none_or(|age| age >= 5);
    }
    let survey = &found.survey;
    let Some(age) = age.filter(|age| *age >= 5) else { return false };
    if survey.belongs != Belongs::Project || survey.condition == Some(Condition::Changing) {
        return false;
    }
    // A floating IP is not called by its name here.
    let (is_ff524, is_gg777, is_project) = match (found.kind, found.name.as_str()) {
        (_, "node1-project0") => return false,
        (_, "node1-project51") => (false, false, true),
        (Kind::FloatingIp, _) => (false, false, false),
        (_, "node1-cloud-ff524") => (true, false, false),
        (_, "x-gg777") => (false, true, false),
        (_, "tt1-box") => return false,
        _ => (false, false, false),
    };
    let somebodys = is_ff524 || is_gg777;
    let two = found.name == "ff524-gg777" && found.kind != Kind::FloatingIp;
    let nobodys =
        matches!(found.kind, Kind::FloatingIp | Kind::Port) && !scene.policy.nobodys.is_empty() && !two;
    match found.kind {
        Kind::Server if is_project => scene.policy.project.is_some() && age > 1440,
        _ if is_project && scene.policy.project.is_none() => false,
        Kind::Server => somebodys && server_is_wrong(scene, found, age, is_ff524),
        Kind::Lease => (somebodys || is_project && nobodys) && lease_is_wrong(scene, found),
        Kind::FloatingIp => {
            let week = if is_project { 1440 } else { 7 * 1440 };
            let idle = survey.condition == Some(Condition::Idle) && survey.tags.is_empty();
            nobodys && idle && age >= week && survey.attached.as_ref().is_none_or(Vec::is_empty)
        }
        Kind::Network => somebodys && survey.ports == Some(0) && age >= 2880,
        Kind::Port | Kind::Router | Kind::Volume => {
            let data = found.kind == Kind::Volume;
            let none = survey.attached.as_ref().is_some_and(Vec::is_empty);
            // The subnets of these routers are in no listing.
            let in_use = survey.condition == Some(Condition::InUse) && found.kind != Kind::Router;
            let allowed = !data || scene.policy.idle.data_minutes.is_some();
            let idle = if data { 1440 } else { 2880 };
            (somebodys || nobodys && !is_project) && none && !in_use && allowed && age >= idle
        }
        _ => false,
    }
}

/// Minute by minute: over the cap, or on a day of the other parity (the sets are as written from 7 February on).
fn server_is_wrong(scene: &Scene, found: &Found, age: i64, even: bool) -> bool {
    use chrono::Datelike as _;
    let survey = &found.survey;
    let lab = &scene.view.labs[0].policy;
    let without_lease = scene.view.needs_leases && survey.backing == Backing::Nothing;
    if matches!(survey.condition, Some(Condition::Broken(_))) || without_lease {
        return true;
    }
    let stage =
        scene.marked.iter().find(|mark| mark.target.site_ref == found.site_ref).map(|mark| mark.stage);
    let by_us = matches!(stage, Some(Stage::Stopped { .. } | Stage::Deleting { .. }));
    let exempt = scene.exemptions.iter().any(|it| it.until > scene.now && matches!(it.what, Exempt::Lab(_)));
    if exempt || survey.condition == Some(Condition::Shelved) && !by_us {
        return false;
    }
    let clock = (0..age.min(4 * 1440))
        .map(|n| (found.created_at.unwrap() + TimeDelta::minutes(n)).with_timezone(&New_York));
    let counted: Vec<_> = clock.filter(|at| lab.counted.is_none() || at.hour() >= 8).collect();
    let over = i64::try_from(counted.len()).unwrap() > lab.cap_minutes.into();
    let wrong = counted.first().is_some_and(|at| {
        let date = at.date_naive();
        let weeks = (date - "2025-02-07".parse::<chrono::NaiveDate>().unwrap()).num_days().div_euclid(7);
        let evens_day =
            [chrono::Weekday::Sat, chrono::Weekday::Mon, chrono::Weekday::Wed].contains(&date.weekday());
        (evens_day == even) == (weeks.rem_euclid(2) == 1)
    });
    over || wrong
}

fn lease_is_wrong(scene: &Scene, found: &Found) -> bool {
    let span = found.survey.span.unwrap();
    let of = &found.survey.reservations[0];
    let used = scene.found.iter().any(|other| match other.kind {
        Kind::Server => match &other.survey.backing {
            Backing::Reservation(id) => id == of,
            Backing::Untold => other.created_at.is_none_or(|at| at >= span.start()),
            Backing::Nothing => false,
        },
        Kind::FloatingIp => {
            let tag = format!("reservation:{of}");
            other.survey.condition == Some(Condition::InUse) && other.survey.tags.contains(&tag)
        }
        _ => false,
    });
    let minutes = span.length().num_minutes();
    let warn = if minutes <= 720 { (minutes / 4).min(360) } else { 360 };
    span.end() > scene.now && !used && (scene.now - span.start()).num_minutes() >= warn
}

proptest! {
    /// Nothing is touched that the documentation does not say may be; and under the wish to delete, with room, all that may
    /// be is.
    #[test]
    fn a_plan_stays_within_its_predicates(parts in scenes()) {
        let scene = scene(&parts);
        let plan = scene.plan();
        let touched = touched(&plan);
        let once: BTreeSet<_> = touched.iter().map(|(_, site_ref)| site_ref).collect();
        prop_assert_eq!(once.len(), touched.len(), "each once");
        for (what, site_ref) in &touched {
            let found = scene.found.iter().find(|found| found.site_ref == *site_ref).unwrap();
            prop_assert!(may_be_touched(&scene, found), "{what} {found:?}");
            let by_hand = *what != "orphan";
            prop_assert_eq!(by_hand, found.mark.is_none());
            prop_assert!(!by_hand || scene.policy.by_hand != ByHand::Report, "{what} {found:?}");
            prop_assert!(!by_hand || *what == "warn" || scene.policy.by_hand == ByHand::Delete);
        }
    }

    #[test]
    fn all_that_the_predicates_cover_is_told_somewhere(parts in scenes()) {
        let mut scene = scene(&parts);
        scene.policy.quiet = None;
        (scene.policy.limits.most, scene.policy.limits.percent) = (1000, 100);
        let plan = scene.plan();
        let mut told: BTreeSet<String> = touched(&plan).into_iter().map(|(_, site_ref)| site_ref).collect();
        told.extend(plan.kept.iter().chain(&plan.reported).map(|told| told.target.site_ref.clone()));
        told.extend(plan.waiting.iter().map(|waiting| waiting.mark.target.site_ref.clone()));
        let only_warned = scene.policy.by_hand == ByHand::Warn;
        told.extend(scene.marked.iter().filter(|_| only_warned).map(|mark| mark.target.site_ref.clone()));
        for found in scene.found.iter().filter(|found| may_be_touched(&scene, found)) {
            prop_assert!(told.contains(&found.site_ref), "{found:?} in {plan:?}");
        }
    }

    /// The same is planned from the same, in whatever order it is listed.
    #[test]
    fn order_changes_no_plan(parts in scenes(), turn in any::<prop::sample::Index>(), twice in any::<bool>()) {
        let scene_before = scene(&parts);
        let before = scene_before.plan();
        prop_assert_eq!(&before, &scene_before.plan());
        let mut turned = scene(&parts);
        if !turned.found.is_empty() {
            let by = turn.index(turned.found.len());
            turned.found.rotate_left(by);
            turned.found.reverse();
        }
        turned.marked.reverse();
        turned.people.reverse();
        turned.exemptions.reverse();
        prop_assert_eq!(&before, &turned.plan());
        if twice {
            turned.exemptions.extend(scene_before.exemptions.clone());
            prop_assert_eq!(&before, &turned.plan());
        }
    }

    /// An exemption or a pause more deletes and stops nothing more. Fewer steps may come below a limit: that is as if it were
    /// raised, so it is out of the way here.
    #[test]
    fn wishes_to_keep_delete_no_more(parts in scenes(), more in exemptions(), everywhere in any::<bool>()) {
        let mut scene = scene(&parts);
        (scene.policy.limits.most, scene.policy.limits.percent) = (1000, 100);
        let before = harms(&scene.plan());
        scene.exemptions.push(more);
        let exempted = harms(&scene.plan());
        prop_assert!(exempted.is_subset(&before), "{exempted:?} beyond {before:?}");
        scene.pauses.push(Pause {
            site: (!everywhere).then(site),
            reason: "r".into(),
            by: "tt1".parse().unwrap(),
            until: None,
        });
        prop_assert_eq!(harms(&scene.plan()), BTreeSet::new());
    }

    /// Who gets more time before a deletion keeps what was marked: nothing is stopped or deleted for the cap that the new cap
    /// allows, and the mark is forgotten.
    #[test]
    fn more_time_keeps(parts in scenes(), more in 0i32..5000) {
        let mut scene = scene(&parts);
        scene.policy.quiet = None;
        (scene.policy.limits.most, scene.policy.limits.percent) = (1000, 100);
        scene.view.labs[0].policy.parity = None;
        let before = scene.plan();
        scene.view.labs[0].policy.cap_minutes += more;
        let after = scene.plan();
        prop_assert!(harms(&after).is_subset(&harms(&before)));
        let policy = scene.view.labs[0].policy.clone();
        let harmed = |plan: &Plan, site_ref: &str| harms(plan).contains(site_ref);
        for action in &before.actions {
            let (Action::Stop { mark, .. } | Action::Delete { mark, .. }) = action else { continue };
            let found = scene.found.iter().find(|it| it.site_ref == mark.target.site_ref).unwrap();
            let span = Interval::new(found.created_at.unwrap(), scene.now).unwrap();
            let allowed = policy.counted(New_York, &span) <= policy.cap();
            let no_lease = scene.view.needs_leases && found.survey.backing == Backing::Nothing;
            if mark.predicate == Predicate::OverCap && allowed && !no_lease {
                prop_assert!(!harmed(&after, &found.site_ref));
                let forgotten = |it: &Action| {
                    matches!(it, Action::Unmark { mark: old, .. } if old.target.site_ref == found.site_ref)
                };
                prop_assert!(after.actions.iter().any(forgotten));
            }
        }
    }

    /// No sweep does more than staff allow, and an object is stopped and deleted only so long after its owner was told.
    #[test]
    fn limits_and_graces_hold(parts in scenes()) {
        let scene = scene(&parts);
        let plan = scene.plan();
        let (orphans, steps): (Vec<_>, Vec<_>) = plan
            .actions
            .iter()
            .filter(|it| matches!(it, Action::DeleteOrphan { .. } | Action::Stop { .. } | Action::Delete { .. }))
            .partition(|it| matches!(it, Action::DeleteOrphan { .. }));
        let most = usize::try_from(scene.policy.limits.most).unwrap();
        prop_assert!(orphans.len() <= most && steps.len() <= most);
        let percent = usize::try_from(scene.policy.limits.percent).unwrap();
        prop_assert!(scene.found.len() < 20 || steps.len() * 100 <= scene.found.len() * percent);
        for step in steps {
            let (Action::Stop { mark, .. } | Action::Delete { mark, .. }) = step else { continue };
            let before = scene.marked.iter().find(|old| old.target.site_ref == mark.target.site_ref).unwrap();
            let ripe = match before.stage {
                Stage::Warned { at } if mark.predicate == Predicate::LeaseWithoutServer => at < scene.now,
                Stage::Warned { at } => at + scene.policy.stop_after() <= scene.now,
                Stage::Stopped { at, .. } => at + scene.policy.delete_after() <= scene.now,
                Stage::Deleting { .. } => true,
                Stage::Restored { .. } => false,
            };
            prop_assert!(ripe, "{before:?}");
        }
        let ranks: Vec<_> = plan
            .actions
            .iter()
            .filter_map(|it| match it {
                Action::Delete { mark, .. } => Some(mark.target.kind.deleting_rank()),
                _ => None,
            })
            .collect();
        prop_assert!(ranks.is_sorted());
    }

    /// A listing that is empty, failed, is partial, old or shrunk stops and deletes nothing, forgets no mark, and says nothing of
    /// what counts as usage.
    #[test]
    fn no_listing_no_deed(parts in scenes(), which in 0usize..6) {
        let mut scene = scene(&parts);
        let listed = scene.found.len();
        match which {
            0 => scene.found.clear(),
            1 => scene.view.look = Look::Failed("503".into()),
            2 => scene.view.look = Look::Partial("page 2".into()),
            3 => scene.view.look = Look::Down("down".into()),
            4 => scene.view.looked_at -= TimeDelta::minutes(11),
            _ => {
                let expected = listed * 2 + FEW + scene.marked.len();
                let last = Whole { count: expected, at: scene.now - TimeDelta::minutes(59) };
                scene.view.last_whole = Some(last);
            }
        }
        let plan = scene.plan();
        prop_assert_eq!(plan.actions, []);
        let nothing_there = which == 0 && scene.marked.is_empty();
        prop_assert_eq!(plan.skipped.len(), usize::from(!nothing_there));
        prop_assert_eq!(plan.held.len(), usize::from(nothing_there));
    }
}
