//! Workers of one SQLite file know of each other by a lock beside it. One that starts and finds itself alone need not wait
//! for the claims of one that was killed to run out: nobody can be acting on them. Workers of a PostgreSQL server may be on
//! other machines, so there claims run out by themselves.

use std::fs::{File, OpenOptions};

use super::Failure;
use crate::db::{self, Db, DbError, DbUrl};

/// Held as long as a worker of this process may work.
#[derive(Debug)]
pub(super) struct Presence {
    _lock: Option<File>,
}

/// Makes this worker known to others, and takes over from those that were killed if it is the only one.
pub(super) async fn enter(db: &Db) -> Result<Presence, Failure> {
    let DbUrl::Sqlite(path) = db.url() else { return Ok(Presence { _lock: None }) };
    let file = format!("{path}.worker");
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .map_err(|error| Failure(format!("{file} can't be opened: {error}")))?;
    if lock.try_lock().is_ok() {
        let dropped = db.write::<_, DbError, _>("take over", db::drop_all_claims).await?;
        if dropped > 0 {
            tracing::info!(dropped, "took over what another worker left when it was killed");
        }
        lock.unlock()?;
    }
    lock.lock_shared()?;
    Ok(Presence { _lock: Some(lock) })
}
