//! People and what the rules need to know of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{NetId, PersonId};
use super::notice::{Topic, Way};

/// Whether a net ID counts as even or odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// The last digit is 0, 2, 4, 6 or 8.
    Even,
    /// The last digit is 1, 3, 5, 7 or 9.
    Odd,
}

impl Parity {
    /// The parity that the net ID itself gives: by its last character, if that is a digit.
    pub fn of(net_id: &NetId) -> Option<Self> {
        net_id.final_digit().map(|digit| if digit % 2 == 0 { Self::Even } else { Self::Odd })
    }

    /// "even" or "odd".
    pub fn word(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Odd => "odd",
        }
    }
}

/// What someone is in a course. What each may do is in one table, `auth::permissions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Books for themselves, and sees what their team has booked.
    Student,
    /// Runs the course from day to day: a teaching assistant.
    Assistant,
    /// Answers for the course: says who is in it, and what each is.
    Instructor,
    /// A program of its own, which signs in with a token and does what the token is for.
    Service,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Student, Self::Assistant, Self::Instructor, Self::Service];

    /// The role as stored and as programs read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Assistant => "assistant",
            Self::Instructor => "instructor",
            Self::Service => "service",
        }
    }

    /// The role as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Assistant => "teaching assistant",
            Self::Instructor => "instructor",
            Self::Service => "service",
        }
    }

    /// The role in a sentence: `an instructor`.
    pub fn with_article(self) -> String {
        let article = if self == Self::Instructor { "an" } else { "a" };
        format!("{article} {}", self.title())
    }

    /// Reads what [`Role::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether it runs the course.
    pub fn is_staff(self) -> bool {
        matches!(self, Self::Assistant | Self::Instructor)
    }
}

/// Which mails someone wants, of those about which they may choose, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// How many minutes before its end they hear that a booking ends, each once; none if they don't want to hear it.
    pub ending_soon_minutes: Vec<i32>,
    /// How they hear of what they chose something about.
    #[serde(default)]
    pub ways: BTreeMap<Topic, Way>,
}

impl Default for Choices {
    fn default() -> Self {
        Self { ending_soon_minutes: vec![15, 60], ways: BTreeMap::new() }
    }
}

impl Choices {
    /// How they hear of a topic: as they chose, if the topic leaves that to them.
    pub fn way(&self, topic: Topic) -> Way {
        let chosen = self.ways.get(&topic).copied().filter(|way| topic.ways().contains(way));
        chosen.unwrap_or(Way::AtOnce)
    }

    /// The same with another way for a topic. One that the topic does not have changes nothing.
    #[must_use]
    pub fn with(mut self, topic: Topic, way: Way) -> Self {
        if topic.ways().contains(&way) {
            self.ways.insert(topic, way);
        }
        self
    }
}

/// Someone who takes or runs the course, or does so no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Stays the same whatever the net ID becomes.
    pub id: PersonId,
    /// The university id.
    pub net_id: NetId,
    /// What to call them.
    pub name: String,
    /// Where their mail goes.
    pub mail: String,
    /// Whether they run the installation, whatever they are in its courses.
    pub admin: bool,
    /// What they are in the course; nothing for whoever is not in it.
    pub role: Option<Role>,
    /// Their team in the course, if they have one.
    pub team: Option<Team>,
    /// Whether they are in the course at present: who has dropped it books nothing any more.
    pub enrolled: bool,
    /// When what they have booked ends, if they have dropped the course: from then on they have nothing here.
    pub bookings_end_at: Option<DateTime<Utc>>,
    /// The SSH public key that their servers get, in OpenSSH's one-line form.
    pub ssh_public_key: Option<String>,
    /// Which mails they want.
    pub choices: Choices,
}

/// A team: of a section, or of the course if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its section.
    pub section: Option<String>,
    /// Its name there.
    pub name: String,
}

impl Person {
    /// Someone new: they take the course, have no key yet and want the usual mails.
    pub fn new(id: PersonId, net_id: NetId, name: String, mail: String, role: Role) -> Self {
        Self {
            id,
            net_id,
            name,
            mail,
            admin: false,
            role: Some(role),
            team: None,
            enrolled: true,
            bookings_end_at: None,
            ssh_public_key: None,
            choices: Choices::default(),
        }
    }

    /// Their parity, if their net ID gives one.
    pub fn parity(&self) -> Option<Parity> {
        Parity::of(&self.net_id)
    }

    /// Whether they run the course at present.
    pub fn is_staff(&self) -> bool {
        self.enrolled && self.role.is_some_and(Role::is_staff)
    }

    /// Whether they have anything to do here: they are in the course, or what they have booked in it goes on.
    pub fn belongs(&self, now: DateTime<Utc>) -> bool {
        let leaving = || self.bookings_end_at.is_none_or(|end| now < end);
        self.admin || self.role.is_some() && (self.enrolled || leaving())
    }
}
