//! `fairlease service`

use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::{Failure, Options, assemble, output};
use crate::db::{self, DbError};
use crate::domain::audit::Doer;
use crate::domain::ids::NetId;
use crate::services::App;
use crate::services::programs::{self, NewProgram, Program};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a program that is in the course by itself, or bring back one that was dropped
    Add(Add),
    /// List the services
    List(List),
    /// Drop a service and revoke its tokens
    Drop(Drop),
}

#[derive(Debug, ClapArgs)]
struct Add {
    /// Its name: like a net ID that nobody has
    #[arg(value_name = "NAME")]
    who: NetId,
    /// What it is, in a few words
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// To whom to write about it
    #[arg(long, value_name = "ADDRESS")]
    mail: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Drop {
    /// Its name
    #[arg(value_name = "NAME")]
    who: NetId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Add(args) => add(options, args).await,
        Command::List(args) => list(options, &args).await,
        Command::Drop(args) => drop_it(options, args).await,
    }
}

async fn add(options: &Options, args: Add) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, Add { who, title, mail, json }) = (app.clone(), args);
    let wanted = NewProgram { name: who.clone(), title, mail };
    let service = app
        .db
        .write("service: add", move |conn| programs::add(&inner, conn, &Doer::command(), &wanted))
        .await?;
    if json {
        return output::json(&as_json(&app, &Program { service, tokens: Vec::new() }));
    }
    output::line(format_args!(
        "{who} is a service of the course; make its token with: fairlease token make --as {who}"
    ))
}

async fn list(options: &Options, args: &List) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let all = app.db.read::<_, DbError, _>("services", programs::all).await?;
    if args.json {
        let all: Vec<_> = all.iter().map(|program| as_json(&app, program)).collect();
        return output::json(&json!({ "services": all }));
    }
    let row = |program: &Program| {
        let service = &program.service;
        let tokens = program.signing_in(&app).to_string();
        vec![service.net_id.to_string(), service.name.clone(), service.mail.clone(), tokens]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    output::table(&["NAME", "WHAT IT IS", "CONTACT", "TOKENS"], &rows)
}

fn as_json(app: &App, program: &Program) -> Value {
    let service = &program.service;
    json!({
        "name": service.net_id, "title": service.name, "mail": service.mail, "tokens": program.signing_in(app),
    })
}

async fn drop_it(options: &Options, args: Drop) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, who) = (app.clone(), args.who.clone());
    let dropped = app
        .db
        .write::<_, DbError, _>("service: drop", move |conn| match db::person_by_net_id(conn, &who)? {
            Some(person) => programs::drop(&inner, conn, &Doer::command(), &person.id),
            None => Ok(false),
        })
        .await?;
    if !dropped {
        return Err(Failure(format!("{} is no service of the course", args.who)));
    }
    if args.json {
        return output::json(&json!({"dropped": args.who}));
    }
    output::line(format_args!("{} is dropped, and its tokens are revoked", args.who))
}
