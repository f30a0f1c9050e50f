//! `fairlease find`

use chrono_tz::Tz;
use clap::Args as ClapArgs;
use serde_json::json;

use super::{Failure, Options, assemble, book, explain, output, slot};
use crate::db::{self, DbError};
use crate::domain::calendar::{self, DailyWindow, Weekdays};
use crate::domain::ids::{LabId, NetId};
use crate::domain::interval::Interval;
use crate::policy::search::Wanted;
use crate::services::App;
use crate::services::explain::Slot;
use crate::services::labs::{self, Spread};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// The lab's id
    #[arg(long)]
    lab: LabId,
    /// How long, in hours
    #[arg(long)]
    hours: f64,
    /// Not before this time
    #[arg(long, value_name = "TIME")]
    earliest: Option<String>,
    /// Over by this time
    #[arg(long, value_name = "TIME")]
    latest: Option<String>,
    /// It starts on one of these days, such as Sat,Mon
    #[arg(long)]
    days: Option<Weekdays>,
    /// It lies within these hours of a day, such as 09:00-17:00
    #[arg(long, value_name = "HOURS")]
    between: Option<DailyWindow>,
    /// How many slots at most
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    count: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let slots = search(&app, &args, wanted(&args, zone)?).await?;
    let Some(slots) = slots else { return Err(book::no_such_lab(&app, &args.lab).await?) };
    print(&slots, zone, args.json)?;
    if slots.is_empty() {
        return Err(Failure(
            "no such slot can be booked; fairlease explain says what stands against one".to_owned(),
        ));
    }
    Ok(())
}

fn wanted(args: &Args, zone: Tz) -> Result<Wanted, Failure> {
    let time = |text: &Option<String>| text.as_deref().map(|text| slot::read_instant(zone, text)).transpose();
    Ok(Wanted {
        length: slot::read_length(args.hours)?,
        earliest: time(&args.earliest)?,
        latest: time(&args.latest)?,
        days: args.days,
        hours: args.between,
    })
}

/// A net ID that is not known yet is treated as that of someone who has nothing booked.
async fn search(
    app: &std::sync::Arc<App>,
    args: &Args,
    wanted: Wanted,
) -> Result<Option<Vec<Interval>>, DbError> {
    let (inner, who, lab, count) = (app.clone(), args.who.clone(), args.lab.clone(), args.count.into());
    app.db
        .read("find", move |conn| {
            let person = db::person_by_net_id(conn, &who)?.unwrap_or_else(|| explain::stranger(&who));
            labs::search(&inner, conn, &person, &lab, &wanted, Spread::all(count))
        })
        .await
}

fn print(slots: &[Interval], zone: Tz, json: bool) -> Result<(), Failure> {
    if json {
        let slots: Vec<_> = slots.iter().map(|slot| Slot::of(slot, zone)).collect();
        return output::json(&json!({"slots": slots}));
    }
    slots.iter().try_for_each(|slot| output::line(calendar::span(zone, slot)))
}
