//! People and what the rules need to know of them.

use serde::{Deserialize, Serialize};

use super::ids::{NetId, PersonId};

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

/// What someone may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Books for themselves.
    Student,
    /// Runs the course.
    Staff,
}

impl Role {
    /// The role as stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Staff => "staff",
        }
    }

    /// Reads what [`Role::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Student, Self::Staff].into_iter().find(|role| role.word() == word)
    }
}

/// Which mails someone wants, of those that may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// How many minutes before its end they hear that a booking ends, each once; none if they don't want to hear it.
    pub ending_soon_minutes: Vec<i32>,
    /// Whether they hear that their servers can be used.
    pub ready: bool,
    /// Whether they hear that a booking which they used is over.
    pub ended: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self { ending_soon_minutes: vec![15, 60], ready: true, ended: true }
    }
}

/// Someone who takes or runs the course.
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
    /// What they may do.
    pub role: Role,
    /// Whether they take the course at present: who has dropped it books nothing any more.
    pub enrolled: bool,
    /// The SSH public key that their servers get, in OpenSSH's one-line form.
    pub ssh_public_key: Option<String>,
    /// Which mails they want.
    pub choices: Choices,
}

impl Person {
    /// Their parity, if their net ID gives one.
    pub fn parity(&self) -> Option<Parity> {
        Parity::of(&self.net_id)
    }
}
