//! Reminding staff of an outage that should be over.

use std::sync::Arc;

use super::title;
use crate::db::{self, Conn, DbError};
use crate::domain::notice::Topic;
use crate::mail::messages::Surroundings;
use crate::mail::messages::outage as words;
use crate::services::{App, notices};

/// Writes to staff once about each expected end that has passed without anyone saying that it came. Says how many there are.
pub async fn remind(app: &Arc<App>) -> Result<usize, DbError> {
    let inner = app.clone();
    app.db.write("outages: late", move |conn| remind_in(&inner, conn)).await
}

fn remind_in(app: &App, conn: &mut Conn<'_>) -> Result<usize, DbError> {
    let (now, open) = (app.now(), db::open_outages(conn)?);
    let late = open.iter().filter(|it| it.ended.is_none() && it.until.is_some_and(|until| until <= now));
    let mut told = 0;
    for outage in late {
        let (Some(course), Some(until)) = (db::course(conn)?, outage.until) else { continue };
        let around =
            Surroundings { course: &course.title, zone: course.zone, public_url: &app.public_url, now };
        let message = words::late(around, &title(&course, &outage.away), outage, until);
        let key = format!("outage-late/{}/{}", outage.id, until.timestamp());
        told += usize::from(notices::tell_staff(app, conn, Topic::Outage, &key, message)?);
    }
    Ok(told)
}
