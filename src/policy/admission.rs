//! Whether a person may have a slot: each rule a small function with a stable code, a sentence and its numbers.
//!
//! The rules are those that the course from which this project comes has really used; `docs/policy.md` tells each with its
//! bounds and its history.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::calendar::{self, DailyWindow, Weekdays};
use crate::domain::course::{Judged, Lab, Pool};
use crate::domain::ids::BookingId;
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Parity;

/// Everything that a decision about one person, lab and moment needs.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The lab that the slot is for.
    pub lab: &'a Lab,
    /// The lab's pool.
    pub pool: &'a Pool,
    /// The course's zone.
    pub zone: Tz,
    /// The person's parity, if they have one.
    pub parity: Option<Parity>,
    /// The person's live bookings of this lab.
    pub own: &'a [OwnBooking],
    /// Hours that count which the person has used of this lab or has booked.
    pub used: TimeDelta,
    /// What the pool holds, at least over the span that is judged.
    pub occupancy: &'a Occupancy,
    /// As of when.
    pub now: DateTime<Utc>,
}

/// A live booking of the same person and lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnBooking {
    /// Its id.
    pub id: BookingId,
    /// From its start up to its end, or the later end that was asked for.
    pub slot: Interval,
    /// Its named nodes, if the pool's nodes have names.
    pub nodes: Vec<String>,
}

/// A number of a broken rule, as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Number {
    /// A count, or minutes.
    Whole(i64),
    /// An instant in RFC 3339, a date, or a word.
    Text(String),
    /// Words.
    List(Vec<String>),
}

/// A rule that a slot breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Start or end is not where starts and ends are.
    OffGrid {
        /// Starts lie on multiples of this many minutes.
        starts_minutes: i32,
        /// Ends lie on multiples of this many minutes, less the margin.
        grid_minutes: i32,
        /// How many minutes before such a time a slot ends.
        margin_minutes: i32,
    },
    /// The slot has none of the lengths that slots of the lab have.
    BadLength {
        /// What was asked for, with the margin.
        asked: TimeDelta,
        /// The lengths that there are, with the margin.
        lengths: Vec<TimeDelta>,
    },
    /// The start is over.
    InPast {
        /// As of when.
        now: DateTime<Utc>,
    },
    /// The lab is not open yet.
    NotOpen {
        /// When it opens.
        open: DateTime<Utc>,
    },
    /// The start is further ahead than one may book.
    TooFar {
        /// How many days one may book ahead.
        horizon_days: i32,
        /// The last instant at which a slot may start, as of now.
        latest: DateTime<Utc>,
    },
    /// The pool is closed at some time of the slot, or while its resources would be made.
    Closed {
        /// The closure.
        span: Interval,
        /// Why, in a few words.
        reason: String,
    },
    /// The slot ends after the due date.
    PastDue {
        /// The due date.
        due: DateTime<Utc>,
    },
    /// The slot starts, or lies, on a day of the other parity.
    WrongDay {
        /// The local date that is not the person's.
        date: NaiveDate,
        /// The person's parity.
        parity: Parity,
        /// The days that are theirs in that week.
        days: Weekdays,
        /// The day with which weeks begin when they are listed.
        first: chrono::Weekday,
    },
    /// The lab goes by parity and the person has none.
    NoParity,
    /// The slot is longer than the cap.
    OverCap {
        /// What was asked for.
        asked: TimeDelta,
        /// The cap.
        cap: TimeDelta,
        /// The hours that count, if not all do.
        counted: Option<DailyWindow>,
    },
    /// The person would use more of the lab than they may in all.
    OverBudget {
        /// What was asked for, of the hours that count.
        asked: TimeDelta,
        /// What is left.
        left: TimeDelta,
        /// What they may use in all.
        budget: TimeDelta,
    },
    /// The person has a booking of this lab that overlaps.
    Overlap {
        /// That booking's slot.
        other: Interval,
    },
    /// The person has as many bookings ahead as they may have.
    TooManyAhead {
        /// How many they may have.
        limit: i32,
    },
    /// At some time of the slot too few units are free.
    Full {
        /// The first such time.
        at: DateTime<Utc>,
    },
}

impl Violation {
    /// The rule's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OffGrid { .. } => "off_grid",
            Self::BadLength { .. } => "bad_length",
            Self::InPast { .. } => "in_past",
            Self::NotOpen { .. } => "not_open",
            Self::TooFar { .. } => "too_far",
            Self::Closed { .. } => "closed",
            Self::PastDue { .. } => "past_due",
            Self::WrongDay { .. } => "wrong_day",
            Self::NoParity => "no_parity",
            Self::OverCap { .. } => "over_cap",
            Self::OverBudget { .. } => "over_budget",
            Self::Overlap { .. } => "overlap",
            Self::TooManyAhead { .. } => "too_many_ahead",
            Self::Full { .. } => "full",
        }
    }

    /// Its numbers, by names that stay. Instants carry the offset of `zone`.
    pub fn numbers(&self, zone: Tz) -> Vec<(&'static str, Number)> {
        let at = |instant: &DateTime<Utc>| Number::Text(calendar::rfc3339(zone, *instant));
        let minutes = |length: &TimeDelta| Number::Whole(length.num_minutes());
        match self {
            Self::OffGrid { starts_minutes, grid_minutes, margin_minutes } => vec![
                ("starts_minutes", Number::Whole((*starts_minutes).into())),
                ("grid_minutes", Number::Whole((*grid_minutes).into())),
                ("margin_minutes", Number::Whole((*margin_minutes).into())),
            ],
            Self::BadLength { asked, lengths } => vec![
                ("asked_minutes", minutes(asked)),
                (
                    "lengths_minutes",
                    Number::List(lengths.iter().map(|it| it.num_minutes().to_string()).collect()),
                ),
            ],
            Self::InPast { now } => vec![("now", at(now))],
            Self::NotOpen { open } => vec![("open", at(open))],
            Self::TooFar { horizon_days, latest } => {
                vec![("horizon_days", Number::Whole((*horizon_days).into())), ("latest", at(latest))]
            }
            Self::Closed { span, reason } => vec![
                ("start", at(&span.start())),
                ("end", at(&span.end())),
                ("reason", Number::Text(reason.clone())),
            ],
            Self::PastDue { due } => vec![("due", at(due))],
            Self::WrongDay { date, parity, days, .. } => vec![
                ("date", Number::Text(date.to_string())),
                ("parity", Number::Text(parity.word().to_owned())),
                ("days", Number::List((*days).into())),
            ],
            Self::NoParity => Vec::new(),
            Self::OverCap { asked, cap, .. } => {
                vec![("asked_minutes", minutes(asked)), ("cap_minutes", minutes(cap))]
            }
            Self::OverBudget { asked, left, budget } => vec![
                ("asked_minutes", minutes(asked)),
                ("left_minutes", minutes(left)),
                ("budget_minutes", minutes(budget)),
            ],
            Self::Overlap { other } => vec![("start", at(&other.start())), ("end", at(&other.end()))],
            Self::TooManyAhead { limit } => vec![("limit", Number::Whole((*limit).into()))],
            Self::Full { at: first } => vec![("at", at(first))],
        }
    }

    /// Whether it comes of what others or the person hold at present, not of the slot itself.
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Overlap { .. } | Self::TooManyAhead { .. } | Self::Full { .. })
    }

    /// What is wrong and what would be right, with times in `zone`.
    pub fn sentence(&self, zone: Tz) -> String {
        match self {
            Self::OffGrid { starts_minutes, grid_minutes, margin_minutes: 0 } if starts_minutes == grid_minutes => {
                format!("Starts and ends lie on multiples of {grid_minutes} minutes.")
            }
            Self::OffGrid { starts_minutes, grid_minutes, margin_minutes } => format!(
                "Starts lie on multiples of {starts_minutes} minutes, and a slot ends {margin_minutes} minutes before a \
                 multiple of {grid_minutes}."
            ),
            Self::BadLength { asked, lengths } => {
                let lengths: Vec<_> = lengths.iter().map(|length| calendar::in_words(*length)).collect();
                format!("You asked for {}; slots of this lab are {} long.", calendar::in_words(*asked), lengths.join(" or "))
            }
            Self::InPast { now } => {
                format!("That start is over: it is {} now.", calendar::date_and_time(zone, *now))
            }
            Self::NotOpen { open } => {
                format!("The lab opens on {}.", calendar::date_and_time(zone, *open))
            }
            Self::TooFar { horizon_days, latest } => format!(
                "You may book {horizon_days} days ahead: until {} as of now.",
                calendar::date_and_time(zone, *latest)
            ),
            Self::Closed { span, reason } => {
                format!("Closed from {}: {reason}.", calendar::span(zone, span))
            }
            Self::PastDue { due } => {
                format!("The lab is due on {}, and a slot ends by then.", calendar::date_and_time(zone, *due))
            }
            Self::WrongDay { date, parity, days, first } => format!(
                "{} is not a day for {} net IDs: in that week yours are {}.",
                calendar::date(*date),
                parity.word(),
                days.in_words(*first).replace(" or ", " and ")
            ),
            Self::NoParity => {
                "This lab goes by the last digit of the net ID, and yours does not end in a digit. Ask staff to \
                 set your days."
                    .to_owned()
            }
            Self::OverCap { asked, cap, counted } => {
                let within = counted.map_or_else(String::new, |window| format!(" between {}", window.between()));
                let (asked, cap) = (calendar::in_words(*asked), calendar::in_words(*cap));
                format!("You asked for {asked}{within}; at most {cap} at once.")
            }
            Self::OverBudget { asked, left, budget } => {
                let left = if *left == TimeDelta::zero() { "nothing".to_owned() } else { calendar::in_words(*left) };
                let (asked, budget) = (calendar::in_words(*asked), calendar::in_words(*budget));
                format!("You asked for {asked}; of your {budget} in this lab {left} is left.")
            }
            Self::Overlap { other } => {
                format!("It overlaps your booking of {}.", calendar::span(zone, other))
            }
            Self::TooManyAhead { limit: 1 } => {
                "You have a booking of this lab already, and may have one at a time.".to_owned()
            }
            Self::TooManyAhead { limit } => {
                format!("You have {limit} bookings of this lab already, and may have {limit} at a time.")
            }
            Self::Full { at } => format!("Every place is taken at {}.", calendar::date_and_time(zone, *at)),
        }
    }
}

/// Every rule that `slot` breaks as a new booking; none means that it is accepted.
pub fn judge(case: &Case<'_>, slot: &Interval) -> Vec<Violation> {
    [
        off_grid(case, slot),
        bad_length(case, slot),
        in_past(case, slot),
        not_open(case, slot),
        past_due(case, slot),
        too_far(case, slot),
        wrong_day(case, slot),
        over_cap(case, slot),
        over_budget(case, slot, TimeDelta::zero()),
        closed(case, &case.pool.held(slot)),
        overlap(case, slot, None),
        too_many_ahead(case),
        full(case, &case.pool.held(slot)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every rule that is broken if the live booking `id` of `slot` ends at `new_end`, later than now, instead. A weekday
/// rule judges the start, which stays.
pub fn judge_extension(
    case: &Case<'_>,
    id: &BookingId,
    slot: &Interval,
    new_end: DateTime<Utc>,
) -> Vec<Violation> {
    let Some(whole) = Interval::new(slot.start(), new_end).filter(|whole| whole.end() > slot.end()) else {
        return vec![off_grid_here(case)];
    };
    let added = case.pool.added(slot, new_end);
    let over = (slot.end() <= case.now).then_some(Violation::InPast { now: case.now });
    [
        off_grid(case, &whole),
        bad_length(case, &whole),
        over,
        past_due(case, &whole),
        over_cap(case, &whole),
        over_budget(case, &whole, case.lab.policy.counted(case.zone, slot)),
        added.and_then(|added| closed(case, &added)),
        overlap(case, &whole, Some(id)),
        added.and_then(|added| full_for(case, id, &added)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn off_grid(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let every = case.lab.policy.starts_every_minutes.unwrap_or(case.pool.grid_minutes);
    let starts_right = slot.start().timestamp().rem_euclid(i64::from(every.max(1)) * 60) == 0;
    let ends_right = case.pool.on_grid(slot.end() + case.pool.end_margin());
    (!starts_right || !ends_right).then(|| off_grid_here(case))
}

fn off_grid_here(case: &Case<'_>) -> Violation {
    let grid_minutes = case.pool.grid_minutes;
    let starts_minutes = case.lab.policy.starts_every_minutes.unwrap_or(grid_minutes);
    Violation::OffGrid { starts_minutes, grid_minutes, margin_minutes: case.pool.end_margin_minutes }
}

fn bad_length(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let asked = slot.length() + case.pool.end_margin();
    let lengths: Vec<_> =
        case.lab.policy.lengths_minutes.iter().map(|minutes| TimeDelta::minutes((*minutes).into())).collect();
    (!lengths.is_empty() && !lengths.contains(&asked)).then_some(Violation::BadLength { asked, lengths })
}

fn in_past(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    (slot.start() < case.now).then_some(Violation::InPast { now: case.now })
}

fn not_open(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    (slot.start() < case.lab.open).then_some(Violation::NotOpen { open: case.lab.open })
}

fn past_due(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let due = case.lab.due?;
    (slot.end() > case.pool.ceil(due)).then_some(Violation::PastDue { due })
}

fn too_far(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let horizon_days = case.lab.policy.horizon_days?;
    let latest = case.now + TimeDelta::days(horizon_days.into());
    (slot.start() > latest).then_some(Violation::TooFar { horizon_days, latest })
}

fn closed(case: &Case<'_>, held: &Interval) -> Option<Violation> {
    let closure = case.pool.closures.iter().find(|closure| closure.span.overlaps(held))?;
    Some(Violation::Closed { span: closure.span, reason: closure.reason.clone() })
}

fn wrong_day(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let rule = case.lab.policy.parity.as_ref()?;
    let Some(parity) = case.parity else { return Some(Violation::NoParity) };
    let counted = case.lab.policy.window().of(case.zone, slot);
    let judged = match rule.judges {
        Judged::Start => counted.get(..1).unwrap_or_default(),
        Judged::Slot => &counted,
    };
    judged.iter().map(|(date, _)| *date).find_map(|date| {
        let (days, first) = (rule.days(parity, date), rule.first_day());
        (!days.contains(date.weekday())).then_some(Violation::WrongDay { date, parity, days, first })
    })
}

fn over_cap(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let policy = &case.lab.policy;
    let (asked, cap) = (policy.counted(case.zone, slot), policy.cap());
    (asked > cap).then_some(Violation::OverCap { asked, cap, counted: policy.counted })
}

/// `charged` is what of the slot is in the person's use already.
fn over_budget(case: &Case<'_>, slot: &Interval, charged: TimeDelta) -> Option<Violation> {
    let budget = TimeDelta::minutes(case.lab.policy.budget_minutes?.into());
    let asked = case.lab.policy.counted(case.zone, slot);
    let left = (budget - case.used + charged).max(TimeDelta::zero());
    (asked > left).then_some(Violation::OverBudget { asked, left, budget })
}

fn overlap(case: &Case<'_>, slot: &Interval, except: Option<&BookingId>) -> Option<Violation> {
    let others = case.own.iter().filter(|own| Some(&own.id) != except);
    others.map(|own| own.slot).find(|other| other.overlaps(slot)).map(|other| Violation::Overlap { other })
}

fn too_many_ahead(case: &Case<'_>) -> Option<Violation> {
    let limit = case.lab.policy.bookings_ahead;
    let have = i32::try_from(case.own.len()).unwrap_or(i32::MAX);
    (have >= limit).then_some(Violation::TooManyAhead { limit })
}

/// What an extension adds has to be free on the nodes that the booking has.
fn full_for(case: &Case<'_>, id: &BookingId, added: &Interval) -> Option<Violation> {
    let nodes = case.own.iter().find(|own| own.id == *id).map_or(&[][..], |own| &own.nodes);
    let at = case.occupancy.first_full_for(case.pool, added, case.lab.units, nodes)?;
    Some(Violation::Full { at })
}

fn full(case: &Case<'_>, held: &Interval) -> Option<Violation> {
    case.occupancy.first_full(case.pool, held, case.lab.units).map(|at| Violation::Full { at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::course::Closure;
    use crate::policy::sentences::tests::{Fixture, local};

    fn codes(fixture: &Fixture, now: &str, start: &str, end: &str) -> Vec<&'static str> {
        let slot = Interval::new(local(start), local(end)).unwrap();
        judge(&fixture.case(local(now)), &slot).iter().map(Violation::code).collect()
    }

    /// Case 1 of the course's facts: due Thu 2025-02-13, `ff524` may use 2/8, 2/10, 2/12; an odd net ID the others.
    #[test]
    fn the_origins_week_before_the_due_date() {
        let days = |net_id: &str| {
            let fixture = Fixture::origin(net_id);
            let legal = |day: &u32| {
                codes(
                    &fixture,
                    "2025-02-06T12:00",
                    &format!("2025-02-{day:02}T10:00"),
                    &format!("2025-02-{day:02}T15:00"),
                )
                .is_empty()
            };
            (7..=13).filter(legal).collect::<Vec<_>>()
        };
        assert_eq!(days("ff524"), [8, 10, 12]);
        assert_eq!(days("ff523"), [7, 9, 11, 13]);
    }

    #[test]
    fn the_next_week_is_swapped() {
        let mut fixture = Fixture::origin("ff524");
        fixture.lab.due = Some(local("2025-02-20T23:59"));
        let on =
            |day: &str| codes(&fixture, "2025-02-13T00:00", &format!("{day}T10:00"), &format!("{day}T12:00"));
        assert_eq!(on("2025-02-15"), ["wrong_day"]);
        assert_eq!(on("2025-02-14"), Vec::<&str>::new());
    }

    #[test]
    fn every_broken_rule_is_named() {
        let fixture = Fixture::origin("ff524");
        let now = "2025-02-08T12:00";
        assert_eq!(codes(&fixture, now, "2025-02-08T13:00", "2025-02-08T21:00"), Vec::<&str>::new());
        assert_eq!(codes(&fixture, now, "2025-02-08T13:00", "2025-02-08T21:30"), ["over_cap"]);
        assert_eq!(codes(&fixture, now, "2025-02-08T13:07", "2025-02-08T15:00"), ["off_grid"]);
        assert_eq!(codes(&fixture, now, "2025-02-08T11:30", "2025-02-08T15:00"), ["in_past"]);
        assert_eq!(codes(&fixture, now, "2025-02-12T20:00", "2025-02-13T04:00"), Vec::<&str>::new());
        assert_eq!(
            codes(&fixture, now, "2025-02-13T20:00", "2025-02-14T05:00"),
            ["past_due", "wrong_day", "over_cap"]
        );
        assert_eq!(
            codes(&fixture, now, "2025-01-20T20:07", "2025-01-20T23:00"),
            ["off_grid", "in_past", "not_open", "wrong_day"]
        );
    }

    #[test]
    fn the_day_of_the_due_date_ends_at_midnight() {
        let fixture = Fixture::origin("ff523");
        assert_eq!(
            codes(&fixture, "2025-02-13T12:00", "2025-02-13T22:00", "2025-02-14T00:00"),
            Vec::<&str>::new()
        );
        assert_eq!(codes(&fixture, "2025-02-13T12:00", "2025-02-13T22:00", "2025-02-14T00:30"), ["past_due"]);
    }

    /// Case 3: a net ID that ends in a letter is refused with a clear reason.
    #[test]
    fn no_final_digit_is_refused_with_its_reason() {
        let fixture = Fixture::origin("abcd");
        let slot = Interval::new(local("2025-02-08T13:00"), local("2025-02-08T14:00")).unwrap();
        let violations = judge(&fixture.case(local("2025-02-08T12:00")), &slot);
        assert_eq!(violations, [Violation::NoParity]);
        assert!(violations[0].sentence(fixture.zone).contains("does not end in a digit"));
    }

    #[test]
    fn a_closed_pool_and_a_horizon_say_what_would_be_right() {
        let mut fixture = Fixture::origin("ff524");
        let span = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T18:00")).unwrap();
        fixture.pool.closures = vec![Closure { span, reason: "power maintenance".into() }];
        fixture.lab.policy.horizon_days = Some(3);
        let now = "2025-02-08T09:00";
        assert_eq!(codes(&fixture, now, "2025-02-08T10:00", "2025-02-08T14:00"), Vec::<&str>::new());
        assert_eq!(codes(&fixture, now, "2025-02-08T10:00", "2025-02-08T14:30"), ["closed"]);
        assert_eq!(codes(&fixture, now, "2025-02-08T18:00", "2025-02-08T20:00"), ["closed"], "its lead is");
        assert_eq!(codes(&fixture, now, "2025-02-08T18:30", "2025-02-08T20:00"), Vec::<&str>::new());
        assert_eq!(codes(&fixture, now, "2025-02-12T10:00", "2025-02-12T12:00"), ["too_far"]);
        let slot = Interval::new(local("2025-02-08T15:00"), local("2025-02-08T16:00")).unwrap();
        let sentences: Vec<_> =
            judge(&fixture.case(local(now)), &slot).iter().map(|it| it.sentence(fixture.zone)).collect();
        assert_eq!(sentences, ["Closed from Sat Feb 8, 14:00 to 18:00: power maintenance."]);
    }

    /// Case 9 of the course's facts: two blocks of two hours by day, and the night beside them.
    #[test]
    fn a_budget_counts_what_is_used_and_booked() {
        let mut fixture = Fixture::origin("ff524");
        fixture.lab.policy.budget_minutes = Some(240);
        fixture.lab.policy.counted = Some(DailyWindow { from: 8 * 60, to: 24 * 60 });
        let now = "2025-02-08T07:00";
        let third = |fixture: &Fixture| codes(fixture, now, "2025-02-08T14:00", "2025-02-08T16:00");
        fixture.used = TimeDelta::hours(2);
        assert_eq!(third(&fixture), Vec::<&str>::new());
        fixture.used = TimeDelta::hours(4);
        assert_eq!(third(&fixture), ["over_budget"]);
        assert_eq!(codes(&fixture, now, "2025-02-10T01:00", "2025-02-10T07:00"), Vec::<&str>::new());
        let slot = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T16:00")).unwrap();
        let told = judge(&fixture.case(local(now)), &slot)[0].sentence(fixture.zone);
        assert_eq!(told, "You asked for 2 h; of your 4 h in this lab nothing is left.");
    }

    #[test]
    fn extending_charges_only_what_is_added() {
        let mut fixture = Fixture::origin("ff524");
        let id = fixture.book("2025-02-08T14:00", "2025-02-08T16:00");
        fixture.lab.policy.budget_minutes = Some(240);
        fixture.used = TimeDelta::hours(2);
        let slot = fixture.own[0].slot;
        let until = |end: &str| {
            judge_extension(&fixture.case(local("2025-02-08T15:00")), &id, &slot, local(end)).len()
        };
        assert_eq!((until("2025-02-08T18:00"), until("2025-02-08T18:30")), (0, 1));
    }

    /// Case 8 of the course's facts: blocks of three hours that start on the hour and end at :55.
    #[test]
    fn blocks_have_their_shape_and_the_site_has_its_time_between_them() {
        let mut fixture = Fixture::origin("ff524");
        fixture.lab.policy.parity = None;
        fixture.lab.policy.lengths_minutes = vec![180];
        fixture.pool.lead_minutes = 0;
        (fixture.pool.grid_minutes, fixture.pool.end_margin_minutes, fixture.pool.cleaning_minutes) =
            (60, 5, 5);
        let now = "2025-02-08T12:00";
        assert_eq!(codes(&fixture, now, "2025-02-08T14:00", "2025-02-08T16:55"), Vec::<&str>::new());
        assert_eq!(codes(&fixture, now, "2025-02-08T14:00", "2025-02-08T17:55"), ["bad_length"]);
        assert_eq!(codes(&fixture, now, "2025-02-08T14:00", "2025-02-08T17:00"), ["off_grid", "bad_length"]);
        assert_eq!(codes(&fixture, now, "2025-02-08T14:30", "2025-02-08T17:25"), ["off_grid"]);
        let slot = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T16:55")).unwrap();
        let next = local("2025-02-08T17:00");
        assert!(
            !fixture.pool.cells(&fixture.pool.held(&slot)).any(|cell| cell == next),
            "17:00 fits five minutes"
        );
        fixture.pool.cleaning_minutes = 10;
        assert!(fixture.pool.cells(&fixture.pool.held(&slot)).any(|cell| cell == next), "but not ten");
    }

    #[test]
    fn own_bookings_and_full_cells_are_contention() {
        let mut fixture = Fixture::origin("ff524");
        fixture.book("2025-02-08T14:00", "2025-02-08T16:00");
        fixture.fill("2025-02-08T20:00");
        let now = "2025-02-08T12:00";
        assert_eq!(codes(&fixture, now, "2025-02-08T15:00", "2025-02-08T17:00"), ["overlap"]);
        assert_eq!(codes(&fixture, now, "2025-02-08T16:00", "2025-02-08T17:00"), Vec::<&str>::new());
        assert_eq!(codes(&fixture, now, "2025-02-08T18:00", "2025-02-08T20:30"), ["full"]);
        assert_eq!(
            codes(&fixture, now, "2025-02-08T20:30", "2025-02-08T21:00"),
            ["full"],
            "the lead holds units, too"
        );
        assert_eq!(codes(&fixture, now, "2025-02-08T21:00", "2025-02-08T22:00"), Vec::<&str>::new());
        fixture.book("2025-02-10T14:00", "2025-02-10T16:00");
        assert_eq!(codes(&fixture, now, "2025-02-08T18:00", "2025-02-08T20:00"), ["too_many_ahead"]);
    }

    #[test]
    fn extending_judges_the_whole_and_counts_only_what_is_added() {
        let mut fixture = Fixture::origin("ff524");
        let id = fixture.book("2025-02-08T14:00", "2025-02-08T16:00");
        fixture.fill("2025-02-08T14:00");
        fixture.fill("2025-02-08T20:00");
        let slot = fixture.own[0].slot;
        let case = fixture.case(local("2025-02-08T15:00"));
        let until = |end: &str| {
            judge_extension(&case, &id, &slot, local(end)).iter().map(Violation::code).collect::<Vec<_>>()
        };
        assert_eq!(until("2025-02-08T20:00"), Vec::<&str>::new());
        assert_eq!(until("2025-02-08T20:30"), ["full"]);
        assert_eq!(until("2025-02-08T22:30"), ["over_cap", "full"]);
        assert_eq!(until("2025-02-08T16:00"), ["off_grid"]);
    }
}
