//! The other students of the demo: they have taken most of what is scarce, and some wait for it.

use std::sync::Arc;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::db::{Conn, DbError};
use crate::domain::audit::Doer;
use crate::domain::ids::LabId;
use crate::domain::interval::Interval;
use crate::domain::person::{Person, Role};
use crate::domain::waitlist::Asked;
use crate::services::booking::{self, BookingError, Wish};
use crate::services::waitlist::{self, WaitError};
use crate::services::{App, people};

/// Their net IDs.
const CROWD: [&str; 24] = [
    "ak301", "bl442", "cm118", "dn907", "eo256", "fp613", "gq720", "hr384", "is501", "jt669", "ku812",
    "lv935", "mw147", "nx278", "oy390", "pz463", "qa526", "rb681", "sc754", "td809", "ue932", "vf071",
    "wg215", "xh348",
];

/// A public key that nobody has the private half of.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti nobody@example.edu";

/// The lab that everybody wants, and how many places it has.
const LAB: &str = "train";
const PLACES: usize = 2;

/// For how long it is taken.
const TAKEN: TimeDelta = TimeDelta::days(5);

/// Hours of one booking after the other.
const HOURS: [i64; 11] = [4, 3, 6, 2, 8, 5, 4, 3, 7, 2, 8];

/// Has them book, the first time that the demo runs.
pub(super) async fn seed(app: &Arc<App>) -> Result<(), DbError> {
    let inner = app.clone();
    let crowd = app.db.write("crowd", move |conn| enrol(&inner, conn)).await?;
    if let Some(crowd) = crowd {
        book(app, &crowd).await?;
        join(app, &crowd).await?;
    }
    Ok(())
}

/// The crowd, unless it is there already.
fn enrol(app: &App, conn: &mut Conn<'_>) -> Result<Option<Vec<Person>>, DbError> {
    let key = people::read_key(KEY).map_err(DbError::Corrupt)?;
    let mut crowd = Vec::new();
    for net_id in CROWD {
        let net_id = net_id.parse().map_err(|error| DbError::Corrupt(format!("{error}")))?;
        let person = people::ensure_person(app, conn, &net_id, "A student", Role::Student)?;
        if person.ssh_public_key.is_some() {
            return Ok(None);
        }
        people::set_key(app, conn, &Doer::itself(), &person.id, &key)?;
        crowd.push(Person { ssh_public_key: Some(KEY.to_owned()), ..person });
    }
    Ok(Some(crowd))
}

fn lab() -> Result<LabId, DbError> {
    LAB.parse().map_err(|error| DbError::Corrupt(format!("{error}")))
}

fn next_hour(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) + TimeDelta::hours(1)
}

/// One booking follows the other at each place, some hours of some nights left out.
async fn book(app: &Arc<App>, crowd: &[Person]) -> Result<(), DbError> {
    let first = next_hour(app.now());
    let mut lengths = HOURS.iter().copied().cycle();
    // Squares come to some of them often and to others never: so some have used more.
    let mut turns = (0..).map(|n: usize| n * n);
    for _ in 0..PLACES {
        let mut start = first;
        while start < first + TAKEN {
            let length = TimeDelta::hours(lengths.next().unwrap_or(4));
            let turn = turns.next().unwrap_or(0);
            if let Some(slot) = Interval::new(start, start + length) {
                book_one(app, crowd, turn, slot).await?;
            }
            start += length;
        }
    }
    Ok(())
}

/// Whose turn it is books, or else whoever comes next and may.
async fn book_one(app: &Arc<App>, crowd: &[Person], turn: usize, slot: Interval) -> Result<(), DbError> {
    for person in crowd.iter().cycle().skip(turn % crowd.len().max(1)).take(crowd.len()) {
        let wish = Wish { person: person.clone(), lab: lab()?, slot, idempotency_key: None };
        match booking::book(app, wish).await {
            Err(BookingError::Refused(_)) => {}
            Err(BookingError::Db(error)) => return Err(error),
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// Two of them wait for tomorrow.
async fn join(app: &Arc<App>, crowd: &[Person]) -> Result<(), DbError> {
    let first = next_hour(app.now());
    for (person, hours) in crowd.iter().rev().zip([4, 6]) {
        let windows = Interval::new(first, first + TimeDelta::days(3)).into_iter().collect();
        let asked = Asked { length_minutes: hours * 60, windows, auto_accept: false };
        match waitlist::join(app, person.clone(), lab()?, asked).await {
            Err(WaitError::Db(error)) => return Err(error),
            Err(error) => tracing::warn!(%error, "someone of the demo does not wait"),
            Ok(_) => {}
        }
    }
    Ok(())
}
