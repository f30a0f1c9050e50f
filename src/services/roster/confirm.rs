//! What becomes of an import that was shown: it is confirmed, discarded, or forgotten.

use std::sync::Arc;

use serde_json::json;

use super::{App, KEPT_FOR, RosterError, SHOWN_FOR, Stored, preview};
use crate::db::{self, Conn, DbError};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::ids::ImportId;
use crate::domain::roster::ImportState;
use crate::services::audit::{self, Entry};

/// Has an import applied, if the course is still as it was when it was shown and no other one is at work. `sure` says that so
/// many drops are meant. Confirming again what is confirmed changes nothing.
pub async fn confirm(app: &Arc<App>, id: ImportId, sure: bool, doer: Doer) -> Result<(), RosterError> {
    let inner = app.clone();
    app.db.write("roster: confirm", move |conn| confirm_in(&inner, conn, &id, sure, &doer)).await?;
    app.wake.call();
    Ok(())
}

fn confirm_in(
    app: &App,
    conn: &mut Conn<'_>,
    id: &ImportId,
    sure: bool,
    doer: &Doer,
) -> Result<(), RosterError> {
    db::lock_roster_imports(conn)?;
    let import = db::roster_import(conn, id)?.ok_or_else(|| RosterError::NoSuchImport(id.clone()))?;
    if import.state != ImportState::Previewed {
        return Ok(());
    }
    if import.at + SHOWN_FOR <= app.now() {
        return Err(RosterError::NoSuchImport(id.clone()));
    }
    if db::import_at_work(conn)?.is_some() {
        return Err(RosterError::Busy);
    }
    if preview::fingerprint(&db::enrolments(conn)?)? != import.fingerprint {
        return Err(RosterError::Stale);
    }
    let stored: Stored = serde_json::from_str(&import.plan)?;
    if stored.plan.looks_wrong() && !sure {
        let (drops, enrolled) = (stored.plan.dropped.len(), stored.plan.enrolled);
        return Err(RosterError::LooksWrong { drops, enrolled });
    }
    db::confirm_roster_import(conn, id)?;
    tracing::info!(import = %id, "a roster was confirmed");
    let plan = &stored.plan;
    let counts = json!({
        "added": plan.added.len(), "changed": plan.changed.len(), "taken_back": plan.returning.len(),
        "dropped": plan.dropped.len(),
    });
    let entry = Entry::new(Action::ImportedRoster).to(Object::Import(id.clone())).after(counts);
    Ok(audit::record(app, conn, doer, entry)?)
}

/// Forgets an import that was only shown. False if there is none such.
pub async fn discard(app: &Arc<App>, id: ImportId) -> Result<bool, DbError> {
    app.db.write("roster: discard", move |conn| db::discard_import(conn, &id)).await
}

/// Forgets the imports that were shown or applied long ago, and says how many.
pub async fn forget(app: &Arc<App>) -> Result<usize, DbError> {
    let now = app.now();
    app.db
        .write("roster: forget", move |conn| db::forget_imports(conn, now - SHOWN_FOR, now - KEPT_FOR))
        .await
}
