//! `fairlease doctor`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;
use serde_json::json;

use super::{Failure, Options, apply, assemble, output};
use crate::clock::{Clock, SystemClock};
use crate::db::{self, DbError};
use crate::domain::course::{Course, Site};
use crate::domain::ids::SiteId;
use crate::entropy::{Entropy, OsEntropy};
use crate::policy::fitness::{Check, Verdict};
use crate::services::doctor::{self, Diagnosis, Reached};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Check what this file needs, without a database
    #[arg(long, value_name = "FILE")]
    course: Option<PathBuf>,
    /// Only this site
    #[arg(long, value_name = "ID")]
    site: Option<SiteId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let Known { course, mut learned, ledger } = match &args.course {
        Some(file) => Known { course: apply::read(file)?, learned: BTreeMap::new(), ledger: Vec::new() },
        None => applied(options, args.site.is_none()).await?,
    };
    let clouds = reach(options, wanted(&course, args.site.as_ref())?);
    let mut found = doctor::examine(&course, &clouds, SystemClock.now()).await;
    for site in &mut found {
        site.checks.extend(learned.remove(&site.site).unwrap_or_default());
    }
    if args.json {
        output::json(&json!({"course": course.id, "sites": found, "ledger": ledger}))?;
    } else {
        found.iter().try_for_each(print_site)?;
        if !ledger.is_empty() {
            print("Usage", &ledger)?;
        }
    }
    let failed = found.iter().map(|site| site.checks.as_slice()).chain([ledger.as_slice()]);
    let failed: usize = failed.map(|checks| count(checks, Verdict::Fail)).sum();
    match failed {
        0 => Ok(()),
        1 => Err(Failure("1 check failed".to_owned())),
        many => Err(Failure(format!("{many} checks failed"))),
    }
}

/// What is known without asking the sites.
struct Known {
    course: Course,
    /// What was learned of its sites from bookings.
    learned: BTreeMap<SiteId, Vec<Check>>,
    /// Whether the ledger agrees, if that is looked at.
    ledger: Vec<Check>,
}

/// The course that was applied.
async fn applied(options: &Options, with_ledger: bool) -> Result<Known, Failure> {
    let now = SystemClock.now();
    let db = assemble::database(options)?;
    let read = db.read::<_, DbError, _>("doctor", move |conn| {
        let Some(course) = db::course(conn)? else { return Ok(None) };
        let learned = doctor::learned(conn, &course, now)?;
        let ledger = if with_ledger { doctor::ledger(conn, now)? } else { Vec::new() };
        Ok(Some(Known { course, learned, ledger }))
    });
    read.await?.ok_or_else(|| Failure("no course is applied yet: name a file with --course".to_owned()))
}

fn wanted<'c>(course: &'c Course, only: Option<&SiteId>) -> Result<Vec<&'c Site>, Failure> {
    let sites: Vec<&Site> =
        course.sites.iter().filter(|site| only.is_none_or(|only| site.id == *only)).collect();
    match only {
        Some(only) if sites.is_empty() => {
            let known: Vec<_> = course.sites.iter().map(|site| site.id.to_string()).collect();
            Err(Failure(format!("there is no site \"{only}\"; there are: {}", known.join(", "))))
        }
        _ => Ok(sites),
    }
}

/// A site whose entry can't be used does not keep the others from being looked at.
fn reach(options: &Options, sites: Vec<&Site>) -> BTreeMap<SiteId, Reached> {
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let one = |site: &Site| {
        let cloud = assemble::cloud(options, site, &clock, &entropy);
        (site.id.clone(), cloud.map_err(|failure| failure.0))
    };
    sites.into_iter().map(one).collect()
}

fn print_site(site: &Diagnosis) -> Result<(), Failure> {
    print(&format!("{} ({}), cloud \"{}\"", site.title, site.site, site.cloud), &site.checks)
}

fn print(title: &str, checks: &[Check]) -> Result<(), Failure> {
    output::line(format_args!("{title}"))?;
    let width = checks.iter().map(|check| check.what.chars().count()).max().unwrap_or(0);
    checks.iter().try_for_each(|check| print_check(check, width))?;
    let counts = [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::CantTell]
        .map(|verdict| format!("{} {}", count(checks, verdict), verdict.words().to_lowercase()));
    output::line(format_args!("  {}\n", counts.join(", ")))
}

/// How many checks came out like this.
fn count(checks: &[Check], verdict: Verdict) -> usize {
    checks.iter().filter(|check| check.verdict == verdict).count()
}

/// What would be right stands in a line of its own, so that lines do not become too long to read.
fn print_check(check: &Check, width: usize) -> Result<(), Failure> {
    let Check { what, verdict, found, right } = check;
    output::line(format_args!("  {:<10}  {what:<width$}  {found}", verdict.words()))?;
    right
        .iter()
        .try_for_each(|right| output::line(format_args!("  {:<10}  {:<width$}  right: {right}", "", "")))
}
