//! Each morning, by the clock of the course: staff hear of what sweeps only report, and of what they could not delete.

use std::sync::Arc;

use chrono::{DateTime, NaiveTime, Utc};

use crate::db::{self, DbError};
use crate::domain::calendar;
use crate::services::App;
use crate::services::reaping::digest;

/// When staff are told, by the clock of the course.
const MORNING: NaiveTime = NaiveTime::from_hms_opt(8, 0, 0).unwrap();

/// The latest time at which staff were to be told, if there is a course. Whoever was not running then is late, not silent.
pub async fn scheduled_at(app: &Arc<App>) -> Result<Option<DateTime<Utc>>, DbError> {
    let now = app.now();
    let course = app.db.read("digest: course", db::course_card).await?;
    Ok(course.map(|course| calendar::latest(course.zone, MORNING, now)))
}

/// Writes the mail, if there is anything to tell.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    Ok(if digest::tell(&app).await? { "staff are told" } else { "nothing to tell" }.to_owned())
}
