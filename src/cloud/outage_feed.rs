//! The feed in which a site tells of its outages: RSS, Atom or JSON, as it has it. What is in it was written by somebody else and is
//! text until it is cleaned.

use std::time::Duration;

use chrono::{DateTime, Utc};
use feed_rs::model::Entry;
use reqwest::header::{ACCEPT, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::redirect::{self, Action, Attempt};
use reqwest::{Client, StatusCode};

/// Until the connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// The whole exchange.
const CALL: Duration = Duration::from_secs(20);
/// Bytes of a feed: some hundred outages with their stories.
const MOST: usize = 4 << 20;
/// How often one is led on.
const HOPS: usize = 5;
/// Items that are looked at, the first of the feed.
const ITEMS: usize = 100;

/// What a site said of its feed when it was last read, to ask whether it is still that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validators {
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
}

/// An item of a feed, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedItem {
    /// What the feed knows it by.
    pub id: String,
    /// Its title; may be HTML.
    pub title: String,
    /// Where it leads: `http` or `https`.
    pub link: Option<String>,
    /// Its text; may be HTML.
    pub text: String,
    /// When it was published, if it says so.
    pub published_at: Option<DateTime<Utc>>,
}

/// What a feed answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It is what it was.
    Unchanged,
    /// It says this.
    Says {
        /// Its items, in its order.
        items: Vec<FeedItem>,
        /// What to ask with next time.
        validators: Validators,
    },
}

/// Why a feed can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The answer did not come, or not whole.
    #[error("{}", told(.0))]
    NoAnswer(#[from] reqwest::Error),
    /// It has no feed for us.
    #[error("it answers {0}")]
    Refused(u16),
    /// It says more than a feed of outages has.
    #[error("it has more than {MOST} bytes")]
    TooLong,
    /// It is no feed.
    #[error("it is no RSS, Atom or JSON feed: {0}")]
    NoFeed(#[from] feed_rs::parser::ParseFeedError),
}

/// The kind of failure: the rest of the chain has addresses.
fn told(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "there is no connection to it"
    } else if error.is_redirect() {
        "it leads on to where we do not follow"
    } else {
        "its answer did not arrive"
    }
}

/// Reads feeds.
#[derive(Debug, Clone)]
pub struct FeedReader(Client);

impl FeedReader {
    /// A reader with connections of its own.
    pub fn new() -> Result<Self, FeedError> {
        // The first caller in the process decides; what a later one asks for is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(CALL)
            .redirect(redirect::Policy::custom(follow))
            .user_agent(concat!("fairlease/", env!("CARGO_PKG_VERSION")));
        Ok(Self(builder.build()?))
    }

    /// Reads a feed, unless it is what it was when it said `known`.
    pub async fn read(&self, address: &str, known: &Validators) -> Result<Reading, FeedError> {
        let mut request = self.0.get(address).header(
            ACCEPT,
            "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5",
        );
        for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let mut response = request.send().await?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(Reading::Unchanged),
            status if !status.is_success() => return Err(FeedError::Refused(status.as_u16())),
            _ => {}
        }
        let validators = Validators {
            etag: header(response.headers(), ETAG.as_str()),
            last_modified: header(response.headers(), LAST_MODIFIED.as_str()),
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST {
                return Err(FeedError::TooLong);
            }
        }
        Ok(Reading::Says { items: items(&body)?, validators })
    }
}

/// From the web to the web, and never from where nobody listens to where somebody may.
fn follow(attempt: Attempt<'_>) -> Action {
    let from = attempt.previous().last().map(|url| url.scheme().to_owned()).unwrap_or_default();
    let fits = match attempt.url().scheme() {
        "https" => true,
        "http" => from == "http",
        _ => false,
    };
    if fits && attempt.previous().len() <= HOPS { attempt.follow() } else { attempt.error("not followed") }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn items(body: &[u8]) -> Result<Vec<FeedItem>, FeedError> {
    // Texts are cleaned where they are used.
    let parser = feed_rs::parser::Builder::new().sanitize_content(false).build();
    let feed = parser.parse(body)?;
    Ok(feed.entries.into_iter().take(ITEMS).filter_map(item).collect())
}

/// An entry, if there is something to know it by.
fn item(entry: Entry) -> Option<FeedItem> {
    let web = |href: &String| href.starts_with("https://") || href.starts_with("http://");
    let link = entry.links.into_iter().map(|link| link.href).find(web);
    let title = entry.title.map(|title| title.content).unwrap_or_default();
    if title.trim().is_empty() && link.is_none() {
        return None;
    }
    let text = entry.summary.map(|text| text.content);
    let text = text.or_else(|| entry.content.and_then(|content| content.body)).unwrap_or_default();
    Some(FeedItem { id: entry.id, title, link, text, published_at: entry.published.or(entry.updated) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_without_ids_has_the_same_ones_each_time() {
        let feed = "<rss version=\"2.0\"><channel><title>O</title><link>https://a.example</link><description/>\
                    <item><title>Down</title><link>https://a.example/1</link></item>\
                    <item><description>nothing to know it by</description></item></channel></rss>";
        let one = items(feed.as_bytes()).unwrap();
        assert_eq!(one, items(feed.as_bytes()).unwrap());
        assert_eq!((one.len(), one[0].title.as_str(), one[0].published_at), (1, "Down", None));
    }

    #[test]
    fn what_is_no_feed_is_told_so() {
        let error = items(b"<!doctype html><html><body>Sign in</body></html>").unwrap_err();
        assert!(error.to_string().starts_with("it is no RSS"), "{error}");
    }
}
