//! A booking as its student reads of it, and as their team and staff do.

use crate::auth::permissions::Permission;
use crate::services::booking::BookingView;
use crate::web::context::SignedIn;

/// Whose a booking is: the reader's own, or that of someone with this net ID.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose<'a>(Option<&'a str>);

impl<'a> Whose<'a> {
    pub(super) fn of(view: &'a BookingView) -> Self {
        Self(view.of_other.as_ref().map(|owner| owner.net_id.as_str()))
    }

    pub(super) fn own(self) -> bool {
        self.0.is_none()
    }

    /// What is said of one's own, or of somebody else's.
    pub(super) fn either(self, own: &str, others: &str) -> String {
        if self.own() { own } else { others }.to_owned()
    }

    /// `You`, or their net ID: who did it.
    pub(super) fn doer(self) -> &'a str {
        self.0.unwrap_or("You")
    }

    /// `you`, or their net ID: to whom it is done.
    pub(super) fn whom(self) -> &'a str {
        self.0.unwrap_or("you")
    }

    /// `Your`, or `The`.
    pub(super) fn your(self) -> &'static str {
        if self.own() { "Your" } else { "The" }
    }
}

/// Whose it is, and why the reader sees it, if it is not theirs.
pub(super) fn sentence(who: &SignedIn, view: &BookingView) -> Option<String> {
    let owner = &view.of_other.as_ref()?.net_id;
    let because = if who.caller.sees_all(Permission::SeeBooking) {
        "you run the course"
    } else {
        "you are in their team"
    };
    Some(format!("{owner}'s booking. You see it because {because}; only they can change it."))
}
