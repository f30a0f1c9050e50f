//! `fairlease offer`

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::{Failure, Options, assemble, output, slot};
use crate::domain::calendar;
use crate::domain::ids::{BookingId, NetId};
use crate::services::waitlist;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take what is offered: from then on it is a booking like any other
    Accept(Answer),
    /// Leave what is offered to whoever comes next; the person waits on, and their waiting time begins anew
    Pass(Answer),
}

#[derive(Debug, ClapArgs)]
struct Answer {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// The id of the booking that is offered
    #[arg(value_name = "BOOKING")]
    id: BookingId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Accept(args) => accept(options, args).await,
        Command::Pass(args) => pass(options, &args).await,
    }
}

async fn accept(options: &Options, args: Answer) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let person = slot::person(&app.db, &args.who).await?;
    let taken = waitlist::accept(&app, person, args.id).await?;
    if args.json {
        return output::json(&json!({"accepted": true, "booking": taken.id, "state": taken.state.word()}));
    }
    output::line(format_args!("booking {}: {}", taken.id, calendar::span(zone, &taken.slot)))
}

async fn pass(options: &Options, args: &Answer) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let person = slot::person(&app.db, &args.who).await?;
    waitlist::pass(&app, person, args.id.clone()).await?;
    if args.json {
        return output::json(&json!({"passed": args.id}));
    }
    output::line(format_args!("passed; {} waits on", args.who))
}
