//! Personal exceptions: what staff grant to one person, for which lab, until when and why.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{ExceptionId, LabId, PersonId};
use super::person::Parity;
use super::su::Su;

/// One exception. A later one about the same rule takes the place of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Its id.
    pub id: ExceptionId,
    /// Whose it is.
    pub person: PersonId,
    /// The lab that it is for; every lab if there is none.
    pub lab: Option<LabId>,
    /// What is different for them.
    pub grant: Grant,
    /// Up to when they may book by it; for good if there is no time. What they booked by it stays.
    pub until: Option<DateTime<Utc>>,
    /// Why, in a few words. For staff only.
    pub reason: String,
    /// Whether it makes up for something that is nobody else's business, such as an illness. For staff only.
    pub accommodation: bool,
    /// Who granted it: a net ID, or `fairlease` for the command line.
    pub granted_by: String,
    /// When.
    pub granted_at: DateTime<Utc>,
}

/// What is different for one person: their own value of a rule, in the place of the lab's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", content = "value", rename_all = "snake_case")]
pub enum Grant {
    /// They count as even or odd, whatever their net ID says.
    Parity(Parity),
    /// They may start on any day.
    AnyDay,
    /// For them the lab opens then.
    Open(DateTime<Utc>),
    /// For them the lab is due then.
    Due(DateTime<Utc>),
    /// Their cap, in minutes.
    CapMinutes(i32),
    /// Their budget of hours that count, in minutes.
    BudgetMinutes(i32),
    /// Their budget of bookings.
    BudgetBookings(i32),
    /// Their budget of service units in this lab.
    BudgetSu(Su),
    /// How many bookings they may have ahead or running.
    BookingsAhead(i32),
    /// How many days ahead they may book.
    HorizonDays(i32),
    /// They may work on several parts of a series at a time.
    AnyPart,
}

impl Grant {
    /// The name of the rule, as in `course.toml` where it has a key.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Parity(_) => "parity",
            Self::AnyDay => "any_day",
            Self::Open(_) => "open",
            Self::Due(_) => "due",
            Self::CapMinutes(_) => "cap_minutes",
            Self::BudgetMinutes(_) => "budget_minutes",
            Self::BudgetBookings(_) => "budget_bookings",
            Self::BudgetSu(_) => "budget_su",
            Self::BookingsAhead(_) => "bookings_ahead",
            Self::HorizonDays(_) => "horizon_days",
            Self::AnyPart => "any_part",
        }
    }
}

/// Without times, whose zone only a course knows: `cap_minutes 600`.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())?;
        match self {
            Self::Parity(parity) => write!(f, " {}", parity.word()),
            Self::AnyDay | Self::AnyPart => Ok(()),
            Self::Open(at) | Self::Due(at) => write!(f, " {}", at.to_rfc3339()),
            Self::BudgetSu(su) => write!(f, " {su}"),
            Self::CapMinutes(number)
            | Self::BudgetMinutes(number)
            | Self::BudgetBookings(number)
            | Self::BookingsAhead(number)
            | Self::HorizonDays(number) => write!(f, " {number}"),
        }
    }
}
