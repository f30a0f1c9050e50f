//! When the lease that staff hold for a pool is renewed, and when staff have to be told of it.
//!
//! A site lets a lease be extended only shortly before its end, and only so far from the present moment on; so a lease is
//! renewed again and again for as long as the pool's labs need it. That bookings reach beyond its end is no trouble as long
//! as it will be renewed before. Its end is never moved to an earlier instant, nor beyond what the course needs.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use crate::domain::course::{Course, Pool};
use crate::domain::renewal::{HeldLease, Outlook, Phase, Renewal, Trouble};

/// How long before it matters staff hear of what only they can mend: the time in which sites let leases be extended.
pub const NOTICE: TimeDelta = TimeDelta::hours(48);

/// The time for which a pool's labs and bookings need its standing lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// From when on labs can be used; nothing if only bookings are left.
    pub opens: Option<DateTime<Utc>>,
    /// When the last lab closes or the last booking ends, but not after the end of term; nothing if that is open.
    pub until: Option<DateTime<Utc>>,
    /// Up to when it is booked, if it is.
    pub booked_until: Option<DateTime<Utc>>,
}

impl Need {
    /// What the pool's labs and its live bookings, the last of which ends at `booked_until`, need. Nothing if there are none.
    pub fn of(course: &Course, pool: &Pool, booked_until: Option<DateTime<Utc>>) -> Option<Self> {
        let labs = || course.labs.iter().filter(|lab| lab.pool == pool.id);
        let opens = labs().map(|lab| lab.open).min();
        let closes =
            labs().map(|lab| lab.closes(pool)).try_fold(None, |last, closes| Some(last.max(Some(closes?))));
        let until = match closes {
            Some(closes) => Some(closes.max(booked_until)?),
            None => None,
        };
        let term_end = course.term.as_ref().map(|term| term.end(course.zone));
        let until = until.into_iter().chain(term_end).min();
        Some(Self { opens, until, booked_until })
    }

    /// Whether it matters at `now` how the lease is.
    fn is_present(&self, now: DateTime<Utc>) -> bool {
        let near = self.booked_until.is_some() || self.opens.is_some_and(|opens| opens - NOTICE <= now);
        near && self.until.is_none_or(|until| now < until)
    }
}

/// What a decision goes by.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// How it is renewed, if the course file leaves that to the service.
    pub renewal: Option<Renewal>,
    /// For how long it is needed.
    pub need: Need,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Leave(Outlook),
    /// Its end is to be moved to this instant, which is later than the present one.
    Renew(DateTime<Utc>),
}

/// What is to be done about the lease as the site tells it; nothing if the site has none.
pub fn decide(case: &Case, lease: Option<&HeldLease>) -> Step {
    if !case.need.is_present(case.now) {
        return Step::Leave(Outlook::Idle);
    }
    let trouble = |trouble| Step::Leave(Outlook::Trouble(trouble));
    let Some(lease) = lease else { return trouble(Trouble::NotThere) };
    match lease.phase {
        Phase::Over => trouble(Trouble::Over),
        _ if lease.ends <= case.now => trouble(Trouble::Over),
        Phase::Broken => trouble(Trouble::Broken),
        Phase::Ahead => Step::Leave(Outlook::Stands { renew_at: None }),
        Phase::Changing => Step::Leave(outlook(case, lease)),
        Phase::InForce => match goal(case, lease) {
            Some((from, to)) if from <= case.now => Step::Renew(to),
            _ => Step::Leave(outlook(case, lease)),
        },
    }
}

/// From when on the lease may be renewed, and how far if that is now. Nothing if it is not to be.
fn goal(case: &Case, lease: &HeldLease) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let renewal = case.renewal.filter(|_| case.need.until.is_none_or(|until| lease.ends < until))?;
    let from = lease.ends - renewal.before();
    // Sites count in minutes, and count a lease's length from the moment of its extension.
    let longest = case.now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(case.now) + renewal.length();
    let to = case.need.until.map_or(longest, |until| until.min(longest));
    (from > case.now || to > lease.ends).then_some((from, to))
}

/// What is to come of a lease that is good, and that is not to be renewed now.
fn outlook(case: &Case, lease: &HeldLease) -> Outlook {
    if let Some((from, _)) = goal(case, lease) {
        return Outlook::Stands { renew_at: Some(from) };
    }
    match case.need.booked_until {
        Some(booked) if booked > lease.ends && lease.ends - NOTICE <= case.now => {
            Outlook::Trouble(Trouble::Short(booked))
        }
        _ => Outlook::Stands { renew_at: None },
    }
}

/// What is to come of a lease as it is after the site was asked to renew it.
pub fn renewed(case: &Case, lease: &HeldLease) -> Outlook {
    match decide(case, Some(lease)) {
        Step::Leave(outlook) => outlook,
        Step::Renew(_) => {
            refused(case, lease, true, "the site took the request, and its end is the same".to_owned())
        }
    }
}

/// What is to come of a lease that the site has not renewed, and said why. A reason that may pass is given half of the time
/// in which it may be renewed before it is trouble.
pub fn refused(case: &Case, lease: &HeldLease, may_pass: bool, words: String) -> Outlook {
    let patience = case.renewal.map_or(TimeDelta::zero(), |renewal| renewal.before() / 2);
    if may_pass && case.now < lease.ends - patience {
        return Outlook::Tried(words);
    }
    Outlook::Trouble(Trouble::Refused(words))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::course::{CloudName, Site, Term};
    use crate::policy::sentences::tests::{Fixture, local};

    /// Friday 7 February 2025 at noon in New York.
    fn hour(hours: i64) -> DateTime<Utc> {
        local("2025-02-07T12:00") + TimeDelta::hours(hours)
    }

    fn lease(phase: Phase, ends: DateTime<Utc>) -> HeldLease {
        HeldLease { site_ref: "l1".to_owned(), phase, status: "X".to_owned(), ends }
    }

    fn case(until: Option<i64>, booked: Option<i64>) -> Case {
        Case {
            renewal: Some(Renewal { hours_before: 48, for_days: 7 }),
            need: Need { opens: Some(hour(-100)), until: until.map(hour), booked_until: booked.map(hour) },
            now: hour(0),
        }
    }

    fn stands(renew_at: Option<i64>) -> Step {
        Step::Leave(Outlook::Stands { renew_at: renew_at.map(hour) })
    }

    fn trouble(trouble: Trouble) -> Step {
        Step::Leave(Outlook::Trouble(trouble))
    }

    fn in_force(case: &Case, ends: i64) -> Step {
        decide(case, Some(&lease(Phase::InForce, hour(ends))))
    }

    #[test]
    fn it_is_renewed_within_the_hours_before_its_end_and_from_now_on() {
        let open = case(None, None);
        assert_eq!(in_force(&open, 49), stands(Some(1)));
        assert_eq!(in_force(&open, 48), Step::Renew(hour(168)));
        assert_eq!(in_force(&open, 1), Step::Renew(hour(168)));
        assert_eq!(in_force(&open, 168), stands(Some(120)), "as it is once renewed");
        assert_eq!(
            in_force(&case(None, Some(300)), 49),
            stands(Some(1)),
            "bookings beyond it will be covered"
        );
        let odd = Case { now: hour(0) + TimeDelta::seconds(59), ..open };
        assert_eq!(in_force(&odd, 48), Step::Renew(hour(168)), "to the minute");
    }

    #[test]
    fn it_is_not_renewed_for_longer_than_it_is_needed() {
        assert_eq!(in_force(&case(Some(60), None), 48), Step::Renew(hour(60)));
        assert_eq!(in_force(&case(Some(48), None), 48), stands(None));
        assert_eq!(in_force(&case(Some(20), None), 48), stands(None));
        assert_eq!(in_force(&case(Some(0), None), 48), Step::Leave(Outlook::Idle));
        assert_eq!(decide(&case(Some(0), None), None), Step::Leave(Outlook::Idle));
    }

    #[test]
    fn what_is_not_ours_to_renew_is_told_when_staff_can_extend_it() {
        let theirs = |booked| Case { renewal: None, ..case(None, booked) };
        assert_eq!(in_force(&theirs(None), 1), stands(None));
        assert_eq!(in_force(&theirs(Some(48)), 48), stands(None));
        assert_eq!(in_force(&theirs(Some(50)), 49), stands(None), "it can't be extended yet");
        assert_eq!(in_force(&theirs(Some(49)), 48), trouble(Trouble::Short(hour(49))));
        let beyond_term = case(Some(48), Some(49));
        assert_eq!(in_force(&beyond_term, 48), trouble(Trouble::Short(hour(49))));
    }

    #[test]
    fn what_can_not_be_used_is_trouble_once_it_is_needed() {
        let open = case(None, None);
        assert_eq!(decide(&open, None), trouble(Trouble::NotThere));
        assert_eq!(in_force(&open, 0), trouble(Trouble::Over), "the site has not noticed yet");
        for (phase, told) in [
            (Phase::Over, trouble(Trouble::Over)),
            (Phase::Broken, trouble(Trouble::Broken)),
            (Phase::Ahead, stands(None)),
            (Phase::Changing, stands(Some(-47))),
        ] {
            assert_eq!(decide(&open, Some(&lease(phase, hour(1)))), told, "{phase:?}");
        }
        let mut early = case(None, None);
        early.need.opens = Some(hour(49));
        assert_eq!(decide(&early, None), Step::Leave(Outlook::Idle), "there is time");
        early.need.opens = Some(hour(48));
        assert_eq!(decide(&early, None), trouble(Trouble::NotThere));
        early.need = Need { opens: Some(hour(490)), booked_until: Some(hour(500)), until: None };
        assert_eq!(decide(&early, None), trouble(Trouble::NotThere), "somebody has booked all the same");
    }

    #[test]
    fn a_refusal_that_may_pass_is_given_time() {
        let of = |ends, may_pass| {
            refused(&case(None, None), &lease(Phase::InForce, hour(ends)), may_pass, "503".to_owned())
        };
        let final_ = Outlook::Trouble(Trouble::Refused("503".to_owned()));
        assert_eq!(of(25, true), Outlook::Tried("503".to_owned()));
        assert_eq!(of(24, true), final_);
        assert_eq!(of(48, false), final_);
        let after = |ends| renewed(&case(None, None), &lease(Phase::InForce, hour(ends)));
        assert_eq!(after(168), Outlook::Stands { renew_at: Some(hour(120)) });
        assert!(
            matches!(after(30), Outlook::Tried(_)) && matches!(after(20), Outlook::Trouble(_)),
            "it was ignored"
        );
    }

    #[test]
    fn a_pool_needs_its_lease_for_its_labs_and_its_bookings() {
        let fixture = Fixture::origin("ff524");
        let site = Site {
            id: fixture.pool.site.clone(),
            title: "KVM".to_owned(),
            cloud: CloudName::Simulated,
            leases: true,
            extends: None,
            dashboard: None,
            outage_feed: None,
            capacity: None,
            bare_metal_at_once: 2,
            su_per_hour: std::collections::BTreeMap::new(),
        };
        let mut course = Course {
            id: "c".parse().unwrap(),
            title: "C".to_owned(),
            zone: fixture.zone,
            contact: "c@example.edu".to_owned(),
            term: None,
            sites: vec![site],
            pools: vec![fixture.pool.clone()],
            reaper: crate::domain::reaper::ReaperPolicy::default(),
            fair_share: crate::domain::fair_share::FairSharePolicy::default(),
            waitlist: crate::domain::fair_share::WaitlistPolicy::default(),
            labs: vec![fixture.lab.clone()],
        };
        let pool = &fixture.pool;
        let (open, closes) = (fixture.lab.open, fixture.lab.closes(pool).unwrap());
        let later = closes + TimeDelta::hours(3);
        let of = |course: &Course, booked| Need::of(course, pool, booked);
        let need = |opens, until, booked_until| Some(Need { opens, until, booked_until });
        assert_eq!(of(&course, None), need(Some(open), Some(closes), None));
        assert_eq!(of(&course, Some(later)), need(Some(open), Some(later), Some(later)), "by an exception");
        course.term = Some(Term {
            name: "T".to_owned(),
            from: open.date_naive(),
            to: closes.date_naive() - TimeDelta::days(2),
        });
        let term_end = course.term.as_ref().unwrap().end(course.zone);
        assert!(term_end < closes);
        assert_eq!(of(&course, Some(later)), need(Some(open), Some(term_end), Some(later)));
        course.term = None;
        course.labs[0].due = None;
        assert_eq!(of(&course, Some(later)), need(Some(open), None, Some(later)), "to be announced");
        course.labs.clear();
        assert_eq!(of(&course, Some(later)), need(None, Some(later), Some(later)));
        assert_eq!(of(&course, None), None);
    }

    proptest! {
        /// Whatever there is: never shorter, never beyond what is needed or may be had, never outside of the hours for it.
        #[test]
        fn its_end_moves_only_later_and_only_so_far(
            ends in -50i64..400,
            until in proptest::option::of(-50i64..600),
            booked in proptest::option::of(-50i64..700),
            hours_before in 2i32..168,
            more_hours in 1i32..400,
            phase in proptest::sample::select(vec![
                Phase::InForce, Phase::Changing, Phase::Ahead, Phase::Broken, Phase::Over,
            ]),
        ) {
            let for_days = (hours_before + more_hours) / 24 + 1;
            let renewal = Renewal { hours_before, for_days };
            let case = Case { renewal: Some(renewal), ..case(until, booked) };
            let found = lease(phase, hour(ends));
            match decide(&case, Some(&found)) {
                Step::Renew(to) => {
                    prop_assert!(to > found.ends && to <= case.now + renewal.length());
                    prop_assert!(case.need.until.is_none_or(|until| to <= until));
                    prop_assert!(found.ends - renewal.before() <= case.now && case.now < found.ends);
                    prop_assert_eq!(phase, Phase::InForce);
                    let again = decide(&case, Some(&lease(Phase::InForce, to)));
                    prop_assert!(!matches!(again, Step::Renew(_)), "once is enough: {:?}", again);
                }
                Step::Leave(Outlook::Stands { renew_at: Some(at) }) => {
                    prop_assert!(at > case.now || phase == Phase::Changing);
                }
                Step::Leave(_) => {}
            }
        }
    }
}
