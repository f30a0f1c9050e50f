//! `fairlease audit`

use std::io::{self, Write as _};

use chrono_tz::Tz;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::{Failure, Options, assemble, output, slot};
use crate::db::{self, AuditFilter, AuditOrder, Db, DbError};
use crate::domain::audit::{Action, Head};
use crate::domain::calendar;
use crate::domain::ids::{NetId, PersonId};
use crate::services::audit::export::{self, Format};
use crate::services::audit::told::{self, Line, Sight};
use crate::services::audit::verify::{Misfit, Verified, VerifyError, verify};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that every record is there and unchanged; exits with 1 at the first that is not
    Verify(Verify),
    /// Print the last record's number and hash, to note them elsewhere for `verify --expect`
    Head(HeadArgs),
    /// List records, the latest first
    Search(Search),
    /// Write records for other programs, the first first
    Export(Export),
}

#[derive(Debug, ClapArgs)]
struct Verify {
    /// A head that was noted before, as `audit head` or the daily line of the log has it: the log has to go through it
    #[arg(long, value_name = "NUMBER:HASH")]
    expect: Option<Head>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct HeadArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Which {
    /// Records about this person
    #[arg(long, value_name = "NETID")]
    about: Option<NetId>,
    /// Records of what this person did
    #[arg(long, value_name = "NETID")]
    by: Option<NetId>,
    /// Records of one action
    #[arg(long, value_name = "WORD", value_parser = PossibleValuesParser::new(words()).try_map(|word| action(&word)))]
    action: Option<Action>,
    /// Records from this time on
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Records before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

#[derive(Debug, ClapArgs)]
struct Search {
    #[command(flatten)]
    which: Which,
    /// How many records
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Export {
    #[command(flatten)]
    which: Which,
    /// A JSON object in each line, or a table
    #[arg(long, default_value = "jsonl", value_parser = PossibleValuesParser::new(["jsonl", "csv"]).try_map(|word| format(&word)))]
    format: Format,
}

fn words() -> Vec<&'static str> {
    Action::ALL.iter().map(|action| action.word()).collect()
}

fn action(word: &str) -> Result<Action, String> {
    Action::from_word(word).ok_or_else(|| "there is no such action".to_owned())
}

fn format(word: &str) -> Result<Format, String> {
    Format::from_word(word).ok_or_else(|| "there is no such format".to_owned())
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    match args.command {
        Command::Verify(args) => verified(&db, &args).await,
        Command::Head(args) => head(&db, &args).await,
        Command::Search(args) => search(&db, &args).await,
        Command::Export(args) => exported(&db, &args).await,
    }
}

async fn verified(db: &Db, args: &Verify) -> Result<(), Failure> {
    let progress = |number: i64| {
        // Nobody who reads this is no reason to stop.
        let _ = writeln!(io::stderr().lock(), "{number} records fit so far");
    };
    match verify(db, args.expect.as_ref(), progress).await {
        Ok(found) if args.json => output::json(&json!({
            "fits": true, "records": records(&found), "head": found.head, "without_details": found.without_details,
        })),
        Ok(found) => output::line(fits(&found)),
        Err(VerifyError::Misfit(misfit)) => {
            if args.json {
                output::json(&misfit_json(&misfit))?;
            }
            Err(Failure(misfit.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

fn records(found: &Verified) -> i64 {
    found.head.as_ref().map_or(0, |head| head.number)
}

fn fits(found: &Verified) -> String {
    let Some(head) = &found.head else { return "nothing is recorded yet".to_owned() };
    let gone = match found.without_details {
        0 => String::new(),
        some => format!("; {some} of them are about people who were erased, and have no details any more"),
    };
    format!("{} records fit{gone}; the last is {head}", head.number)
}

fn misfit_json(misfit: &Misfit) -> serde_json::Value {
    json!({"fits": false, "number": misfit.number, "why": misfit.why.word(), "text": misfit.to_string()})
}

async fn head(db: &Db, args: &HeadArgs) -> Result<(), Failure> {
    let head = db.read::<_, DbError, _>("audit: head", db::audit_head).await?;
    if args.json {
        return output::json(&json!({ "head": head }));
    }
    match head {
        Some(head) => output::line(head),
        None => Err(Failure("nothing is recorded yet".to_owned())),
    }
}

impl Which {
    async fn filter(&self, db: &Db, zone: Tz) -> Result<AuditFilter, Failure> {
        let at =
            |text: &Option<String>| text.as_deref().map(|text| slot::read_instant(zone, text)).transpose();
        Ok(AuditFilter {
            about: person(db, self.about.as_ref()).await?,
            actor: person(db, self.by.as_ref()).await?,
            action: self.action,
            since: at(&self.since)?,
            until: at(&self.until)?,
        })
    }
}

async fn person(db: &Db, net_id: Option<&NetId>) -> Result<Option<PersonId>, Failure> {
    let Some(net_id) = net_id.cloned() else { return Ok(None) };
    let wanted = net_id.clone();
    let found =
        db.read::<_, DbError, _>("audit: whose", move |conn| db::person_by_net_id(conn, &wanted)).await?;
    let person = found.ok_or_else(|| Failure(format!("nobody here has the net ID {net_id}")))?;
    Ok(Some(person.id))
}

async fn search(db: &Db, args: &Search) -> Result<(), Failure> {
    let zone = slot::zone(db).await?;
    let (filter, count) = (args.which.filter(db, zone).await?, i64::from(args.count));
    let found = db
        .read("audit: search", move |conn| {
            told::lines(conn, &filter, AuditOrder::LatestFirst(None), count, Sight::Everything)
        })
        .await?;
    if args.json {
        return output::json(&json!({ "records": found }));
    }
    let rows: Vec<_> = found.iter().map(|line| row(zone, line)).collect();
    output::table(&["NUMBER", "WHEN", "WHAT", "HOW", "WHY"], &rows)
}

fn row(zone: Tz, line: &Line) -> Vec<String> {
    vec![
        line.number.to_string(),
        calendar::date_and_time(zone, line.at),
        line.sentence(),
        line.came().to_owned(),
        line.why.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

async fn exported(db: &Db, args: &Export) -> Result<(), Failure> {
    let zone = slot::zone(db).await?;
    let (filter, format) = (args.which.filter(db, zone).await?, args.format);
    let mut after = None;
    loop {
        let filter = filter.clone();
        let part = db
            .read("audit: export", move |conn| export::part(conn, &filter, Sight::Everything, format, after))
            .await?;
        let Some(part) = part else { return Ok(()) };
        match io::stdout().lock().write_all(&part.bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
        after = Some(part.last);
    }
}
