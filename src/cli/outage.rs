//! `fairlease outage`

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::by::By;
use super::{Failure, Options, assemble, output, slot};
use crate::db;
use crate::domain::calendar;
use crate::domain::ids::{LabId, OutageId};
use crate::domain::outage::{Away, Outage, Remedy};
use crate::services::App;
use crate::services::outages::{self, Draft, NewDue, OutageError, Planned, Post, Preview};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Declare that a site or a service is away; with --plan only look at what that would do
    Declare(Declare),
    /// List the outages that are not over
    List(List),
    /// Say that an outage is over
    End(End),
}

#[derive(Debug, ClapArgs)]
struct Declare {
    /// What is away: site:ID, or service:NAME as labs need it
    away: Away,
    /// From when on; now if it is left out
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// When it is expected back; left out while nobody knows
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// What happened, in a few words for students
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// What becomes of bookings that have not begun
    #[arg(long, value_enum, default_value = "move")]
    bookings: Bookings,
    /// Put a lab off: LAB=tba, or LAB=TIME; may be repeated
    #[arg(long, value_name = "LAB=DUE")]
    due: Vec<String>,
    /// Mail only those whose bookings it hits, and not the whole course
    #[arg(long)]
    quiet: bool,
    /// Only look at what it would do
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bookings {
    /// Each gets the nearest legal slot
    Move,
    /// Each is called off, and slots are offered
    Offer,
    /// Each is called off
    Cancel,
}

#[derive(Debug, ClapArgs)]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct End {
    /// The outage's id
    id: OutageId,
    /// Since when it is back; now if it is left out
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Give a lab its due date: LAB=TIME, or LAB=tba; may be repeated
    #[arg(long, value_name = "LAB=DUE")]
    due: Vec<String>,
    /// Mail only those whose bookings ran meanwhile, and not the whole course
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    match args.command {
        Command::Declare(args) => declare(&app, zone, args).await,
        Command::List(args) => list(&app, zone, &args).await,
        Command::End(args) => end(&app, zone, args).await,
    }
}

fn dues(zone: Tz, given: &[String]) -> Result<BTreeMap<LabId, NewDue>, Failure> {
    let read = |text: &String| {
        let wrong = || Failure(format!("\"{text}\" is not LAB=tba or LAB=2025-02-13T23:59"));
        let (lab, due) = text.split_once('=').ok_or_else(wrong)?;
        let due =
            if due == "tba" { NewDue::ToBeAnnounced } else { NewDue::At(slot::read_instant(zone, due)?) };
        Ok((lab.parse()?, due))
    };
    given.iter().map(read).collect()
}

fn instant(app: &App, zone: Tz, text: Option<&String>) -> Result<DateTime<Utc>, Failure> {
    text.map_or_else(|| Ok(app.now()), |text| slot::read_instant(zone, text))
}

async fn declare(app: &Arc<App>, zone: Tz, args: Declare) -> Result<(), Failure> {
    let draft = Draft {
        away: args.away,
        from: instant(app, zone, args.from.as_ref())?,
        until: args.until.as_ref().map(|text| slot::read_instant(zone, text)).transpose()?,
        reason: args.reason,
        remedy: match args.bookings {
            Bookings::Move => Remedy::Move,
            Bookings::Offer => Remedy::Offer,
            Bookings::Cancel => Remedy::Cancel,
        },
        dues: dues(zone, &args.due)?,
    };
    let (inner, planned) = (app.clone(), draft.clone());
    let (preview, drafted) = app
        .db
        .read("outage: plan", move |conn| {
            let course = db::course(conn)?.ok_or(OutageError::NoCourse)?;
            if let Some(wrong) = planned.check(&course, inner.now()).into_iter().next() {
                return Err(wrong);
            }
            let preview = outages::preview(conn, &course, &planned, None, inner.now())?;
            Ok((preview, outages::draft_of(&inner, &course, &planned)?))
        })
        .await?;
    if args.plan {
        return show(zone, &preview, args.json);
    }
    let post = Post { title: drafted.title, text: drafted.text, to_all: !args.quiet };
    let id = outages::declare(app, &args.by.doer(), draft, post).await?;
    if args.json {
        return output::json(&json!({"outage": id, "bookings": preview.lines.len()}));
    }
    output::line(format_args!(
        "outage {id} is declared; a worker deals with {} bookings",
        preview.lines.len()
    ))
}

fn show(zone: Tz, preview: &Preview, json: bool) -> Result<(), Failure> {
    if json {
        let line = |line: &outages::PlannedLine| {
            json!({
                "booking": line.booking.id, "net_id": line.net_id, "lab": line.booking.lab,
                "slot": calendar::span(zone, &line.booking.slot), "becomes": words(zone, &line.planned),
            })
        };
        let lines: Vec<Value> = preview.lines.iter().map(line).collect();
        return output::json(&json!({"bookings": lines, "more": preview.more}));
    }
    let row = |line: &outages::PlannedLine| {
        vec![
            line.net_id.to_string(),
            line.booking.lab.to_string(),
            calendar::span(zone, &line.booking.slot),
            words(zone, &line.planned),
        ]
    };
    let rows: Vec<_> = preview.lines.iter().map(row).collect();
    output::table(&["NETID", "LAB", "BOOKING", "BECOMES"], &rows)
}

fn words(zone: Tz, planned: &Planned) -> String {
    match planned {
        Planned::Move(slot) => format!("moved to {}", calendar::span(zone, slot)),
        Planned::Offer(slots) => format!("called off; {} slots are offered", slots.len()),
        Planned::Cancel => "called off".to_owned(),
        Planned::Running => "runs on, free of charge".to_owned(),
        Planned::Free => "free of charge".to_owned(),
        Planned::Withdraw => "withdrawn".to_owned(),
        Planned::Stay => "stays where it is".to_owned(),
    }
}

async fn list(app: &Arc<App>, zone: Tz, args: &List) -> Result<(), Failure> {
    let open = app.db.read("outages", db::open_outages).await?;
    if args.json {
        let all: Vec<_> = open.iter().map(|it| as_json(zone, it)).collect();
        return output::json(&json!({ "outages": all }));
    }
    let row = |it: &Outage| {
        let until = it.until.map_or_else(|| "not known".to_owned(), |at| calendar::date_and_time(zone, at));
        vec![
            it.id.to_string(),
            it.away.to_string(),
            calendar::date_and_time(zone, it.from),
            until,
            it.declared_by.clone(),
            it.reason.clone(),
        ]
    };
    let rows: Vec<_> = open.iter().map(row).collect();
    output::table(&["ID", "AWAY", "FROM", "UNTIL", "BY", "REASON"], &rows)
}

fn as_json(zone: Tz, it: &Outage) -> Value {
    json!({
        "id": it.id, "away": it.away.to_string(), "from": calendar::rfc3339(zone, it.from),
        "until": it.until.map(|at| calendar::rfc3339(zone, at)), "reason": it.reason,
        "bookings": it.remedy.word(), "by": it.declared_by, "dealt_with": it.settled_at.is_some(),
    })
}

async fn end(app: &Arc<App>, zone: Tz, args: End) -> Result<(), Failure> {
    let (at, dues) = (instant(app, zone, args.at.as_ref())?, dues(zone, &args.due)?);
    let (inner, id, given) = (app.clone(), args.id.clone(), dues.clone());
    let drafted = app
        .db
        .read("outage: plan", move |conn| {
            let course = db::course(conn)?.ok_or(OutageError::NoCourse)?;
            let outage = db::outage(conn, &id)?.ok_or(OutageError::NoSuchOutage(id))?;
            let draft = Draft {
                away: outage.away,
                from: outage.from,
                until: outage.until,
                reason: outage.reason,
                remedy: outage.remedy,
                dues: given,
            };
            Ok::<_, OutageError>(outages::draft_of_end(&inner, &course, &draft, at)?)
        })
        .await?;
    let post = Post { title: drafted.title, text: drafted.text, to_all: !args.quiet };
    outages::end(app, &args.by.doer(), args.id.clone(), at, dues, post).await?;
    if args.json {
        return output::json(&json!({"ended": args.id}));
    }
    output::line(format_args!("outage {} is over; a worker gives time back and tells everyone", args.id))
}
