//! A lab's rules in one sentence for one person and week, from the same data that decides.

use chrono::{Days, NaiveDate, TimeDelta};

use super::admission::Case;
use crate::domain::calendar;
use crate::domain::course::{ParityRule, Strictness};
use crate::domain::ids::NetId;
use crate::domain::person::Parity;

/// "Your net ID ends in 4, so this week you may start on Sat, Mon or Wed, until Thu Feb 13, 23:59; at most 8 h at once."
/// `week` is the first day of the week that is spoken of.
pub fn rule(case: &Case<'_>, net_id: &NetId, week: NaiveDate) -> String {
    let days = match (&case.lab.policy.parity, case.standing.parity) {
        (None, _) => "You may start on any day".to_owned(),
        (Some(_), None) => {
            return "This lab goes by the last digit of the net ID, and yours does not end in a digit: ask staff to \
                    set your days."
                .to_owned();
        }
        (Some(rule), Some(parity)) => days(case, rule, parity, net_id, week),
    };
    format!("{days}{}", bounds(case))
}

/// "Next week: Sun, Tue or Thu.": the weekdays of the week after the present one. Nothing if the lab goes by no weekdays, the
/// person has none, or the lab is over by then or not open yet.
pub fn next_week(case: &Case<'_>) -> Option<String> {
    let (rule, parity) = (case.lab.policy.parity.as_ref()?, case.standing.parity?);
    let next = case.lab.week_of(calendar::local_date(case.zone, case.now)) + Days::new(7);
    let span = calendar::day(case.zone, next).start()..calendar::day(case.zone, next + Days::new(6)).end();
    let over = case.lab.closes(case.pool).is_some_and(|closes| closes <= span.start);
    if over || case.lab.open >= span.end {
        return None;
    }
    Some(format!("Next week: {}.", rule.days(parity, next).in_words(rule.first_day())))
}

/// "Even net IDs may start on Sat, Mon or Wed this week, until Thu Feb 13, 23:59; at most 8 h at once.": the same rule for
/// each class of students; one sentence for everyone if the lab goes by no weekdays.
pub fn classes(case: &Case<'_>, week: NaiveDate) -> Vec<String> {
    let Some(rule) = &case.lab.policy.parity else {
        return vec![format!("Everyone may start on any day{}", bounds(case))];
    };
    let when = which_week(case, week);
    let class = |(name, parity)| {
        let days = rule.days(parity, week).in_words(rule.first_day());
        format!("{name} net IDs may start on {days} {when}{}", bounds(case))
    };
    [("Even", Parity::Even), ("Odd", Parity::Odd)].map(class).into()
}

/// Up to when, and how much.
fn bounds(case: &Case<'_>) -> String {
    let until = match case.lab.due {
        Some(due) => format!("until {}", calendar::date_and_time(case.zone, due)),
        None => "with the due date to be announced".to_owned(),
    };
    let cap = calendar::in_words(case.lab.policy.cap());
    let in_all = case.lab.policy.budget_minutes.map_or_else(String::new, |minutes| {
        format!(", {} in all", calendar::in_words(TimeDelta::minutes(minutes.into())))
    });
    match case.lab.policy.counted {
        None => format!(", {until}; at most {cap} at once{in_all}."),
        Some(window) => format!(
            ", {until}; at most {cap} at once{in_all} between {}. Other hours are free, on any day.",
            window.between()
        ),
    }
}

fn days(case: &Case<'_>, rule: &ParityRule, parity: Parity, net_id: &NetId, week: NaiveDate) -> String {
    let why = match net_id.final_digit() {
        Some(digit) => format!("Your net ID ends in {digit}"),
        None => format!("Your net ID counts as {}", parity.word()),
    };
    let when = which_week(case, week);
    format!("{why}, so {when} you may start on {}", rule.days(parity, week).in_words(rule.first_day()))
}

fn which_week(case: &Case<'_>, week: NaiveDate) -> String {
    let present = case.lab.week_of(calendar::local_date(case.zone, case.now));
    match (week - present).num_days() {
        0 => "this week".to_owned(),
        7 => "next week".to_owned(),
        _ => format!("in the week of {}", calendar::date(week)),
    }
}

/// Every other rule of the lab for this person, a sentence each.
pub fn all(case: &Case<'_>) -> Vec<String> {
    let policy = &case.lab.policy;
    let hours = |minutes: i32| calendar::in_words(TimeDelta::minutes(minutes.into()));
    let lengths: Vec<_> = policy.lengths_minutes.iter().map(|minutes| hours(*minutes)).collect();
    [
        (!lengths.is_empty()).then(|| format!("A slot is {} long.", lengths.join(" or "))),
        policy.starts_every_minutes.map(|minutes| format!("Slots start every {}.", hours(minutes))),
        (case.pool.end_margin_minutes > 0).then(|| {
            format!("A slot ends {} before the next can start.", hours(case.pool.end_margin_minutes))
        }),
        Some(match policy.bookings_ahead {
            1 => "You may have one booking of this lab at a time.".to_owned(),
            many => format!("You may have {many} bookings of this lab at a time."),
        }),
        policy.budget_bookings.map(|many| format!("You may make {many} bookings of it in all.")),
        policy.horizon_days.map(|days| format!("You may book {days} days ahead.")),
        policy.far.map(|far| match far.bookings {
            1 => format!("One of them may start later than {} h from now.", far.beyond_hours),
            many => format!("{many} of them may start later than {} h from now.", far.beyond_hours),
        }),
        policy.stacking.map(|rule| {
            format!(
                "Your bookings may cover less than {} percent of any {} h.",
                rule.percent, rule.within_hours
            )
        }),
        policy.gaps.map(|rule| {
            let what = match rule.then {
                Strictness::Warn => "Leave no stretch",
                Strictness::Refuse => "No stretch may be left that is",
            };
            format!("{what} shorter than {} between bookings.", hours(rule.shorter_than_minutes))
        }),
        (!case.lab.other_parts.is_empty())
            .then(|| "You may work on one part of this series of labs at a time.".to_owned()),
        policy.budget_su.map(|su| format!("You may use {su} in this lab.")),
        case.lab.course_budget_su.map(|su| format!("You may use {su} in the whole course.")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, NaiveDateTime, Utc, Weekday};
    use chrono_tz::{America::New_York, Tz};

    use super::*;
    use crate::domain::blueprint::Blueprint;
    use crate::domain::calendar::Weekdays;
    use crate::domain::course::{Judged, Lab, Policy, Pool};
    use crate::domain::interval::Interval;
    use crate::domain::occupancy::Occupancy;
    use crate::domain::su::Su;
    use crate::policy::standing::Standing;

    /// "2025-02-08T10:00" in New York.
    pub(crate) fn local(text: &str) -> DateTime<Utc> {
        calendar::instant(New_York, NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap())
    }

    /// The origin's lab and policy of 31 January 2025, with the due date of 4 February.
    pub(crate) struct Fixture {
        pub(crate) lab: Lab,
        pub(crate) pool: Pool,
        pub(crate) zone: Tz,
        pub(crate) net_id: NetId,
        pub(crate) standing: Standing,
        held: BTreeMap<DateTime<Utc>, i32>,
        occupancy: Occupancy,
    }

    impl Fixture {
        pub(crate) fn origin(net_id: &str) -> Self {
            use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
            let parity = ParityRule {
                even: Weekdays::of(&[Sat, Mon, Wed]),
                odd: Weekdays::of(&[Fri, Sun, Tue, Thu]),
                swap_weekly_from: Some("2025-02-07".parse().unwrap()),
                judges: Judged::Start,
            };
            let blueprint = Blueprint { login: "cc".into(), ..Blueprint::default() };
            let lab = Lab {
                id: "k8s".parse().unwrap(),
                pool: "vms".parse().unwrap(),
                title: "Kubernetes".into(),
                summary: String::new(),
                manual: None,
                reading: Vec::new(),
                expected_minutes: None,
                units: 1,
                open: local("2025-01-31T00:00"),
                due: Some(local("2025-02-13T23:59")),
                other_parts: Vec::new(),
                su_per_hour: Su::ZERO,
                course_budget_su: None,
                term: None,
                term_end: None,
                needs: Vec::new(),
                deferred: None,
                outages: Vec::new(),
                policy: Policy {
                    cap_minutes: 480,
                    counted: None,
                    lengths_minutes: Vec::new(),
                    starts_every_minutes: None,
                    horizon_days: None,
                    budget_minutes: None,
                    budget_bookings: None,
                    budget_su: None,
                    far: None,
                    gaps: None,
                    stacking: None,
                    bookings_ahead: 2,
                    parity: Some(parity),
                },
                blueprint,
            };
            let pool = Pool {
                id: "vms".parse().unwrap(),
                site: "kvm".parse().unwrap(),
                site_capacity: None,
                capacity: 3,
                changes: Vec::new(),
                nodes: Vec::new(),
                grid_minutes: 30,
                lead_minutes: 30,
                end_margin_minutes: 0,
                cleaning_minutes: 0,
                closures: Vec::new(),
                standing_lease: None,
                renewal: None,
                node_property: "node_name".to_owned(),
            };
            Self {
                lab,
                pool,
                zone: New_York,
                standing: Standing::blank(Parity::of(&net_id.parse().unwrap())),
                net_id: net_id.parse().unwrap(),
                held: BTreeMap::new(),
                occupancy: Occupancy::default(),
            }
        }

        pub(crate) fn case(&self, now: DateTime<Utc>) -> Case<'_> {
            Case {
                lab: &self.lab,
                pool: &self.pool,
                zone: self.zone,
                standing: &self.standing,
                occupancy: &self.occupancy,
                now,
            }
        }

        /// A live booking of the person.
        pub(crate) fn book(&mut self, start: &str, end: &str) -> Interval {
            let slot = Interval::new(local(start), local(end)).unwrap();
            self.standing.own.push(slot);
            self.standing.spans.push(slot);
            slot
        }

        /// Takes every unit of the cell that starts then.
        pub(crate) fn fill(&mut self, cell: &str) {
            self.fill_at(local(cell));
        }

        pub(crate) fn fill_at(&mut self, cell: DateTime<Utc>) {
            self.held.insert(cell, self.pool.capacity);
            self.occupancy = Occupancy::of(self.held.clone());
        }
    }

    #[test]
    fn the_days_of_next_week() {
        let mut fixture = Fixture::origin("ff524");
        let next = |fixture: &Fixture, now: &str| next_week(&fixture.case(local(now)));
        assert_eq!(next(&fixture, "2025-02-05T09:00"), Some("Next week: Sat, Mon or Wed.".to_owned()));
        assert_eq!(next(&fixture, "2025-02-08T09:00"), None, "the lab is over by then");
        assert_eq!(next(&fixture, "2025-01-10T09:00"), None, "it is not open by then");
        fixture.lab.due = None;
        assert_eq!(next(&fixture, "2025-02-08T09:00"), Some("Next week: Fri, Sun, Tue or Thu.".to_owned()));
        fixture.standing.parity = None;
        assert_eq!(next(&fixture, "2025-02-05T09:00"), None);
    }

    #[test]
    fn the_rule_in_a_sentence() {
        let fixture = Fixture::origin("ff524");
        let case = fixture.case(local("2025-02-08T09:00"));
        let sentence = |week: &str| rule(&case, &fixture.net_id, week.parse().unwrap());
        assert_eq!(
            sentence("2025-02-07"),
            "Your net ID ends in 4, so this week you may start on Sat, Mon or Wed, until Thu Feb 13, 23:59; at most 8 h at once."
        );
        assert!(
            sentence("2025-02-14")
                .starts_with("Your net ID ends in 4, so next week you may start on Fri, Sun, Tue or Thu,")
        );
        assert!(
            sentence("2025-01-31")
                .contains("in the week of Fri Jan 31 you may start on Fri, Sun, Tue or Thu")
        );
    }

    #[test]
    fn each_class_has_its_sentence() {
        let mut fixture = Fixture::origin("ff524");
        let week = "2025-02-07".parse().unwrap();
        let of = |fixture: &Fixture| classes(&fixture.case(local("2025-02-08T09:00")), week);
        let end = "this week, until Thu Feb 13, 23:59; at most 8 h at once.";
        assert_eq!(
            of(&fixture),
            [
                format!("Even net IDs may start on Sat, Mon or Wed {end}"),
                format!("Odd net IDs may start on Fri, Sun, Tue or Thu {end}"),
            ]
        );
        fixture.lab.policy.parity = None;
        assert!(of(&fixture)[0].starts_with("Everyone may start on any day, until Thu Feb 13"));
    }

    #[test]
    fn no_parity_and_no_due_date_have_sentences_too() {
        let mut fixture = Fixture::origin("abcd");
        let week = "2025-02-07".parse().unwrap();
        assert!(rule(&fixture.case(local("2025-02-08T09:00")), &fixture.net_id, week).contains("ask staff"));
        fixture.lab.policy.parity = None;
        fixture.lab.due = None;
        assert_eq!(
            rule(&fixture.case(local("2025-02-08T09:00")), &fixture.net_id, week),
            "You may start on any day, with the due date to be announced; at most 8 h at once."
        );
    }
}
