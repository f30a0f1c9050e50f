//! What personal exceptions make of a lab's rules. All that follows - judging, availability, sentences - is given the lab
//! with the person's own terms, so no rule knows of exceptions.

use chrono::{DateTime, Utc};

use crate::domain::course::Lab;
use crate::domain::exception::{Exception, Grant};
use crate::domain::person::Parity;

/// The lab as it is for one person, and their parity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The lab with the person's own values in the place of its own.
    pub lab: Lab,
    /// Their parity, if they have one.
    pub parity: Option<Parity>,
}

/// Whether an exception holds for this lab at `now`.
fn in_force(exception: &Exception, lab: &Lab, now: DateTime<Utc>) -> bool {
    exception.lab.as_ref().is_none_or(|id| *id == lab.id) && exception.until.is_none_or(|until| now < until)
}

/// The terms of someone whose net ID gives `parity`: of two exceptions about the same rule the later one holds.
pub fn terms(lab: &Lab, parity: Option<Parity>, exceptions: &[Exception], now: DateTime<Utc>) -> Terms {
    let mut held: Vec<&Exception> = exceptions.iter().filter(|it| in_force(it, lab, now)).collect();
    held.sort_by_key(|exception| (exception.granted_at, exception.id.clone()));
    let mut terms = Terms { lab: lab.clone(), parity };
    for exception in held {
        apply(&mut terms, exception);
    }
    terms
}

/// Someone's own due date. One from before staff put the lab off is no reason to have less time than the others.
fn own_due(lab: &Lab, own: DateTime<Utc>, granted_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let outrun = lab.deferred.as_ref().is_some_and(|deferred| granted_at < deferred.at);
    if outrun { lab.due.map(|due| due.max(own)) } else { Some(own) }
}

fn apply(terms: &mut Terms, exception: &Exception) {
    let policy = &mut terms.lab.policy;
    match &exception.grant {
        Grant::Parity(parity) => terms.parity = Some(*parity),
        Grant::AnyDay => policy.parity = None,
        Grant::Open(at) => terms.lab.open = *at,
        Grant::Due(at) => terms.lab.due = own_due(&terms.lab, *at, exception.granted_at),
        Grant::CapMinutes(minutes) => policy.cap_minutes = *minutes,
        Grant::BudgetMinutes(minutes) => policy.budget_minutes = Some(*minutes),
        Grant::BudgetBookings(bookings) => policy.budget_bookings = Some(*bookings),
        Grant::BudgetSu(su) => policy.budget_su = Some(*su),
        Grant::BookingsAhead(bookings) => policy.bookings_ahead = *bookings,
        Grant::HorizonDays(days) => policy.horizon_days = Some(*days),
        Grant::AnyPart => terms.lab.other_parts.clear(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ExceptionId, PersonId};
    use crate::policy::sentences::tests::{Fixture, local};

    fn exception(number: u64, lab: Option<&str>, until: Option<&str>, grant: Grant) -> Exception {
        Exception {
            id: ExceptionId::from_bits(number),
            person: PersonId::from_bits(1),
            lab: lab.map(|id| id.parse().unwrap()),
            grant,
            until: until.map(local),
            reason: "was ill".into(),
            accommodation: false,
            granted_by: "ta123".into(),
            granted_at: local("2025-02-01T00:00"),
        }
    }

    #[test]
    fn each_grant_takes_the_place_of_the_labs_own_value() {
        let lab = Fixture::origin("ff524").lab;
        let later = local("2025-02-20T23:59");
        let all = [
            exception(1, None, None, Grant::Parity(Parity::Odd)),
            exception(2, Some("k8s"), None, Grant::Due(later)),
            exception(3, Some("k8s"), None, Grant::CapMinutes(600)),
            exception(4, Some("other"), None, Grant::BookingsAhead(9)),
        ];
        let terms = terms(&lab, Some(Parity::Even), &all, local("2025-02-08T00:00"));
        assert_eq!((terms.parity, terms.lab.due), (Some(Parity::Odd), Some(later)));
        assert_eq!((terms.lab.policy.cap_minutes, terms.lab.policy.bookings_ahead), (600, 2));
    }

    #[test]
    fn it_holds_up_to_its_time_and_the_later_one_wins_in_any_order() {
        let lab = Fixture::origin("ff524").lab;
        let mut all = [
            exception(1, None, None, Grant::CapMinutes(600)),
            exception(2, None, Some("2025-02-08T12:00"), Grant::CapMinutes(700)),
        ];
        let cap = |all: &[Exception], now: &str| terms(&lab, None, all, local(now)).lab.policy.cap_minutes;
        assert_eq!((cap(&all, "2025-02-08T11:59"), cap(&all, "2025-02-08T12:00")), (700, 600));
        all.reverse();
        assert_eq!(cap(&all, "2025-02-08T11:59"), 700);
    }
}
