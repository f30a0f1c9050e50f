//! What a site's own feed says of its outages. It is a hint: staff decide what it means for the course.

use chrono::{DateTime, Utc};

use super::ids::{HintId, SiteId};

/// Something that a site announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Its id here.
    pub id: HintId,
    /// The site.
    pub site: SiteId,
    /// What the site calls it, as plain text.
    pub title: String,
    /// The site's own page of it: `http` or `https`.
    pub link: Option<String>,
    /// How it begins, as plain text.
    pub summary: String,
    /// When the site published it; when it was seen here, if the site does not say.
    pub published_at: DateTime<Utc>,
    /// When it was seen here first.
    pub seen_at: DateTime<Utc>,
}

/// How a site's feed is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedState {
    /// The site.
    pub site: SiteId,
    /// When it was read last.
    pub read_at: Option<DateTime<Utc>>,
    /// Since when it can't be read, if it can't.
    pub failing_since: Option<DateTime<Utc>>,
    /// Why it can't, in a sentence without its end.
    pub trouble: Option<String>,
}
