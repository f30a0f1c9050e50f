//! Calendars that programs read at secret addresses.

/// What is read at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feed {
    /// Its person's own bookings.
    Own,
    /// What happens in the whole course, for staff.
    Course,
}

impl Feed {
    const ALL: [Self; 2] = [Self::Own, Self::Course];

    /// It in a word, as stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Course => "course",
        }
    }

    /// Reads what [`Feed::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.word() == word)
    }
}
