//! `fairlease explain refusals`

use chrono_tz::Tz;
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use crate::cli::{Failure, Options, assemble, output, slot};
use crate::domain::calendar;
use crate::domain::ids::NetId;
use crate::services::explain::{Broken, Slot};
use crate::services::receipts::{self, Refused};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// How many wishes at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=200))]
    count: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let db = assemble::database(options)?;
    let zone = slot::zone(&db).await?;
    let (person, count) = (slot::person(&db, &args.who).await?.id, usize::from(args.count));
    let refused =
        db.read("explain: refusals", move |conn| receipts::refusals_of(conn, &person, count)).await?;
    let same = refused.iter().all(Refused::same);
    if args.json {
        let refused: Vec<_> = refused.iter().map(|it| as_json(it, zone)).collect();
        output::json(&json!({"net_id": args.who, "same": same, "refused": refused}))?;
    } else {
        refused.iter().try_for_each(|it| print(it, zone))?;
        conclude(&refused)?;
    }
    if same { Ok(()) } else { Err(Failure("not every refusal comes out the same".to_owned())) }
}

fn print(it: &Refused, zone: Tz) -> Result<(), Failure> {
    let at = calendar::date_and_time(zone, it.at);
    output::line(format_args!("{at}: {}, {}", it.lab, calendar::span(zone, &it.slot)))?;
    for violation in &it.again {
        output::line(format_args!("    {}: {}", violation.code(), violation.sentence(zone)))?;
    }
    if it.same() {
        return Ok(());
    }
    output::line(format_args!(
        "    that is how it comes out now; then the rules were {}",
        it.rules.join(", ")
    ))
}

fn conclude(refused: &[Refused]) -> Result<(), Failure> {
    match refused {
        [] => output::line("nothing was refused lately"),
        all if all.iter().all(Refused::same) => output::line("every refusal comes out the same"),
        _ => Ok(()),
    }
}

fn as_json(it: &Refused, zone: Tz) -> Value {
    let violations: Vec<_> = it.again.iter().map(|violation| Broken::of(violation, zone)).collect();
    json!({
        "at": calendar::rfc3339(zone, it.at), "lab": it.lab, "slot": Slot::of(&it.slot, zone), "rules": it.rules,
        "violations": violations, "same": it.same(),
    })
}
