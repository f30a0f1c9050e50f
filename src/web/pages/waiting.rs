//! `/labs/{lab}/wait`: waiting for a place, and what of it other pages show: an offer, a place in line.

mod samples;

use askama::Template;
use askama::filters::HtmlSafe;

use super::lab::LengthOption;
use super::layout::{LabState, Layout, Link, NearestStart, Problem, Section, When};

/// Waiting for a place in a lab: the form, the chances, and the place in line of who waits.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "wait.html")]
pub struct WaitPage {
    /// The frame.
    pub layout: Layout,
    /// The lab.
    pub lab: Link,
    /// The sentence that the reader came for; the page's heading.
    pub answer: String,
    /// What to know beside it.
    pub lead: Option<String>,
    /// What is wrong with what was sent, or why it could not be done.
    pub problems: Vec<Problem>,
    /// The offer that is open.
    pub offer: Option<Offer>,
    /// What the reader waits for already.
    pub mine: Option<Waiting>,
    /// What a wait would come to, if that was asked.
    pub chances: Option<Chances>,
    /// The form, for who does not wait yet.
    pub form: Option<WaitForm>,
}

/// A place that is held for the reader until they answer.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/offer.html")]
pub struct Offer {
    /// The booking's id.
    pub id: String,
    /// The session's token against forged requests.
    pub csrf: String,
    /// Until when: `14:20`.
    pub until: When,
    /// How long that is: `38 min left`.
    pub left: String,
    /// The lab.
    pub lab: Link,
    /// When it starts.
    pub start: When,
    /// When it ends.
    pub end: When,
    /// `4 h`.
    pub length: String,
}

impl HtmlSafe for Offer {}

/// The two answers to an offer.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/answers.html")]
pub struct Answers {
    /// The booking's id.
    pub id: String,
    /// The session's token against forged requests.
    pub csrf: String,
    /// What is offered, for who hears the buttons: `Sat Feb 8, 10:00`.
    pub what: String,
}

impl HtmlSafe for Answers {}

impl Offer {
    fn answers(&self) -> Answers {
        Answers { id: self.id.clone(), csrf: self.csrf.clone(), what: self.start.text.clone() }
    }
}

/// What the reader waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The wait's id.
    pub id: String,
    /// What was asked for and how it stands, by name.
    pub facts: Vec<Fact>,
    /// What could be booked now in its place.
    pub free_now: Vec<NearestStart>,
}

/// A fact with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// `Odds`.
    pub name: &'static str,
    /// `about 7 in 10`.
    pub value: String,
}

impl Fact {
    /// A fact with its name.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }
}

/// What a wait would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chances {
    /// Place, range and odds, by name.
    pub facts: Vec<Fact>,
    /// What the odds go by.
    pub basis: Option<String>,
    /// Why nothing that was asked for could ever be theirs.
    pub against: Vec<Problem>,
    /// What could be booked now.
    pub free_now: Vec<NearestStart>,
    /// What the form that joins the line sends; nothing if it would be in vain.
    pub join: Option<Join>,
}

/// The form that joins the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Names and values.
    pub fields: Vec<(String, String)>,
    /// What must be done before.
    pub blocked: Option<Link>,
}

/// What to wait for.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/wait_form.html")]
pub struct WaitForm {
    /// Where it leads.
    pub action: String,
    /// The lengths that there are.
    pub lengths: Vec<LengthOption>,
    /// `Tick none for any time before Thu Dec 3, 23:59.`
    pub any_text: String,
    /// The days that the reader may have.
    pub days: Vec<DayLine>,
    /// Whether a place is booked at once.
    pub auto_accept: bool,
    /// How long an offer stands: `1 h`.
    pub offer_stands: String,
    /// Whether the chances are shown already.
    pub again: bool,
}

impl HtmlSafe for WaitForm {}

/// A day and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayLine {
    /// `2026-11-28`.
    pub iso: String,
    /// `Sat Nov 28`.
    pub title: String,
    /// Night, morning, afternoon, evening.
    pub parts: Vec<PartBox>,
}

/// A part of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartBox {
    /// What the form sends: `2026-11-28.morning`.
    pub value: String,
    /// `morning`.
    pub name: &'static str,
    /// `06–12`.
    pub hours: String,
    /// Whether it is chosen.
    pub chosen: bool,
    /// Whether the rules make it possible.
    pub possible: bool,
}

/// How the reader's wait for a lab stands, in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitLine {
    /// Its page.
    pub href: String,
    /// For what, and where in line: `You wait for 4 h, any time: 3rd in line.`
    pub text: String,
    /// When it may come, and the odds.
    pub chances: Option<String>,
}

/// Every lab's line, for staff.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "staff_waitlist.html")]
pub struct WaitlistPage {
    /// The frame.
    pub layout: Layout,
    /// The sentence that the reader came for; the page's heading.
    pub answer: String,
    /// How the order comes.
    pub lead: String,
    /// The labs that one can wait for.
    pub lines: Vec<LabLine>,
}

/// Who waits for a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabLine {
    /// The lab's id.
    pub id: String,
    /// The lab as staff see it.
    pub lab: Link,
    /// Where it is on its way.
    pub state: LabState,
    /// The same in words.
    pub state_text: String,
    /// The first in line first.
    pub waiters: Vec<WaiterRow>,
}

/// Someone who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiterRow {
    /// Their place in line.
    pub place: String,
    /// Their net ID.
    pub who: String,
    /// For what.
    pub asked: String,
    /// Since when.
    pub since: When,
    /// The priority.
    pub priority: String,
    /// What it is made of: fair share, age, nearness of the due date.
    pub factors: [String; 3],
    /// The offer that they have: `offered until 14:20`.
    pub offer: Option<String>,
}

/// `1st`, `2nd`, `3rd`, `11th`.
#[must_use]
pub fn ordinal(number: usize) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn places_are_counted_as_people_do() {
        let spoken = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111].map(ordinal);
        let expected = ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th"];
        assert_eq!(spoken, expected);
    }
}
