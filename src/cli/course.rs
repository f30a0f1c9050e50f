//! `fairlease course`

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::{Failure, apply, output};
use crate::config::course_file::CourseFile;
use crate::domain::calendar;
use crate::domain::course::{Course, Lab};
use crate::policy::balance::{self, Balance, Share};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a course file and its weekday rules; needs no database
    Check(Check),
    /// Print the JSON schema of course files, for editors
    Schema,
}

#[derive(Debug, ClapArgs)]
struct Check {
    /// The course file
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let check = match &args.command {
        Command::Check(check) => check,
        Command::Schema => return output::json(&CourseFile::schema()),
    };
    let course = apply::read(&check.file)?;
    if check.json { print_json(&course) } else { print(&course) }
}

fn balance_of(course: &Course, lab: &Lab) -> Option<Balance> {
    balance::balance(lab, course.zone, lab.open)
}

fn print(course: &Course) -> Result<(), Failure> {
    output::line(apply::summary(course))?;
    for lab in &course.labs {
        let due = match lab.due {
            Some(due) => format!("due {}", calendar::date_and_time(course.zone, due)),
            None => "due date to be announced".to_owned(),
        };
        output::line(format_args!("lab.{}: {}, {due}", lab.id, lab.title))?;
        let Some(balance) = balance_of(course, lab) else { continue };
        let words = |share: Share| format!("{} days, {} h", share.days, share.hours);
        let verdict = if balance.is_fair() { "fair" } else { "warning: lopsided" };
        output::line(format_args!(
            "  {verdict}: even net IDs {}; odd net IDs {}",
            words(balance.even),
            words(balance.odd)
        ))?;
    }
    Ok(())
}

fn print_json(course: &Course) -> Result<(), Failure> {
    let share = |share: Share| json!({"days": share.days, "hours": share.hours});
    let labs: Vec<_> = course
        .labs
        .iter()
        .map(|lab| {
            let balance = balance_of(course, lab).map(|balance| {
                json!({"even": share(balance.even), "odd": share(balance.odd), "fair": balance.is_fair()})
            });
            json!({"id": lab.id, "due": lab.due.map(|due| calendar::rfc3339(course.zone, due)), "balance": balance})
        })
        .collect();
    output::json(&json!({"course": course.id, "labs": labs}))
}
