//! `/staff/roster`: who is in the course, bringing a roster, and what becomes of one.

use askama::Template;

use super::layout::{Field, Layout, Link, Problem, Section, When};

/// Who is in the course.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "roster.html")]
pub struct RosterPage {
    /// The frame.
    pub layout: Layout,
    /// How many take the course, in a sentence.
    pub answer: String,
    /// What else there is to know, in sentences.
    pub lead: String,
    /// Whether the reader may bring a roster.
    pub may_bring: bool,
    /// What is looked for.
    pub text: String,
    /// The kinds of people to choose from.
    pub kinds: Vec<Choice>,
    /// The sections to choose from, the first being all.
    pub sections: Vec<Choice>,
    /// How many there are of what is looked for, in words.
    pub found: String,
    /// Some of them, by their net IDs.
    pub rows: Vec<PersonRow>,
    /// The pages before and after this one.
    pub pages: Vec<Link>,
    /// Rosters that were brought, the latest first.
    pub imports: Vec<ImportRow>,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub key: String,
    /// What it is called.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl Choice {
    /// A choice with its words.
    pub fn new(key: &str, text: impl Into<String>, chosen: bool) -> Self {
        Self { key: key.to_owned(), text: text.into(), chosen }
    }
}

/// Someone in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// Their page.
    pub href: String,
    /// What to call them.
    pub name: String,
    /// Their net ID.
    pub net_id: String,
    /// What they are: `student`.
    pub role: String,
    /// Section and team: `lec-1, red`; nothing if they are in none.
    pub place: String,
    /// Their shares.
    pub shares: String,
    /// `even`, `odd` or nothing.
    pub parity: Option<&'static str>,
    /// When they dropped the course, if they did.
    pub dropped: Option<When>,
}

/// A roster that was brought, in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// Its page.
    pub href: String,
    /// The file's name.
    pub file: String,
    /// Who brought it.
    pub by: String,
    /// When.
    pub at: When,
    /// How far it is, in words.
    pub state: String,
}

/// The form that brings a roster.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "roster_bring.html")]
pub struct BringPage {
    /// The frame.
    pub layout: Layout,
    /// What is wrong with the file or the form; none at first.
    pub problems: Vec<Problem>,
    /// How many more there are than are told.
    pub more: usize,
    /// The formats to choose from, the first being that the header tells.
    pub formats: Vec<Choice>,
    /// What was pasted.
    pub pasted: String,
    /// The course's mail domain.
    pub domain: Field,
    /// Whether who is not in the file is dropped.
    pub drop: bool,
    /// The sections of which the file is.
    pub sections: Field,
    /// How many hours after a drop its bookings end.
    pub hours: Field,
}

/// A roster that was brought: what it changes, how far it is, or what it has changed.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "roster_import.html")]
pub struct ImportPage {
    /// The frame; set `refresh_seconds` while it is being applied.
    pub layout: Layout,
    /// Its address.
    pub href: String,
    /// What it would change, or how far it is, in a sentence.
    pub answer: String,
    /// Who brought what, and that nothing is applied yet.
    pub lead: String,
    /// Where it is on its way.
    pub step: Step,
    /// What to look at first, in sentences.
    pub warnings: Vec<String>,
    /// Who is added, changed, back, dropped: a list each.
    pub lists: Vec<List>,
    /// Lines that were left out, and names that were changed, in words.
    pub notes: Vec<Note>,
}

/// Where an import is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It can be confirmed.
    Shown {
        /// What the button says: `Add 12, change 3 and drop 2 students`.
        button: String,
        /// What happens to who drops, in a sentence, if someone does.
        drops: Option<String>,
        /// What has to be ticked first, if it looks like the wrong file.
        sure: Option<String>,
    },
    /// The course has changed since it was shown.
    Stale,
    /// It changes nothing.
    Nothing,
    /// It is being applied.
    AtWork {
        /// Of how many people it is done.
        done: i32,
        /// Of how many there are.
        total: i32,
    },
    /// It is applied.
    Done,
}

/// Some people of whom something changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its id on the page.
    pub key: &'static str,
    /// `2 students are dropped`.
    pub title: String,
    /// The people, by their net IDs.
    pub rows: Vec<Row>,
    /// Where all of them are, if these are not all.
    pub more: Option<Link>,
}

/// Someone of whom something changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Their net ID.
    pub net_id: String,
    /// What to call them.
    pub name: String,
    /// The line of the file, if they are in it.
    pub line: Option<u64>,
    /// What changes, or what will be: each a name, what it was, and what it will be.
    pub fields: Vec<Changed>,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// `section`.
    pub name: &'static str,
    /// What it was; nothing for who is new.
    pub before: Option<String>,
    /// What it will be.
    pub after: String,
}

/// Something to know of how the file was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub title: String,
    /// Each a line.
    pub lines: Vec<String>,
}

fn layout(title: &str) -> Layout {
    Layout::sample_of_staff(title, Section::Roster)
}

impl RosterPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            layout: layout("Roster"),
            answer: "412 students take the course.".to_owned(),
            lead: "9 have dropped it. 3 have no parity, since their net ID does not end in a digit: set it on their pages."
                .to_owned(),
            may_bring: true,
            text: String::new(),
            kinds: vec![
                Choice::new("enrolled", "Students (412)", true),
                Choice::new("dropped", "Have dropped (9)", false),
                Choice::new("staff", "Staff and services (7)", false),
            ],
            sections: vec![Choice::new("", "All sections", true), Choice::new("lec-1", "lec-1", false)],
            found: "1 to 50 of 412".to_owned(),
            rows: PersonRow::samples(),
            pages: vec![Link::new("/staff/roster?page=2", "After")],
            imports: vec![ImportRow {
                href: "/staff/roster/imports/0123456789ab".to_owned(),
                file: "2026-12-01T0910_Grades-CS-GY_9223.csv".to_owned(),
                by: "ta77".to_owned(),
                at: When::new("2026-12-01T09:10-05:00", "today 09:10"),
                state: "applied: 14 people".to_owned(),
            }],
        };
        let none = Self {
            answer: "Nobody takes the course yet.".to_owned(),
            lead: "Bring the roster as Canvas, Brightspace or Gradescope exports it.".to_owned(),
            text: "zzz".to_owned(),
            found: "nobody is found".to_owned(),
            rows: Vec::new(),
            pages: Vec::new(),
            imports: Vec::new(),
            ..some.clone()
        };
        vec![("roster", some), ("roster_empty", none)]
    }
}

impl PersonRow {
    fn samples() -> Vec<Self> {
        let one = Self {
            href: "/staff/people/0123456789ab".to_owned(),
            name: "Zo\u{eb} \u{c5}ngstr\u{f6}m".to_owned(),
            net_id: "za202".to_owned(),
            role: "student".to_owned(),
            place: "CS-GY-9223-INET-Spring-2026-Lec-01, red".to_owned(),
            shares: "1".to_owned(),
            parity: Some("even"),
            dropped: None,
        };
        let other = Self {
            name: "J\u{f6}rg M\u{fc}ller".to_owned(),
            net_id: "jmuller".to_owned(),
            place: String::new(),
            parity: None,
            dropped: Some(When::new("2026-11-30T10:00-05:00", "yesterday 10:00")),
            ..one.clone()
        };
        vec![one, other]
    }
}

fn field(id: &'static str, label: &'static str, hint: &str) -> Field {
    let (hint, value) = (hint.to_owned(), String::new());
    Field { id, kind: None, label, hint, value, problem: None, required: false }
}

impl BringPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let fresh = Self {
            layout: layout("Bring a roster"),
            problems: Vec::new(),
            more: 0,
            formats: vec![
                Choice::new("", "Told by its header", true),
                Choice::new("canvas", "Canvas", false),
                Choice::new("plain", "Fairlease", false),
            ],
            pasted: String::new(),
            domain: field(
                "mail_domain",
                "Mail domain",
                "What addresses have after the \"@\", such as example.edu.",
            ),
            drop: true,
            sections: field("only_sections", "Only these sections", "If the file is of some sections only."),
            hours: field("hours", "Bookings of who drops end after", "Hours, from 0 to 336."),
        };
        let line = |text: &str| Problem { code: None, text: text.to_owned(), field: None };
        let refused = Self {
            problems: vec![
                line(
                    "line 3: net_id: \"5za\" is not a net ID: 2 to 16 letters or digits with a letter first, such as ff524",
                ),
                line(
                    "line 7: qa101 is in line 2, too, with another mail; one line is wanted for each student",
                ),
            ],
            more: 12,
            pasted: "net_id,name,mail\n5za,Zo\u{eb},z@example.edu\n".to_owned(),
            ..fresh.clone()
        };
        vec![("roster_bring", fresh), ("roster_bring_refused", refused)]
    }
}

impl ImportPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let shown = Self {
            layout: layout("Roster from Canvas"),
            href: "/staff/roster/imports/0123456789ab".to_owned(),
            answer: "It adds 1 student, changes 1 and drops 1.".to_owned(),
            lead: "ta77 brought grades.csv (Canvas) today 09:10. Nothing is applied yet.".to_owned(),
            step: Step::Shown {
                button: "Add 1, change 1 and drop 1 student".to_owned(),
                drops: Some("Who drops books nothing from then on. What they have booked ends 48 h later; they get a mail now.".to_owned()),
                sure: Some("Yes, drop 7 of 30 students".to_owned()),
            },
            warnings: vec!["It drops 7 of 30 students: it looks like the wrong file.".to_owned()],
            lists: List::samples(),
            notes: vec![Note {
                title: "Sections and teams that are called otherwise here".to_owned(),
                lines: vec!["CS-GY 9223 INET - Spring 2026, Lec 01: CS-GY-9223-INET-Spring-2026-Lec-01".to_owned()],
            }],
        };
        let bare = Self { warnings: Vec::new(), notes: Vec::new(), ..shown.clone() };
        let stale = Self { step: Step::Stale, ..bare.clone() };
        let nothing = Self {
            answer: "It changes nothing.".to_owned(),
            step: Step::Nothing,
            lists: Vec::new(),
            ..bare.clone()
        };
        let mut at_work = Self {
            answer: "400 of 5000 people are done.".to_owned(),
            step: Step::AtWork { done: 400, total: 5000 },
            lists: Vec::new(),
            ..bare.clone()
        };
        at_work.layout.refresh_seconds = Some(2);
        let done = Self { answer: "It is applied: 3 people.".to_owned(), step: Step::Done, ..bare };
        vec![
            ("roster_import", shown),
            ("roster_import_stale", stale),
            ("roster_import_nothing", nothing),
            ("roster_import_at_work", at_work),
            ("roster_import_done", done),
        ]
    }
}

impl List {
    fn samples() -> Vec<Self> {
        let row = |net_id: &str, name: &str, line, fields| Row {
            net_id: net_id.to_owned(),
            name: name.to_owned(),
            line,
            fields,
        };
        let changed = |before: Option<&str>, after: &str| Changed {
            name: "section",
            before: before.map(str::to_owned),
            after: after.to_owned(),
        };
        let list = |key, title: &str, rows, more| Self { key, title: title.to_owned(), rows, more };
        vec![
            list(
                "added",
                "1 student is added",
                vec![row("za202", "Zo\u{eb} \u{c5}ngstr\u{f6}m", Some(4), vec![changed(None, "lec-1")])],
                Some(Link::new("/staff/roster/imports/0123456789ab?all=yes", "Show all 412")),
            ),
            list(
                "changed",
                "1 student is changed",
                vec![row(
                    "qa101",
                    "Quentin Abernathy",
                    Some(5),
                    vec![changed(Some("lec-1"), "lec-2"), changed(Some("red"), "")],
                )],
                None,
            ),
            list(
                "dropped",
                "1 student is dropped",
                vec![row("mk606", "Martin King, Jr.", None, Vec::new())],
                None,
            ),
        ]
    }
}
