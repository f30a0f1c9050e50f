//! `/staff/people/{id}`: one person of the course, as staff see them, and what staff set of them.

use askama::Template;

use super::layout::{BookingState, Field, Layout, Link, Problem, Section, When};
use super::roster::Choice;

/// One person of the course.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "person.html")]
pub struct PersonPage {
    /// The frame.
    pub layout: Layout,
    /// Its address.
    pub href: String,
    /// What they are in the course, in a sentence.
    pub answer: String,
    /// What becomes of their bookings if they dropped it, or nothing.
    pub lead: String,
    /// What is kept of them: each a name and what it is.
    pub facts: Vec<(&'static str, String)>,
    /// Whether the reader may change it.
    pub may_keep: bool,
    /// Whether the reader may grant exceptions.
    pub may_grant: bool,
    /// What they could be, if the reader may say so.
    pub roles: Vec<Choice>,
    /// Whether the reader may take out what is kept of them, and erase them.
    pub may_erase: bool,
    /// Where the reader may ask to see the pages as them.
    pub look: Option<Link>,
    /// What is wrong with what was sent.
    pub problems: Vec<Problem>,
    /// Where they stand, if they are a student.
    pub place: Option<PlaceForm>,
    /// Their accounts at the sites, one a line.
    pub accounts: String,
    /// How they drop the course or take it again.
    pub taking: Taking,
    /// Their exceptions, latest first.
    pub exceptions: Vec<PersonalRow>,
    /// The form that grants another.
    pub grant: GrantPart,
    /// Their latest bookings, latest start first.
    pub bookings: Vec<BookedRow>,
}

/// Section, team and shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceForm {
    /// The section.
    pub section: Field,
    /// The team.
    pub team: Field,
    /// The shares.
    pub shares: Field,
}

/// How someone drops the course or takes it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// They take it: how many hours after a drop their bookings end, as the form has it first.
    Takes {
        /// The hours.
        hours: i64,
    },
    /// They have dropped it.
    HasDropped,
}

impl Taking {
    /// Whether they have dropped it.
    pub fn has_dropped(&self) -> bool {
        matches!(self, Self::HasDropped)
    }
}

/// The form that grants an exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantPart {
    /// The rules to choose from.
    pub rules: Vec<Choice>,
    /// What is wrong with the choice.
    pub rule_problem: Option<String>,
    /// The rule's value.
    pub value: Field,
    /// All labs, and each lab.
    pub scopes: Vec<Choice>,
    /// Whether it is an accommodation.
    pub accommodation: bool,
    /// Up to when.
    pub until: Field,
    /// Why.
    pub reason: Field,
}

/// An exception of this person in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalRow {
    /// Its id.
    pub id: String,
    /// What is different.
    pub what: String,
    /// In which lab, or in all.
    pub scope: String,
    /// Whether it is an accommodation.
    pub accommodation: bool,
    /// Up to when; for good if there is no time.
    pub until: Option<When>,
    /// Whether that is over.
    pub over: bool,
    /// Why.
    pub why: String,
    /// Who granted it.
    pub by: String,
    /// When.
    pub at: When,
}

/// A booking of this person in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedRow {
    /// Its page, with its slot.
    pub link: Link,
    /// The lab's title.
    pub lab: String,
    /// Where it is on its way.
    pub state: BookingState,
}

impl PersonPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let takes = sample();
        let dropped = Self {
            answer: "J\u{f6}rg M\u{fc}ller has dropped the course.".to_owned(),
            lead: "Bookings end tomorrow 09:10.".to_owned(),
            taking: Taking::HasDropped,
            exceptions: Vec::new(),
            bookings: Vec::new(),
            ..takes.clone()
        };
        let mut refused = takes.clone();
        refused.problems = vec![
            Problem::with_field("shares", "\"many\" is not a whole number."),
            Problem::with_field("rule", "Choose a rule."),
        ];
        refused.grant.rule_problem = Some("Choose a rule.".to_owned());
        if let Some(place) = &mut refused.place {
            place.shares.problem = Some("\"many\" is not a whole number.".to_owned());
        }
        let staff = Self {
            answer: "Theo Assis is a teaching assistant of the course.".to_owned(),
            place: None,
            roles: Vec::new(),
            may_erase: false,
            may_keep: false,
            may_grant: false,
            look: None,
            ..takes.clone()
        };
        vec![
            ("person", takes),
            ("person_dropped", dropped),
            ("person_refused", refused),
            ("person_of_staff", staff),
        ]
    }
}

fn field(id: &'static str, label: &'static str, hint: &str, value: &str) -> Field {
    let kind = (id == "until").then_some("datetime-local");
    let (hint, value, required) = (hint.to_owned(), value.to_owned(), id == "reason");
    Field { id, kind, label, hint, value, problem: None, required }
}

fn sample() -> PersonPage {
    PersonPage {
        layout: Layout::sample_of_staff("J\u{f6}rg M\u{fc}ller", Section::Roster),
        href: "/staff/people/0123456789ab".to_owned(),
        answer: "J\u{f6}rg M\u{fc}ller takes the course.".to_owned(),
        lead: "They have no parity: set it below.".to_owned(),
        facts: vec![
            ("Net ID", "jmuller".to_owned()),
            ("Mail", "jmuller@example.edu".to_owned()),
            ("Role", "student".to_owned()),
            ("Parity", "none".to_owned()),
            ("Since", "Mon Nov 16, 00:00, by roster".to_owned()),
        ],
        may_keep: true,
        may_grant: true,
        roles: vec![
            Choice::new("student", "student", true),
            Choice::new("assistant", "teaching assistant", false),
            Choice::new("instructor", "instructor", false),
        ],
        may_erase: true,
        look: Some(Link::new("/staff/look?person=0123456789ab", "See the pages as they do")),
        problems: Vec::new(),
        place: Some(PlaceForm {
            section: field("section", "Section", "Empty if they are in none.", "lec-1"),
            team: field("team", "Team", "Empty if they are in none.", ""),
            shares: field("shares", "Shares", "From 0 to 1000000.", "1"),
        }),
        accounts: "jmuller@example.edu\n".to_owned(),
        taking: Taking::Takes { hours: 48 },
        exceptions: vec![PersonalRow {
            id: "0123456789ab".to_owned(),
            what: "At most 10 h at once".to_owned(),
            scope: "all labs".to_owned(),
            accommodation: true,
            until: Some(When::new("2026-12-20T23:59-05:00", "Sun Dec 20, 23:59")),
            over: false,
            why: "extended time, as agreed".to_owned(),
            by: "ta77".to_owned(),
            at: When::new("2026-11-22T10:12-05:00", "Sun Nov 22, 10:12"),
        }],
        grant: GrantPart {
            rules: vec![
                Choice::new("", "Choose a rule", true),
                Choice::new("parity", "Even or odd: even or odd", false),
            ],
            rule_problem: None,
            value: field("value", "Value", "As the rule asks for it.", ""),
            scopes: vec![
                Choice::new("all", "All labs", true),
                Choice::new("k8s", "Kubernetes cluster", false),
            ],
            accommodation: false,
            until: field("until", "Until (optional)", "New York time (EST).", ""),
            reason: field("reason", "Reason", "In a few words. Only staff see it.", ""),
        },
        bookings: vec![BookedRow {
            link: Link::new("/bookings/0123456789ab", "Sat Nov 28, 10:00 to 18:00"),
            lab: "Kubernetes cluster".to_owned(),
            state: BookingState::Booked,
        }],
    }
}
