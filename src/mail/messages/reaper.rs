//! Mails about objects that the reaper has marked.

use chrono::{DateTime, Utc};

use super::Message;
use super::staff::Surroundings;
use crate::domain::calendar;
use crate::domain::ids::NetId;
use crate::domain::marked::{NextStep, Target};
use crate::domain::person::Person;

/// An object that the reaper acts on.
#[derive(Debug, Clone)]
pub struct MarkedObject {
    pub target: Target,
    pub site: String,
    pub owner: Option<NetId>,
    pub reason: String,
    pub next: Option<(NextStep, DateTime<Utc>)>,
    pub restore_url: Option<String>,
}

/// What is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    Warned,
    Stopped,
    Deleted,
}

impl Told {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Warned => "warned",
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
        }
    }
}

pub fn to_owner(
    it: Surroundings<'_>,
    contact: &str,
    _person: &Person,
    told: Told,
    objects: &[MarkedObject],
) -> Result<Message, askama::Error> {
    let mut body = String::new();
    for object in objects {
        let next = object
            .next
            .map(|(next, at)| format!("; {} at {}", next.done(), calendar::date_and_time(it.zone, at)));
        body += &format!("{}: {}{}\n", object.target, object.reason, next.unwrap_or_default());
    }
    body += contact;
    Ok(Message { subject: format!("Your things: {}", told.word()), body, calendar: None })
}

pub fn to_staff(
    it: Surroundings<'_>,
    told: Told,
    objects: &[MarkedObject],
) -> Result<Message, askama::Error> {
    let mut body = String::new();
    for object in objects {
        let next = object
            .next
            .map(|(next, at)| format!("; {} at {}", next.done(), calendar::date_and_time(it.zone, at)));
        body += &format!("{}: {}{}\n", object.target, object.reason, next.unwrap_or_default());
    }
    Ok(Message { subject: format!("Things: {}", told.word()), body, calendar: None })
}
