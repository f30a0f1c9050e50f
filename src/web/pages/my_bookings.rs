//! `/me/bookings`: one's bookings that are over.

use askama::Template;

use super::layout::{BookingState, Layout, Section, When};

/// A page of bookings, latest first.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "my_bookings.html")]
pub struct MyBookingsPage {
    /// The frame.
    pub layout: Layout,
    /// Whether it is the first page.
    pub latest: bool,
    /// The bookings.
    pub bookings: Vec<PastBooking>,
    /// The page after this one, if there is one.
    pub older: Option<String>,
}

/// A booking that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastBooking {
    /// The booking's page.
    pub href: String,
    /// `Sat Nov 28, 10:00`.
    pub start: When,
    /// `15:00`, with its day if that is another one.
    pub end: When,
    /// `5 h`.
    pub length: String,
    /// The lab's title.
    pub lab: String,
    /// Whether all of it is deleted already.
    pub state: BookingState,
    /// How it ended: `given back after 2 h`.
    pub how: String,
}

impl MyBookingsPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let past = |day: u32, state, how: &str| PastBooking {
            href: format!("/bookings/b-{day}"),
            start: When::new(format!("2026-11-{day}T10:00-05:00"), format!("Fri Nov {day}, 10:00")),
            end: When::new(format!("2026-11-{day}T15:00-05:00"), "15:00"),
            length: "5 h".to_owned(),
            lab: "Deploy a machine learning service on Kubernetes".to_owned(),
            state,
            how: how.to_owned(),
        };
        let some = Self {
            layout: Layout::sample("Past bookings", Section::Me),
            latest: true,
            bookings: vec![
                past(20, BookingState::Releasing, "given back after 2 h 10 min"),
                past(13, BookingState::Ended, "used to its end"),
                past(12, BookingState::Failed, "could not be provided"),
                past(11, BookingState::Ended, "called off"),
            ],
            older: Some("/me/bookings?before=1795000000000000-000000000011".to_owned()),
        };
        let last = Self { latest: false, older: None, ..some.clone() };
        let none = Self { bookings: Vec::new(), older: None, ..some.clone() };
        vec![("my_bookings", some), ("my_bookings_last", last), ("my_bookings_none", none)]
    }
}
