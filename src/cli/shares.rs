//! `fairlease shares`

use clap::{ArgGroup, Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::by::By;
use super::{Failure, Options, assemble, output};
use crate::db::Shareholder;
use crate::domain::ids::NetId;
use crate::services::shares::{self, Change, Group, Held, Placing};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say in which section and team a student is, and how many shares they have there; what is not said stays as it was
    Place(Place),
    /// Set the shares of a section or a team among its siblings
    Set(Set),
    /// List the sections and teams with their shares
    List(List),
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["section", "no_section", "team", "no_team", "shares"]))]
struct Place {
    /// The student's net ID
    #[arg(value_name = "NETID")]
    who: NetId,
    /// Their section. If it is another than before they leave their team, unless --team says one
    #[arg(long, value_name = "NAME", conflicts_with = "no_section")]
    section: Option<String>,
    /// They are in no section any more, and leave their team, unless --team says one
    #[arg(long)]
    no_section: bool,
    /// Their team in the section, or in the course if they have no section
    #[arg(long, value_name = "NAME", conflicts_with = "no_team")]
    team: Option<String>,
    /// They are in no team any more
    #[arg(long)]
    no_team: bool,
    /// Their shares among those beside them; with none they come after whoever has some
    #[arg(long, value_name = "N")]
    shares: Option<i32>,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Set {
    /// A section, such as a; a team of it, such as a/red; or a team that is in no section, such as /red
    group: Group,
    /// How many; a group without students may have some beforehand
    #[arg(value_name = "N")]
    shares: i32,
    #[command(flatten)]
    by: By,
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

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Place(args) => place(options, args).await,
        Command::Set(args) => set(options, &args).await,
        Command::List(args) => list(options, &args).await,
    }
}

fn change(to: Option<String>, none: bool) -> Change {
    match to {
        Some(name) => Change::To(name),
        None if none => Change::None,
        None => Change::Keep,
    }
}

async fn place(options: &Options, args: Place) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let wanted = Placing {
        net_id: args.who,
        section: change(args.section, args.no_section),
        team: change(args.team, args.no_team),
        shares: args.shares,
    };
    let placed = shares::place(&app, &args.by.doer(), wanted).await?;
    if args.json {
        return output::json(&placed_json(&placed));
    }
    output::line(format_args!(
        "{} has {} {}",
        placed.net_id,
        shares_in_words(placed.shares),
        whereabouts(&placed)
    ))
}

fn shares_in_words(shares: i32) -> String {
    if shares == 1 { "1 share".to_owned() } else { format!("{shares} shares") }
}

fn whereabouts(placed: &Shareholder) -> String {
    match (&placed.section, &placed.team) {
        (Some(section), Some(team)) => format!("in team {team} of section {section}"),
        (Some(section), None) => format!("in section {section}"),
        (None, Some(team)) => format!("in team {team}, in no section"),
        (None, None) => "in no section and no team".to_owned(),
    }
}

fn placed_json(placed: &Shareholder) -> Value {
    let Shareholder { net_id, section, team, shares, .. } = placed;
    json!({"net_id": net_id, "section": section, "team": team, "shares": shares})
}

async fn set(options: &Options, args: &Set) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    shares::set(&app, &args.by.doer(), &args.group, args.shares).await?;
    let Group { section, team } = &args.group;
    if args.json {
        return output::json(&json!({
            "group": args.group.to_string(), "section": section, "team": team, "shares": args.shares,
        }));
    }
    output::line(format_args!("{} has {}", args.group, shares_in_words(args.shares)))
}

async fn list(options: &Options, args: &List) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    let (groups, alone) = db.read("shares", shares::groups).await?;
    if args.json {
        let groups: Vec<_> = groups.iter().map(held_json).collect();
        return output::json(&json!({"groups": groups, "students_in_no_group": alone}));
    }
    let row = |it: &Held| vec![it.group.to_string(), it.shares.to_string(), it.students.to_string()];
    let rows: Vec<_> = groups.iter().map(row).collect();
    output::table(&["GROUP", "SHARES", "STUDENTS"], &rows)?;
    output::line(format_args!("in no group: {alone}"))
}

fn held_json(held: &Held) -> Value {
    let Group { section, team } = &held.group;
    json!({
        "group": held.group.to_string(), "section": section, "team": team, "shares": held.shares,
        "students": held.students,
    })
}
