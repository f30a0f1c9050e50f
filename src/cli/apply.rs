//! `fairlease apply`

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::{Failure, Options, assemble, output};
use crate::clock::{Clock, SystemClock};
use crate::config::course_file::CourseFile;
use crate::db::Db;
use crate::domain::course::Course;
use crate::services::courses::{self, ApplyError};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The course file
    file: PathBuf,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let course = read(&args.file)?;
    let summary = summary(&course);
    save(&assemble::database(options)?, course).await?;
    output::line(format_args!("applied {summary}"))
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
pub(super) async fn save(db: &Db, course: Course) -> Result<(), ApplyError> {
    db.write("apply", move |conn| courses::apply(conn, &course, SystemClock.now())).await
}
