//! What a file would change.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{App, RosterError, Stored, hours};
use crate::db::{self, Conn, DbError, Enrolment, RosterImport};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::contact::MailDomain;
use crate::domain::exception::Grant;
use crate::domain::ids::PersonId;
use crate::domain::person::Role;
use crate::domain::roster::{Format, ImportState};
use crate::entropy;
use crate::policy::roster::{Clash, Held, Member, Options as PlanOptions, Standing, plan};
use crate::roster::{self, Options, Refused, RowError};
use crate::services::audit::{self, Entry};

/// A file with what staff say of it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its name.
    pub file_name: String,
    /// Its format; told by its header if nothing is said.
    pub format: Option<Format>,
    /// The domain of the course's addresses.
    pub mail_domain: Option<MailDomain>,
    /// Whether who is not in the file is dropped.
    pub drop: bool,
    /// The sections of which the file is, as the file or the course calls them; all if there are none.
    pub only_sections: Vec<String>,
    /// How many hours after a drop its bookings end.
    pub hours: i64,
    /// Who brings it; nobody for the command line.
    pub by: Option<PersonId>,
}

/// The longest name of a file that is kept, in characters.
const MOST_OF_FILE_NAME: usize = 200;

/// Reads the file, and keeps what it would change. Nothing is applied.
pub async fn preview(app: &Arc<App>, wanted: Wanted, doer: Doer) -> Result<RosterImport, RosterError> {
    hours(wanted.hours)?;
    let inner = app.clone();
    let import = app.db.read("roster: preview", move |conn| planned(&inner, conn, &wanted)).await?;
    let (inner, kept) = (app.clone(), import.clone());
    app.db
        .write::<_, RosterError, _>("roster: keep", move |conn| {
            db::insert_roster_import(conn, &kept)?;
            let entry = Entry::new(Action::PreviewedRoster).to(Object::Import(kept.id.clone()));
            Ok(audit::record(&inner, conn, &doer, entry)?)
        })
        .await?;
    tracing::info!(import = %import.id, format = import.format.word(), changes = import.total, "a roster was brought");
    Ok(import)
}

fn planned(app: &App, conn: &mut Conn<'_>, wanted: &Wanted) -> Result<RosterImport, RosterError> {
    db::served_course(conn)?.ok_or(RosterError::NoCourse)?;
    let options = Options { format: wanted.format, mail_domain: wanted.mail_domain.clone() };
    let read = roster::read(&wanted.bytes, &options)?;
    let known = db::enrolments(conn)?;
    let only_sections: BTreeSet<String> =
        wanted.only_sections.iter().map(|name| roster::group_name(name.trim(), "section")).collect();
    let options = PlanOptions { drop: wanted.drop, only_sections: only_sections.clone() };
    let plan = plan(&read, &members(app, conn, &known)?, &options).map_err(refused)?;
    let total = i32::try_from(plan.steps()).unwrap_or(i32::MAX);
    let stored = Stored { plan, drop: wanted.drop, only_sections, hours: wanted.hours };
    Ok(RosterImport {
        id: app.import_id(),
        person: wanted.by.clone(),
        at: app.now(),
        file_name: wanted.file_name.chars().take(MOST_OF_FILE_NAME).collect(),
        format: read.format,
        plan: serde_json::to_string(&stored)?,
        fingerprint: fingerprint(&known)?,
        state: ImportState::Previewed,
        total,
        done: 0,
        finished_at: None,
    })
}

fn refused(clashes: Vec<Clash>) -> RosterError {
    let told = |clash: Clash| RowError { line: clash.line, column: None, what: clash.what };
    RosterError::Refused(Refused::of(clashes.into_iter().map(told).collect()))
}

/// Those who are known, as the policy wants them.
fn members(app: &App, conn: &mut Conn<'_>, known: &[Enrolment]) -> Result<Vec<Member>, DbError> {
    let with_parity: BTreeSet<PersonId> = db::exceptions_in_force(conn, app.now())?
        .into_iter()
        .filter(|exception| matches!(exception.grant, Grant::Parity(_)))
        .map(|exception| exception.person)
        .collect();
    let member = |it: &Enrolment| Member {
        person: it.person.clone(),
        net_id: it.net_id.clone(),
        standing: match (it.role, it.dropped_at) {
            (Role::Student, None) => Standing::Student,
            (Role::Student, Some(_)) => Standing::Dropped,
            _ => Standing::Other,
        },
        by_hand: it.by_hand,
        has_parity_set: with_parity.contains(&it.person),
        held: held(it),
    };
    Ok(known.iter().map(member).collect())
}

fn held(it: &Enrolment) -> Held {
    Held {
        name: it.name.clone(),
        mail: it.mail.clone(),
        section: it.section.clone(),
        team: it.team.clone(),
        shares: it.shares,
        cloud_users: it.cloud_users.clone(),
    }
}

/// Stands for the course as far as a plan goes by it.
pub(super) fn fingerprint(known: &[Enrolment]) -> Result<String, serde_json::Error> {
    let mut digest = Sha256::new();
    for it in known {
        let parts = (&it.person, &it.net_id, it.role, it.dropped_at.is_some(), it.by_hand, held(it));
        digest.update(serde_json::to_vec(&parts)?);
        digest.update(b"\n");
    }
    Ok(entropy::hex(&digest.finalize()))
}
