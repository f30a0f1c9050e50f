//! `fairlease fairshare`

mod file;
mod show;

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::Failure;
use crate::domain::fair_share::Algorithm;
use crate::policy::fair_share;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Judge by this file alone, without a database: CSV with the header account,shares,usage and accounts such as
    /// root/section-a/team-1/ff524
    #[arg(long, value_name = "FILE.csv")]
    from: PathBuf,
    /// Which of Slurm's algorithms
    #[arg(long, value_enum, default_value_t = Which::FairTree)]
    algorithm: Which,
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

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let outline = file::read(&args.from)?;
    let algorithm = args.algorithm.into();
    let figures = fair_share::figures(&outline.tree, algorithm);
    show::print(&outline, &figures, algorithm, args.json)
}
