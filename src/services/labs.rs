//! What a person sees of the course's labs: rules in a sentence, starts to choose from.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::situation::Situation;
use super::{App, lead, places};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::course::{Course, Lab, Pool};
use crate::domain::health::Health;
use crate::domain::ids::{BookingId, LabId, NetId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::domain::su::Su;
use crate::policy::admission::{self, Case, Violation};
use crate::policy::availability::{self, Start, Verdict};
use crate::policy::lead::Learned;
use crate::policy::search::{self, Wanted};
use crate::policy::sentences;
use crate::policy::standing::Standing;

/// A lab and how a person stands to it.
#[derive(Debug, Clone)]
pub struct LabCard {
    /// The lab with its surroundings.
    pub setting: LabSetting,
    /// The person's rule for this week, in a sentence.
    pub rule: String,
    /// Their weekdays of next week, in a phrase.
    pub next_week: Option<String>,
    /// The person's live bookings of it, soonest first.
    pub bookings: Vec<Booking>,
    /// Hours that count which the person has used of it or has booked.
    pub used: TimeDelta,
    /// Bookings of it with such hours.
    pub used_bookings: i32,
    /// Service units that the person has used of it or has booked.
    pub used_su: Su,
    /// The same of all labs of the course.
    pub used_su_in_all: Su,
}

/// The course and a card for each of its labs; nothing before a course was applied.
pub fn overview(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
) -> Result<Option<(Course, Vec<LabCard>)>, DbError> {
    let Some(course) = db::course(conn)? else { return Ok(None) };
    let all = db::bookings_of_person(conn, &person.id)?;
    let exceptions = db::exceptions_of_person(conn, &person.id)?;
    let now = app.now();
    let card = |lab: &Lab| {
        let pool = course.pools.iter().find(|pool| pool.id == lab.pool)?.clone();
        let site = course.sites.iter().find(|site| site.id == pool.site)?.clone();
        let setting = LabSetting { lab: lab.clone(), pool, site, zone: course.zone };
        let situation = Situation::of(setting, person, &exceptions, &all, None, now);
        let occupancy = Occupancy::default();
        let case = situation.case(&occupancy, now);
        let rule = sentences::rule(&case, &person.net_id, week_of(&situation.setting, now));
        let next_week = sentences::next_week(&case);
        let Situation { setting, standing, .. } = situation;
        let Standing { used, used_bookings, used_su, used_su_in_all, .. } = standing;
        let bookings = live_of_lab(all.clone(), &lab.id);
        Some(LabCard { setting, rule, next_week, bookings, used, used_bookings, used_su, used_su_in_all })
    };
    let cards = course.labs.iter().filter_map(card).collect();
    Ok(Some((course, cards)))
}

/// The most bookings of a team that someone sees at once.
const MOST_OF_TEAM: i64 = 20;

/// What the person's team mates have booked, soonest first, each with whose it is.
pub fn of_team(conn: &mut Conn<'_>, person: &Person) -> Result<Vec<(Booking, NetId)>, DbError> {
    let Some(team) = person.team.as_ref().filter(|_| person.enrolled) else { return Ok(Vec::new()) };
    let Some(course) = db::served_course(conn)? else { return Ok(Vec::new()) };
    db::bookings_of_team(conn, &course, team, &person.id, MOST_OF_TEAM)
}

fn week_of(setting: &LabSetting, at: DateTime<Utc>) -> NaiveDate {
    setting.lab.week_of(calendar::local_date(setting.zone, at))
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
    let warnings = |length| Interval::new(at, at + length).map(|slot| admission::warnings(case, &slot));
    let lengths = availability::legal_lengths(case, at);
    let lengths = lengths.into_iter().map(|length| (length, warnings(length).unwrap_or_default())).collect();
    Choice { start: Start { at, verdict }, lengths, stopper }
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
    /// How its site does; nothing if it was not seen yet.
    pub health: Option<Health>,
    /// How long preparing it took lately.
    pub learned: Option<Learned>,
    /// The person's live bookings of it, soonest first.
    pub bookings: Vec<Booking>,
    /// The week that was asked for, else the present one, or the one in which the lab opens.
    pub week: Week,
    /// The start that was chosen, if any.
    pub choice: Option<Choice>,
    /// The booking that is to be moved, if it is one: starts are places where it could be.
    pub moving: Option<Booking>,
    /// The person's weekdays of next week, in a phrase.
    pub next_week: Option<String>,
    /// The person's other rules, a sentence each.
    pub rules: Vec<String>,
    /// What the person has and had.
    pub standing: Standing,
    /// The first slots that fit what they look for, if they look for any; else, in a week in which nothing is free for them,
    /// the first that they could have.
    pub found: Vec<Interval>,
    /// As of when.
    pub now: DateTime<Utc>,
}

impl LabView {
    /// The path of the page: the lab's, or that on which a booking of it is moved.
    pub fn path(&self) -> String {
        match &self.moving {
            Some(booking) => format!("/bookings/{}/move", booking.id),
            None => format!("/labs/{}", self.setting.lab.id),
        }
    }
}

/// A start that a person looks at closely.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The start.
    pub start: Start,
    /// Every length that the person may have from it, shortest first, with what to know of it although it is accepted.
    pub lengths: Vec<(TimeDelta, Vec<Violation>)>,
    /// What stands against a slot that is one grid cell longer than the longest.
    pub stopper: Option<Violation>,
}

/// What of a lab's page someone wants to see.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// A day of the week that is shown; the present week, or that of the chosen start, if there is none.
    pub date: Option<NaiveDate>,
    /// The start that was chosen.
    pub chosen: Option<DateTime<Utc>>,
    /// A booking of theirs that is to be moved: what is shown is where it could be.
    pub moving: Option<BookingId>,
    /// What they look for.
    pub wanted: Option<(Wanted, Spread)>,
}

/// Slots that are to be found: how many, and how far apart they are to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// How many at most.
    pub count: usize,
    /// How long after one the next may start.
    pub apart: TimeDelta,
}

impl Spread {
    /// So many, however near to each other.
    pub fn all(count: usize) -> Self {
        Self { count, apart: TimeDelta::zero() }
    }
}

/// A choice of one day or another, where nothing of the shown week is free.
const OTHER_DAYS: Spread = Spread { count: 3, apart: TimeDelta::days(1) };

/// The lab's page for this person; nothing if there is no such lab, or no such booking to move.
pub fn lab(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    lab: &LabId,
    look: &Look,
) -> Result<Option<LabView>, DbError> {
    let now = app.now();
    let all = db::bookings_of_person(conn, &person.id)?;
    let moving = look.moving.as_ref().map(|id| all.iter().find(|it| it.id == *id && it.lab == *lab));
    if moving == Some(None) {
        return Ok(None);
    }
    let moving = moving.flatten().cloned();
    let Some(mut setting) = db::lab_setting(conn, lab)? else { return Ok(None) };
    if let Some(booking) = &moving {
        setting.pool = db::pool(conn, &booking.pool)?;
    }
    let exceptions = db::exceptions_of_person(conn, &person.id)?;
    let situation = Situation::of(setting, person, &exceptions, &all, look.moving.as_ref(), now);
    let setting = &situation.setting;
    let date = look.date.unwrap_or_else(|| {
        calendar::local_date(setting.zone, look.chosen.unwrap_or_else(|| now.max(setting.lab.open)))
    });
    let first = setting.lab.week_of(date);
    let Some(span) = span_of_week(setting, first) else { return Ok(None) };
    let occupancy = occupancy_without(conn, &setting.pool, &span, moving.as_ref())?;
    let case = situation.case(&occupancy, now);
    let days: Vec<_> = (0..7)
        .map(|n| first + Days::new(n))
        .map(|date| DayOfStarts {
            date,
            starts: availability::starts(&case, &calendar::day(setting.zone, date)),
        })
        .collect();
    let rule = sentences::rule(&case, &person.net_id, first);
    let choice = look.chosen.filter(|at| span.contains(*at)).map(|at| choice(&case, at));
    let (rules, next_week) = (sentences::all(&case), sentences::next_week(&case));
    let wanted = look.wanted.clone().or_else(|| anything_instead(&case, &days, look));
    let found = match wanted {
        Some((wanted, spread)) => found(conn, &situation, moving.as_ref(), &wanted, spread, now)?,
        None => Vec::new(),
    };
    let bookings =
        live_of_lab(all, lab).into_iter().filter(|it| Some(&it.id) != look.moving.as_ref()).collect();
    let Situation { setting, standing } = situation;
    let health = db::site_health(conn, &setting.site.id)?;
    let learned = lead::learned(conn, lab, &setting.pool.id, now)?;
    let week = Week { first, rule, days };
    Ok(Some(LabView {
        setting,
        health,
        learned,
        bookings,
        week,
        choice,
        moving,
        next_week,
        rules,
        standing,
        found,
        now,
    }))
}

/// The shortest slot from the shown week on, if the week has none.
fn anything_instead(case: &Case<'_>, days: &[DayOfStarts], look: &Look) -> Option<(Wanted, Spread)> {
    let free = |start: &Start| matches!(start.verdict, Verdict::Free { .. });
    if look.chosen.is_some() || days.iter().any(|day| day.starts.iter().any(free)) {
        return None;
    }
    let earliest = days.first().map(|day| calendar::midnight(case.zone, day.date));
    let length = availability::shortest(case);
    Some((Wanted { length, earliest, latest: None, days: None, hours: None }, OTHER_DAYS))
}

/// The first slots that fit, as if the booking that is to be moved were not there: one range scan.
fn found(
    conn: &mut Conn<'_>,
    situation: &Situation,
    moving: Option<&Booking>,
    wanted: &Wanted,
    spread: Spread,
    now: DateTime<Utc>,
) -> Result<Vec<Interval>, DbError> {
    let LabSetting { lab, pool, .. } = &situation.setting;
    let Some(span) = wanted.span_to_know(lab, pool, now) else { return Ok(Vec::new()) };
    let occupancy = occupancy_without(conn, pool, &span, moving)?;
    Ok(search::first(&situation.case(&occupancy, now), wanted, spread.count, spread.apart))
}

fn occupancy_without(
    conn: &mut Conn<'_>,
    pool: &Pool,
    span: &Interval,
    moving: Option<&Booking>,
) -> Result<Occupancy, DbError> {
    let occupancy = db::occupancy(conn, pool, span)?;
    Ok(match moving {
        Some(booking) => places::without(occupancy, pool, booking),
        None => occupancy,
    })
}

/// The span over which occupancy must be known to judge every start of the week.
fn span_of_week(setting: &LabSetting, first: NaiveDate) -> Option<Interval> {
    let (start, end) =
        (calendar::midnight(setting.zone, first), calendar::midnight(setting.zone, first + Days::new(7)));
    let starts = Interval::new(start, end + setting.lab.policy.longest())?;
    Some(admission::span_to_know(&setting.lab, &setting.pool, &starts))
}

/// The first slots that fit what someone looks for; nothing if there is no such lab.
pub fn search(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    lab: &LabId,
    wanted: &Wanted,
    spread: Spread,
) -> Result<Option<Vec<Interval>>, DbError> {
    let now = app.now();
    let Some(situation) = Situation::load(conn, lab, person, None, now)? else { return Ok(None) };
    found(conn, &situation, None, wanted, spread, now).map(Some)
}
