//! `/me/calendar`: the address of one's calendar, shown once.

use askama::Template;

use super::layout::{Layout, Section};

/// A new address, and what to do with it.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "calendar_address.html")]
pub struct CalendarAddressPage {
    /// The frame.
    pub layout: Layout,
    /// Whether it is the course's calendar, and not one's own.
    pub of_course: bool,
    /// The address for programs that take one.
    pub https: String,
    /// The same as a link that opens a calendar program.
    pub webcal: String,
    /// The address of the feed of announcements, which has the same secret.
    pub feed: String,
}

impl CalendarAddressPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let rest = format!("fairlease.example.edu/calendar/{}.ics", "3f9a61c07be2d845".repeat(4));
        let made = Self {
            layout: Layout::sample("Your calendar's address", Section::Me),
            of_course: false,
            https: format!("https://{rest}"),
            webcal: format!("webcal://{rest}"),
            feed: format!("https://fairlease.example.edu/feeds/{}.atom", "3f9a61c07be2d845".repeat(4)),
        };
        let of_course = Self { of_course: true, ..made.clone() };
        vec![("calendar_address", made), ("calendar_address_of_course", of_course)]
    }
}
