//! `fairlease book`

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::Args as ClapArgs;
use serde_json::json;

use super::demo::known_labs;
use super::{Failure, Options, assemble, output};
use crate::db::{self, DbError};
use crate::domain::calendar;
use crate::domain::ids::{LabId, NetId};
use crate::domain::interval::Interval;
use crate::services::booking::{self, BookingError, Refusal, Wish};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// The lab's id
    #[arg(long)]
    lab: LabId,
    /// The start, such as 2026-11-28T10:00 in the course's zone, or with an offset
    #[arg(long)]
    start: String,
    /// How long, in hours
    #[arg(long)]
    hours: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let who = args.who.clone();
    let (person, course) = app
        .db
        .read::<_, DbError, _>("who", move |conn| {
            Ok((db::person_by_net_id(conn, &who)?, db::course_card(conn)?))
        })
        .await?;
    let person = person.ok_or_else(|| Failure(format!("nobody here has the net ID {}", args.who)))?;
    let zone = course
        .ok_or_else(|| Failure("no course is applied yet: fairlease apply COURSE.toml".to_owned()))?
        .zone;
    let start = read_start(zone, &args.start)?;
    let slot = read_length(args.hours)
        .and_then(|length| Interval::new(start, start + length))
        .ok_or_else(|| Failure(format!("{} is not a length in hours such as 4 or 1.5", args.hours)))?;
    let wish = Wish { person, lab: args.lab.clone(), slot, idempotency_key: None };
    match booking::book(&app, wish).await {
        Ok(made) if args.json => {
            output::json(&json!({"accepted": true, "booking": made.id, "state": made.state.word()}))
        }
        Ok(made) => output::line(format_args!("booking {}: {}", made.id, calendar::span(zone, &made.slot))),
        Err(BookingError::Refused(refusal)) => refused(&args, &refusal),
        Err(BookingError::NoSuchLab(lab)) => {
            Err(Failure(format!("there is no lab \"{lab}\"; there are: {}", known_labs(&app).await?)))
        }
        Err(error) => Err(error.into()),
    }
}

fn read_start(zone: Tz, text: &str) -> Result<DateTime<Utc>, Failure> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"));
    local
        .map(|local| calendar::instant(zone, local))
        .map_err(|_| Failure(format!("\"{text}\" is not a start such as 2026-11-28T10:00")))
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked first")]
fn read_length(hours: f64) -> Option<TimeDelta> {
    (hours > 0.0 && hours <= 10_000.0).then(|| TimeDelta::seconds((hours * 3600.0).round() as i64))
}

fn refused(args: &Args, refusal: &Refusal) -> Result<(), Failure> {
    if args.json {
        let rfc3339 = |at: DateTime<Utc>| at.with_timezone(&refusal.zone).to_rfc3339();
        output::json(&json!({
            "accepted": false,
            "violations": refusal.violations.iter().map(|v| json!({"code": v.code(), "message": v.sentence(refusal.zone)})).collect::<Vec<_>>(),
            "nearest": refusal.nearest.iter().map(|s| json!({"start": rfc3339(s.start()), "end": rfc3339(s.end())})).collect::<Vec<_>>(),
        }))?;
    } else {
        for violation in &refusal.violations {
            output::line(format_args!("{}: {}", violation.code(), violation.sentence(refusal.zone)))?;
        }
        for slot in &refusal.nearest {
            output::line(format_args!("would be accepted: {}", calendar::span(refusal.zone, slot)))?;
        }
    }
    Err(Failure("it was not booked".to_owned()))
}
