//! What someone may expect of a line: their place in it, when, and how likely.

use chrono::{DateTime, TimeDelta, Utc};

use super::WaitError;
use super::join::{possible, tidy};
use super::line::{Line, imagined, pools_together};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::ids::{LabId, NetId};
use crate::domain::interval::Interval;
use crate::domain::person::Person;
use crate::domain::waitlist::{Asked, Wait, WaitState};
use crate::policy::search;
use crate::policy::waitlist::forecast::{self, Forecast, Seen};
use crate::policy::waitlist::order::{self, Priority, Waiter as Factors};
use crate::policy::waitlist::turn;
use crate::services::App;
use crate::services::situation::Situation;

/// How far back is looked for places that came free.
const OBSERVED: TimeDelta = TimeDelta::days(14);

/// Slots that could simply be booked, of which so many are told.
const FREE_NOW: usize = 3;

/// What to expect.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Place in line, when, and how likely.
    pub forecast: Forecast,
    /// What the place comes of.
    pub priority: Priority,
    /// The last instant at which a slot that is asked for may start; for a lab without an end, how far ahead is looked.
    pub until: DateTime<Utc>,
    /// Slots that are free for them now: there is nothing to wait for.
    pub free_now: Vec<Interval>,
}

/// What this person may expect if they joined now and asked for this; or, if they wait for this lab, what they may expect of
/// that with what they ask for now.
pub fn outlook(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    lab: &LabId,
    asked: &Asked,
) -> Result<Outlook, WaitError> {
    let (asked, now) = (tidy(asked.clone())?, app.now());
    let situation =
        Situation::load(conn, lab, person, None, now)?.ok_or_else(|| WaitError::NoSuchLab(lab.clone()))?;
    possible(&situation, &asked, now)?;
    let pools = pools_together(conn, &situation.setting.pool.id)?;
    let line = Line::load(conn, &pools, now)?;
    let wait = match db::open_wait(conn, &person.id, lab)? {
        Some(wait) => Wait { asked, ..wait },
        None => imagined(app.wait_id(), &person.id, lab, &asked, now),
    };
    Ok(expect(conn, &line, &situation, &wait)?)
}

fn expect(conn: &mut Conn<'_>, line: &Line, situation: &Situation, wait: &Wait) -> Result<Outlook, DbError> {
    let LabSetting { lab, pool, .. } = &situation.setting;
    let now = line.now;
    let factors = Factors::of(wait, line.standings.factor(&wait.person), lab.due, now);
    let priority = order::priority(&line.policy, &factors, now);
    let ahead = u32::try_from(line.ahead_of(wait, &priority, &pool.id)).unwrap_or(u32::MAX);
    let freed = db::places_freed(conn, &pool.id, now - OBSERVED, wait.asked.length())?;
    let seen = Seen::within(u32::try_from(freed).unwrap_or(u32::MAX), OBSERVED);
    let until = turn::last_start(&wait.asked, lab, pool).unwrap_or(now + search::REACH);
    let free_now = free_now(conn, situation, &wait.asked, now)?;
    Ok(Outlook { forecast: forecast::forecast(ahead, seen, now, until), priority, until, free_now })
}

fn free_now(
    conn: &mut Conn<'_>,
    situation: &Situation,
    asked: &Asked,
    now: DateTime<Utc>,
) -> Result<Vec<Interval>, DbError> {
    let LabSetting { lab, pool, .. } = &situation.setting;
    let Some(span) = turn::span_to_know(asked, lab, pool, now) else { return Ok(Vec::new()) };
    let occupancy = db::occupancy(conn, pool, &span)?;
    let case = situation.case(&occupancy, now);
    Ok(turn::free(&case, asked, FREE_NOW))
}

/// A place in line as its student sees it.
#[derive(Debug, Clone)]
pub struct MyWait {
    /// The place.
    pub wait: Wait,
    /// The lab with its surroundings.
    pub setting: LabSetting,
    /// What to expect, while they wait.
    pub outlook: Option<Outlook>,
    /// What is offered, while it is.
    pub offer: Option<Booking>,
}

/// The person's open places in line, latest first.
pub fn mine(app: &App, conn: &mut Conn<'_>, person: &Person) -> Result<Vec<MyWait>, DbError> {
    let mut mine = Vec::new();
    for wait in db::waits_of_person(conn, &person.id)?.into_iter().filter(Wait::is_open) {
        let Some(situation) = Situation::load(conn, &wait.lab, person, None, app.now())? else { continue };
        let (outlook, offer) = if let WaitState::Offered(booking) = &wait.state {
            (None, db::booking(conn, booking)?)
        } else {
            let pools = pools_together(conn, &situation.setting.pool.id)?;
            let line = Line::load(conn, &pools, app.now())?;
            (Some(expect(conn, &line, &situation, &wait)?), None)
        };
        mine.push(MyWait { wait, setting: situation.setting, outlook, offer });
    }
    Ok(mine)
}

/// Someone in line, as staff see them.
#[derive(Debug, Clone)]
pub struct Waiter {
    /// Who.
    pub net_id: NetId,
    /// Their place.
    pub wait: Wait,
    /// What the lab is called.
    pub lab: String,
    /// What their place comes of.
    pub priority: Priority,
    /// Up to when an offer to them stands, if there is one.
    pub offered_until: Option<DateTime<Utc>>,
}

/// Everyone in line, of one lab or of all, who comes next first.
pub fn in_line(app: &App, conn: &mut Conn<'_>, lab: Option<&LabId>) -> Result<Vec<Waiter>, DbError> {
    let pools = db::pools_with_waits(conn)?;
    let line = Line::load(conn, &pools, app.now())?;
    let mut waiters = Vec::new();
    for member in line.members.iter().filter(|member| lab.is_none_or(|lab| member.wait.lab == *lab)) {
        let offered = match &member.wait.state {
            WaitState::Offered(id) => {
                member.known.bookings.iter().find(|it| it.id == *id).and_then(|it| it.state.offered_until())
            }
            _ => None,
        };
        waiters.push(Waiter {
            net_id: member.person.net_id.clone(),
            wait: member.wait.clone(),
            lab: member.situation.setting.lab.title.clone(),
            priority: line.priority(member),
            offered_until: offered,
        });
    }
    waiters.sort_by(|one, other| {
        let key = |it: &Waiter| (it.wait.lab.clone(), it.offered_until.is_none());
        let of = |it: &Waiter| {
            order::key(&it.priority, it.wait.joined_at, &it.wait.id).cmp(&order::key(
                &other.priority,
                other.wait.joined_at,
                &other.wait.id,
            ))
        };
        key(one).cmp(&key(other)).then_with(|| of(one))
    });
    Ok(waiters)
}
