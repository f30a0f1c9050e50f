//! Every difference between the two backends that is not a column type (those are in `types`).

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};

use chrono::{DateTime, Utc};

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{bookings, courses, notices, outages, people, pools, site_health, sites, waits};
use super::types::Ts;

/// Begins a transaction that is going to write. SQLite's default would take its lock at the first write, and fail if
/// another connection wrote since the first read.
pub(super) fn begin_write(conn: &mut Conn<'_>) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(*c, "BEGIN IMMEDIATE"),
        Conn::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(*c, "BEGIN"),
    }
}

/// Begins a transaction that only reads, and sees one state of the database throughout.
pub(super) fn begin_read(conn: &mut Conn<'_>) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(*c, "BEGIN"),
        Conn::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(
            *c,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ),
    }
}

/// Makes concurrent bookings of one person and of one pool wait for each other, in this order. Queueing on one row is
/// quicker than on many, and the pages' figures stay those that decide. SQLite has one writer at a time anyway. Rows that
/// refer to them can be written meanwhile: whoever gives something back writes its line of the ledger.
pub(super) fn lock_for_booking(conn: &mut Conn<'_>, person: &str, pool: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        people::table.find(person).select(people::id).for_no_key_update().get_result::<String>(c)?;
        pools::table.find(pool).select(pools::id).for_no_key_update().get_result::<String>(c)?;
    }
    Ok(())
}

/// Makes whoever holds units or gives them back wait until the transaction is over.
pub(super) fn lock_occupancy(conn: &mut Conn<'_>) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => c.batch_execute("LOCK TABLE occupancy, site_occupancy IN EXCLUSIVE MODE"),
    }
}

/// Makes others who want to pause the reaper wait until the transaction is over.
pub(super) fn lock_pauses(conn: &mut Conn<'_>) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => c.batch_execute("LOCK TABLE pauses IN EXCLUSIVE MODE"),
    }
}

/// Makes others who want to confirm a roster wait until the transaction is over.
pub(super) fn lock_roster_imports(conn: &mut Conn<'_>) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => c.batch_execute("LOCK TABLE roster_imports IN EXCLUSIVE MODE"),
    }
}

/// Makes others who want to add to the audit log wait until the transaction is over.
pub(super) fn lock_audit(conn: &mut Conn<'_>) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => c.batch_execute("SELECT pg_advisory_xact_lock(7171690902)"),
    }
}

/// Makes other sweeps that want to remember what they saw wait until the transaction is over.
pub(super) fn lock_listings(conn: &mut Conn<'_>) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => c.batch_execute("LOCK TABLE site_listings IN EXCLUSIVE MODE"),
    }
}

/// Makes others who want to begin something at this site wait until the transaction is over.
pub(super) fn lock_site(conn: &mut Conn<'_>, site: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        sites::table.find(site).select(sites::id).for_no_key_update().get_result::<String>(c)?;
    }
    Ok(())
}

/// Makes others who want to write down how this site does wait until the transaction is over.
pub(super) fn lock_site_health(conn: &mut Conn<'_>, site: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        site_health::table
            .find(site)
            .select(site_health::site_id)
            .for_update()
            .get_result::<String>(c)
            .optional()?;
    }
    Ok(())
}

/// Makes others who want to change this booking wait until the transaction is over.
pub(super) fn lock_booking(conn: &mut Conn<'_>, id: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        bookings::table.find(id).select(bookings::id).for_update().get_result::<String>(c).optional()?;
    }
    Ok(())
}

/// Makes others who want to change this outage wait until the transaction is over.
pub(super) fn lock_outage(conn: &mut Conn<'_>, id: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        outages::table.find(id).select(outages::id).for_update().get_result::<String>(c).optional()?;
    }
    Ok(())
}

/// Makes others who want to change this place in line wait until the transaction is over.
pub(super) fn lock_wait(conn: &mut Conn<'_>, id: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        waits::table.find(id).select(waits::id).for_update().get_result::<String>(c).optional()?;
    }
    Ok(())
}

/// Makes others who want to say who is what in this course wait until the transaction is over.
pub(super) fn lock_course(conn: &mut Conn<'_>, course: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        courses::table.find(course).select(courses::id).for_no_key_update().get_result::<String>(c)?;
    }
    Ok(())
}

/// Makes whoever wants to book in this pool wait until the transaction is over.
pub(super) fn lock_pool(conn: &mut Conn<'_>, pool: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        pools::table.find(pool).select(pools::id).for_no_key_update().get_result::<String>(c)?;
    }
    Ok(())
}

/// Makes bookings of this person wait until the transaction is over. It does not wait for one that is being made, which may
/// itself wait for what this transaction holds: then it fails, and is to be run again.
pub(super) fn lock_person_at_once(conn: &mut Conn<'_>, person: &str) -> QueryResult<()> {
    if let Conn::Postgres(c) = conn {
        let c: &mut PgConnection = c;
        people::table
            .find(person)
            .select(people::id)
            .for_no_key_update()
            .no_wait()
            .get_result::<String>(c)?;
    }
    Ok(())
}

/// Bookings of these pools whose next step is due and which nobody has a claim on. On PostgreSQL, rows that another worker is about to
/// claim are passed over; SQLite has one writer at a time anyway.
pub(super) fn due_bookings(
    conn: &mut Conn<'_>,
    pools: &[String],
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<String>> {
    let due = bookings::table
        .filter(bookings::pool_id.eq_any(pools))
        .filter(bookings::next_step_at.le(Ts(now)))
        .filter(bookings::claim_until.is_null().or(bookings::claim_until.le(Ts(now))))
        .order((bookings::next_step_at, bookings::id))
        .limit(limit)
        .select(bookings::id);
    match conn {
        Conn::Sqlite(c) => due.load(*c),
        Conn::Postgres(c) => due.for_update().skip_locked().load(*c),
    }
}

/// Notices of this hurry that are due and which nobody has a claim on, like [`due_bookings`].
pub(super) fn due_notices(
    conn: &mut Conn<'_>,
    hurry: i32,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<String>> {
    let due = notices::table
        .filter(notices::hurry.eq(hurry))
        .filter(notices::next_attempt_at.le(Ts(now)))
        .filter(notices::claim_until.is_null().or(notices::claim_until.le(Ts(now))))
        .order((notices::next_attempt_at, notices::id))
        .limit(limit)
        .select(notices::id);
    match conn {
        Conn::Sqlite(c) => due.load(*c),
        Conn::Postgres(c) => due.for_update().skip_locked().load(*c),
    }
}

/// Whether the database answers.
pub(super) fn ping(conn: &mut Conn<'_>) -> QueryResult<()> {
    on!(conn, |c| c.batch_execute("SELECT 1"))
}

/// Makes other migrations wait until the transaction is over. SQLite has one writer at a time anyway.
pub(super) fn lock_migrations(conn: &mut Conn<'_>) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => c.batch_execute("SELECT pg_advisory_xact_lock(7171690901)"),
    }
}

/// What a new SQLite connection is told. The time to wait for a lock comes first, since the rest may need one.
pub(super) fn prepare_sqlite(conn: &mut SqliteConnection) -> QueryResult<()> {
    conn.batch_execute("PRAGMA busy_timeout = 15000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    write_ahead(conn)
}

/// Several connections may be the first to a new file. SQLite does not wait for another that switches the journal at the same
/// time, whatever the time-out: it says at once that the file is locked, and a moment later it is not.
fn write_ahead(conn: &mut SqliteConnection) -> QueryResult<()> {
    const TRIES: u32 = 100;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);
    for _ in 1..TRIES {
        match conn.batch_execute("PRAGMA journal_mode = WAL") {
            Err(error) if error.to_string().contains("locked") => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    conn.batch_execute("PRAGMA journal_mode = WAL")
}

/// What a new PostgreSQL connection is told.
pub(super) fn prepare_postgres(conn: &mut PgConnection) -> QueryResult<()> {
    conn.batch_execute("SET TIME ZONE 'UTC'; SET lock_timeout = '20s'; SET client_min_messages = 'warning'")
}

/// Sorts a diesel error by what can be done about it. Some of them reach us only as text.
pub(super) fn classify(error: Error) -> DbError {
    if let Error::DatabaseError(kind, info) = &error {
        let text = info.message().to_owned();
        let constraint = info.constraint_name().unwrap_or(&text);
        match kind {
            DatabaseErrorKind::CheckViolation if constraint.contains("occupancy_within_capacity") => {
                return DbError::OverCapacity;
            }
            DatabaseErrorKind::UniqueViolation if constraint.contains("node_cells") => {
                return DbError::OverCapacity;
            }
            DatabaseErrorKind::UniqueViolation => return DbError::Duplicate(constraint.to_owned()),
            DatabaseErrorKind::SerializationFailure => return DbError::TryAgain(text),
            _ if is_lost_race(&text) => return DbError::TryAgain(text),
            _ => {}
        }
    }
    DbError::Other(error)
}

fn is_lost_race(message: &str) -> bool {
    [
        "database is locked",
        "database table is locked",
        "deadlock detected",
        "could not serialize access",
        "could not obtain lock on row",
    ]
    .iter()
    .any(|text| message.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(kind: DatabaseErrorKind, text: &str) -> DbError {
        classify(Error::DatabaseError(kind, Box::new(text.to_owned())))
    }

    #[test]
    fn errors_are_sorted_by_what_can_be_done() {
        use DatabaseErrorKind::{CheckViolation, SerializationFailure, UniqueViolation, Unknown};
        for text in ["deadlock detected", "database is locked"] {
            assert!(matches!(classified(Unknown, text), DbError::TryAgain(_)), "{text}");
        }
        assert!(matches!(classified(SerializationFailure, "any"), DbError::TryAgain(_)));
        assert!(matches!(classified(UniqueViolation, "any"), DbError::Duplicate(_)));
        let over = "CHECK constraint failed: occupancy_within_capacity";
        assert!(matches!(classified(CheckViolation, over), DbError::OverCapacity));
        let twice = "UNIQUE constraint failed: node_cells.pool_id, node_cells.cell, node_cells.node";
        assert!(matches!(classified(UniqueViolation, twice), DbError::OverCapacity));
        assert!(matches!(classified(CheckViolation, "another"), DbError::Other(_)));
    }
}
