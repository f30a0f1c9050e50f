//! `fairlease book`

use clap::Args as ClapArgs;
use serde_json::json;

use super::slot::Asked;
use super::{Failure, Options, assemble, output};
use crate::db::{self, DbError};
use crate::domain::calendar;
use crate::domain::ids::LabId;
use crate::services::App;
use crate::services::booking::{self, BookingError, Refusal, Wish};
use crate::services::explain::{Explanation, Judgement};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let who = args.asked.who.clone();
    let (person, course) = app
        .db
        .read::<_, DbError, _>("who", move |conn| {
            Ok((db::person_by_net_id(conn, &who)?, db::course_card(conn)?))
        })
        .await?;
    let person = person.ok_or_else(|| Failure(format!("nobody here has the net ID {}", args.asked.who)))?;
    let zone = course
        .ok_or_else(|| Failure("no course is applied yet: fairlease apply COURSE.toml".to_owned()))?
        .zone;
    let slot = args.asked.slot(zone)?;
    let wish = Wish { person, lab: args.asked.lab.clone(), slot, idempotency_key: None };
    match booking::book(&app, wish).await {
        Ok(made) if args.json => {
            output::json(&json!({"accepted": true, "booking": made.id, "state": made.state.word()}))
        }
        Ok(made) => output::line(format_args!("booking {}: {}", made.id, calendar::span(zone, &made.slot))),
        Err(BookingError::Refused(refusal)) => {
            print(&Judgement::Refused(refusal), args.json)?;
            Err(Failure("it was not booked".to_owned()))
        }
        Err(BookingError::NoSuchLab(lab)) => Err(no_such_lab(&app, &lab).await?),
        Err(error) => Err(error.into()),
    }
}

/// Says what the rules make of a slot, and what would be accepted.
pub(super) fn print(judgement: &Judgement, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&Explanation::of(judgement));
    }
    match judgement {
        Judgement::Accepted { warnings, zone } => {
            output::line("accepted")?;
            warnings.iter().try_for_each(|it| output::line(format_args!("mind: {}", it.sentence(*zone))))
        }
        Judgement::Refused(refusal) => print_refusal(refusal),
    }
}

fn print_refusal(refusal: &Refusal) -> Result<(), Failure> {
    for violation in &refusal.violations {
        output::line(format_args!("{}: {}", violation.code(), violation.sentence(refusal.zone)))?;
    }
    for slot in &refusal.nearest {
        output::line(format_args!("would be accepted: {}", calendar::span(refusal.zone, slot)))?;
    }
    Ok(())
}

/// That there is no such lab, and which there are.
pub(super) async fn no_such_lab(app: &App, lab: &LabId) -> Result<Failure, DbError> {
    Ok(Failure(format!("there is no lab \"{lab}\"; there are: {}", known_labs(app).await?)))
}

async fn known_labs(app: &App) -> Result<String, DbError> {
    let course = app.db.read("labs", db::course).await?;
    let ids =
        course.map(|course| course.labs.iter().map(|lab| lab.id.to_string()).collect::<Vec<_>>().join(", "));
    Ok(ids.filter(|ids| !ids.is_empty()).unwrap_or_else(|| "none".to_owned()))
}
