//! `fairlease exception`

use chrono_tz::Tz;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::by::By;
use super::{Failure, Options, assemble, output, slot};
use crate::db;
use crate::domain::calendar;
use crate::domain::exception::{Exception, Grant};
use crate::domain::ids::{ExceptionId, LabId, NetId};
use crate::domain::person::Parity;
use crate::domain::su::Su;
use crate::services::exceptions::{self, ExceptionError, NewException};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Give one person another value of one rule
    Grant(Box<GrantArgs>),
    /// List the exceptions that were not taken back
    List(List),
    /// Take an exception back; what was booked by it stays
    Revoke(Revoke),
}

#[derive(Debug, ClapArgs)]
struct GrantArgs {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// The lab that it is for [default: every lab]
    #[arg(long)]
    lab: Option<LabId>,
    #[command(flatten)]
    rule: Rule,
    /// Up to when they may book by it [default: for good]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why, in a few words, for staff
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// It makes up for something that is nobody else's business, such as an illness
    #[arg(long)]
    accommodation: bool,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is to be different: exactly one of these.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
struct Rule {
    /// They count as even or odd
    #[arg(long, value_parser = PossibleValuesParser::new(["even", "odd"]).map(|word| parity(&word)))]
    parity: Option<Parity>,
    /// They may start on any day
    #[arg(long)]
    any_day: bool,
    /// The lab opens then for them
    #[arg(long, value_name = "TIME")]
    open: Option<String>,
    /// The lab is due then for them
    #[arg(long, value_name = "TIME")]
    due: Option<String>,
    /// Their cap
    #[arg(long, value_name = "H", value_parser = minutes)]
    cap_hours: Option<i32>,
    /// Their budget of hours
    #[arg(long, value_name = "H", value_parser = minutes)]
    budget_hours: Option<i32>,
    /// Their budget of bookings
    #[arg(long, value_name = "N")]
    budget_bookings: Option<i32>,
    /// Their budget of service units
    #[arg(long, value_name = "X", value_parser = service_units)]
    budget_su: Option<Su>,
    /// How many bookings they may have ahead or running
    #[arg(long, value_name = "N")]
    bookings_ahead: Option<i32>,
    /// How many days ahead they may book
    #[arg(long, value_name = "N")]
    horizon_days: Option<i32>,
    /// They may work on several parts of a series at a time
    #[arg(long)]
    any_part: bool,
}

#[derive(Debug, ClapArgs)]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Revoke {
    /// The exception's id
    id: ExceptionId,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn parity(word: &str) -> Parity {
    if word == Parity::Even.word() { Parity::Even } else { Parity::Odd }
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked first")]
fn minutes(hours: &str) -> Result<i32, String> {
    let number = hours.parse::<f64>().ok().filter(|number| (0.0..=100_000.0).contains(number));
    let minutes = number.map(|number| (number * 60.0).round() as i32);
    minutes.ok_or_else(|| "it is not a length in hours such as 4 or 1.5".to_owned())
}

fn service_units(text: &str) -> Result<Su, String> {
    let number = text.parse().ok().and_then(Su::from_number);
    number.ok_or_else(|| "it is not a number of service units such as 12.5".to_owned())
}

impl Rule {
    fn grant(&self, zone: Tz) -> Result<Grant, Failure> {
        if let Some(open) = &self.open {
            return Ok(Grant::Open(slot::read_instant(zone, open)?));
        }
        if let Some(due) = &self.due {
            return Ok(Grant::Due(slot::read_instant(zone, due)?));
        }
        let grants = [
            self.parity.map(Grant::Parity),
            self.any_day.then_some(Grant::AnyDay),
            self.cap_hours.map(Grant::CapMinutes),
            self.budget_hours.map(Grant::BudgetMinutes),
            self.budget_bookings.map(Grant::BudgetBookings),
            self.budget_su.map(Grant::BudgetSu),
            self.bookings_ahead.map(Grant::BookingsAhead),
            self.horizon_days.map(Grant::HorizonDays),
            self.any_part.then_some(Grant::AnyPart),
        ];
        grants
            .into_iter()
            .flatten()
            .next()
            .ok_or_else(|| Failure("say which rule is to be another".to_owned()))
    }
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Grant(args) => grant(options, *args).await,
        Command::List(args) => list(options, &args).await,
        Command::Revoke(args) => revoke(options, args).await,
    }
}

async fn grant(options: &Options, args: GrantArgs) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let until = args.until.as_deref().map(|text| slot::read_instant(zone, text)).transpose()?;
    let wanted = NewException {
        net_id: args.who.clone(),
        lab: args.lab,
        grant: args.rule.grant(zone)?,
        until,
        reason: args.reason,
        accommodation: args.accommodation,
    };
    let rule = wanted.grant.rule();
    let granted = exceptions::grant(&app, &args.by.doer(), wanted).await.map_err(|error| match error {
        ExceptionError::OutOfRange { .. } => Failure(format!("{rule}: {error}")),
        error => error.into(),
    })?;
    if args.json {
        return output::json(&as_json(zone, &granted, &args.who));
    }
    output::line(format_args!("exception {}: {} for {}", granted.id, words(zone, &granted.grant), args.who))
}

/// How many exceptions are listed.
const LATEST: i64 = 200;

async fn list(options: &Options, args: &List) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    let zone = slot::zone(&db).await?;
    let mut rows = db.read("exceptions", |conn| db::latest_exceptions(conn, LATEST + 1)).await?;
    let listed = usize::try_from(LATEST)?;
    let more = rows.len() > listed;
    rows.truncate(listed);
    if args.json {
        let rows: Vec<_> = rows.iter().map(|(exception, net_id)| as_json(zone, exception, net_id)).collect();
        return output::json(&json!({"exceptions": rows, "more": more}));
    }
    let rows: Vec<_> = rows.iter().map(|(exception, net_id)| row(zone, exception, net_id)).collect();
    output::table(&["ID", "NET ID", "LAB", "RULE", "UNTIL", "BY", "REASON"], &rows)?;
    if more { output::line("there are more: these are the latest") } else { Ok(()) }
}

fn row(zone: Tz, it: &Exception, net_id: &NetId) -> Vec<String> {
    vec![
        it.id.to_string(),
        net_id.to_string(),
        it.lab.as_ref().map_or_else(|| "all".to_owned(), LabId::to_string),
        words(zone, &it.grant),
        it.until.map_or_else(|| "-".to_owned(), |until| calendar::date_and_time(zone, until)),
        it.granted_by.clone(),
        it.reason.clone(),
    ]
}

/// The grant with times of the course's zone.
fn words(zone: Tz, grant: &Grant) -> String {
    match grant {
        Grant::Open(at) | Grant::Due(at) => {
            format!("{} {}", grant.rule(), calendar::date_and_time(zone, *at))
        }
        other => other.to_string(),
    }
}

fn value(zone: Tz, grant: &Grant) -> Value {
    match grant {
        Grant::AnyDay | Grant::AnyPart => Value::Null,
        Grant::Parity(parity) => json!(parity.word()),
        Grant::Open(at) | Grant::Due(at) => json!(calendar::rfc3339(zone, *at)),
        Grant::BudgetSu(su) => json!(su.to_string()),
        Grant::CapMinutes(number)
        | Grant::BudgetMinutes(number)
        | Grant::BudgetBookings(number)
        | Grant::BookingsAhead(number)
        | Grant::HorizonDays(number) => json!(number),
    }
}

fn as_json(zone: Tz, it: &Exception, net_id: &NetId) -> Value {
    json!({
        "id": it.id, "net_id": net_id, "lab": it.lab, "rule": it.grant.rule(), "value": value(zone, &it.grant),
        "until": it.until.map(|until| calendar::rfc3339(zone, until)), "reason": it.reason, "accommodation": it.accommodation,
        "granted_by": it.granted_by, "granted_at": calendar::rfc3339(zone, it.granted_at),
    })
}

async fn revoke(options: &Options, args: Revoke) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    if !exceptions::revoke(&app, &args.by.doer(), args.id.clone()).await? {
        return Err(Failure(format!("there is no exception {} that holds", args.id)));
    }
    if args.json {
        return output::json(&json!({"revoked": args.id}));
    }
    output::line(format_args!("exception {} is taken back", args.id))
}
