//! What staff tell the reaper: what to leave alone, and when to stop.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use serde_json::{Value, json};

use super::App;
use super::audit::{self, Entry};
use crate::db::{self, Conn, DbError, MaybeDbError, SaidExemption, SaidPause};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::ids::{ExemptionId, LabId, NetId, PauseId, SiteId};
use crate::domain::marked::{Exempt, Exemption, Pause};

/// The longest exemption, in days: a course is over after that, and whoever comes then decides anew.
pub const LONGEST_DAYS: i64 = 366;

/// The fewest characters with which names that are exempted may begin: fewer would be half of the site.
pub const SHORTEST_NAMES: usize = 3;

/// Why the reaper is not told so.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// There is no reason.
    #[error("say why: whoever looks at it later wants to know")]
    NoReason,
    /// There is no such site.
    #[error("there is no site \"{given}\"; there is {there}")]
    NoSuchSite {
        /// What was given.
        given: SiteId,
        /// The sites that there are, with commas.
        there: String,
    },
    /// There is no such lab.
    #[error("there is no lab \"{given}\"; there is {there}")]
    NoSuchLab {
        /// What was given.
        given: LabId,
        /// The labs that there are, with commas.
        there: String,
    },
    /// Nobody has this net ID.
    #[error("nobody here has the net ID {0}")]
    NoSuchPerson(NetId),
    /// No object is named.
    #[error("say which object: the site's id of it, as its page there shows it")]
    NoObject,
    /// Too much would be called so.
    #[error(
        "names that begin with fewer than {SHORTEST_NAMES} characters are too many: give {SHORTEST_NAMES} or more"
    )]
    NamesTooShort,
    /// It would never hold.
    #[error("it would end at {0}, which is over")]
    Over(DateTime<Utc>),
    /// It would hold for too long.
    #[error(
        "it would end at {0}, and may hold for {LONGEST_DAYS} days: give an earlier end, and say it again then"
    )]
    TooFar(DateTime<Utc>),
    /// A pause holds there already.
    #[error("{} has paused it already: {}", .0.what.by, .0.what.reason)]
    Paused(Box<SaidPause>),
    /// No such pause holds.
    #[error("no such pause holds: it may have ended meanwhile")]
    NotPaused,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for GuardError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// What staff want to be left alone.
#[derive(Debug, Clone)]
pub struct NewExemption {
    /// What.
    pub what: Exempt,
    /// Why, in a few words.
    pub reason: String,
    /// Up to when.
    pub until: DateTime<Utc>,
}

/// Where and why staff want the reaper to stop.
#[derive(Debug, Clone)]
pub struct NewPause {
    /// At one site, or at all.
    pub site: Option<SiteId>,
    /// Why, in a few words.
    pub reason: String,
    /// Up to when, if not until someone ends it.
    pub until: Option<DateTime<Utc>>,
}

/// What an exemption does, in a sentence.
pub fn effect(what: &Exempt) -> String {
    match what {
        Exempt::Object(site, _) => {
            format!("This one object at {site} is left alone, whatever it is called.")
        }
        Exempt::NamesFrom(names) => format!(
            "Every object whose name begins with \"{names}\" is left alone, at every site, whosever it is; also what is \
             made later."
        ),
        Exempt::Person(net_id) => format!(
            "Everything that is {net_id}'s is left alone, at every site, and their bookings are kept though nobody uses \
             them. A booking past its end ends all the same."
        ),
        Exempt::Lab(lab) => format!(
            "By {lab} no server is judged any more, whosever it is, and its bookings are kept though nobody uses them. \
             What other labs and rules say goes on to hold; a booking past its end ends all the same."
        ),
    }
}

/// Tells the reaper to leave something alone. It holds from the next sweep on, and what is marked by then is forgotten.
pub async fn exempt(app: &Arc<App>, doer: &Doer, wanted: NewExemption) -> Result<SaidExemption, GuardError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db.write("guards: exempt", move |conn| exempt_in(&inner, conn, &doer, &wanted)).await
}

fn exempt_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    wanted: &NewExemption,
) -> Result<SaidExemption, GuardError> {
    let now = app.now();
    check_reason(&wanted.reason)?;
    check_until(wanted.until, now)?;
    check_what(conn, &wanted.what)?;
    let what = Exemption {
        what: wanted.what.clone(),
        reason: wanted.reason.trim().to_owned(),
        by: audit::name(conn, doer)?,
        until: wanted.until,
    };
    let said = SaidExemption { id: app.exemption_id(), what, at: now, ended: None };
    db::insert_exemption(conn, &said.id, &said.what, now)?;
    let entry = of_exemption(conn, Action::Exempted, &said)?.because(&said.what.reason);
    audit::record(app, conn, doer, entry.after(exemption_told(&said)))?;
    Ok(said)
}

fn of_exemption(conn: &mut Conn<'_>, action: Action, said: &SaidExemption) -> Result<Entry, DbError> {
    let entry = Entry::new(action).to(Object::Exemption(said.id.clone()));
    let person = match &said.what.what {
        Exempt::Person(net_id) => db::person_by_net_id(conn, net_id)?,
        _ => None,
    };
    Ok(match person {
        Some(person) => entry.about(&person.id),
        None => entry,
    })
}

/// An exemption as the audit log has it. Whose it is, if a person's, is said by the record.
fn exemption_told(said: &SaidExemption) -> Value {
    let what = match &said.what.what {
        Exempt::Person(_) => json!("person"),
        other => json!(other),
    };
    json!({"what": what, "until": said.what.until})
}

/// Whether there is a reason.
pub fn check_reason(reason: &str) -> Result<(), GuardError> {
    if reason.trim().is_empty() { Err(GuardError::NoReason) } else { Ok(()) }
}

/// Whether an exemption may end then.
pub fn check_until(until: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), GuardError> {
    if until <= now {
        Err(GuardError::Over(until))
    } else if until > now + TimeDelta::days(LONGEST_DAYS) {
        Err(GuardError::TooFar(until))
    } else {
        Ok(())
    }
}

/// Whether there is such a thing to exempt. Objects are not looked up: the next sweep may be the first to see one.
pub fn check_what(conn: &mut Conn<'_>, what: &Exempt) -> Result<(), GuardError> {
    match what {
        Exempt::Object(_, site_ref) if site_ref.trim().is_empty() => Err(GuardError::NoObject),
        Exempt::Object(site, _) => check_site(conn, site),
        Exempt::NamesFrom(names) if names.trim().chars().count() < SHORTEST_NAMES => {
            Err(GuardError::NamesTooShort)
        }
        Exempt::NamesFrom(_) => Ok(()),
        Exempt::Person(net_id) => match db::person_by_net_id(conn, net_id)? {
            Some(_) => Ok(()),
            None => Err(GuardError::NoSuchPerson(net_id.clone())),
        },
        Exempt::Lab(lab) => check_lab(conn, lab),
    }
}

fn check_site(conn: &mut Conn<'_>, site: &SiteId) -> Result<(), GuardError> {
    let sites = db::sites(conn)?;
    if sites.iter().any(|it| it.id == *site) {
        return Ok(());
    }
    let there: Vec<_> = sites.iter().map(|it| it.id.as_str()).collect();
    Err(GuardError::NoSuchSite { given: site.clone(), there: there.join(", ") })
}

fn check_lab(conn: &mut Conn<'_>, lab: &LabId) -> Result<(), GuardError> {
    let labs = db::course(conn)?.map(|course| course.labs).unwrap_or_default();
    if labs.iter().any(|it| it.id == *lab) {
        return Ok(());
    }
    let there: Vec<_> = labs.iter().map(|it| it.id.as_str()).collect();
    Err(GuardError::NoSuchLab { given: lab.clone(), there: there.join(", ") })
}

/// Takes an exemption back: the next sweep judges again what it covered. False if none of this id holds.
pub async fn revoke(app: &Arc<App>, doer: &Doer, id: ExemptionId) -> Result<bool, DbError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db.write("guards: revoke", move |conn| revoke_in(&inner, conn, &doer, &id)).await
}

fn revoke_in(app: &App, conn: &mut Conn<'_>, doer: &Doer, id: &ExemptionId) -> Result<bool, DbError> {
    let now = app.now();
    let Some(said) = db::exemption(conn, id)?.filter(|it| now < it.what.until) else { return Ok(false) };
    let by = audit::name(conn, doer)?;
    if !db::end_exemption(conn, id, &by, now)? {
        return Ok(false);
    }
    let entry = of_exemption(conn, Action::TookExemptionBack, &said)?.before(exemption_told(&said));
    audit::record(app, conn, doer, entry)?;
    Ok(true)
}

/// Pauses the reaper, at one site or at all. What holds there already is told: a second pause would only hide the first.
pub async fn pause(app: &Arc<App>, doer: &Doer, wanted: NewPause) -> Result<SaidPause, GuardError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db.write("guards: pause", move |conn| pause_in(&inner, conn, &doer, &wanted)).await
}

fn pause_in(app: &App, conn: &mut Conn<'_>, doer: &Doer, wanted: &NewPause) -> Result<SaidPause, GuardError> {
    let now = app.now();
    check_reason(&wanted.reason)?;
    if let Some(until) = wanted.until {
        check_until(until, now)?;
    }
    if let Some(site) = &wanted.site {
        check_site(conn, site)?;
    }
    db::lock_pauses(conn)?;
    let holds = |it: &SaidPause| it.what.site.is_none() || it.what.site == wanted.site;
    if let Some(there) = db::pauses(conn, now)?.into_iter().find(holds) {
        return Err(GuardError::Paused(Box::new(there)));
    }
    let what = Pause {
        site: wanted.site.clone(),
        reason: wanted.reason.trim().to_owned(),
        by: audit::name(conn, doer)?,
        until: wanted.until,
    };
    let said = SaidPause { id: app.pause_id(), what, at: now, ended: None };
    db::insert_pause(conn, &said.id, &said.what, now)?;
    let entry = of_pause(Action::PausedReaper, &said).because(&said.what.reason);
    audit::record(app, conn, doer, entry.after(pause_told(&said)))?;
    Ok(said)
}

fn of_pause(action: Action, said: &SaidPause) -> Entry {
    Entry::new(action).to(Object::Pause(said.id.clone()))
}

/// A pause as the audit log has it.
fn pause_told(said: &SaidPause) -> Value {
    json!({"site": said.what.site, "until": said.what.until})
}

/// Ends a pause: the next sweep goes on. Steps that fell due meanwhile are done then, within its limits.
pub async fn resume(app: &Arc<App>, doer: &Doer, id: PauseId) -> Result<(), GuardError> {
    resume_those(app, doer, move |it| it.id == id).await.map(|_| ())
}

/// Ends what pauses the reaper at one site, or the pauses of all sites; those of single sites stay then. Returns which ended.
pub async fn resume_at(
    app: &Arc<App>,
    doer: &Doer,
    site: Option<SiteId>,
) -> Result<Vec<SaidPause>, GuardError> {
    resume_those(app, doer, move |it| it.what.site == site).await
}

async fn resume_those(
    app: &Arc<App>,
    doer: &Doer,
    which: impl Fn(&SaidPause) -> bool + Send + 'static,
) -> Result<Vec<SaidPause>, GuardError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db.write("guards: resume", move |conn| resume_in(&inner, conn, &doer, &which)).await
}

fn resume_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    which: impl Fn(&SaidPause) -> bool,
) -> Result<Vec<SaidPause>, GuardError> {
    let (now, by) = (app.now(), audit::name(conn, doer)?);
    let mut ended = Vec::new();
    for there in db::pauses(conn, now)?.into_iter().filter(which) {
        if db::end_pause(conn, &there.id, &by, now)? {
            ended.push(there);
        }
    }
    for there in &ended {
        let entry = of_pause(Action::ResumedReaper, there).before(pause_told(there));
        audit::record(app, conn, doer, entry)?;
    }
    if ended.is_empty() { Err(GuardError::NotPaused) } else { Ok(ended) }
}
