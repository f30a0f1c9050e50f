//! `fairlease leave`

use clap::Args as ClapArgs;
use serde_json::json;

use super::{Failure, Options, assemble, output, slot};
use crate::domain::ids::{NetId, WaitId};
use crate::services::waitlist;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The person's net ID
    #[arg(long = "as", value_name = "NETID")]
    who: NetId,
    /// The id of their place in line
    #[arg(value_name = "WAIT")]
    id: WaitId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let person = slot::person(&app.db, &args.who).await?;
    waitlist::leave(&app, person, args.id.clone()).await?;
    if args.json {
        return output::json(&json!({"left": args.id}));
    }
    output::line(format_args!("{} does not wait any more", args.who))
}
