//! The outbox as staff see it: what waits, what was given up, what was set aside; and having it tried again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::App;
use super::audit::{self, Entry};
use crate::db::{self, Conn, DbError, OutboxLine};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::ids::NoticeId;
use crate::domain::notice::Standing;

/// What staff look for. What was sent is of no use to them.
pub const SHOWN: [Standing; 4] =
    [Standing::Waiting, Standing::GivenUp, Standing::OutOfDate, Standing::Gathering];

/// A part of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The notices, the oldest first.
    pub lines: Vec<OutboxLine>,
    /// After which the next part begins, if there is one.
    pub next: Option<NoticeId>,
    /// How many stand in each of the ways that are [`SHOWN`].
    pub tally: BTreeMap<Standing, i64>,
}

/// Up to `limit` notices that stand so, after this one.
pub fn part(
    conn: &mut Conn<'_>,
    standing: Standing,
    after: Option<&NoticeId>,
    limit: usize,
) -> Result<Part, DbError> {
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut lines = db::outbox_lines(conn, standing, after, one_more)?;
    let more = lines.len() > limit;
    lines.truncate(limit);
    let next = lines.last().filter(|_| more).map(|line| line.id.clone());
    Ok(Part { lines, next, tally: db::outbox_tally(conn, &SHOWN)? })
}

/// Has one notice that was given up tried again, or all of them, and wakes the worker. Says how many that are.
pub async fn retry(app: &Arc<App>, doer: &Doer, only: Option<NoticeId>) -> Result<usize, DbError> {
    let (inner, doer) = (app.clone(), doer.clone());
    let work = move |conn: &mut Conn<'_>| {
        let people = db::retry_notices(conn, only.as_ref(), inner.now())?;
        if people.is_empty() {
            return Ok(0);
        }
        let entry = Entry::new(Action::RetriedMail);
        let entry = match (&only, people.as_slice()) {
            (Some(id), [person]) => {
                let entry = entry.to(Object::Notice(id.clone()));
                person.iter().fold(entry, Entry::about)
            }
            _ => entry.after(json!({ "mails": people.len() })),
        };
        audit::record(&inner, conn, &doer, entry)?;
        Ok(people.len())
    };
    let count = app.db.write::<_, DbError, _>("outbox: retry", work).await?;
    app.wake.call();
    Ok(count)
}
