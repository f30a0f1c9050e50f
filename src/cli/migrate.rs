//! `fairlease migrate`

use super::{Failure, Options, output};
use crate::db::Db;

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let url = options.database_url()?;
    let db = Db::open(&url).map_err(|error| Failure(format!("{url}: {error}")))?;
    let done = db.migrate().map_err(|error| Failure(format!("{url}: {error}")))?;
    for name in &done {
        output::line(format_args!("applied {name}"))?;
    }
    if done.is_empty() {
        output::line(format_args!("{url} is up to date"))?;
    }
    Ok(())
}
