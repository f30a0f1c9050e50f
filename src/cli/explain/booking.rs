//! `fairlease explain booking ID`

use chrono_tz::Tz;
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use crate::cli::{Failure, Options, assemble, output, slot};
use crate::db::{self, Conn, DbError};
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::ids::{BookingId, NetId};
use crate::services::receipts::{GRANTED, REFUSED};
use crate::services::waitlist::{self, Replay, Replayed, TURN};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The booking's id
    id: BookingId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    let zone = slot::zone(&db).await?;
    let id = args.id.clone();
    let found = db.read("explain: booking", move |conn| load(conn, &id)).await?;
    let (booking, who, replay) = found.ok_or_else(|| Failure(format!("there is no booking {}", args.id)))?;
    if replay.decisions.is_empty() {
        return Err(Failure(format!("nothing is kept of how booking {} was decided", args.id)));
    }
    if args.json {
        output::json(&as_json(&booking, &who, &replay, zone))?;
    } else {
        print(&booking, &who, &replay, zone)?;
    }
    verdict(&replay, zone, args.json)
}

fn load(conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<(Booking, NetId, Replay)>, DbError> {
    let Some(booking) = db::booking(conn, id)? else { return Ok(None) };
    let Some(person) = db::person(conn, &booking.person)? else { return Ok(None) };
    let receipts = waitlist::receipts_of(conn, &booking)?;
    let replay = waitlist::replay(conn, &receipts)?;
    Ok(Some((booking, person.net_id, replay)))
}

/// What kind of decision it was, in plain words.
fn in_words(kind: &str) -> &str {
    match kind {
        GRANTED => "it was booked directly",
        REFUSED => "it was refused",
        TURN => "it was given to who came first in line",
        "joined" => "the student joined the line",
        "left" => "the student left the line",
        "accepted" => "the student took the offer",
        "passed" => "the student passed the offer",
        "lapsed" => "nobody answered the offer in time",
        other => other,
    }
}

fn print(booking: &Booking, who: &NetId, replay: &Replay, zone: Tz) -> Result<(), Failure> {
    let span = calendar::span(zone, &booking.slot);
    let reason = booking.state.reason().map(|reason| format!(" ({})", reason.word())).unwrap_or_default();
    let state = booking.state.word();
    output::line(format_args!(
        "booking {} of {who} for {}, {span}: {state}{reason}",
        booking.id, booking.lab
    ))?;
    for decision in &replay.decisions {
        let at = calendar::date_and_time(zone, decision.at);
        output::line(format_args!("{at}: {}", in_words(&decision.kind)))?;
        for finding in &decision.findings {
            let same = if finding.same { "yes" } else { "no" };
            output::line(format_args!("    {same:<3}  {}", finding.what))?;
        }
    }
    Ok(())
}

fn as_json(booking: &Booking, who: &NetId, replay: &Replay, zone: Tz) -> Value {
    let decisions: Vec<_> = replay
        .decisions
        .iter()
        .map(|it| {
            json!({
                "at": calendar::rfc3339(zone, it.at), "kind": it.kind, "words": in_words(&it.kind),
                "findings": it.findings,
            })
        })
        .collect();
    json!({
        "booking": booking.id, "net_id": who, "lab": booking.lab, "same": replay.same(), "decisions": decisions,
    })
}

fn verdict(replay: &Replay, zone: Tz, json: bool) -> Result<(), Failure> {
    let differs = |it: &&Replayed| it.findings.iter().any(|finding| !finding.same);
    let differing: Vec<String> = replay
        .decisions
        .iter()
        .filter(differs)
        .map(|it| format!("{}: {}", calendar::date_and_time(zone, it.at), in_words(&it.kind)))
        .collect();
    if !differing.is_empty() {
        return Err(Failure(format!("these do not come out the same: {}", differing.join("; "))));
    }
    if json { Ok(()) } else { output::line("every decision comes out the same") }
}
