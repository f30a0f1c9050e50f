//! Runs of recurring jobs. Whoever inserts the row of a tick runs it, so that replicas don't run it twice.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::job_runs;
use super::types::Ts;

/// Claims the tick of `job` that was to run at `scheduled_at`. False if somebody else has it.
pub fn claim_run(
    conn: &mut Conn<'_>,
    job: &str,
    scheduled_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let added = on!(conn, |c| diesel::insert_into(job_runs::table)
        .values((
            job_runs::job.eq(job),
            job_runs::scheduled_at.eq(Ts(scheduled_at)),
            job_runs::started_at.eq(Ts(now)),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(added == 1)
}

/// Records how a run ended, and forgets runs of the job that were scheduled before `keep_from`.
pub fn finish_run(
    conn: &mut Conn<'_>,
    job: &str,
    scheduled_at: DateTime<Utc>,
    now: DateTime<Utc>,
    outcome: &str,
    keep_from: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(job_runs::table.find((job, Ts(scheduled_at))))
        .set((job_runs::finished_at.eq(Some(Ts(now))), job_runs::outcome.eq(Some(outcome))))
        .execute(c))?;
    on!(conn, |c| diesel::delete(job_runs::table)
        .filter(job_runs::job.eq(job))
        .filter(job_runs::scheduled_at.lt(Ts(keep_from)))
        .execute(c))?;
    Ok(())
}
