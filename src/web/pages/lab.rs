//! `/labs/{id}`: a lab, its week of starts, and the panel that books one.

use askama::Template;
use askama::filters::HtmlSafe;

use super::announcements::Announced;
use super::layout::{BookingLine, LabState, Layout, Link, NearestStart, Problem, Section, When};

mod find;
mod list;
mod samples;

pub use find::{DayBox, Find, Found, LengthOption};
pub use list::{List, ListDay, Run};

/// A lab: what holds for the reader, what one gets, and when.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "lab.html")]
pub struct LabPage {
    /// The frame.
    pub layout: Layout,
    /// The lab's id.
    pub id: String,
    /// The lab's title.
    pub title: String,
    /// What staff see of it, for staff only.
    pub staff: Option<Link>,
    /// Where it is on its way.
    pub state: LabState,
    /// The same in words: `due in 9 days`.
    pub state_text: String,
    /// What holds for the reader, in one sentence; it opens the page.
    pub rule: String,
    /// What to know beside it: next week's days, hours used and left.
    pub rule_more: Option<String>,
    /// What the lab is about, one paragraph each.
    pub about: Vec<String>,
    /// `Expect about 5 h of work.`
    pub expected: Option<String>,
    /// Instructions and the like.
    pub links: Vec<Link>,
    /// What else to read.
    pub reading: Vec<Link>,
    /// What one gets, a line each: `3 servers, m1.medium`.
    pub gets: Vec<String>,
    /// The reader's bookings for this lab.
    pub bookings: Vec<BookingLine>,
    /// Whether the reader must add an SSH key before booking.
    pub needs_key: bool,
    /// The reader's other rules, a sentence each.
    pub rules: Vec<String>,
    /// What was announced about it lately.
    pub announced: Announced,
    /// What does not go well at the lab's site, and what that means.
    pub site: Option<String>,
    /// The booking that is being moved, if the page is about that.
    pub moving: Option<Moving>,
    /// What was refused just now.
    pub refused: Option<Refused>,
    /// The ways to look at the times, unless the lab cannot be booked: the one that is shown is current.
    pub views: Vec<ViewLink>,
    /// The week as a grid, if it is shown.
    pub week: Option<Week>,
    /// The week as a list, if it is shown.
    pub list: Option<List>,
    /// The search for a slot, if it is shown.
    pub find: Option<Find>,
    /// The chosen start.
    pub panel: Option<Panel>,
    /// Why there is no week: the lab is over.
    pub no_week: Option<NoWeek>,
}

/// A way to look at the times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewLink {
    /// Where it is, and what it is called: `Week`, `List`, `Find a slot`.
    pub link: Link,
    /// Whether it is shown.
    pub current: bool,
}

/// A booking that is to get another time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moving {
    /// What it is now: `Sat Nov 28, 10:00 to 15:00`.
    pub from: String,
    /// Its page.
    pub href: String,
}

/// A booking that was refused: each rule that it breaks, and what would pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `Tue Nov 24, 14:00 for 9 h was not booked`.
    pub title: String,
    /// The broken rules.
    pub problems: Vec<Problem>,
    /// Starts that would be accepted.
    pub nearest: Vec<NearestStart>,
    /// Where one waits for it, if it is full.
    pub wait: Option<String>,
}

/// Why a lab has no week to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoWeek {
    /// `This lab is over`.
    pub title: String,
    /// What that means and what to do.
    pub text: String,
}

/// What stands above a week, as a grid or as a list.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/week_bar.html")]
pub struct WeekBar {
    /// `Nov 23 to 29`.
    pub title: String,
    /// Whose week it is and in which zone, in a phrase: `Even net IDs: Sat, Mon, Wed. Times are New York time.`
    pub caption: String,
    /// The week before, unless it is over or there is none.
    pub previous: Option<String>,
    /// The week after, unless it lies past the due date.
    pub next: Option<String>,
    /// The week of the due date, if it is another one.
    pub due: Option<Link>,
    /// This week, if another one is shown.
    pub today: Option<Link>,
    /// Where one waits for a place, if something of the week is full.
    pub wait: Option<String>,
    /// Set when the reader can start at no time this week.
    pub nothing_free: Option<NothingFree>,
}

impl HtmlSafe for WeekBar {}

/// The starts of seven days.
///
/// It is drawn like a printed timetable: a row an hour, and in it for each day as many cells as the grid has starts in
/// an hour (two for a grid of 30 minutes).
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/week.html")]
pub struct Week {
    /// What stands above it.
    pub bar: WeekBar,
    /// The seven days.
    pub days: Vec<Day>,
    /// The day that a phone shows, from 1.
    pub shown_day: usize,
    /// Starts in an hour: 2 for a grid of 30 minutes.
    pub per_hour: u8,
    /// The hours that are folded away at first: 00 to 06.
    pub night: Vec<Hour>,
    /// `23 free`: what the folded hours hold for the reader.
    pub night_note: String,
    /// Whether the folded hours are open at first: the chosen start or a booking lies in them.
    pub night_open: bool,
    /// The other hours.
    pub hours: Vec<Hour>,
}

impl HtmlSafe for Week {}

/// Why starts can't be chosen, each reason once. Those of single cells are told below the week under a letter; a cell that
/// has the focus tells its own.
struct Reasons<'a> {
    all: Vec<&'a str>,
    marked: Vec<&'a str>,
}

impl Reasons<'_> {
    /// The letter under which a cell's reason is told: `a` for the first.
    fn mark(&self, cell: &Cell) -> Option<char> {
        let reason = cell.why.as_deref().filter(|_| cell.kind == CellKind::NotAllowed)?;
        ('a'..='z').zip(&self.marked).find_map(|(letter, known)| (*known == reason).then_some(letter))
    }

    /// The number of a cell's reason among all.
    fn number(&self, cell: &Cell) -> Option<usize> {
        self.all.iter().position(|known| Some(*known) == cell.why.as_deref())
    }
}

impl Week {
    fn reasons(&self) -> Reasons<'_> {
        let mut reasons = Reasons { all: Vec::new(), marked: Vec::new() };
        for cell in self.night.iter().chain(&self.hours).flat_map(|hour| &hour.cells) {
            let Some(why) = cell.why.as_deref() else { continue };
            if !reasons.all.contains(&why) {
                reasons.all.push(why);
            }
            if cell.kind == CellKind::NotAllowed && !reasons.marked.contains(&why) {
                reasons.marked.push(why);
            }
        }
        reasons
    }
}

/// No start is left for the reader this week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NothingFree {
    /// What holds, in a sentence: `Nothing is free for you this week.`
    pub title: String,
    /// Why: `All of Sat, Mon and Wed is taken or past.`
    pub text: String,
    /// The nearest starts after it.
    pub nearest: Vec<NearestStart>,
}

/// A day of the week: the head of its column, and its tab on a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// `Mon`.
    pub name: String,
    /// `Nov 23`.
    pub date: String,
    /// `2026-11-23`.
    pub iso: String,
    /// This page with this day shown on a phone.
    pub href: String,
    /// Whether it is today.
    pub today: bool,
    /// Whether the reader may start on it.
    pub kind: DayKind,
    /// The reason or the news, said once for the whole day: `odd IDs' day`, `14 free`, `all full`, `past`, `after due date`.
    pub note: String,
}

/// Whether the reader may start on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// Yes.
    Yours,
    /// No: a rule is against it.
    NotYours,
    /// It is over.
    Past,
}

impl DayKind {
    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Yours => "yours",
            Self::NotYours => "other",
            Self::Past => "gone",
        }
    }
}

/// A row: an hour of every day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hour {
    /// `14`; when clocks go back, the repeated hour is `01 EST`.
    pub label: String,
    /// The starts, day by day: seven times `per_hour`.
    pub cells: Vec<Cell>,
}

/// A start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// How it is.
    pub kind: CellKind,
    /// Why it can't be chosen, if it can't.
    pub why: Option<String>,
    /// Whether the due date falls on its end: an edge is drawn there.
    pub due_edge: bool,
    /// Whether it is now.
    pub now: bool,
}

/// How a start is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellKind {
    /// It can be chosen.
    Free(Free),
    /// No place is left.
    Full,
    /// A rule is against the whole day: its head says so.
    NotThatDay,
    /// A rule is against it.
    NotAllowed,
    /// It is over.
    Past,
    /// Within a booking of the reader.
    Mine(Mine),
    /// The clock skips it.
    Skipped,
}

/// A start that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Free {
    /// This page with this start chosen: `/labs/k8s?start=2026-11-24T14:00-05:00#book`. It names the whole path, since a
    /// refused form is answered under another one.
    pub href: String,
    /// What is seen: `:30`.
    pub text: String,
    /// What is heard: `Tue Nov 24, 14:30, 6 of 30 free`.
    pub spoken: String,
    /// How many are left, when few are.
    pub few: Option<String>,
    /// How much is left, from 1 (little) to 4 (all).
    pub tint: u8,
    /// Whether it is the chosen one.
    pub chosen: bool,
}

/// A start within a booking of the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mine {
    /// The booking's page.
    pub href: String,
    /// What is heard after `Yours:`: `Sat Nov 28, 10:00 to 15:00`.
    pub spoken: String,
    /// Whether it is the first cell of the booking: only that one is a link.
    pub first: bool,
}

impl Cell {
    /// A cell of a kind, without marks.
    pub fn of(kind: CellKind) -> Self {
        Self { kind, why: None, due_edge: false, now: false }
    }

    /// The names of the styles.
    pub fn class(&self) -> String {
        let mut class = match &self.kind {
            CellKind::Free(free) if free.chosen => "c".to_owned(),
            CellKind::Free(free) => format!("f{}", free.tint.clamp(1, 4)),
            CellKind::Full => "x".to_owned(),
            CellKind::NotThatDay | CellKind::NotAllowed => "n".to_owned(),
            CellKind::Past | CellKind::Skipped => "p".to_owned(),
            CellKind::Mine(_) => "m".to_owned(),
        };
        if self.due_edge {
            class.push_str(" due");
        }
        if self.now {
            class.push_str(" now");
        }
        class
    }
}

/// The chosen start: how long, what it costs, **Book**.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/panel.html")]
pub struct Panel {
    /// Where the form goes: `/labs/k8s/bookings`.
    pub action: String,
    /// What its button says: `Book`.
    pub button: String,
    /// The session's token against forged requests.
    pub csrf: String,
    /// Makes a second press of the button harmless.
    pub idempotency_key: String,
    /// The start: `Sat Nov 28, 14:00`; its `iso` is what the form sends.
    pub start: When,
    /// `6 of 30 free`; empty when the start was refused.
    pub free: String,
    /// The lengths that would be accepted; none when the start itself was refused.
    pub lengths: Vec<Length>,
    /// Why there is no longer one: `8 h at once is the most`.
    pub longest_because: String,
    /// When preparing begins: `Preparing begins at 13:50, so that it is ready at 14:00.`
    pub preparing: String,
    /// What remains to the reader afterwards, if there is a quota: `Leaves you 1 of 2 bookings.`
    pub leaves: Option<String>,
    /// This page without the choice.
    pub close_href: String,
    /// Where one waits for it, if it is full.
    pub wait: Option<String>,
    /// Why it cannot be booked at all now: `Add your SSH key first.` Takes the place of the button.
    pub blocked: Option<Link>,
}

impl HtmlSafe for Panel {}

/// A length to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Length {
    /// What the form sends.
    pub hours: String,
    /// `4 h`.
    pub text: String,
    /// `18:00`, with its day if that is another one.
    pub end: When,
    /// `12 server-hours`, `12 server-hours, 0.48 SU`.
    pub cost: String,
    /// What it would leave of the reader's budgets, and what else to know of it: a sentence each.
    pub notes: Vec<String>,
    /// Whether it is chosen at first.
    pub chosen: bool,
}
