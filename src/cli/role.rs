//! `fairlease role`

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::by::By;
use super::{Failure, Options, assemble, output};
use crate::domain::ids::NetId;
use crate::domain::person::{Person, Role};
use crate::services::roles;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what someone is in the course
    Set(Set),
    /// Say who runs the installation, whatever they are in its course
    Admin(Admin),
    /// List who is staff, who runs the installation, and the services
    List(List),
}

#[derive(Debug, ClapArgs)]
struct Set {
    /// The person's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    /// What they are from now on
    #[arg(value_parser = PossibleValuesParser::new(["student", "assistant", "instructor"]).map(|word| read(&word)))]
    role: Role,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, ClapArgs)]
struct Admin {
    /// The person's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    /// They run it no more
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, ClapArgs)]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn read(word: &str) -> Role {
    Role::from_word(word).unwrap_or(Role::Student)
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Set(args) => set(options, args).await,
        Command::Admin(args) => admin(options, args).await,
        Command::List(args) => list(options, &args).await,
    }
}

async fn set(options: &Options, args: Set) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, doer, who, role) = (app.clone(), args.by.doer(), args.who, args.role);
    let appoint = move |conn: &mut crate::db::Conn<'_>| roles::appoint(&inner, conn, &doer, &who, role);
    let person = app.db.write("role: set", appoint).await?;
    output::line(format_args!("{} is {}", person.net_id, role.with_article()))
}

async fn admin(options: &Options, args: Admin) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, doer, who, on) = (app.clone(), args.by.doer(), args.who.clone(), !args.off);
    app.db.write("role: admin", move |conn| roles::set_admin(&inner, conn, &doer, &who, on)).await?;
    let what = if on { "runs the installation" } else { "does not run the installation" };
    output::line(format_args!("{} {what}", args.who))
}

async fn list(options: &Options, args: &List) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    let people = db.read("roles", roles::holders).await?;
    if args.json {
        let people: Vec<Value> = people.iter().map(as_json).collect();
        return output::json(&json!({ "roles": people }));
    }
    let rows: Vec<_> = people.iter().map(row).collect();
    output::table(&["NET ID", "NAME", "ROLE", "ADMIN"], &rows)
}

fn row(person: &Person) -> Vec<String> {
    let role = person.role.filter(|_| person.enrolled).map_or("-", Role::title);
    let admin = if person.admin { "yes" } else { "-" };
    vec![person.net_id.to_string(), person.name.clone(), role.to_owned(), admin.to_owned()]
}

fn as_json(person: &Person) -> Value {
    let role = person.role.filter(|_| person.enrolled);
    json!({"net_id": person.net_id, "name": person.name, "role": role, "admin": person.admin})
}
