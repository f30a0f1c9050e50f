//! `fairlease explain --as NETID --lab ID ...`: what the rules make of a slot.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;

use crate::cli::slot::{self, Asked};
use crate::cli::{Failure, Options, apply, assemble, book};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::db::{self, DbError};
use crate::domain::course::Course;
use crate::domain::ids::{NetId, PersonId};
use crate::domain::interval::Interval;
use crate::domain::person::{Person, Role};
use crate::services::booking::{self, Wish};
use crate::services::explain::{self, Judgement};

/// By what it is judged, and how that is told.
#[derive(Debug, ClapArgs)]
pub(super) struct How {
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

pub(super) async fn run(options: &Options, asked: &Asked, how: &How) -> Result<(), Failure> {
    let judgement = match &how.course {
        Some(file) => by_the_file(asked, how, &apply::read(file)?)?,
        None => by_the_database(options, asked, how).await?,
    };
    book::print(&judgement, how.json)?;
    match judgement {
        Judgement::Accepted { .. } => Ok(()),
        Judgement::Refused(_) => Err(Failure("it is not accepted".to_owned())),
    }
}

/// The slot, and as of when it is judged.
fn wanted(asked: &Asked, how: &How, zone: chrono_tz::Tz) -> Result<(Interval, DateTime<Utc>), Failure> {
    let now = match &how.now {
        Some(text) => slot::read_instant(zone, text)?,
        None => SystemClock.now(),
    };
    Ok((asked.slot(zone)?, now))
}

fn by_the_file(asked: &Asked, how: &How, course: &Course) -> Result<Judgement, Failure> {
    let (slot, now) = wanted(asked, how, course.zone)?;
    explain::by_the_rules(course, &asked.who, &asked.lab, &slot, now).ok_or_else(|| {
        let known: Vec<_> = course.labs.iter().map(|lab| lab.id.to_string()).collect();
        Failure(format!("there is no lab \"{}\"; there are: {}", asked.lab, known.join(", ")))
    })
}

/// A net ID that is not known yet is judged as that of someone who has nothing booked.
async fn by_the_database(options: &Options, asked: &Asked, how: &How) -> Result<Judgement, Failure> {
    let db = assemble::database(options)?;
    let who = asked.who.clone();
    let (known, course) = db
        .read::<_, DbError, _>("who", move |conn| {
            Ok((db::person_by_net_id(conn, &who)?, db::course_card(conn)?))
        })
        .await?;
    let zone = course
        .ok_or_else(|| Failure("no course is applied yet: fairlease apply COURSE.toml".to_owned()))?
        .zone;
    let (slot, now) = wanted(asked, how, zone)?;
    let person = known.unwrap_or_else(|| stranger(&asked.who));
    let wish = Wish { person, lab: asked.lab.clone(), slot, idempotency_key: None };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(now));
    Ok(db.read("explain", move |conn| booking::explain(conn, &wish, clock.now())).await?)
}

/// Someone who is not known yet.
pub(in crate::cli) fn stranger(net_id: &NetId) -> Person {
    Person::new(PersonId::from_bits(0), net_id.clone(), String::new(), String::new(), Role::Student)
}
