//! `fairlease wait`

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::waitlist::{Parts, priority_json};
use super::{Failure, Options, assemble, book, output, slot};
use crate::db::{self, DbError};
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::ids::{BookingId, LabId, NetId};
use crate::domain::interval::Interval;
use crate::domain::person::Person;
use crate::domain::waitlist::{Asked, Outcome, Wait, WaitState};
use crate::services::App;
use crate::services::explain::{Broken, Slot};
use crate::services::waitlist::{self, Outlook, WaitError};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// The lab's id
    #[arg(long)]
    lab: LabId,
    /// How long the slot is to be, in hours, to the minute
    #[arg(long)]
    hours: f64,
    /// The slot lies within this time, such as 2026-11-28T10:00..2026-11-28T18:00; may be given several times
    /// [default: any time]
    #[arg(long = "window", value_name = "FROM..TO", value_parser = window)]
    windows: Vec<(String, String)>,
    /// What comes is booked at once, in the place of an offer
    #[arg(long)]
    auto_accept: bool,
    /// Only say what to expect
    #[arg(long)]
    chances: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn window(text: &str) -> Result<(String, String), String> {
    let ends = text.split_once("..").filter(|(from, to)| !from.is_empty() && !to.is_empty());
    let (from, to) =
        ends.ok_or_else(|| "it is not a window such as 2026-11-28T10:00..2026-11-28T18:00".to_owned())?;
    Ok((from.to_owned(), to.to_owned()))
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let person = slot::person(&app.db, &args.who).await?;
    let asked = asked(&args, zone)?;
    let asking = Asking { app, zone, person, lab: args.lab, json: args.json };
    let outcome = if args.chances { asking.show_chances(asked).await } else { asking.join(asked).await };
    match outcome {
        Err(Stopped::Refused(error)) => Err(refusal(&asking.app, error, args.json).await?),
        Err(Stopped::Failed(failure)) => Err(failure),
        Ok(()) => Ok(()),
    }
}

fn asked(args: &Args, zone: Tz) -> Result<Asked, Failure> {
    let length = slot::read_length(args.hours)?;
    if length.num_seconds() % 60 != 0 {
        return Err(Failure(format!("{} hours are no whole number of minutes", args.hours)));
    }
    let windows = args.windows.iter().map(|(from, to)| {
        let (start, end) = (slot::read_instant(zone, from)?, slot::read_instant(zone, to)?);
        Interval::new(start, end)
            .ok_or_else(|| Failure(format!("the window {from}..{to} ends before it begins")))
    });
    Ok(Asked {
        length_minutes: length.num_minutes(),
        windows: windows.collect::<Result<_, _>>()?,
        auto_accept: args.auto_accept,
    })
}

/// Why it came to nothing.
enum Stopped {
    Refused(WaitError),
    Failed(Failure),
}

impl From<WaitError> for Stopped {
    fn from(error: WaitError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<DbError> for Stopped {
    fn from(error: DbError) -> Self {
        Self::Failed(error.into())
    }
}

/// Who asks, and for which lab.
struct Asking {
    app: Arc<App>,
    zone: Tz,
    person: Person,
    lab: LabId,
    json: bool,
}

impl Asking {
    async fn join(&self, asked: Asked) -> Result<(), Stopped> {
        let wait = waitlist::join(&self.app, self.person.clone(), self.lab.clone(), asked.clone()).await?;
        match &wait.state {
            WaitState::Offered(id) => self.show_offer(&wait, &self.booking(id).await?),
            WaitState::Ended { outcome: Outcome::Served(id), .. } => {
                self.show_booking(&wait, &self.booking(id).await?)
            }
            _ => self.show_place(&wait, &self.outlook(asked).await?),
        }
    }

    async fn show_chances(&self, asked: Asked) -> Result<(), Stopped> {
        let outlook = self.outlook(asked).await?;
        if self.json {
            return Ok(output::json(&outlook_json(&outlook, self.zone))?);
        }
        output::line(format_args!("place: {}", outlook.forecast.position))?;
        print_outlook(&outlook, self.zone)?;
        for slot in &outlook.free_now {
            output::line(format_args!("free now: {}", calendar::span(self.zone, slot)))?;
        }
        Ok(())
    }

    async fn outlook(&self, asked: Asked) -> Result<Outlook, WaitError> {
        let (app, person, lab) = (self.app.clone(), self.person.clone(), self.lab.clone());
        let db = &self.app.db;
        db.read("wait: outlook", move |conn| waitlist::outlook(&app, conn, &person, &lab, &asked)).await
    }

    async fn booking(&self, id: &BookingId) -> Result<Booking, Stopped> {
        let known = id.clone();
        let booking = self.app.db.read("wait: booking", move |conn| db::booking(conn, &known)).await?;
        booking.ok_or_else(|| Failure(format!("there is no booking {id}")).into())
    }

    fn show_offer(&self, wait: &Wait, booking: &Booking) -> Result<(), Stopped> {
        let (span, until) = (calendar::span(self.zone, &booking.slot), booking.state.offered_until());
        if self.json {
            return Ok(output::json(&json!({
                "wait": wait.id, "state": "offered", "booking": booking.id,
                "slot": Slot::of(&booking.slot, self.zone),
                "offered_until": until.map(|until| calendar::rfc3339(self.zone, until)),
            }))?);
        }
        let until = until.map(|until| format!(" until {}", calendar::date_and_time(self.zone, until)));
        output::line(format_args!("wait {}: {span} is offered{}", wait.id, until.unwrap_or_default()))?;
        let (who, id) = (&self.person.net_id, &booking.id);
        Ok(output::line(format_args!("to take it: fairlease offer accept --as {who} {id}"))?)
    }

    fn show_booking(&self, wait: &Wait, booking: &Booking) -> Result<(), Stopped> {
        if self.json {
            return Ok(output::json(&json!({
                "wait": wait.id, "state": "served", "booking": booking.id,
                "slot": Slot::of(&booking.slot, self.zone),
            }))?);
        }
        let span = calendar::span(self.zone, &booking.slot);
        Ok(output::line(format_args!("booking {}: {span}", booking.id))?)
    }

    fn show_place(&self, wait: &Wait, outlook: &Outlook) -> Result<(), Stopped> {
        if self.json {
            let mut body = outlook_json(outlook, self.zone);
            if let Some(body) = body.as_object_mut() {
                body.insert("wait".to_owned(), json!(wait.id));
                body.insert("state".to_owned(), json!("waiting"));
            }
            return Ok(output::json(&body)?);
        }
        let place = outlook.forecast.position;
        output::line(format_args!("wait {}: in line for {}, place {place}", wait.id, wait.lab))?;
        Ok(print_outlook(outlook, self.zone)?)
    }
}

fn print_outlook(outlook: &Outlook, zone: Tz) -> Result<(), Failure> {
    let (forecast, priority) = (&outlook.forecast, &outlook.priority);
    let Parts { fair_share, age, due } = Parts::of(priority);
    output::line(format_args!(
        "points: {:.1} (fair share {fair_share:.1}, age {age:.1}, due {due:.1})",
        priority.points()
    ))?;
    let at = |at: DateTime<Utc>| calendar::date_and_time(zone, at);
    output::line(match (forecast.early, forecast.late) {
        (Some(early), Some(late)) => format!("when: likely between {} and {}", at(early), at(late)),
        (Some(early), None) => format!("when: {} at the earliest, if at all", at(early)),
        _ => "when: likely not in time".to_owned(),
    })?;
    output::line(format_args!(
        "odds: {:.0} in 100 to have a place by {}; {} came free in the last {} days",
        forecast.odds * 100.0,
        at(outlook.until),
        forecast.seen.freed,
        forecast.seen.observed_minutes / 1440
    ))
}

fn outlook_json(outlook: &Outlook, zone: Tz) -> Value {
    let forecast = &outlook.forecast;
    let at = |at: DateTime<Utc>| calendar::rfc3339(zone, at);
    json!({
        "place": forecast.position, "odds": forecast.odds, "early": forecast.early.map(at),
        "late": forecast.late.map(at), "until": at(outlook.until), "freed": forecast.seen.freed,
        "observed_minutes": forecast.seen.observed_minutes,
        "priority": priority_json(&outlook.priority),
        "free_now": outlook.free_now.iter().map(|slot| Slot::of(slot, zone)).collect::<Vec<_>>(),
    })
}

/// Says which rules stand against all that was asked for, if it is that, and what to tell in the end.
async fn refusal(app: &App, error: WaitError, json: bool) -> Result<Failure, Failure> {
    match error {
        WaitError::NoSuchLab(lab) => Ok(book::no_such_lab(app, &lab).await?),
        WaitError::Never { violations, zone } if json => {
            let violations: Vec<_> = violations.iter().map(|it| Broken::of(it, zone)).collect();
            output::json(&json!({"accepted": false, "violations": violations}))?;
            Ok(Failure(NEVER.to_owned()))
        }
        WaitError::Never { violations, zone } => {
            for it in &violations {
                output::line(format_args!("{}: {}", it.code(), it.sentence(zone)))?;
            }
            Ok(Failure(NEVER.to_owned()))
        }
        error => Ok(error.into()),
    }
}

const NEVER: &str = "nothing that was asked for can come, whatever becomes free";
