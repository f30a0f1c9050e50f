//! `fairlease exemption`

use chrono_tz::Tz;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::by::By;
use super::{Failure, Options, assemble, output, slot};
use crate::db::{self, SaidExemption};
use crate::domain::calendar;
use crate::domain::ids::{ExemptionId, LabId, NetId};
use crate::domain::marked::Exempt;
use crate::services::guards::{self, GuardError, NewExemption};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Have the reaper leave something alone up to a time
    Add(Add),
    /// List the exemptions that hold
    List(List),
    /// Take an exemption back; the next sweep judges again what it covered
    Revoke(Revoke),
}

#[derive(Debug, ClapArgs)]
struct Add {
    #[command(flatten)]
    what: What,
    /// Up to when
    #[arg(long, value_name = "TIME")]
    until: String,
    /// Why, in a few words, for staff
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is to be left alone: exactly one of these.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
struct What {
    /// One object: the site, and the site's id of it
    #[arg(long, num_args = 2, value_names = ["SITE", "ID"])]
    object: Vec<String>,
    /// Every object whose name begins so
    #[arg(long, value_name = "TEXT")]
    names: Option<String>,
    /// Everything that is a person's
    #[arg(long, value_name = "NETID")]
    person: Option<NetId>,
    /// Everything that a lab judges
    #[arg(long)]
    lab: Option<LabId>,
}

#[derive(Debug, ClapArgs)]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Revoke {
    /// The exemption's id
    id: ExemptionId,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl What {
    fn read(self) -> Result<Exempt, Failure> {
        if let [site, site_ref] = self.object.as_slice() {
            return Ok(Exempt::Object(site.parse()?, site_ref.clone()));
        }
        let others =
            [self.names.map(Exempt::NamesFrom), self.person.map(Exempt::Person), self.lab.map(Exempt::Lab)];
        let what = others.into_iter().flatten().next();
        what.ok_or_else(|| Failure("say what is to be left alone".to_owned()))
    }
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Add(args) => add(options, args).await,
        Command::List(args) => list(options, &args).await,
        Command::Revoke(args) => revoke(options, args).await,
    }
}

async fn add(options: &Options, args: Add) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let until = slot::read_instant(zone, &args.until)?;
    let wanted = NewExemption { what: args.what.read()?, reason: args.reason, until };
    let said = guards::exempt(&app, &args.by.doer(), wanted).await.map_err(|error| refusal(zone, error))?;
    if args.json {
        return output::json(&as_json(zone, &said));
    }
    let until = calendar::date_and_time(zone, said.what.until);
    output::line(format_args!("exemption {} until {until}: {}", said.id, guards::effect(&said.what.what)))
}

/// The sentence for the person who typed it, with times of the course's zone.
pub(super) fn refusal(zone: Tz, error: GuardError) -> Failure {
    let at = |at| calendar::date_and_time(zone, at);
    match error {
        GuardError::Over(until) => Failure(format!("it would end on {}, which is over", at(until))),
        GuardError::TooFar(until) => {
            let days = guards::LONGEST_DAYS;
            Failure(format!(
                "it would end on {}, and may hold for {days} days: give an earlier end",
                at(until)
            ))
        }
        other => other.into(),
    }
}

async fn list(options: &Options, args: &List) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let now = app.now();
    let held = app.db.read("exemptions", move |conn| db::exemptions(conn, now)).await?;
    if args.json {
        let all: Vec<_> = held.iter().map(|said| as_json(zone, said)).collect();
        return output::json(&json!({ "exemptions": all }));
    }
    let rows: Vec<_> = held.iter().map(|said| row(zone, said)).collect();
    output::table(&["ID", "WHAT", "UNTIL", "BY", "REASON"], &rows)
}

fn row(zone: Tz, said: &SaidExemption) -> Vec<String> {
    vec![
        said.id.to_string(),
        words(&said.what.what),
        calendar::date_and_time(zone, said.what.until),
        said.what.by.clone(),
        said.what.reason.clone(),
    ]
}

fn words(what: &Exempt) -> String {
    match what {
        Exempt::Object(site, site_ref) => format!("object {site_ref} at {site}"),
        Exempt::NamesFrom(names) => format!("names from \"{names}\""),
        Exempt::Person(net_id) => format!("person {net_id}"),
        Exempt::Lab(lab) => format!("lab {lab}"),
    }
}

fn as_json(zone: Tz, said: &SaidExemption) -> Value {
    json!({
        "id": said.id, "what": said.what.what, "effect": guards::effect(&said.what.what),
        "until": calendar::rfc3339(zone, said.what.until), "reason": said.what.reason,
        "by": said.what.by, "at": calendar::rfc3339(zone, said.at),
    })
}

async fn revoke(options: &Options, args: Revoke) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    if !guards::revoke(&app, &args.by.doer(), args.id.clone()).await? {
        return Err(Failure(format!("there is no exemption {} that holds", args.id)));
    }
    if args.json {
        return output::json(&json!({"revoked": args.id}));
    }
    output::line(format_args!("exemption {} is taken back; the next sweep judges again", args.id))
}
