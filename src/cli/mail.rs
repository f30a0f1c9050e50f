//! `fairlease mail`

use chrono_tz::Tz;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::by::By;
use super::{Failure, Options, assemble, output, slot};
use crate::db::OutboxLine;
use crate::domain::calendar;
use crate::domain::ids::NoticeId;
use crate::domain::notice::Standing;
use crate::services::outbox::{self, SHOWN};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List mail that was not sent, the oldest first
    List(List),
    /// Have mail tried again that was given up
    Retry(Retry),
}

#[derive(Debug, ClapArgs)]
struct List {
    /// What to list: `waiting`, `given_up`, `out_of_date`, or `gathering` for digests
    #[arg(long, value_name = "HOW", default_value = "waiting", value_parser = standing)]
    show: Standing,
    /// Begin after the mail with this id
    #[arg(long, value_name = "ID")]
    after: Option<NoticeId>,
    /// How many to list
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
#[group(id = "which", required = true, multiple = false, args = ["id", "all"])]
struct Retry {
    /// The mail's id
    id: Option<NoticeId>,
    /// All that were given up
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn standing(text: &str) -> Result<Standing, String> {
    Standing::from_word(text)
        .filter(|standing| SHOWN.contains(standing))
        .ok_or_else(|| format!("it is one of {}", SHOWN.map(Standing::word).join(", ")))
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::List(args) => list(options, args).await,
        Command::Retry(args) => retry(options, args).await,
    }
}

async fn list(options: &Options, args: List) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let List { show, after, limit, json } = args;
    let read =
        move |conn: &mut crate::db::Conn<'_>| outbox::part(conn, show, after.as_ref(), usize::from(limit));
    let part = app.db.read("mail", read).await?;
    if json {
        let mails: Vec<_> = part.lines.iter().map(|line| as_json(zone, line)).collect();
        let tally: serde_json::Map<_, _> =
            part.tally.iter().map(|(it, count)| (it.word().to_owned(), json!(count))).collect();
        return output::json(&json!({ "mails": mails, "next": part.next, "counts": tally }));
    }
    let rows: Vec<_> = part.lines.iter().map(|line| row(zone, line)).collect();
    output::table(&["ID", "WRITTEN", "TO", "ABOUT", "TRIED", "NEXT", "SUBJECT", "LAST ANSWER"], &rows)?;
    match part.next {
        Some(next) => output::line(format_args!("there are more: --after {next}")),
        None => Ok(()),
    }
}

fn row(zone: Tz, line: &OutboxLine) -> Vec<String> {
    let next = line.next_attempt_at.or(line.digest_at);
    vec![
        line.id.to_string(),
        calendar::date_and_time(zone, line.created_at),
        line.person.as_ref().map_or("course".to_owned(), |(_, net_id)| net_id.to_string()),
        line.topic.word().to_owned(),
        line.attempts.to_string(),
        next.map_or("-".to_owned(), |at| calendar::date_and_time(zone, at)),
        line.subject.clone(),
        line.last_error.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

fn as_json(zone: Tz, line: &OutboxLine) -> Value {
    json!({
        "id": line.id, "state": line.standing.word(), "topic": line.topic.word(),
        "net_id": line.person.as_ref().map(|(_, net_id)| net_id), "subject": line.subject,
        "written_at": calendar::rfc3339(zone, line.created_at), "attempts": line.attempts,
        "next_attempt_at": line.next_attempt_at.map(|at| calendar::rfc3339(zone, at)),
        "digest_at": line.digest_at.map(|at| calendar::rfc3339(zone, at)), "last_answer": line.last_error,
    })
}

async fn retry(options: &Options, args: Retry) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let count = outbox::retry(&app, &args.by.doer(), args.id.clone()).await?;
    if let Some(id) = args.id.filter(|_| count == 0) {
        return Err(Failure(format!("there is no mail {id} that was given up")));
    }
    if args.json {
        return output::json(&json!({ "retried": count }));
    }
    output::line(format_args!("{count} to be tried again"))
}
