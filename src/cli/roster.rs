//! `fairlease roster`

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::{Failure, Options, assemble, output};
use crate::db::{DbError, Enrolment};
use crate::domain::audit::Doer;
use crate::domain::contact::MailDomain;
use crate::domain::ids::ImportId;
use crate::domain::person::Parity;
use crate::domain::roster::{Format, ImportState};
use crate::policy::roster::{Change, Plan};
use crate::services::App;
use crate::services::roster::{self, BOOKINGS_END_AFTER, Filter, Listed, RosterError, Shown, Wanted, Who};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the roster what a file of Canvas, Brightspace, Gradescope or our own says
    Import(Import),
    /// List who is in the course
    List(List),
    /// Write the students as a file of our own form, which import reads
    Export,
}

#[derive(Debug, ClapArgs)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
struct Import {
    /// The CSV file; - is the standard input
    file: PathBuf,
    /// Its format: canvas, brightspace, gradescope or plain [default: told by its header]
    #[arg(long)]
    format: Option<Format>,
    /// What the course's addresses have after the "@", such as example.edu
    #[arg(long, value_name = "DOMAIN")]
    mail_domain: Option<MailDomain>,
    /// Who is not in the file stays in the course
    #[arg(long)]
    no_drop: bool,
    /// The file is of this section only, and nobody else is dropped; may be given several times
    #[arg(long = "only-section", value_name = "NAME", conflicts_with = "no_drop")]
    only_sections: Vec<String>,
    /// How many hours after a drop its bookings end
    #[arg(long, value_name = "N", default_value_t = BOOKINGS_END_AFTER.num_hours())]
    hours: i64,
    /// Show what it changes, and change nothing
    #[arg(long, conflicts_with = "yes")]
    plan: bool,
    /// Apply it even if it drops so many that it looks like the wrong file, without asking
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct List {
    /// Those who dropped it, or who run it: enrolled, dropped or staff
    #[arg(long, value_name = "KIND", default_value = "enrolled", value_parser = read_who)]
    who: Who,
    /// Those of one section
    #[arg(long, value_name = "NAME")]
    section: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn read_who(word: &str) -> Result<Who, String> {
    Who::from_word(word).ok_or_else(|| "it is none of enrolled, dropped and staff".to_owned())
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Import(args) => import(options, args).await,
        Command::List(args) => list(options, args).await,
        Command::Export => export(options).await,
    }
}

/// The largest file that is read: what is larger is refused by its size.
const MOST: u64 = 8 * 1024 * 1024;

fn bytes(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    let named = |error: std::io::Error| Failure(format!("{}: {error}", file.display()));
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST).read_to_end(&mut bytes).map_err(named)?;
    } else {
        std::fs::File::open(file).map_err(named)?.take(MOST).read_to_end(&mut bytes).map_err(named)?;
    }
    Ok(bytes)
}

async fn import(options: &Options, args: Import) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let name = args.file.file_name().map_or_else(|| "-".to_owned(), |name| name.display().to_string());
    let wanted = Wanted {
        bytes: bytes(&args.file)?,
        file_name: name.clone(),
        format: args.format,
        mail_domain: args.mail_domain,
        drop: !args.no_drop,
        only_sections: args.only_sections,
        hours: args.hours,
        by: None,
    };
    let import = roster::preview(&app, wanted, Doer::command()).await.map_err(|error| told(&name, error))?;
    let shown = shown(&app, import.id.clone()).await?;
    if args.plan || shown.stored.plan.is_empty() {
        roster::discard(&app, import.id).await?;
        return if args.json { output::json(&as_json(&shown)) } else { print_plan(&shown.stored.plan) };
    }
    if !args.json {
        print_plan(&shown.stored.plan)?;
    }
    let confirmed = roster::confirm(&app, import.id.clone(), args.yes, Doer::command()).await;
    if let Err(error) = confirmed {
        roster::discard(&app, import.id).await?;
        return Err(match error {
            RosterError::LooksWrong { .. } => Failure(format!("{error}, with --yes")),
            error => error.into(),
        });
    }
    let done = applied(&app, import.id).await?;
    if args.json {
        return output::json(&as_json(&done));
    }
    output::line(format_args!("applied: {} of {}", done.import.done, done.import.total))
}

/// A line for each error: `roster.csv: line 3: mail: ...`
fn told(name: &str, error: RosterError) -> Failure {
    match error {
        RosterError::Refused(refused) => {
            let lines: Vec<String> =
                refused.to_string().lines().map(|line| format!("{name}: {line}")).collect();
            Failure(lines.join("\n"))
        }
        error => error.into(),
    }
}

async fn shown(app: &Arc<App>, id: ImportId) -> Result<Shown, Failure> {
    let shown = app.db.read("roster: import", move |conn| roster::shown(conn, &id)).await?;
    shown.ok_or_else(|| Failure("the roster was forgotten meanwhile".to_owned()))
}

/// How long to wait for a worker that has the batch in hand.
const AGAIN: Duration = Duration::from_millis(200);

/// Applies it, together with workers if there are any, and says on the standard error how far it is.
async fn applied(app: &Arc<App>, id: ImportId) -> Result<Shown, Failure> {
    loop {
        let done = roster::step(app).await?;
        let now = shown(app, id.clone()).await?;
        progress(now.import.done, now.import.total);
        if now.import.state == ImportState::Done {
            return Ok(now);
        }
        if done == 0 {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

fn progress(done: i32, total: i32) {
    let mut to = std::io::stderr().lock();
    let start = if to.is_terminal() { "\r" } else { "" };
    let end = if to.is_terminal() && done < total { "" } else { "\n" };
    // Nobody is there to be told that nobody reads it.
    let _ = write!(to, "{start}{done} of {total}{end}");
}

fn print_plan(plan: &Plan) -> Result<(), Failure> {
    for warning in &plan.warnings {
        output::line(format_args!("note: {warning}"))?;
    }
    for it in &plan.renamed {
        output::line(format_args!("note: \"{}\" is called {} here", it.from, it.to))?;
    }
    for it in &plan.left_out {
        output::line(format_args!("left out: line {}: {}", it.line, it.why))?;
    }
    for net_id in &plan.without_parity {
        output::line(format_args!("no parity: {net_id}: set it with fairlease exception grant"))?;
    }
    for it in &plan.added {
        output::line(format_args!("add {}: {}, {}", it.net_id, it.held.name, it.held.mail))?;
    }
    for it in &plan.changed {
        output::line(format_args!("change {}: {}", it.net_id, fields(it)))?;
    }
    for it in &plan.returning {
        output::line(format_args!("take back {}: {}", it.net_id, fields(it)))?;
    }
    for it in &plan.dropped {
        output::line(format_args!("drop {}: {}", it.net_id, it.name))?;
    }
    let (added, changed) = (plan.added.len(), plan.changed.len());
    output::line(format_args!(
        "{added} added, {changed} changed, {} taken back, {} dropped, {} unchanged",
        plan.returning.len(),
        plan.dropped.len(),
        plan.unchanged
    ))
}

fn fields(change: &Change) -> String {
    let none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let words = change
        .fields()
        .into_iter()
        .map(|(field, before, after)| format!("{} {} -> {}", field.word(), none(before), none(after)));
    none(words.collect::<Vec<_>>().join(", "))
}

fn as_json(Shown { import, stored, .. }: &Shown) -> Value {
    json!({
        "id": import.id, "state": import.state, "format": import.format, "total": import.total,
        "done": import.done, "drop": stored.drop, "only_sections": stored.only_sections,
        "hours": stored.hours, "looks_wrong": stored.plan.looks_wrong(), "plan": stored.plan,
    })
}

async fn list(options: &Options, args: List) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, filter) = (app.clone(), Filter { who: args.who, text: String::new(), section: args.section });
    let list = app
        .db
        .read::<_, DbError, _>("roster", move |conn| roster::list(&inner, conn, &filter, 0, usize::MAX))
        .await?;
    if args.json {
        let people: Vec<Value> = list.people.iter().map(person_json).collect();
        return output::json(&json!({ "people": people }));
    }
    let rows: Vec<Vec<String>> = list.people.iter().map(row).collect();
    output::table(&["NET ID", "NAME", "MAIL", "SECTION", "TEAM", "SHARES", "PARITY", "ROLE"], &rows)
}

fn row(Listed { enrolment: it, parity }: &Listed) -> Vec<String> {
    let none = || "-".to_owned();
    vec![
        it.net_id.to_string(),
        it.name.clone(),
        it.mail.clone(),
        it.section.clone().unwrap_or_else(none),
        it.team.clone().unwrap_or_else(none),
        it.shares.to_string(),
        parity.map_or_else(none, |parity| parity.word().to_owned()),
        it.role.word().to_owned(),
    ]
}

fn person_json(Listed { enrolment, parity }: &Listed) -> Value {
    let Enrolment { net_id, name, mail, section, team, shares, cloud_users, by_hand, .. } = enrolment;
    json!({
        "id": enrolment.person, "net_id": net_id, "name": name, "mail": mail, "section": section, "team": team,
        "shares": shares, "cloud_users": cloud_users, "by_hand": by_hand, "role": enrolment.role,
        "parity": parity.map(Parity::word), "dropped_at": enrolment.dropped_at,
        "bookings_end_at": enrolment.bookings_end_at,
    })
}

async fn export(options: &Options) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    let entries = db.read("roster: export", roster::export).await?;
    let text = crate::roster::write(&entries)?;
    output::line(text.trim_end())
}
