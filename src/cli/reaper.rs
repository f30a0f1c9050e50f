//! `fairlease reaper`

use std::sync::Arc;

use chrono_tz::Tz;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::by::By;
use super::exemption::refusal;
use super::{Failure, Options, assemble, output, slot};
use crate::db::{self, DbError, SaidPause};
use crate::domain::blueprint::Kind;
use crate::domain::calendar;
use crate::domain::ids::{NetId, SiteId};
use crate::domain::marked::Stage;
use crate::domain::sweep::{Act, Sweep};
use crate::services::guards::{self, NewPause};
use crate::services::sweeps::{self, Follows};
use crate::services::{App, reaping};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Stop everything but the end of bookings, at one site or at all
    Pause(PauseArgs),
    /// End such a pause
    Resume(Resume),
    /// List what is marked, the first due first
    Marks(Marks),
    /// Take back what is marked; a server that was stopped is started
    Restore(Restore),
    /// List the latest sweeps that did or skipped something, with what they did
    History(History),
}

#[derive(Debug, ClapArgs)]
struct PauseArgs {
    /// The site [default: all]
    #[arg(long, value_name = "ID")]
    site: Option<SiteId>,
    /// Why, in a few words, for staff
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Up to when [default: until someone resumes it]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Resume {
    /// The site of the pause [default: the pause of all sites]
    #[arg(long, value_name = "ID")]
    site: Option<SiteId>,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Marks {
    /// Whose [default: everybody's, and nobody's]
    #[arg(long = "as", value_name = "NETID")]
    who: Option<NetId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Restore {
    /// The object's site
    #[arg(long, value_name = "ID")]
    site: SiteId,
    /// What it is, such as server
    #[arg(long, value_parser = PossibleValuesParser::new(kinds()).try_map(|word| kind(&word)))]
    kind: Kind,
    /// The site's id of it
    id: String,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct History {
    /// How many sweeps
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    count: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn kinds() -> Vec<&'static str> {
    Kind::ALL.into_iter().chain([Kind::Port]).map(Kind::word).collect()
}

fn kind(word: &str) -> Result<Kind, String> {
    Kind::from_word(word).ok_or_else(|| "there is no such kind".to_owned())
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    match args.command {
        Command::Pause(args) => pause(&app, zone, args).await,
        Command::Resume(args) => resume(&app, zone, args).await,
        Command::Marks(args) => marks(&app, zone, args).await,
        Command::Restore(args) => restore(&app, zone, args).await,
        Command::History(args) => history(&app, zone, &args).await,
    }
}

async fn pause(app: &Arc<App>, zone: Tz, args: PauseArgs) -> Result<(), Failure> {
    let until = args.until.as_deref().map(|text| slot::read_instant(zone, text)).transpose()?;
    let wanted = NewPause { site: args.site, reason: args.reason, until };
    let said = guards::pause(app, &args.by.doer(), wanted).await.map_err(|error| refusal(zone, error))?;
    if args.json {
        return output::json(&pause_json(zone, &said));
    }
    let until = said.what.until.map_or_else(
        || "until someone resumes it".to_owned(),
        |until| format!("until {}", calendar::date_and_time(zone, until)),
    );
    output::line(format_args!(
        "the reaper is paused at {}, {until}; bookings whose time is over still end",
        place(&said)
    ))
}

fn place(said: &SaidPause) -> String {
    said.what.site.as_ref().map_or_else(|| "all sites".to_owned(), SiteId::to_string)
}

fn pause_json(zone: Tz, said: &SaidPause) -> Value {
    json!({
        "id": said.id, "site": said.what.site, "reason": said.what.reason, "by": said.what.by,
        "at": calendar::rfc3339(zone, said.at),
        "until": said.what.until.map(|until| calendar::rfc3339(zone, until)),
    })
}

async fn resume(app: &Arc<App>, zone: Tz, args: Resume) -> Result<(), Failure> {
    let ended =
        guards::resume_at(app, &args.by.doer(), args.site).await.map_err(|error| refusal(zone, error))?;
    if args.json {
        let ended: Vec<_> = ended.iter().map(|said| pause_json(zone, said)).collect();
        return output::json(&json!({ "resumed": ended }));
    }
    for said in &ended {
        output::line(format_args!("the reaper goes on at {}, with the next sweep", place(said)))?;
    }
    Ok(())
}

async fn marks(app: &Arc<App>, zone: Tz, args: Marks) -> Result<(), Failure> {
    let who = args.who;
    let all = app.db.read::<_, DbError, _>("marks", move |conn| sweeps::marked(conn, who.as_ref())).await?;
    if args.json {
        let all: Vec<_> = all.iter().map(|it| sweeps::mark_json(zone, it)).collect();
        return output::json(&json!({ "marks": all }));
    }
    let rows: Vec<_> = all.iter().map(|it| mark_row(zone, it)).collect();
    output::table(&["SITE", "KIND", "ID", "NAME", "WHOSE", "IS", "NEXT", "REASON"], &rows)
}

fn mark_row(zone: Tz, it: &Follows) -> Vec<String> {
    let target = &it.marked.target;
    let is = match it.marked.stage {
        Stage::Warned { .. } => "told".to_owned(),
        Stage::Stopped { .. } => "stopped".to_owned(),
        Stage::Deleting { .. } => "being deleted".to_owned(),
        Stage::Restored { until } => format!("left alone until {}", calendar::date_and_time(zone, until)),
    };
    let next = it.next.map_or_else(
        || "-".to_owned(),
        |(next, at)| format!("{} {}", next.done(), calendar::date_and_time(zone, at)),
    );
    vec![
        target.site.to_string(),
        target.kind.word().to_owned(),
        target.site_ref.clone(),
        target.name.clone(),
        it.marked.net_id.as_ref().map_or_else(|| "-".to_owned(), NetId::to_string),
        is,
        next,
        it.reason.clone(),
    ]
}

async fn restore(app: &Arc<App>, zone: Tz, args: Restore) -> Result<(), Failure> {
    let doer = args.by.doer();
    let restored = reaping::restore(app, &doer, &args.site, args.kind, &args.id, None).await.map_err(
        |error| match error {
            reaping::RestoreError::NotMarked => {
                Failure(format!("no {} {} is marked at {}", args.kind.word(), args.id, args.site))
            }
            reaping::RestoreError::Before(until) => {
                let until = calendar::date_and_time(zone, until);
                Failure(format!("it was taken back before, and is left alone until {until}"))
            }
            other => other.into(),
        },
    )?;
    if args.json {
        output::json(&json!({
            "restored": restored.marked.target, "until": calendar::rfc3339(zone, restored.until),
            "not_started": restored.not_started,
        }))?;
    } else {
        let until = calendar::date_and_time(zone, restored.until);
        output::line(format_args!("{} is left alone until {until}", restored.marked.target))?;
    }
    match restored.not_started {
        Some(why) => Err(Failure(format!("but the site did not start it: {why}"))),
        None => Ok(()),
    }
}

async fn history(app: &Arc<App>, zone: Tz, args: &History) -> Result<(), Failure> {
    let count = i64::from(args.count);
    let all = app
        .db
        .read::<_, DbError, _>("sweeps", move |conn| {
            let sweeps = db::eventful_sweeps(conn, None, count)?.into_iter();
            let with_acts = |sweep: Sweep| Ok((db::acts_of_sweep(conn, &sweep.id, 0, ACTS)?, sweep));
            sweeps.map(with_acts).collect::<Result<Vec<_>, DbError>>()
        })
        .await?;
    if args.json {
        let all: Vec<_> = all
            .iter()
            .map(|(acts, sweep)| json!({"sweep": sweep, "acts": acts, "more": more(acts, sweep)}))
            .collect();
        return output::json(&json!({ "sweeps": all }));
    }
    for (acts, sweep) in &all {
        output::line(format_args!(
            "{}: {} acts, {} failed",
            calendar::date_and_time(zone, sweep.at),
            sweep.acts,
            sweep.failed
        ))?;
        for act in acts {
            output::line(format_args!("  {}: {} -> {}", act.what, act.reason, act.outcome))?;
        }
        if more(acts, sweep) {
            output::line(format_args!("  and more: /staff/reaper/sweeps/{} has all", sweep.id))?;
        }
        for skipped in &sweep.skipped {
            output::line(format_args!("  skipped: {skipped}"))?;
        }
    }
    Ok(())
}

/// How many acts of a sweep are listed.
const ACTS: i64 = 200;

fn more(acts: &[Act], sweep: &Sweep) -> bool {
    i32::try_from(acts.len()).is_ok_and(|listed| listed < sweep.acts)
}
