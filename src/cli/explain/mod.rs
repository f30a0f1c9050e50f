//! `fairlease explain`

mod booking;
mod refusals;
mod wish;

use clap::{Args as ClapArgs, Subcommand};

pub(super) use self::wish::stranger;
use super::slot::Asked;
use super::{Failure, Options};

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    decided: Option<Decided>,
    #[command(flatten)]
    asked: Option<Asked>,
    #[command(flatten)]
    how: wish::How,
}

/// What was decided already.
#[derive(Debug, Subcommand)]
enum Decided {
    /// Make every decision about a booking again, from what was kept of it, and say whether each comes out the same
    Booking(booking::Args),
    /// Say why the latest wishes of a person were refused, and whether the same rules stand against each again
    Refusals(refusals::Args),
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    match (&args.decided, &args.asked) {
        (Some(Decided::Booking(args)), _) => booking::run(options, args).await,
        (Some(Decided::Refusals(args)), _) => refusals::run(options, args).await,
        (None, Some(asked)) => wish::run(options, asked, &args.how).await,
        // The command line asks for one of them.
        (None, None) => Err(Failure("say for whom, for which lab and for which slot".to_owned())),
    }
}
