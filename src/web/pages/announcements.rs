//! `/announcements`: what staff have to say, as its readers see it; and the lines that other pages have of it.

mod staff;

use askama::Template;
use askama::filters::HtmlSafe;

pub use self::staff::{AudienceOption, Choice, PostedLine, StaffAnnouncementsPage, WriteForm, WritePage};
use super::layout::{Layout, Section, When};

/// The announcements that the reader sees, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "announcements.html")]
pub struct AnnouncementsPage {
    /// The frame.
    pub layout: Layout,
    /// How many there are, in a sentence.
    pub answer: String,
    /// The announcements.
    pub rows: Vec<AnnouncementRow>,
    /// Whether older ones are left out.
    pub more: bool,
    /// Whether the reader may write some.
    pub writes: bool,
}

/// An announcement in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncementRow {
    /// The announcement.
    pub line: AnnouncementLine,
    /// How it begins.
    pub begins: String,
}

/// An announcement in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncementLine {
    /// Its page.
    pub href: String,
    /// Its title.
    pub title: String,
    /// When it was published.
    pub at: When,
    /// Whether it was edited since.
    pub edited: bool,
}

/// The latest announcements on a page about something else. Draws nothing if there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Template)]
#[template(path = "parts/announced.html")]
pub struct Announced {
    /// The announcements, the latest first.
    pub lines: Vec<AnnouncementLine>,
}

impl HtmlSafe for Announced {}

/// One announcement.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "announcement.html")]
pub struct AnnouncementPage {
    /// The frame.
    pub layout: Layout,
    /// Its title.
    pub title: String,
    /// The text, as HTML of [`markdown::html`](crate::markdown::html).
    pub text: String,
    /// When it was published.
    pub at: When,
    /// Whom it is for: `everyone in the course`.
    pub whom: String,
    /// When it was edited last, if it was.
    pub edited: Option<When>,
    /// What it said before, the latest first.
    pub past: Vec<PastText>,
    /// Where staff edit it, for those who may.
    pub edit: Option<String>,
}

/// What an announcement said before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastText {
    /// Up to when.
    pub until: When,
    /// Its title then.
    pub title: String,
    /// The text, as HTML of [`markdown::html`](crate::markdown::html).
    pub text: String,
}

/// A text in Markdown, for samples.
pub(super) const SAMPLE: &str = "Because of an outage affecting the **Chameleon JupyterHub** service, we are deferring this lab \
    assignment.\n\nIts new due date is *Tuesday, February 4, 23:59*:\n\n- bookings that you have stay\n- what was lost is not charged\n\n\
    See [the site's own page](https://chameleoncloud.org/user/outages/) for how it goes.";

impl AnnouncementLine {
    /// Two of them.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        let line = |id: &str, title: &str, at, edited| Self {
            href: format!("/announcements/{id}"),
            title: title.to_owned(),
            at,
            edited,
        };
        vec![
            line(
                "0123456789ab",
                "The JupyterHub lab is deferred",
                When::new("2026-11-23T10:00-05:00", "today 10:00"),
                true,
            ),
            line(
                "0123456789ac",
                "Office hours move to Thursday",
                When::new("2026-11-20T17:30-05:00", "Fri Nov 20, 17:30"),
                false,
            ),
        ]
    }
}

impl AnnouncementsPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let begins = crate::markdown::in_short(SAMPLE, 160);
        let row = |line| AnnouncementRow { line, begins: begins.clone() };
        let some = Self {
            layout: Layout::sample("Announcements", Section::Announcements),
            answer: "There are 2 announcements.".to_owned(),
            rows: AnnouncementLine::samples().into_iter().map(row).collect(),
            more: true,
            writes: false,
        };
        let none = Self {
            layout: Layout::sample_of_staff("Announcements", Section::Announcements),
            answer: "Nothing has been announced yet.".to_owned(),
            rows: Vec::new(),
            more: false,
            writes: true,
        };
        vec![("announcements", some), ("announcements_none", none)]
    }
}

impl AnnouncementPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let one = Self {
            layout: Layout::sample("The JupyterHub lab is deferred", Section::Announcements),
            title: "The JupyterHub lab is deferred".to_owned(),
            text: crate::markdown::html(SAMPLE),
            at: When::new("2026-11-23T10:00-05:00", "today 10:00"),
            whom: "everyone in the course, about Train on JupyterHub".to_owned(),
            edited: None,
            past: Vec::new(),
            edit: None,
        };
        let edited = Self {
            layout: Layout::sample_of_staff("The JupyterHub lab is deferred", Section::Announcements),
            edited: Some(When::new("2026-11-23T11:30-05:00", "today 11:30")),
            past: vec![PastText {
                until: When::new("2026-11-23T11:30-05:00", "today 11:30"),
                title: "The JupyterHub lab is deferred".to_owned(),
                text: crate::markdown::html("Its due date is *to be announced*."),
            }],
            edit: Some("/staff/announcements/0123456789ab".to_owned()),
            ..one.clone()
        };
        vec![("announcement", one), ("announcement_edited", edited)]
    }
}
