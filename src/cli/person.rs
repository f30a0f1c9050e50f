//! `fairlease person`

use clap::{Args as ClapArgs, Subcommand};

use super::by::By;
use super::{Failure, Options, assemble, output};
use crate::domain::ids::NetId;
use crate::services::{people, sign_in};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Someone drops the course: they book nothing any more, and what they have booked ends 48 hours later
    Drop(Drop),
    /// Someone takes the course, again or from now on
    Enrol(Enrol),
    /// By which accounts the sites know someone: what they make by hand is told by these
    Accounts(Accounts),
    /// Someone's account at an identity provider is theirs no more: at the next sign-in their net ID decides anew. Ends
    /// their sessions
    Unlink(Unlink),
}

#[derive(Debug, ClapArgs)]
struct Unlink {
    /// The person's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, ClapArgs)]
struct Drop {
    /// The person's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, ClapArgs)]
struct Enrol {
    /// The person's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    /// What to call them [default: as before, or the net ID]
    #[arg(long)]
    name: Option<String>,
    /// Where their mail goes; needed for someone who is new
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, ClapArgs)]
struct Accounts {
    /// The person's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    /// A name or an id by which a site knows them, such as ff524@example.edu; may be given several times. Those that are not
    /// given are forgotten
    #[arg(long = "cloud-user", value_name = "NAME")]
    cloud_users: Vec<String>,
    #[command(flatten)]
    by: By,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Drop(args) => drop_out(options, args).await,
        Command::Enrol(args) => enrol(options, args).await,
        Command::Accounts(args) => accounts(options, args).await,
        Command::Unlink(args) => unlink(options, args).await,
    }
}

async fn drop_out(options: &Options, args: Drop) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, doer, net_id) = (app.clone(), args.by.doer(), args.who.clone());
    app.db.write("person: drop", move |conn| people::drop_out(&inner, conn, &doer, &net_id)).await?;
    output::line(format_args!("{} has dropped the course", args.who))
}

async fn enrol(options: &Options, args: Enrol) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, doer, Enrol { who, name, mail, .. }) = (app.clone(), args.by.doer(), args);
    let net_id = who.clone();
    app.db
        .write("person: enrol", move |conn| {
            people::enrol(&inner, conn, &doer, &net_id, name.as_deref(), mail.as_deref())
        })
        .await?;
    output::line(format_args!("{who} takes the course"))
}

async fn accounts(options: &Options, args: Accounts) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, doer, Accounts { who, cloud_users, .. }) = (app.clone(), args.by.doer(), args);
    let net_id = who.clone();
    let kept = app
        .db
        .write("person: accounts", move |conn| {
            people::set_cloud_users(&inner, conn, &doer, &net_id, &cloud_users)
        })
        .await?;
    if kept.is_empty() {
        return output::line(format_args!("{who} is known by no account"));
    }
    output::line(format_args!("{who} is known as {}", kept.join(", ")))
}

async fn unlink(options: &Options, args: Unlink) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, doer, who) = (app.clone(), args.by.doer(), args.who);
    let net_id = who.clone();
    let gone =
        app.db.write("person: unlink", move |conn| sign_in::unlink(&inner, conn, &doer, &net_id)).await?;
    match gone {
        0 => output::line(format_args!("{who} was linked to no account; their sessions are ended")),
        _ => output::line(format_args!("{who} is linked to no account any more; their sessions are ended")),
    }
}
