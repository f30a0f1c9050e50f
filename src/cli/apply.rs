//! `fairlease apply`

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;

use super::by::By;
use super::{Failure, Options, assemble, output};
use crate::clock::{Clock, SystemClock};
use crate::config::course_file::CourseFile;
use crate::db::Db;
use crate::domain::audit::Doer;
use crate::domain::course::Course;
use crate::entropy::OsEntropy;
use crate::services::courses::{self, ApplyError, Plan};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The course file
    file: PathBuf,
    /// Print what would change, and which bookings the new rules would not accept, and change nothing
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let course = read(&args.file)?;
    let db = assemble::database(options)?;
    let planned = course.clone();
    let plan = db.read("plan", move |conn| courses::plan(conn, &planned)).await?;
    let summary = summary(&course);
    if !args.plan {
        save(&db, &args.by.doer(), course).await?;
    }
    if args.json {
        return output::json(&json!({"applied": !args.plan, "plan": plan}));
    }
    print(&plan)?;
    output::line(format_args!("{} {summary}", if args.plan { "would apply" } else { "applied" }))
}

fn print(plan: &Plan) -> Result<(), Failure> {
    for change in &plan.changes {
        output::line(change)?;
    }
    for it in &plan.affected {
        let why = it.why.join(" ");
        output::line(format_args!(
            "booking {} of {} ({}, {}) stays, though: {why}",
            it.booking, it.net_id, it.lab, it.slot
        ))?;
    }
    if plan.changes.is_empty() {
        output::line("nothing changes")?;
    }
    Ok(())
}

/// Reads and checks a course file.
pub(super) fn read(file: &Path) -> Result<Course, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Failure(format!("{name}: {error}")))?;
    Ok(CourseFile::parse(&name, &text)?.check(&name)?)
}

/// The course in a line.
pub(super) fn summary(course: &Course) -> String {
    let (labs, pools, sites) = (course.labs.len(), course.pools.len(), course.sites.len());
    format!("{}: {labs} labs, {pools} pools, {sites} sites", course.title)
}

/// Makes the course in the database this one.
pub(super) async fn save(db: &Db, doer: &Doer, course: Course) -> Result<(), ApplyError> {
    let doer = doer.clone();
    db.write("apply", move |conn| courses::apply_by(conn, &OsEntropy, &doer, &course, SystemClock.now()))
        .await
}
