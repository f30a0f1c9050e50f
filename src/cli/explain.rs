//! `fairlease explain`

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;

use super::{Failure, Options, apply, assemble, book, output, slot};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::db::{self, DbError};
use crate::domain::course::Course;
use crate::domain::ids::{LabId, NetId, PersonId};
use crate::domain::interval::Interval;
use crate::domain::person::{Person, Role};
use crate::services::booking::{self, Refusal, Wish};
use crate::services::explain;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// The lab's id
    #[arg(long)]
    lab: LabId,
    /// The start, such as 2025-02-08T10:00 in the course's zone, or with an offset
    #[arg(long)]
    start: String,
    /// How long, in hours
    #[arg(long)]
    hours: f64,
    /// Judge by this file alone, without a database: nothing is booked yet
    #[arg(long, value_name = "FILE")]
    course: Option<PathBuf>,
    /// As of this time instead of now
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let refusal = match &args.course {
        Some(file) => by_the_file(args, &apply::read(file)?)?,
        None => by_the_database(options, args).await?,
    };
    if args.json || !refusal.violations.is_empty() {
        book::print(&refusal, args.json)?;
    } else {
        output::line("accepted")?;
    }
    if refusal.violations.is_empty() { Ok(()) } else { Err(Failure("it is not accepted".to_owned())) }
}

/// The slot, and as of when it is judged.
fn wanted(args: &Args, zone: chrono_tz::Tz) -> Result<(Interval, DateTime<Utc>), Failure> {
    let now = match &args.now {
        Some(text) => slot::read_instant(zone, text)?,
        None => SystemClock.now(),
    };
    Ok((slot::read(zone, &args.start, args.hours)?, now))
}

fn by_the_file(args: &Args, course: &Course) -> Result<Refusal, Failure> {
    let (slot, now) = wanted(args, course.zone)?;
    explain::by_the_rules(course, &args.who, &args.lab, &slot, now).ok_or_else(|| {
        let known: Vec<_> = course.labs.iter().map(|lab| lab.id.to_string()).collect();
        Failure(format!("there is no lab \"{}\"; there are: {}", args.lab, known.join(", ")))
    })
}

/// A net ID that is not known yet is judged as that of someone who has nothing booked.
async fn by_the_database(options: &Options, args: &Args) -> Result<Refusal, Failure> {
    let db = assemble::database(options)?;
    let who = args.who.clone();
    let (known, course) = db
        .read::<_, DbError, _>("who", move |conn| {
            Ok((db::person_by_net_id(conn, &who)?, db::course_card(conn)?))
        })
        .await?;
    let zone = course
        .ok_or_else(|| Failure("no course is applied yet: fairlease apply COURSE.toml".to_owned()))?
        .zone;
    let (slot, now) = wanted(args, zone)?;
    let person = known.unwrap_or_else(|| stranger(&args.who));
    let wish = Wish { person, lab: args.lab.clone(), slot, idempotency_key: None };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(now));
    Ok(db.read("explain", move |conn| booking::explain(conn, &wish, clock.now())).await?)
}

fn stranger(net_id: &NetId) -> Person {
    Person {
        id: PersonId::from_bits(0),
        net_id: net_id.clone(),
        name: String::new(),
        mail: String::new(),
        role: Role::Student,
        ssh_public_key: None,
    }
}
