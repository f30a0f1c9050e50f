//! Where one is signed in.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::web::pages::layout::When;

/// Where one is signed in, and how to sign out there.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/sessions.html")]
pub struct SessionsPart {
    /// The session's token against forged requests.
    pub csrf: String,
    /// Whether that is not for the reader, who looks with someone else's eyes.
    pub hidden: bool,
    /// The sessions, the latest used first.
    pub rows: Vec<SessionLine>,
}

impl HtmlSafe for SessionsPart {}

/// One of the reader's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLine {
    /// Its id, which is no secret.
    pub id: String,
    /// `Firefox on Linux`.
    pub browser: String,
    /// When the reader signed in.
    pub signed_in: When,
    /// When it was last used, to within some minutes.
    pub last_used: When,
    /// Whether the reader reads in it.
    pub this: bool,
}

impl SessionsPart {
    pub(super) fn sample() -> Self {
        let line = |id: &str, browser: &str, day: &str, at: &str, this| SessionLine {
            id: id.to_owned(),
            browser: browser.to_owned(),
            signed_in: When::new(format!("2026-11-{day}T09:12-05:00"), "Fri Nov 20, 09:12"),
            last_used: When::new(format!("2026-11-23T{at}-05:00"), format!("today {at}")),
            this,
        };
        Self {
            csrf: "sample-csrf".to_owned(),
            hidden: false,
            rows: vec![
                line("0123456789ab", "Firefox on Linux", "20", "11:20", true),
                line("0123456789cd", "Safari on an iPhone", "20", "08:41", false),
            ],
        }
    }
}
