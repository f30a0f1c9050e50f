//! `fairlease reap`

use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;
use serde_json::json;

use super::{Failure, Options, assemble, output};
use crate::domain::ids::BookingId;
use crate::policy::reaping::{Action, Plan};
use crate::services::reaping::Done;
use crate::services::{App, reaping};
use crate::{db, worker};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Print the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How long the command waits for clouds to confirm what it deletes.
const PATIENCE: Duration = Duration::from_mins(5);

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let (plan, done) = if args.dry_run {
        (reaping::observe(&app).await?.plan, Vec::new())
    } else {
        reaping::sweep(&app).await?
    };
    if !args.dry_run {
        drain(&app, &done).await?;
    }
    if args.json {
        output::json(&json!({"dry_run": args.dry_run, "plan": plan, "done": done}))?;
    } else {
        print(args, &plan, &done)?;
    }
    let failed = done.iter().filter(|done| done.failed).count();
    let skipped = plan.skipped.iter().filter(|skipped| skipped.why.is_trouble()).count();
    if failed > 0 || skipped > 0 {
        return Err(Failure(format!("{failed} actions failed, {skipped} sites were skipped")));
    }
    Ok(())
}

/// Works until the bookings that were ended have nothing left, as a worker would.
async fn drain(app: &Arc<App>, done: &[Done]) -> Result<(), Failure> {
    let ended: Vec<BookingId> = done
        .iter()
        .filter(|done| !done.outcome.starts_with("left alone"))
        .filter_map(|done| match &done.action {
            Action::EndBooking { booking, .. } | Action::ReleaseNoShow { booking, .. } => {
                Some(booking.clone())
            }
            _ => None,
        })
        .collect();
    let work = async {
        loop {
            worker::step(app).await?;
            let ids = ended.clone();
            let left = app
                .db
                .read::<_, db::DbError, _>("reap: left", move |conn| {
                    Ok(db::states(conn, &ids)?.into_iter().filter(|(_, over)| !over).count())
                })
                .await?;
            if left == 0 {
                return Ok::<_, db::DbError>(());
            }
            tracing::info!(left, "waiting for the cloud to confirm");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Failure(format!(
            "the cloud has not confirmed everything within {} s; a worker goes on",
            PATIENCE.as_secs()
        ))),
    }
}

fn print(args: &Args, plan: &Plan, done: &[Done]) -> Result<(), Failure> {
    for (index, action) in plan.actions.iter().enumerate() {
        let outcome = done.get(index).map_or_else(String::new, |done| format!(" -> {}", done.outcome));
        output::line(format_args!("{}: {}{outcome}", action.what(), action.reason()))?;
    }
    for waiting in &plan.waiting {
        output::line(format_args!("waiting: {}: {}", waiting.mark.target, waiting.reason))?;
    }
    for (what, all) in [("kept", &plan.kept), ("reported", &plan.reported)] {
        for told in all {
            output::line(format_args!("{what}: {}: {}", told.target, told.reason))?;
        }
    }
    for skipped in &plan.skipped {
        output::line(format_args!("skipped {}: {}", skipped.site, skipped.reason))?;
    }
    if plan.actions.is_empty() {
        output::line(if args.dry_run { "nothing would be done" } else { "nothing to do" })?;
    }
    Ok(())
}
