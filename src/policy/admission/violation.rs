//! Rules that slots break: codes, numbers and sentences.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::calendar::{self, DailyWindow, Weekdays};
use crate::domain::interval::Interval;
use crate::domain::person::Parity;
use crate::domain::su::Su;

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
    /// The slot ends after the term does.
    PastTerm {
        /// The term's name.
        term: String,
        /// The first instant after its last day.
        end: DateTime<Utc>,
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
    /// The person does not take the course any more.
    NotEnrolled,
    /// The person would make more bookings of the lab than they may in all.
    OverBookings {
        /// How many they may make.
        budget: i32,
    },
    /// The person would use more service units than they may.
    OverSu {
        /// What the slot costs.
        asked: Su,
        /// What is left.
        left: Su,
        /// What they may use in all.
        budget: Su,
        /// Whether it is the budget of the whole course, not of this lab.
        of_course: bool,
    },
    /// With it the person's bookings of this lab would follow each other too closely.
    Stacked {
        /// The span that would be covered too much.
        span: Interval,
        /// How much of it, in percent.
        covered: i64,
        /// It may be less than this, in percent.
        limit: i32,
    },
    /// The person has a booking of another part of the same work that overlaps.
    OtherPart {
        /// That booking's slot.
        other: Interval,
    },
    /// The person has as many bookings far ahead as they may have.
    TooManyFar {
        /// How many they may have.
        limit: i32,
        /// What starts later than this many hours from now is far ahead.
        beyond_hours: i32,
    },
    /// It would leave a stretch that is too short to be of use.
    Gap {
        /// The stretch.
        span: Interval,
        /// A stretch is of use from this length on.
        shortest: TimeDelta,
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
    /// The site does not change the end of a lease that is in force.
    EndFixed {
        /// What people call the site.
        site: String,
        /// What it said, if it was asked.
        words: Option<String>,
    },
    /// At some time of the slot too few units are free.
    Full {
        /// The first such time.
        at: DateTime<Utc>,
    },
    /// It has become free a moment ago, and someone in line may have a part of it.
    WaitedFor,
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
            Self::PastTerm { .. } => "past_term",
            Self::WrongDay { .. } => "wrong_day",
            Self::NoParity => "no_parity",
            Self::OverCap { .. } => "over_cap",
            Self::OverBudget { .. } => "over_budget",
            Self::NotEnrolled => "not_enrolled",
            Self::OverBookings { .. } => "over_bookings",
            Self::OverSu { .. } => "over_su",
            Self::Stacked { .. } => "stacked",
            Self::OtherPart { .. } => "other_part",
            Self::TooManyFar { .. } => "too_many_far",
            Self::Gap { .. } => "gap",
            Self::Overlap { .. } => "overlap",
            Self::TooManyAhead { .. } => "too_many_ahead",
            Self::EndFixed { .. } => "end_fixed",
            Self::Full { .. } => "full",
            Self::WaitedFor => "waited_for",
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
            Self::PastTerm { term, end } => vec![("term", Number::Text(term.clone())), ("end", at(end))],
            Self::WrongDay { date, parity, days, .. } => vec![
                ("date", Number::Text(date.to_string())),
                ("parity", Number::Text(parity.word().to_owned())),
                ("days", Number::List((*days).into())),
            ],
            Self::NoParity | Self::NotEnrolled | Self::WaitedFor => Vec::new(),
            Self::OverBookings { budget } => vec![("budget_bookings", Number::Whole((*budget).into()))],
            Self::OverSu { asked, left, budget, of_course } => vec![
                ("asked_micro_su", Number::Whole(asked.micro())),
                ("left_micro_su", Number::Whole(left.micro())),
                ("budget_micro_su", Number::Whole(budget.micro())),
                ("budget_of", Number::Text(if *of_course { "course" } else { "lab" }.to_owned())),
            ],
            Self::Stacked { span, covered, limit } => vec![
                ("start", at(&span.start())),
                ("end", at(&span.end())),
                ("covered_percent", Number::Whole(*covered)),
                ("limit_percent", Number::Whole((*limit).into())),
            ],
            Self::Gap { span, shortest } => vec![
                ("start", at(&span.start())),
                ("end", at(&span.end())),
                ("shortest_minutes", minutes(shortest)),
            ],
            Self::OverCap { asked, cap, .. } => {
                vec![("asked_minutes", minutes(asked)), ("cap_minutes", minutes(cap))]
            }
            Self::OverBudget { asked, left, budget } => vec![
                ("asked_minutes", minutes(asked)),
                ("left_minutes", minutes(left)),
                ("budget_minutes", minutes(budget)),
            ],
            Self::TooManyFar { limit, beyond_hours } => vec![
                ("limit", Number::Whole((*limit).into())),
                ("beyond_hours", Number::Whole((*beyond_hours).into())),
            ],
            Self::Overlap { other } | Self::OtherPart { other } => {
                vec![("start", at(&other.start())), ("end", at(&other.end()))]
            }
            Self::TooManyAhead { limit } => vec![("limit", Number::Whole((*limit).into()))],
            Self::EndFixed { site, words } => {
                let words = words.iter().map(|words| ("words", Number::Text(words.clone())));
                std::iter::once(("site", Number::Text(site.clone()))).chain(words).collect()
            }
            Self::Full { at: first } => vec![("at", at(first))],
        }
    }

    /// Whether it comes of what others or the person hold at present, not of the slot itself.
    pub fn is_contention(&self) -> bool {
        matches!(
            self,
            Self::Overlap { .. }
                | Self::OtherPart { .. }
                | Self::TooManyAhead { .. }
                | Self::TooManyFar { .. }
                | Self::Stacked { .. }
                | Self::Gap { .. }
                | Self::Full { .. }
                | Self::WaitedFor
        )
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
                format!("Closed from {}: {reason}.", calendar::span_or_from(zone, span))
            }
            Self::PastDue { due } => {
                format!("The lab is due on {}, and a slot ends by then.", calendar::date_and_time(zone, *due))
            }
            Self::PastTerm { term, end } => {
                let last = calendar::local_date(zone, *end - TimeDelta::seconds(1));
                format!("The term {term} ends on {}, and a slot ends by then.", calendar::date(last))
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
            Self::NotEnrolled => {
                "You are not enrolled in this course at present. If that is wrong, ask staff.".to_owned()
            }
            Self::OverBookings { budget } => {
                let (bookings, have) = if *budget == 1 { ("booking", "it is") } else { ("bookings", "they are") };
                format!("You may make {budget} {bookings} of this lab in all, and {have} made.")
            }
            Self::OverSu { asked, left, budget, of_course } => {
                let of = if *of_course { "course" } else { "lab" };
                format!("It costs {asked}; of your {budget} in this {of} {left} are left.")
            }
            Self::Stacked { span, covered, limit } => format!(
                "Your bookings would cover {covered} percent of {}; it has to be less than {limit}, so that others have a \
                 turn.",
                calendar::span(zone, span)
            ),
            Self::OtherPart { other } => format!(
                "You work on another part of this lab from {}, and may work on one at a time.",
                calendar::span(zone, other)
            ),
            Self::TooManyFar { limit, beyond_hours } => {
                let bookings = if *limit == 1 { "booking" } else { "bookings" };
                format!(
                    "You have {limit} {bookings} far ahead already, and may have no more; those that start within \
                     {beyond_hours} h don't count."
                )
            }
            Self::Gap { span, shortest } => format!(
                "It leaves {} free, which is of use to nobody: leave nothing there, or at least {}.",
                calendar::span(zone, span),
                calendar::in_words(*shortest)
            ),
            Self::Overlap { other } => {
                format!("It overlaps your booking of {}.", calendar::span(zone, other))
            }
            Self::TooManyAhead { limit: 1 } => {
                "You have a booking of this lab already, and may have one at a time.".to_owned()
            }
            Self::TooManyAhead { limit } => {
                format!("You have {limit} bookings of this lab already, and may have {limit} at a time.")
            }
            Self::EndFixed { site, words } => end_fixed(site, words.as_deref()),
            Self::WaitedFor => WAITED_FOR.to_owned(),
            Self::Full { at } => format!("Every place is taken at {}.", calendar::date_and_time(zone, *at)),
        }
    }
}

/// What whoever is refused for [`Violation::WaitedFor`] reads.
const WAITED_FOR: &str =
    "It has just become free, and others wait for it: whoever of them comes first is asked now.";

fn end_fixed(site: &str, words: Option<&str>) -> String {
    let said = words.map(|words| format!(" It says: \"{words}\"")).unwrap_or_default();
    format!(
        "{site} can't change the end of a booking that has begun: book another slot after it, or release it early.{said}"
    )
}
