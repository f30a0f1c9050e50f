//! What staff see of a lab.

use chrono::{DateTime, Utc};

use super::App;
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::calendar;
use crate::domain::exception::Exception;
use crate::domain::ids::{LabId, NetId};
use crate::domain::occupancy::Occupancy;
use crate::policy::admission::Case;
use crate::policy::balance::{self, Balance};
use crate::policy::lead::{self, Finding};
use crate::policy::sentences;
use crate::policy::standing::Standing;

/// More exceptions than a lab has; the latest are shown.
const MOST_EXCEPTIONS: i64 = 200;

/// A lab's page for staff.
#[derive(Debug, Clone)]
pub struct StaffView {
    /// The lab with its surroundings.
    pub setting: LabSetting,
    /// The rule of this week for each class of students, or of the week in which the lab opens.
    pub classes: Vec<String>,
    /// The other rules, as students read them.
    pub rules: Vec<String>,
    /// What each class can use from now on, or from the opening; nothing without weekdays or a due date that is ahead.
    pub left: Option<Balance>,
    /// What each class can use from the opening on.
    pub whole: Option<Balance>,
    /// How long preparing takes, and whether its lead is enough.
    pub preparing: Finding,
    /// The exceptions that were not taken back, latest first, with their people.
    pub exceptions: Vec<(Exception, NetId)>,
    /// Whether older ones are left out.
    pub more_exceptions: bool,
    /// As of when.
    pub now: DateTime<Utc>,
}

/// The lab's page for staff; nothing if there is no such lab.
pub fn lab(app: &App, conn: &mut Conn<'_>, lab: &LabId) -> Result<Option<StaffView>, DbError> {
    let now = app.now();
    let Some(setting) = db::lab_setting(conn, lab)? else { return Ok(None) };
    let mut exceptions = db::exceptions_of_lab(conn, lab, MOST_EXCEPTIONS + 1)?;
    let shown = usize::try_from(MOST_EXCEPTIONS).unwrap_or(usize::MAX);
    let more_exceptions = exceptions.len() > shown;
    exceptions.truncate(shown);
    let (standing, occupancy) = (Standing::blank(None), Occupancy::default());
    let LabSetting { lab, pool, zone, .. } = &setting;
    let case = Case { lab, pool, zone: *zone, standing: &standing, occupancy: &occupancy, now };
    let preparing =
        lead::finding(&db::latest_preparations(conn, &lab.id, &pool.id, now, lead::LATEST)?, pool);
    let week = lab.week_of(calendar::local_date(*zone, now.max(lab.open)));
    let (classes, rules) = (sentences::classes(&case, week), sentences::all(&case));
    let left = balance::balance(lab, *zone, now);
    let whole = balance::balance(lab, *zone, lab.open);
    Ok(Some(StaffView { setting, classes, rules, left, whole, preparing, exceptions, more_exceptions, now }))
}
