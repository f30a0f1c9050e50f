//! `fairlease token`

use chrono_tz::Tz;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::{Failure, Options, assemble, output, slot};
use crate::auth::permissions::Scope;
use crate::db::{self, DbError, StoredToken};
use crate::domain::audit::Doer;
use crate::domain::calendar;
use crate::domain::ids::{NetId, TokenId};
use crate::services::tokens::{self, NewToken, TokenError, signs_in};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token for a program of a person, or for a service; its secret is printed once
    Make(Make),
    /// List the tokens that sign in, the first to end first
    List(List),
    /// Revoke a token: it signs in no more
    Revoke(Revoke),
}

#[derive(Debug, ClapArgs)]
struct Make {
    /// Whose it is: what it does is theirs
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// What to call it
    #[arg(long)]
    name: String,
    /// What it is for, such as bookings:read; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = read_scope)]
    scopes: Vec<Scope>,
    /// How many days it lasts, at most 366
    #[arg(long, value_name = "N")]
    days: i64,
    /// Print the secret alone
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct List {
    /// Only this person's or service's, also those that are over
    #[arg(long = "as", value_name = "NETID")]
    who: Option<NetId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Revoke {
    /// The token's id
    id: TokenId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn read_scope(word: &str) -> Result<Scope, String> {
    let words = || Scope::ALL.map(Scope::word).join(", ");
    Scope::from_word(word).ok_or_else(|| format!("there is no scope \"{word}\"; there are {}", words()))
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Make(args) => make(options, args).await,
        Command::List(args) => list(options, args).await,
        Command::Revoke(args) => revoke(options, args).await,
    }
}

async fn make(options: &Options, args: Make) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let (inner, Make { who, name, scopes, days, quiet, json }) = (app.clone(), args);
    let net_id = who.clone();
    let made = app
        .db
        .write("token: make", move |conn| {
            let person = db::person_by_net_id(conn, &net_id)?.ok_or(TokenError::NotHere)?;
            let (by, person) = (person.id.clone(), person.id);
            let wanted = NewToken { person, name: name.clone(), scopes: scopes.clone(), days, by };
            tokens::issue(&inner, conn, &Doer::command(), &wanted)
        })
        .await?;
    if quiet {
        return output::line(made.tell());
    }
    if json {
        let mut told = as_json(zone, &who, &made.token);
        if let Some(told) = told.as_object_mut() {
            told.insert("secret".to_owned(), json!(made.tell()));
        }
        return output::json(&told);
    }
    let until = calendar::date_and_time(zone, made.token.expires_at);
    output::line(format_args!(
        "token {} of {who} until {until}: {}",
        made.token.id,
        made.token.scopes.join(" ")
    ))?;
    output::line("The secret is shown only now:")?;
    output::line(made.tell())
}

async fn list(options: &Options, args: List) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let (now, who) = (app.now(), args.who);
    let found = app
        .db
        .read::<_, DbError, _>("tokens", move |conn| {
            let Some(who) = who else {
                let all = db::tokens_that_sign_in(conn, now)?;
                return Ok(Some(all.into_iter().map(|(person, token)| (person.net_id, token)).collect()));
            };
            let Some(person) = db::person_by_net_id(conn, &who)? else { return Ok(None) };
            let held = db::tokens_of(conn, &person.id)?;
            Ok(Some(held.into_iter().map(|token| (who.clone(), token)).collect::<Vec<_>>()))
        })
        .await?;
    let found = found.ok_or_else(|| Failure("nobody here has this net ID".to_owned()))?;
    if args.json {
        let all: Vec<_> = found.iter().map(|(who, token)| as_json(zone, who, token)).collect();
        return output::json(&json!({ "tokens": all }));
    }
    let rows: Vec<_> = found
        .iter()
        .map(|(who, token)| {
            let state = match token.revoked_at {
                Some(_) => "revoked",
                None if signs_in(token, now) => "signs in",
                None => "over",
            };
            row(zone, who, token, state)
        })
        .collect();
    output::table(&["ID", "OF", "NAME", "SCOPES", "ENDS", "LAST USED", "STATE"], &rows)
}

fn row(zone: Tz, who: &NetId, token: &StoredToken, state: &str) -> Vec<String> {
    let at = |at| calendar::date_and_time(zone, at);
    vec![
        token.id.to_string(),
        who.to_string(),
        token.name.clone(),
        token.scopes.join(" "),
        at(token.expires_at),
        token.used_at.map_or_else(|| "never".to_owned(), at),
        state.to_owned(),
    ]
}

fn as_json(zone: Tz, who: &NetId, token: &StoredToken) -> Value {
    let at = |at| calendar::rfc3339(zone, at);
    json!({
        "id": token.id, "of": who, "name": token.name, "scopes": token.scopes, "made_at": at(token.made_at),
        "expires_at": at(token.expires_at), "used_at": token.used_at.map(at), "revoked_at": token.revoked_at.map(at),
    })
}

async fn revoke(options: &Options, args: Revoke) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (inner, id) = (app.clone(), args.id.clone());
    let revoked = app
        .db
        .write("token: revoke", move |conn| tokens::revoke_any(&inner, conn, &Doer::command(), &id))
        .await?;
    if revoked.is_none() {
        return Err(Failure(format!("there is no token {} that was not revoked before", args.id)));
    }
    if args.json {
        return output::json(&json!({"revoked": args.id}));
    }
    output::line(format_args!("token {} is revoked: it signs in no more", args.id))
}
