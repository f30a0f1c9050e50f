//! Slots and instants as people type them.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::Args;

use super::Failure;
use crate::db::{self, Db, DbError};
use crate::domain::calendar;
use crate::domain::ids::{LabId, NetId};
use crate::domain::interval::Interval;
use crate::domain::person::Person;

/// Who asks for which slot of which lab.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    pub(super) who: NetId,
    /// The lab's id
    #[arg(long)]
    pub(super) lab: LabId,
    /// The start, such as 2026-11-28T10:00 in the course's zone, or with an offset
    #[arg(long)]
    start: String,
    /// How long, in hours
    #[arg(long)]
    hours: f64,
}

impl Asked {
    /// The slot, with local times in `zone`.
    pub(super) fn slot(&self, zone: Tz) -> Result<Interval, Failure> {
        let start = read_instant(zone, &self.start)?;
        let length = read_length(self.hours)?;
        Interval::new(start, start + length).ok_or_else(|| no_length(self.hours))
    }
}

/// An instant in RFC 3339, or a local time of the course's zone.
pub(super) fn read_instant(zone: Tz, text: &str) -> Result<DateTime<Utc>, Failure> {
    let absolute = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let local = || {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
            .map(|local| calendar::instant(zone, local))
    };
    absolute
        .or_else(|_| local())
        .ok()
        .filter(|at| calendar::is_plausible(*at))
        .ok_or_else(|| Failure(format!("\"{text}\" is not a time such as 2026-11-28T10:00")))
}

/// A length in hours, to the second.
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked first")]
pub(super) fn read_length(hours: f64) -> Result<TimeDelta, Failure> {
    let possible = hours > 0.0 && hours <= 10_000.0;
    possible.then(|| TimeDelta::seconds((hours * 3600.0).round() as i64)).ok_or_else(|| no_length(hours))
}

fn no_length(hours: f64) -> Failure {
    Failure(format!("{hours} is not a length in hours such as 4 or 1.5"))
}

/// The course's zone.
pub(super) async fn zone(db: &Db) -> Result<Tz, Failure> {
    let course = db.read("course", db::course_card).await?;
    let course =
        course.ok_or_else(|| Failure("no course is applied yet: fairlease apply COURSE.toml".to_owned()))?;
    Ok(course.zone)
}

/// The person with this net ID.
pub(super) async fn person(db: &Db, who: &NetId) -> Result<Person, Failure> {
    let net_id = who.clone();
    let known = db.read::<_, DbError, _>("who", move |conn| db::person_by_net_id(conn, &net_id)).await?;
    known.ok_or_else(|| Failure(format!("nobody here has the net ID {who}")))
}
