//! What decisions about slots were made from, so that anyone can make them again and see that the answer is the same.
//!
//! A receipt of a slot keeps all that the rules were given: the lab with the person's own terms and the pool (under their
//! hashes, since many receipts share them), the person's standing, what was held, and the instant.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::App;
use super::situation::Situation;
use crate::db::{self, Conn, DbError, LabSetting, Receipt};
use crate::domain::booking::Booking;
use crate::domain::course::{Lab, Pool};
use crate::domain::ids::{BookingId, LabId, PersonId, WaitId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::policy::admission::{self, Case, Violation};
use crate::policy::standing::Standing;

/// How long refusals are kept: longer than anyone asks about one.
pub const REFUSALS_FOR: TimeDelta = TimeDelta::days(60);

/// A slot was booked directly.
pub const GRANTED: &str = "granted";
/// A slot was refused.
pub const REFUSED: &str = "refused";

/// What a decision about a slot went by, beside the situation.
#[derive(Debug, Clone)]
pub struct Decided {
    /// As of when.
    pub at: DateTime<Utc>,
    /// The slot.
    pub slot: Interval,
    /// What was held.
    pub occupancy: Occupancy,
    /// Whether someone in line came first.
    pub others_first: bool,
}

/// The same with the situation, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutSlot {
    /// As of when.
    pub at: DateTime<Utc>,
    /// The slot.
    pub slot: Interval,
    /// The course's zone.
    pub zone: Tz,
    /// The hash of the lab with the person's own terms.
    pub lab: String,
    /// The hash of the pool.
    pub pool: String,
    /// How the person stood to the lab.
    pub standing: Standing,
    /// What was held.
    pub occupancy: Occupancy,
    /// Whether someone in line came first.
    pub others_first: bool,
}

impl AboutSlot {
    /// Keeps what many receipts share, and refers to it.
    pub(super) fn keep(
        conn: &mut Conn<'_>,
        situation: &Situation,
        decided: &Decided,
    ) -> Result<Self, DbError> {
        let LabSetting { lab, pool, zone, .. } = &situation.setting;
        Ok(Self {
            at: decided.at,
            slot: decided.slot,
            zone: *zone,
            lab: keep_part(conn, lab)?,
            pool: keep_part(conn, pool)?,
            standing: situation.standing.clone(),
            occupancy: decided.occupancy.clone(),
            others_first: decided.others_first,
        })
    }

    /// Makes the decision again, by the rules of this version.
    pub(super) fn judge_again(&self, conn: &mut Conn<'_>) -> Result<Vec<Violation>, DbError> {
        let (lab, pool): (Lab, Pool) = (kept_part(conn, &self.lab)?, kept_part(conn, &self.pool)?);
        let case = Case {
            lab: &lab,
            pool: &pool,
            zone: self.zone,
            standing: &self.standing,
            occupancy: &self.occupancy,
            now: self.at,
        };
        let mut violations = admission::judge(&case, &self.slot);
        violations.extend(self.others_first.then_some(Violation::WaitedFor));
        Ok(violations)
    }
}

fn keep_part(conn: &mut Conn<'_>, part: &impl Serialize) -> Result<String, DbError> {
    let content = written(part)?;
    let hash: String = Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    db::keep_part(conn, &hash, &content)?;
    Ok(hash)
}

fn kept_part<T: DeserializeOwned>(conn: &mut Conn<'_>, hash: &str) -> Result<T, DbError> {
    let content = db::part(conn, hash)?
        .ok_or_else(|| DbError::Corrupt(format!("no part of receipts is kept as {hash}")))?;
    read(&content)
}

pub(super) fn written(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::Corrupt(error.to_string()))
}

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|error| DbError::Corrupt(format!("a receipt: {error}")))
}

/// How many receipts one transaction forgets, and how many transactions one run has: what is more is left to the next.
const AT_ONCE: i64 = 1000;
const TIMES: usize = 100;

/// Forgets refusals that are older than [`REFUSALS_FOR`]. Says how many.
pub async fn forget(app: &App) -> Result<usize, DbError> {
    let before = app.now() - REFUSALS_FOR;
    let mut forgotten = 0;
    for _ in 0..TIMES {
        let forget = move |conn: &mut Conn<'_>| db::forget_receipts(conn, REFUSED, before, AT_ONCE);
        let some = app.db.write("receipts: forget", forget).await?;
        forgotten += some;
        if some == 0 {
            break;
        }
    }
    Ok(forgotten)
}

/// Rules that were broken, by their codes.
pub(super) fn codes(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(|it| it.code().to_owned()).collect()
}

/// What a receipt is about.
pub(super) struct About<'a> {
    /// What kind of decision.
    pub(super) kind: &'a str,
    /// Whom.
    pub(super) person: &'a PersonId,
    /// Which lab.
    pub(super) lab: &'a LabId,
    /// Which booking, if there is one.
    pub(super) booking: Option<&'a BookingId>,
    /// Which place in line, if there is one.
    pub(super) wait: Option<&'a WaitId>,
}

pub(super) fn keep(
    app: &App,
    conn: &mut Conn<'_>,
    about: &About<'_>,
    inputs: &impl Serialize,
    outcome: &impl Serialize,
) -> Result<(), DbError> {
    let receipt = Receipt {
        id: app.receipt_id(),
        at: app.now(),
        kind: about.kind.to_owned(),
        person: about.person.clone(),
        lab: about.lab.clone(),
        booking: about.booking.cloned(),
        wait: about.wait.cloned(),
        inputs: written(inputs)?,
        outcome: written(outcome)?,
    };
    db::insert_receipt(conn, &receipt)
}

/// Keeps why a booking was granted.
pub(super) fn of_grant(
    app: &App,
    conn: &mut Conn<'_>,
    situation: &Situation,
    decided: &Decided,
    booking: &Booking,
) -> Result<(), DbError> {
    let inputs = AboutSlot::keep(conn, situation, decided)?;
    let about = About {
        kind: GRANTED,
        person: &booking.person,
        lab: &booking.lab,
        booking: Some(&booking.id),
        wait: None,
    };
    keep(app, conn, &about, &inputs, &Vec::<String>::new())
}

/// Keeps why a slot was refused.
pub(super) fn of_refusal(
    app: &App,
    conn: &mut Conn<'_>,
    person: &PersonId,
    situation: &Situation,
    decided: &Decided,
    violations: &[Violation],
) -> Result<(), DbError> {
    let inputs = AboutSlot::keep(conn, situation, decided)?;
    let about = About { kind: REFUSED, person, lab: &situation.setting.lab.id, booking: None, wait: None };
    keep(app, conn, &about, &inputs, &codes(violations))
}

/// A wish that was refused, and what comes of it when it is judged again by what was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: DateTime<Utc>,
    /// For which lab.
    pub lab: LabId,
    /// The slot.
    pub slot: Interval,
    /// The rules that stood against it then, by their codes.
    pub rules: Vec<String>,
    /// Those that stand against it now, by the same inputs.
    pub again: Vec<Violation>,
}

impl Refused {
    /// Whether it comes out as it did then.
    pub fn same(&self) -> bool {
        self.rules == codes(&self.again)
    }
}

/// The latest wishes of this person that were refused, latest first.
pub fn refusals_of(conn: &mut Conn<'_>, person: &PersonId, most: usize) -> Result<Vec<Refused>, DbError> {
    let receipts = db::receipts_of_person(conn, person)?;
    let refused = receipts.into_iter().filter(|it| it.kind == REFUSED).take(most);
    let judge = |it: Receipt| {
        let inputs: AboutSlot = read(&it.inputs)?;
        let again = inputs.judge_again(conn)?;
        Ok(Refused { at: it.at, lab: it.lab, slot: inputs.slot, rules: read(&it.outcome)?, again })
    };
    refused.map(judge).collect()
}
