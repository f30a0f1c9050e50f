//! What sites' feeds say of their outages, and how the feeds are.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{outage_feeds, outage_hints};
use super::types::Ts;
use crate::domain::hint::{FeedState, Hint};
use crate::domain::ids::{HintId, PersonId, SiteId};

/// What was said of a feed when it was read last: its address, `ETag` and `Last-Modified`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownFeed {
    /// Where it was read.
    pub address: String,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What is known of a site's feed, if it was read before.
pub fn known_feed(conn: &mut Conn<'_>, site: &SiteId) -> Result<Option<KnownFeed>, DbError> {
    let row: Option<(String, Option<String>, Option<String>)> = on!(conn, |c| outage_feeds::table
        .find(site.as_str())
        .filter(outage_feeds::read_at.is_not_null())
        .select((outage_feeds::address, outage_feeds::etag, outage_feeds::last_modified))
        .first(c)
        .optional())?;
    Ok(row.map(|(address, etag, last_modified)| KnownFeed { address, etag, last_modified }))
}

/// Writes that a site's feed was read, and what it said of itself.
pub fn save_feed(
    conn: &mut Conn<'_>,
    site: &SiteId,
    known: &KnownFeed,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        outage_feeds::site_id.eq(site.as_str()),
        outage_feeds::address.eq(&known.address),
        outage_feeds::etag.eq(&known.etag),
        outage_feeds::last_modified.eq(&known.last_modified),
        outage_feeds::read_at.eq(Some(Ts(now))),
        outage_feeds::failing_since.eq(None::<Ts>),
        outage_feeds::trouble.eq(None::<&str>),
    );
    on!(conn, |c| diesel::insert_into(outage_feeds::table)
        .values(row)
        .on_conflict(outage_feeds::site_id)
        .do_update()
        .set((
            outage_feeds::address.eq(excluded(outage_feeds::address)),
            outage_feeds::etag.eq(excluded(outage_feeds::etag)),
            outage_feeds::last_modified.eq(excluded(outage_feeds::last_modified)),
            outage_feeds::read_at.eq(excluded(outage_feeds::read_at)),
            outage_feeds::failing_since.eq(excluded(outage_feeds::failing_since)),
            outage_feeds::trouble.eq(excluded(outage_feeds::trouble)),
        ))
        .execute(c))?;
    Ok(())
}

/// Writes that a site's feed can't be read, and why; since when stays.
pub fn save_feed_trouble(
    conn: &mut Conn<'_>,
    site: &SiteId,
    address: &str,
    trouble: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        outage_feeds::site_id.eq(site.as_str()),
        outage_feeds::address.eq(address),
        outage_feeds::failing_since.eq(Some(Ts(now))),
        outage_feeds::trouble.eq(Some(trouble)),
    );
    on!(conn, |c| diesel::insert_into(outage_feeds::table)
        .values(row)
        .on_conflict(outage_feeds::site_id)
        .do_update()
        .set(outage_feeds::trouble.eq(excluded(outage_feeds::trouble)))
        .execute(c))?;
    on!(conn, |c| diesel::update(outage_feeds::table.find(site.as_str()))
        .filter(outage_feeds::failing_since.is_null())
        .set(outage_feeds::failing_since.eq(Some(Ts(now))))
        .execute(c))?;
    Ok(())
}

/// How the feeds of sites are that were tried.
pub fn feed_states(conn: &mut Conn<'_>) -> Result<Vec<FeedState>, DbError> {
    type Row = (String, Option<Ts>, Option<Ts>, Option<String>);
    let rows: Vec<Row> = on!(conn, |c| outage_feeds::table
        .order(outage_feeds::site_id)
        .select((
            outage_feeds::site_id,
            outage_feeds::read_at,
            outage_feeds::failing_since,
            outage_feeds::trouble,
        ))
        .load(c))?;
    let read = |(site, read, failing, trouble): Row| {
        Ok(FeedState {
            site: site.parse().map_err(DbError::corrupt)?,
            read_at: read.map(|at| at.0),
            failing_since: failing.map(|at| at.0),
            trouble,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Keeps what a site's feed says under `item`; of what is known, the words are brought up to date. `aside` says that it is nothing to
/// tell staff of. Says whether it is new.
pub fn save_hint(conn: &mut Conn<'_>, hint: &Hint, item: &str, aside: bool) -> Result<bool, DbError> {
    let known = outage_hints::table
        .filter(outage_hints::site_id.eq(hint.site.as_str()))
        .filter(outage_hints::item_id.eq(item));
    let words = (
        outage_hints::title.eq(&hint.title),
        outage_hints::link.eq(&hint.link),
        outage_hints::summary.eq(&hint.summary),
    );
    if on!(conn, |c| diesel::update(known).set(words).execute(c))? > 0 {
        return Ok(false);
    }
    let row = (
        outage_hints::id.eq(hint.id.as_str()),
        outage_hints::site_id.eq(hint.site.as_str()),
        outage_hints::item_id.eq(item),
        words,
        outage_hints::published_at.eq(Ts(hint.published_at)),
        outage_hints::seen_at.eq(Ts(hint.seen_at)),
        outage_hints::dismissed_at.eq(aside.then_some(Ts(hint.seen_at))),
    );
    let added = on!(conn, |c| diesel::insert_into(outage_hints::table)
        .values(row)
        .on_conflict((outage_hints::site_id, outage_hints::item_id))
        .do_nothing()
        .execute(c))?;
    Ok(added == 1)
}

type HintRow = (String, String, String, Option<String>, String, Ts, Ts);

fn read_hint((id, site, title, link, summary, published, seen): HintRow) -> Result<Hint, DbError> {
    Ok(Hint {
        id: id.parse().map_err(DbError::corrupt)?,
        site: site.parse().map_err(DbError::corrupt)?,
        title,
        link,
        summary,
        published_at: published.0,
        seen_at: seen.0,
    })
}

const COLUMNS: (
    outage_hints::id,
    outage_hints::site_id,
    outage_hints::title,
    outage_hints::link,
    outage_hints::summary,
    outage_hints::published_at,
    outage_hints::seen_at,
) = (
    outage_hints::id,
    outage_hints::site_id,
    outage_hints::title,
    outage_hints::link,
    outage_hints::summary,
    outage_hints::published_at,
    outage_hints::seen_at,
);

/// The `limit` latest hints that nobody has put aside and that were published since then, latest first.
pub fn open_hints(conn: &mut Conn<'_>, since: DateTime<Utc>, limit: i64) -> Result<Vec<Hint>, DbError> {
    let rows: Vec<HintRow> = on!(conn, |c| outage_hints::table
        .filter(outage_hints::dismissed_at.is_null())
        .filter(outage_hints::published_at.ge(Ts(since)))
        .order((outage_hints::published_at.desc(), outage_hints::id))
        .limit(limit)
        .select(COLUMNS)
        .load(c))?;
    rows.into_iter().map(read_hint).collect()
}

/// The hint with this id.
pub fn hint(conn: &mut Conn<'_>, id: &HintId) -> Result<Option<Hint>, DbError> {
    let row: Option<HintRow> =
        on!(conn, |c| outage_hints::table.find(id.as_str()).select(COLUMNS).first(c).optional())?;
    row.map(read_hint).transpose()
}

/// Puts a hint aside. False if somebody has, or there is none.
pub fn dismiss_hint(
    conn: &mut Conn<'_>,
    id: &HintId,
    by: Option<&PersonId>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let dismissed = on!(conn, |c| diesel::update(outage_hints::table.find(id.as_str()))
        .filter(outage_hints::dismissed_at.is_null())
        .set((
            outage_hints::dismissed_by.eq(by.map(PersonId::as_str)),
            outage_hints::dismissed_at.eq(Some(Ts(now))),
        ))
        .execute(c))?;
    Ok(dismissed == 1)
}

/// Forgets hints that were published before then. Says how many.
pub fn forget_hints(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::delete(outage_hints::table)
        .filter(outage_hints::published_at.lt(Ts(before)))
        .execute(c))?)
}
