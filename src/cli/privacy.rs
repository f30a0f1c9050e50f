//! `fairlease privacy`

use clap::{Args as ClapArgs, Subcommand};

use super::by::By;
use super::{Failure, Options, assemble, output};
use crate::db::{self, Conn};
use crate::domain::ids::NetId;
use crate::domain::person::Person;
use crate::services::privacy::{self, PrivacyError};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print all that is kept of a person, as JSON
    Export(Export),
    /// Take a person out of what is kept; it can't be undone
    Erase(Erase),
}

#[derive(Debug, ClapArgs)]
struct Export {
    /// The person's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, ClapArgs)]
struct Erase {
    /// The person's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    by: By,
    /// Do it; without this only what would stay is told
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Export(args) => export(options, args).await,
        Command::Erase(args) => erase(options, args).await,
    }
}

fn known(conn: &mut Conn<'_>, who: &NetId) -> Result<Person, PrivacyError> {
    db::person_by_net_id(conn, who)?.ok_or(PrivacyError::NoSuchPerson)
}

async fn export(options: &Options, args: Export) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, doer) = (app.clone(), args.by.doer());
    let kept = app
        .db
        .write("privacy: export", move |conn| {
            let person = known(conn, &args.who)?;
            privacy::export(&inner, conn, &doer, &person.id)
        })
        .await?;
    output::json(&kept)
}

async fn erase(options: &Options, args: Erase) -> Result<(), Failure> {
    if !args.yes {
        return Err(Failure(format!(
            "{} would be erased for good: their name, addresses, keys, mails and reasons go, and their bookings and \
             what they have used stay without them. Say --yes to do it",
            args.who
        )));
    }
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, doer) = (app.clone(), args.by.doer());
    let Erase { who, reason, .. } = args;
    app.db
        .write("privacy: erase", move |conn| {
            let person = known(conn, &who)?;
            privacy::erase(&inner, conn, &doer, &person.id, &reason)
        })
        .await?;
    output::line(format_args!("the person is erased"))
}
