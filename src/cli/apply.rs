//! `fairlease apply`

use std::path::PathBuf;

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
    let name = args.file.display().to_string();
    let text = std::fs::read_to_string(&args.file).map_err(|error| Failure(format!("{name}: {error}")))?;
    let course = CourseFile::parse(&name, &text)?.check(&name)?;
    let db = assemble::database(options)?;
    let summary = format!(
        "{}: {} labs, {} pools, {} sites",
        course.title,
        course.labs.len(),
        course.pools.len(),
        course.sites.len()
    );
    save(&db, course).await?;
    output::line(format_args!("applied {summary}"))
}

/// Makes the course in the database this one.
pub(super) async fn save(db: &Db, course: Course) -> Result<(), ApplyError> {
    db.write("apply", move |conn| courses::apply(conn, &course, SystemClock.now())).await
}
