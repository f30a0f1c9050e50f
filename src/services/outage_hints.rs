//! What sites' own feeds say of their outages: read each quarter of an hour, kept, and told to staff once. What it means for the
//! course is for them to say.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use super::audit::{self, Entry};
use super::notices;
use crate::cloud::outage_feed::{FeedItem, FeedReader, Reading, Validators};
use crate::db::{self, Conn, DbError, KnownFeed};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::course::Site;
use crate::domain::hint::{FeedState, Hint};
use crate::domain::ids::{HintId, SiteId};
use crate::domain::notice::Topic;
use crate::mail::messages::Surroundings;
use crate::mail::messages::staff::{self, SiteSays};
use crate::markdown;

/// What is older when it is seen first is history.
const RECENT: TimeDelta = TimeDelta::days(7);
/// For how long a hint is shown that nobody puts aside.
const SHOWN: TimeDelta = TimeDelta::days(30);
/// For how long it is kept: longer than [`RECENT`], so that none is forgotten and seen again.
const KEPT: TimeDelta = TimeDelta::days(120);
/// More hints than staff look through.
const MOST: i64 = 50;
/// Characters of a title and of a summary.
const TITLE: usize = 160;
const SUMMARY: usize = 400;
/// Characters of what a feed knows an item by.
const ITEM: usize = 500;

/// The hints that nobody has put aside, latest first.
pub fn open(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<Hint>, DbError> {
    db::open_hints(conn, now - SHOWN, MOST)
}

/// How the feeds of sites are that were tried.
pub fn feeds(conn: &mut Conn<'_>) -> Result<Vec<FeedState>, DbError> {
    db::feed_states(conn)
}

/// Puts a hint aside, in the caller's transaction. False if somebody has, or there is none.
pub fn dismiss_in(app: &App, conn: &mut Conn<'_>, doer: &Doer, id: &HintId) -> Result<bool, DbError> {
    let Some(hint) = db::hint(conn, id)? else { return Ok(false) };
    if !db::dismiss_hint(conn, id, doer.actor.as_ref(), app.now())? {
        return Ok(false);
    }
    let entry = Entry::new(Action::DismissedHint).to(Object::Site(hint.site));
    audit::record(app, conn, doer, entry.before(id.to_string()))?;
    Ok(true)
}

/// The same, in a transaction of its own.
pub async fn dismiss(app: &Arc<App>, doer: &Doer, id: HintId) -> Result<bool, DbError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db.write("hint: dismiss", move |conn| dismiss_in(&inner, conn, &doer, &id)).await
}

/// Reads the feed of each site that has one. A feed that can't be read is told in the log and kept for the sites' page. Says in a
/// line what came of it.
pub async fn read(app: &Arc<App>) -> Result<String, DbError> {
    let sites: Vec<Site> = app.db.read("hints: sites", db::sites).await?;
    let with_feed: Vec<(SiteId, String, String)> =
        sites.into_iter().filter_map(|site| Some((site.id, site.title, site.outage_feed?))).collect();
    if with_feed.is_empty() {
        return Ok("no site has an outage feed".to_owned());
    }
    let reader = FeedReader::new();
    let (mut new, mut broken) = (0, 0);
    for (site, title, address) in with_feed {
        let known = {
            let site = site.clone();
            app.db.read("hints: known", move |conn| db::known_feed(conn, &site)).await?
        };
        let known = known.filter(|known| known.address == address);
        let reading = match &reader {
            Ok(reader) => {
                reader.read(&address, &validators(known.as_ref())).await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match reading {
            Ok(reading) => new += keep(app, site, title, address, known, reading).await?,
            Err(error) => {
                broken += 1;
                tell_trouble(app, site, address, error).await?;
            }
        }
    }
    Ok(format!("{new} new hints, {broken} feeds can't be read"))
}

fn validators(known: Option<&KnownFeed>) -> Validators {
    known.map_or_else(Validators::default, |known| Validators {
        etag: known.etag.clone(),
        last_modified: known.last_modified.clone(),
    })
}

async fn tell_trouble(app: &Arc<App>, site: SiteId, address: String, trouble: String) -> Result<(), DbError> {
    tracing::warn!(%site, trouble, "a site's outage feed can't be read");
    let now = app.now();
    let trouble: String = trouble.chars().take(SUMMARY).collect();
    let write = move |conn: &mut Conn<'_>| db::save_feed_trouble(conn, &site, &address, &trouble, now);
    app.db.write("hints: trouble", write).await
}

/// Keeps what a feed says, and tells staff of what is new. Says how much that is.
async fn keep(
    app: &Arc<App>,
    site: SiteId,
    title: String,
    address: String,
    known: Option<KnownFeed>,
    reading: Reading,
) -> Result<usize, DbError> {
    let (items, said) = match reading {
        Reading::Unchanged => (Vec::new(), validators(known.as_ref())),
        Reading::Says { items, validators } => (items, validators),
    };
    let (inner, first) = (app.clone(), known.is_none());
    app.db
        .write("hints: keep", move |conn| {
            let now = inner.now();
            let feed = KnownFeed {
                address: address.clone(),
                etag: said.etag.clone(),
                last_modified: said.last_modified.clone(),
            };
            db::save_feed(conn, &site, &feed, now)?;
            let mut new = Vec::new();
            for item in &items {
                // Of a feed that is read for the first time nobody knows how old is what has no date.
                let aside = first && item.published_at.is_none();
                let Some(hint) = hint(&inner, &site, item, now) else { continue };
                if db::save_hint(conn, &hint, &item_id(item), aside)? && !aside {
                    new.push(hint);
                }
            }
            tell(&inner, conn, &title, &new)?;
            db::forget_hints(conn, now - KEPT)?;
            Ok(new.len())
        })
        .await
}

/// What a feed knows an item by. It is kept whole if it has a usual length.
fn item_id(item: &FeedItem) -> String {
    item.id.chars().take(ITEM).collect()
}

/// The hint that an item is; nothing of what is history.
fn hint(app: &App, site: &SiteId, item: &FeedItem, now: DateTime<Utc>) -> Option<Hint> {
    let published_at = item.published_at.unwrap_or(now);
    if now - published_at > RECENT {
        return None;
    }
    let (title, summary) = (markdown::of_html(&item.title, TITLE), markdown::of_html(&item.text, SUMMARY));
    Some(Hint {
        id: app.hint_id(),
        site: site.clone(),
        title: if title.is_empty() { markdown::of_html(&item.text, TITLE) } else { title },
        link: item.link.clone(),
        summary,
        published_at,
        seen_at: now,
    })
}

/// Writes one mail to each of the staff about what is new.
fn tell(app: &App, conn: &mut Conn<'_>, site: &str, new: &[Hint]) -> Result<(), DbError> {
    let (Some(first), Some(course)) = (new.first(), db::course_card(conn)?) else { return Ok(()) };
    let now = app.now();
    let around = Surroundings { course: &course.title, zone: course.zone, public_url: &app.public_url, now };
    let message = staff::site_says(around, &SiteSays { site, hints: new });
    let key = format!("outage-hint/{}/{}", first.site, first.id);
    notices::tell_staff(app, conn, Topic::Outage, &key, message).map(|_| ())
}
