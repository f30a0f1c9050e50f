//! `fairlease bookings`

use clap::Args as ClapArgs;
use serde_json::json;

use super::{Failure, Options, assemble, output};
use crate::db::{self, DbError};
use crate::domain::booking::{Booking, EndReason};
use crate::domain::calendar;
use crate::domain::ids::NetId;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only this person's
    #[arg(long = "as", value_name = "NETID")]
    who: Option<NetId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How many bookings are listed.
const LATEST: i64 = 200;

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    let who = args.who.clone();
    let (course, bookings) = db
        .read::<_, DbError, _>("bookings", move |conn| {
            Ok((db::course_card(conn)?, db::latest_bookings(conn, who.as_ref(), LATEST)?))
        })
        .await?;
    let zone = course.map_or(chrono_tz::UTC, |course| course.zone);
    let reason = |booking: &Booking| booking.state.reason().map(EndReason::word);
    if args.json {
        let rows: Vec<_> = bookings
            .iter()
            .map(|(booking, net_id)| {
                json!({
                    "id": booking.id, "net_id": net_id, "lab": booking.lab, "state": booking.state.word(),
                    "reason": reason(booking), "trouble": booking.trouble, "nodes": booking.nodes,
                    "start": booking.slot.start().with_timezone(&zone).to_rfc3339(),
                    "end": booking.slot.end().with_timezone(&zone).to_rfc3339(),
                })
            })
            .collect();
        return output::json(&rows);
    }
    let rows: Vec<Vec<String>> = bookings
        .iter()
        .map(|(booking, net_id)| {
            let state = match reason(booking) {
                Some(reason) => format!("{} ({reason})", booking.state.word()),
                None => booking.state.word().to_owned(),
            };
            vec![
                booking.id.to_string(),
                net_id.to_string(),
                booking.lab.to_string(),
                calendar::span(zone, &booking.slot),
                state,
                booking.nodes.join(" "),
            ]
        })
        .collect();
    output::table(&["ID", "NET ID", "LAB", "SLOT", "STATE", "NODES"], &rows)
}
