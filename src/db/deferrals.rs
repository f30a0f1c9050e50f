//! Due dates that staff put off, and outages, as labs have them when they are read.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::outages::open_outages;
use super::schema::deferrals;
use super::types::Ts;
use crate::domain::course::{Deferred, Lab, Pool};
use crate::domain::ids::LabId;
use crate::domain::outage::{Deferral, Outage};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = deferrals)]
struct DeferralRow {
    lab_id: String,
    at: Ts,
    outage_id: Option<String>,
    instead_of: Option<Ts>,
    due: Option<Ts>,
    reason: String,
    by: String,
}

impl TryFrom<DeferralRow> for Deferral {
    type Error = DbError;
    fn try_from(row: DeferralRow) -> Result<Self, DbError> {
        Ok(Self {
            lab: row.lab_id.parse().map_err(DbError::corrupt)?,
            outage: row.outage_id.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?,
            instead_of: row.instead_of.map(|at| at.0),
            due: row.due.map(|at| at.0),
            reason: row.reason,
            by: row.by,
            at: row.at.0,
        })
    }
}

/// More than one lab is ever put off.
const MOST: i64 = 500;

/// Puts a due date off.
pub fn insert_deferral(conn: &mut Conn<'_>, deferral: &Deferral) -> Result<(), DbError> {
    let row = DeferralRow {
        lab_id: deferral.lab.to_string(),
        at: Ts(deferral.at),
        outage_id: deferral.outage.as_ref().map(ToString::to_string),
        instead_of: deferral.instead_of.map(Ts),
        due: deferral.due.map(Ts),
        reason: deferral.reason.clone(),
        by: deferral.by.clone(),
    };
    on!(conn, |c| diesel::insert_into(deferrals::table).values(&row).execute(c))?;
    Ok(())
}

/// What staff have decided apart from the course file: it changes labs as they are read.
pub(super) struct Amendments {
    /// Of each lab that was put off, how it was last.
    latest: BTreeMap<LabId, Deferral>,
    outages: Vec<Outage>,
}

impl Amendments {
    /// Those of all labs.
    pub(super) fn load(conn: &mut Conn<'_>) -> Result<Self, DbError> {
        let rows: Vec<DeferralRow> = on!(conn, |c| deferrals::table
            .order((deferrals::lab_id, deferrals::at.desc()))
            .limit(MOST)
            .select(DeferralRow::as_select())
            .load(c))?;
        let mut latest: BTreeMap<LabId, Deferral> = BTreeMap::new();
        for row in rows {
            let deferral = Deferral::try_from(row)?;
            latest.entry(deferral.lab.clone()).or_insert(deferral);
        }
        Ok(Self { latest, outages: open_outages(conn)? })
    }

    /// Those of one lab.
    pub(super) fn of_lab(conn: &mut Conn<'_>, lab: &LabId) -> Result<Self, DbError> {
        let row: Option<DeferralRow> = on!(conn, |c| deferrals::table
            .filter(deferrals::lab_id.eq(lab.as_str()))
            .order(deferrals::at.desc())
            .select(DeferralRow::as_select())
            .first(c)
            .optional())?;
        let latest = row.map(Deferral::try_from).transpose()?;
        let latest = latest.into_iter().map(|it| (lab.clone(), it)).collect();
        Ok(Self { latest, outages: open_outages(conn)? })
    }

    /// The lab as it is with them.
    pub(super) fn of(&self, lab: Lab, pool: &Pool) -> Lab {
        let hit = self.outages.iter().filter(|outage| outage.away.hits(&lab, pool));
        let outages = hit.filter_map(Outage::closure).collect();
        let Some(latest) = self.latest.get(&lab.id).filter(|latest| latest.instead_of == lab.due) else {
            return Lab { outages, ..lab };
        };
        let deferred = Deferred { from: lab.due, at: latest.at, reason: latest.reason.clone() };
        Lab { outages, due: latest.due, deferred: Some(deferred), ..lab }
    }
}
