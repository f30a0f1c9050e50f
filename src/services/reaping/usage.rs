//! What people made by hand counts as their usage: its lines of the ledger begin and end with what trusted listings show.

use std::collections::BTreeSet;

use crate::db::{self, Conn, DbError};
use crate::domain::ids::SiteId;
use crate::domain::usage::{Source, UsageLine};
use crate::policy::fair_share::by_hand::{self, Holding, Seen};

/// Has the ledger agree with a site's latest listing. No other sweep does so meanwhile, and none has with a later one.
pub(super) fn follow(
    conn: &mut Conn<'_>,
    site: &SiteId,
    holding: &Holding,
    seen: Seen,
    running: &[UsageLine],
) -> Result<(), DbError> {
    let running: Vec<UsageLine> =
        running.iter().filter(|line| line.source.is_by_hand_at(site)).cloned().collect();
    let known: BTreeSet<&Source> = running.iter().map(|line| &line.source).collect();
    let new: Vec<&Source> = holding.held.keys().filter(|source| !known.contains(source)).collect();
    let earlier = db::have_lines(conn, &new)?;
    let changes = by_hand::changes(holding, seen, &running, &earlier);
    for (line, until) in &changes.end {
        db::end_by_hand(conn, line, *until)?;
    }
    for line in &changes.begin {
        db::begin_by_hand(conn, line)?;
    }
    Ok(())
}
