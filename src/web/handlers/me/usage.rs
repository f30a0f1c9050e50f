//! What the person has used of each lab, and of what.

use std::fmt::Display;

use chrono::TimeDelta;

use crate::domain::calendar;
use crate::services::labs::LabCard;
use crate::web::pages::layout::Link;
use crate::web::pages::me::{Usage, UsageRow};

/// A line a lab, and what they come to where the course has a budget of its own.
pub(super) fn usage(cards: &[LabCard]) -> Usage {
    let in_all = cards.iter().find_map(|card| {
        let budget = card.setting.lab.course_budget_su?;
        Some(format!("In all labs together you have used or booked {} of {budget}.", card.used_su_in_all))
    });
    Usage { rows: cards.iter().map(row).collect(), in_all }
}

fn row(card: &LabCard) -> UsageRow {
    let (lab, policy) = (&card.setting.lab, &card.setting.lab.policy);
    UsageRow {
        lab: Link::new(format!("/labs/{}", lab.id), lab.title.clone()),
        hours: of(
            hours(card.used),
            policy.budget_minutes.map(|minutes| hours(TimeDelta::minutes(minutes.into()))),
        ),
        bookings: of(card.used_bookings, policy.budget_bookings),
        su: of(card.used_su, policy.budget_su),
        ahead: of(card.bookings.len(), Some(policy.bookings_ahead)),
    }
}

fn hours(length: TimeDelta) -> String {
    if length.is_zero() { "0 h".to_owned() } else { calendar::in_words(length) }
}

/// `4 h of 10 h`, or `4 h` where nothing bounds it.
fn of(used: impl Display, budget: Option<impl Display>) -> String {
    budget.map_or_else(|| used.to_string(), |budget| format!("{used} of {budget}"))
}
