//! `fairlease course`

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::{Failure, apply, output};
use crate::config::course_file::CourseFile;
use crate::domain::calendar;
use crate::domain::course::{Course, Lab, Pool};
use crate::domain::fair_share::Weights;
use crate::domain::su::Su;
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
    if let Some(warning) = unbounded(course.waitlist.weights) {
        output::line(warning)?;
    }
    let rows: Vec<_> = course.labs.iter().map(|lab| row(course, lab)).collect();
    output::table(&["lab", "one booking takes", "an hour", "at the cap, with the lead"], &rows)
}

/// What staff are told whose weights let someone wait for ever.
fn unbounded(weights: Weights) -> Option<String> {
    let Weights { fair_share, age, due } = weights;
    let enough = fair_share.saturating_add(due);
    (!weights.bound_the_wait()).then(|| {
        format!(
            "waitlist.weights: warning: nobody's wait is bounded, since whoever has just joined can come before those who \
             have waited longest: age is {age}, and fair_share and due are {enough} together; age = {enough} or more would do"
        )
    })
}

fn row(course: &Course, lab: &Lab) -> Vec<String> {
    let counts: Vec<String> = takes(lab).map(|(name, count)| format!("{name} {count}")).collect();
    let counts = if counts.is_empty() { "nothing that is counted".to_owned() } else { counts.join(", ") };
    let price = |su: Su| if su == Su::ZERO { "-".to_owned() } else { su.to_string() };
    vec![lab.id.to_string(), counts, price(lab.su_per_hour), price(at_the_cap(course, lab))]
}

/// What a booking takes of the project's quotas. Cores and memory follow from the flavors, which only the site knows.
fn takes(lab: &Lab) -> impl Iterator<Item = (&'static str, u32)> {
    lab.blueprint.quota().entries().into_iter().filter(|(_, count)| *count > 0)
}

/// What a booking as long as the cap is charged: the lead is, too.
fn at_the_cap(course: &Course, lab: &Lab) -> Su {
    let lead = course.pools.iter().find(|pool| pool.id == lab.pool).map_or_else(TimeDelta::zero, Pool::lead);
    lab.su_per_hour.for_length(lead + lab.policy.cap())
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
            let takes: BTreeMap<_, _> = takes(lab).collect();
            json!({
                "id": lab.id,
                "due": lab.due.map(|due| calendar::rfc3339(course.zone, due)),
                "balance": balance,
                "takes": takes,
                "micro_su_per_hour": lab.su_per_hour.micro(),
                "micro_su_at_cap": at_the_cap(course, lab).micro(),
            })
        })
        .collect();
    let wait_is_bounded = course.waitlist.weights.bound_the_wait();
    output::json(&json!({"course": course.id, "labs": labs, "wait_is_bounded": wait_is_bounded}))
}
