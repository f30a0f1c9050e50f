//! `fairlease waitlist`

use std::collections::BTreeMap;

use chrono_tz::Tz;
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::{Failure, Options, assemble, book, output, slot};
use crate::db;
use crate::domain::calendar;
use crate::domain::ids::LabId;
use crate::domain::interval::Interval;
use crate::domain::waitlist::{Asked, WaitState};
use crate::policy::waitlist::order::{Factor, Priority};
use crate::services::explain::Slot;
use crate::services::waitlist::{self, Waiter};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only the line of this lab
    #[arg(long)]
    lab: Option<LabId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    if let Some(lab) = args.lab.clone() {
        let known = lab.clone();
        let there = app.db.read("waitlist: lab", move |conn| db::lab_setting(conn, &known)).await?;
        if there.is_none() {
            return Err(book::no_such_lab(&app, &lab).await?);
        }
    }
    let (inner, lab) = (app.clone(), args.lab.clone());
    let waiters = app.db.read("waitlist", move |conn| waitlist::in_line(&inner, conn, lab.as_ref())).await?;
    let waiters = with_places(&waiters);
    if args.json {
        let waiters: Vec<_> = waiters.iter().map(|(place, it)| as_json(*place, it, zone)).collect();
        return output::json(&json!({"waiting": waiters}));
    }
    let rows: Vec<_> = waiters.iter().map(|(place, it)| row(*place, it, zone)).collect();
    output::table(&HEADER, &rows)
}

const HEADER: [&str; 12] = [
    "PLACE",
    "NET ID",
    "LAB",
    "LENGTH",
    "WHEN",
    "SINCE",
    "POINTS",
    "FAIR SHARE",
    "AGE",
    "DUE",
    "STATE",
    "WAIT",
];

/// Those in line with their places among those who wait for the same lab; who has an offer has none.
fn with_places(waiters: &[Waiter]) -> Vec<(Option<usize>, &Waiter)> {
    let mut last: BTreeMap<&LabId, usize> = BTreeMap::new();
    let mut placed = Vec::with_capacity(waiters.len());
    for it in waiters {
        let place = (it.wait.state == WaitState::Waiting).then(|| {
            let place = last.entry(&it.wait.lab).or_default();
            *place += 1;
            *place
        });
        placed.push((place, it));
    }
    placed
}

fn row(place: Option<usize>, it: &Waiter, zone: Tz) -> Vec<String> {
    let asked = &it.wait.asked;
    let points = |number: f64| format!("{number:.1}");
    let Parts { fair_share, age, due } = Parts::of(&it.priority);
    vec![
        place.map_or_else(|| "-".to_owned(), |place| place.to_string()),
        it.net_id.to_string(),
        it.wait.lab.to_string(),
        calendar::in_words(asked.length()),
        when(asked, zone),
        calendar::date_and_time(zone, it.wait.joined_at),
        points(it.priority.points()),
        points(fair_share),
        points(age),
        points(due),
        state(it, zone),
        it.wait.id.to_string(),
    ]
}

fn when(asked: &Asked, zone: Tz) -> String {
    match asked.windows.as_slice() {
        [] => "any time".to_owned(),
        [window] => calendar::span(zone, window),
        windows => format!("{} windows", windows.len()),
    }
}

fn state(it: &Waiter, zone: Tz) -> String {
    let mut state = match it.offered_until {
        Some(until) => format!("offered until {}", calendar::date_and_time(zone, until)),
        None if it.priority.ripe_since.is_some() => "waiting, past the cap".to_owned(),
        None => "waiting".to_owned(),
    };
    if it.wait.asked.auto_accept {
        state.push_str(", books at once");
    }
    state
}

/// Points by what they come of.
pub(super) struct Parts {
    /// Of the fair-share factor.
    pub(super) fair_share: f64,
    /// Of the time waited.
    pub(super) age: f64,
    /// Of the nearness of the due date.
    pub(super) due: f64,
}

impl Parts {
    /// Those of a priority.
    pub(super) fn of(priority: &Priority) -> Self {
        let weights = priority.weights;
        Self {
            fair_share: weighed(weights.fair_share, priority.fair_share),
            age: weighed(weights.age, priority.age),
            due: weighed(weights.due, priority.due),
        }
    }
}

fn weighed(weight: i32, factor: Factor) -> f64 {
    f64::from(weight.max(0)) * factor.number()
}

fn as_json(place: Option<usize>, it: &Waiter, zone: Tz) -> Value {
    let booking = match &it.wait.state {
        WaitState::Offered(booking) => Some(booking),
        _ => None,
    };
    json!({
        "id": it.wait.id, "place": place, "net_id": it.net_id, "lab": it.wait.lab,
        "joined_at": calendar::rfc3339(zone, it.wait.joined_at),
        "age_from": calendar::rfc3339(zone, it.wait.age_from),
        "asked": asked_json(&it.wait.asked, zone),
        "priority": priority_json(&it.priority),
        "offered": booking,
        "offered_until": it.offered_until.map(|until| calendar::rfc3339(zone, until)),
    })
}

/// What is asked for.
fn asked_json(asked: &Asked, zone: Tz) -> Value {
    let windows: Vec<_> = asked.windows.iter().map(|window: &Interval| Slot::of(window, zone)).collect();
    json!({"length_minutes": asked.length_minutes, "windows": windows, "auto_accept": asked.auto_accept})
}

/// Points with all that they come of.
pub(super) fn priority_json(priority: &Priority) -> Value {
    let part = |weight: i32, factor: Factor| json!({"weight": weight, "factor": factor.number(), "points": weighed(weight, factor)});
    let weights = priority.weights;
    json!({
        "points": priority.points(),
        "fair_share": part(weights.fair_share, priority.fair_share),
        "age": part(weights.age, priority.age),
        "due": part(weights.due, priority.due),
        "past_the_cap": priority.ripe_since.is_some(),
    })
}
