//! `fairlease fairshare`

mod course;
mod file;
mod show;

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::{Failure, Options};
use crate::domain::fair_share::Algorithm;
use crate::domain::ids::NetId;
use crate::policy::fair_share;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Judge by this file alone, without a database: CSV with the header account,shares,usage and accounts such as
    /// root/section-a/team-1/ff524
    #[arg(long, value_name = "FILE.csv")]
    from: Option<PathBuf>,
    /// Which of Slurm's algorithms judges the file [default: fair-tree]; the course's own is in its course file
    #[arg(long, value_enum, requires = "from")]
    algorithm: Option<Which>,
    /// Only this student, and the groups that they are in
    #[arg(long = "as", value_name = "NETID", conflicts_with = "from")]
    who: Option<NetId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    /// Students are ranked: all of a group that had less come before another's
    FairTree,
    /// 2^(-usage/shares), where a group's usage weighs on its students
    Classic,
}

impl From<Which> for Algorithm {
    fn from(which: Which) -> Self {
        match which {
            Which::FairTree => Self::FairTree,
            Which::Classic => Self::Classic,
        }
    }
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let Some(from) = &args.from else { return course::run(options, args.who.as_ref(), args.json).await };
    let outline = file::read(from)?;
    let algorithm = args.algorithm.unwrap_or(Which::FairTree).into();
    let figures = fair_share::figures(&outline.tree, algorithm);
    let rows = show::rows(&outline, &figures);
    if args.json { show::print_json(&rows, algorithm, None) } else { show::print_table(&rows, algorithm) }
}
