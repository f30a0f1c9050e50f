//! The shares and the usage of the course's students, from the database.

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::show;
use crate::cli::{Failure, Options, assemble, output, slot};
use crate::clock::{Clock as _, SystemClock};
use crate::db::DbError;
use crate::domain::calendar;
use crate::domain::fair_share::Measure;
use crate::domain::ids::NetId;
use crate::policy::fair_share::Figures;
use crate::services::fair_share::{self, Standings};

/// Slurm's usage is in whole seconds. Ours is in millionths, and is shown in units about as fine as Slurm's.
struct Unit {
    /// As JSON has it.
    code: &'static str,
    /// As people read it.
    name: &'static str,
    /// So many are in one server-hour or one service unit.
    per_whole: u32,
}

const SERVER_SECONDS: Unit = Unit { code: "server_seconds", name: "server-seconds", per_whole: 3600 };
const MILLI_SU: Unit = Unit { code: "milli_su", name: "thousandths of a service unit", per_whole: 1000 };

impl Unit {
    fn of(measure: Measure) -> Self {
        match measure {
            Measure::ServerHours => SERVER_SECONDS,
            Measure::Su => MILLI_SU,
        }
    }

    /// The nearest whole number of these.
    fn count(&self, millionths: u64) -> u64 {
        let exact = u128::from(millionths) * u128::from(self.per_whole);
        u64::try_from((exact + 500_000) / 1_000_000).unwrap_or(u64::MAX)
    }
}

pub(super) async fn run(options: &Options, who: Option<&NetId>, json: bool) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    let zone = slot::zone(&db).await?;
    let now = SystemClock.now();
    if let Some(who) = who {
        slot::person(&db, who).await?;
    }
    let standings =
        db.read::<_, DbError, _>("fairshare", move |conn| fair_share::standings(conn, now)).await?;
    let unit = Unit::of(standings.policy.counts);
    let figures: Vec<Figures> = standings
        .nodes
        .iter()
        .map(|node| Figures { raw_usage: unit.count(node.figures.raw_usage), ..node.figures })
        .collect();
    let outline = standings.outline();
    let mut rows = show::rows(&outline, &figures);
    if let Some(who) = who {
        rows = show::only(rows, who.as_str());
        if rows.is_empty() {
            return Err(Failure(format!("{who} has no shares: only students who take the course have some")));
        }
    }
    let algorithm = standings.policy.algorithm;
    if json {
        return show::print_json(&rows, algorithm, Some(about(&standings, &unit, zone)));
    }
    output::line(header(&standings, &unit, zone))?;
    show::print_table(&rows, algorithm)
}

fn header(standings: &Standings, unit: &Unit, zone: Tz) -> String {
    let (at, half_life) = (standings.at, calendar::in_words(standings.policy.half_life()));
    format!(
        "As of {}. RawUsage is in {}; after {half_life} it counts half.",
        calendar::date_and_time(zone, at),
        unit.name
    )
}

fn about(standings: &Standings, unit: &Unit, zone: Tz) -> Value {
    json!({
        "as_of": calendar::rfc3339(zone, standings.at),
        "raw_usage_unit": unit.code,
        "half_life_minutes": standings.policy.half_life_minutes,
    })
}
