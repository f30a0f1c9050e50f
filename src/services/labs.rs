//! What a person sees of the course's labs: rules in a sentence, starts to choose from.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::App;
use super::standing::{Standing, case};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::course::{Course, Lab};
use crate::domain::ids::LabId;
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::policy::admission::{self, Case, Violation};
use crate::policy::availability::{self, Start, Verdict};
use crate::policy::sentences;

/// A lab and how a person stands to it.
#[derive(Debug, Clone)]
pub struct LabCard {
    /// The lab with its surroundings.
    pub setting: LabSetting,
    /// The person's rule for this week, in a sentence.
    pub rule: String,
    /// The person's live bookings of it, soonest first.
    pub bookings: Vec<Booking>,
    /// Hours that count which the person has used of it or has booked.
    pub used: TimeDelta,
}

/// The course and a card for each of its labs; nothing before a course was applied.
pub fn overview(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
) -> Result<Option<(Course, Vec<LabCard>)>, DbError> {
    let Some(course) = db::course(conn)? else { return Ok(None) };
    let all = db::bookings_of_person(conn, &person.id)?;
    let now = app.now();
    let card = |lab: &Lab| {
        let pool = course.pools.iter().find(|pool| pool.id == lab.pool)?.clone();
        let site = course.sites.iter().find(|site| site.id == pool.site)?.clone();
        let setting = LabSetting { lab: lab.clone(), pool, site, zone: course.zone };
        let standing = Standing::of(&setting, &all);
        let rule = sentence(&setting, person, &standing, now);
        Some(LabCard { bookings: live_of_lab(all.clone(), &lab.id), rule, used: standing.used, setting })
    };
    let cards = course.labs.iter().filter_map(card).collect();
    Ok(Some((course, cards)))
}

fn week_of(setting: &LabSetting, at: DateTime<Utc>) -> NaiveDate {
    setting.lab.week_of(calendar::local_date(setting.zone, at))
}

fn sentence(setting: &LabSetting, person: &Person, standing: &Standing, now: DateTime<Utc>) -> String {
    let occupancy = Occupancy::default();
    let case = case(setting, person, standing, &occupancy, now);
    sentences::rule(&case, &person.net_id, week_of(setting, now))
}

fn live_of_lab(bookings: Vec<Booking>, lab: &LabId) -> Vec<Booking> {
    bookings.into_iter().filter(|booking| booking.lab == *lab && booking.state.is_live()).collect()
}

fn choice(case: &Case<'_>, at: DateTime<Utc>) -> Choice {
    let verdict = availability::verdict(case, at);
    let stopper = match verdict {
        Verdict::Free { longest, .. } => Interval::new(at, at + longest + case.pool.grid())
            .and_then(|longer| admission::judge(case, &longer).into_iter().next()),
        Verdict::Refused(_) => None,
    };
    Choice { start: Start { at, verdict }, lengths: availability::legal_lengths(case, at), stopper }
}

/// One day of a week of starts.
#[derive(Debug, Clone)]
pub struct DayOfStarts {
    /// The local date.
    pub date: NaiveDate,
    /// Every start of the grid on that day, in order.
    pub starts: Vec<Start>,
}

/// A week of starts for one person.
#[derive(Debug, Clone)]
pub struct Week {
    /// Its first day.
    pub first: NaiveDate,
    /// The rule that holds in it for the person, in a sentence.
    pub rule: String,
    /// Its seven days.
    pub days: Vec<DayOfStarts>,
}

/// A lab's page for one person.
#[derive(Debug, Clone)]
pub struct LabView {
    /// The lab with its surroundings.
    pub setting: LabSetting,
    /// The person's live bookings of it, soonest first.
    pub bookings: Vec<Booking>,
    /// The week that was asked for, else the present one, or the one in which the lab opens.
    pub week: Week,
    /// The start that was chosen, if any.
    pub choice: Option<Choice>,
    /// As of when.
    pub now: DateTime<Utc>,
}

/// A start that a person looks at closely.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The start.
    pub start: Start,
    /// Every length that the person may have from it, shortest first.
    pub lengths: Vec<TimeDelta>,
    /// What stands against a slot that is one grid cell longer than the longest.
    pub stopper: Option<Violation>,
}

/// The lab's page for this person in the week to which `date` belongs; nothing if there is no such lab.
pub fn lab(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    lab: &LabId,
    date: Option<NaiveDate>,
    chosen: Option<DateTime<Utc>>,
) -> Result<Option<LabView>, DbError> {
    let Some(setting) = db::lab_setting(conn, lab)? else { return Ok(None) };
    let now = app.now();
    let date = date.unwrap_or_else(|| {
        calendar::local_date(setting.zone, chosen.unwrap_or_else(|| now.max(setting.lab.open)))
    });
    let first = setting.lab.week_of(date);
    let all = db::bookings_of_person(conn, &person.id)?;
    let standing = Standing::of(&setting, &all);
    let bookings = live_of_lab(all, lab);
    let (start, end) =
        (calendar::midnight(setting.zone, first), calendar::midnight(setting.zone, first + Days::new(7)));
    let longest = setting.lab.policy.longest();
    let Some(span) = Interval::new(start - longest, end + longest) else { return Ok(None) };
    let span = setting.pool.held(&span);
    let occupancy = db::occupancy(conn, &setting.pool, &span)?;
    let case = case(&setting, person, &standing, &occupancy, now);
    let days = (0..7)
        .map(|n| first + Days::new(n))
        .map(|date| DayOfStarts {
            date,
            starts: availability::starts(&case, &calendar::day(setting.zone, date)),
        })
        .collect();
    let rule = sentences::rule(&case, &person.net_id, first);
    let week = Week { first, rule, days };
    let choice = chosen.filter(|at| span.contains(*at)).map(|at| choice(&case, at));
    Ok(Some(LabView { setting, bookings, week, choice, now }))
}
