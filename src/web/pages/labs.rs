//! `/`: my labs.

use askama::Template;
use askama::filters::HtmlSafe;

use super::announcements::{Announced, AnnouncementLine};
use super::layout::{BookingLine, BookingState, LabState, Layout, Link, Section, When};
use super::waiting::{Offer, WaitLine};

/// The start page: what the reader can do now, then a card for each lab.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "labs.html")]
pub struct LabsPage {
    /// The frame.
    pub layout: Layout,
    /// The sentence that the reader came for; the page's heading.
    pub answer: String,
    /// What to know beside it.
    pub detail: Option<String>,
    /// What was announced lately.
    pub announced: Announced,
    /// Places that are held for the reader until they answer.
    pub offers: Vec<Offer>,
    /// Whether the reader must add an SSH key before booking.
    pub needs_key: bool,
    /// What of theirs the reaper is about to act on, in a sentence, if there is something.
    pub by_hand: Option<String>,
    /// The labs, the ones that need the reader first.
    pub labs: Vec<LabCard>,
    /// What the reader's team mates have booked, the first first.
    pub team: Vec<TeamLine>,
}

/// A booking of a team mate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamLine {
    /// Whose it is: a net ID.
    pub whose: String,
    /// The title of its lab.
    pub lab: String,
    /// The booking.
    pub booking: BookingLine,
}

/// A lab on the start page.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/lab_card.html")]
pub struct LabCard {
    /// What staff see of it, for staff only.
    pub staff: Option<Link>,
    /// The lab's id, for the element's id.
    pub id: String,
    /// Its page.
    pub href: String,
    /// Its title.
    pub title: String,
    /// Where it is on its way.
    pub state: LabState,
    /// The same in words: `due in 3 days`, `opens in 5 days`, `closed`, `deferred: due date to be announced`.
    pub state_text: String,
    /// The date behind it, if there is one.
    pub due: Option<When>,
    /// What holds for the reader: one sentence.
    pub rule: String,
    /// Their days of next week: `Next week: Sun, Tue or Thu.`
    pub rule_more: Option<String>,
    /// The reader's bookings for it, the present one first.
    pub bookings: Vec<BookingLine>,
    /// How the reader's wait for it stands.
    pub wait: Option<WaitLine>,
    /// `4 h used, 8 h left`.
    pub usage: Option<String>,
    /// The one thing to do now.
    pub action: Option<Link>,
    /// Whether the action is the one that stands out on the page.
    pub action_stands_out: bool,
}

impl HtmlSafe for LabCard {}

impl LabsPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            layout: Layout::sample("My labs", Section::Labs),
            answer: "Your Kubernetes cluster is ready until 18:00.".to_owned(),
            detail: Some(
                "This week you may start on Sat, Mon or Wed. Next week: Sun, Tue or Thu.".to_owned(),
            ),
            announced: Announced { lines: AnnouncementLine::samples() },
            offers: Vec::new(),
            needs_key: false,
            by_hand: None,
            labs: LabCard::samples(),
            team: Vec::new(),
        };
        let mut first_visit = full.clone();
        "You can start on Sat, Mon or Wed this week. You have no bookings yet."
            .clone_into(&mut first_visit.answer);
        first_visit.needs_key = true;
        for lab in &mut first_visit.labs {
            lab.bookings.clear();
            lab.usage = None;
            lab.action_stands_out = false;
            if lab.state == LabState::DueSoon {
                lab.action = Some(Link::new("/labs/k8s", "See the free times"));
            }
        }
        let mut empty = full.clone();
        "This course has no labs yet.".clone_into(&mut empty.answer);
        empty.detail =
            Some("They appear here as soon as staff put them up. There is nothing for you to do.".to_owned());
        empty.labs.clear();
        let mut by_hand = full.clone();
        by_hand.by_hand =
            Some("The reaper has marked 2 things of yours: the first is stopped today 18:00.".to_owned());
        let mut in_team = full.clone();
        let line = |whose: &str, booking| TeamLine {
            whose: whose.to_owned(),
            lab: "Kubernetes cluster".to_owned(),
            booking,
        };
        in_team.team =
            ["gg222", "hh333"].into_iter().zip(BookingLine::samples()).map(|(it, of)| line(it, of)).collect();
        let mut offered = first_visit.clone();
        "A place is offered to you until 14:20.".clone_into(&mut offered.answer);
        offered.detail = None;
        offered.needs_key = false;
        offered.offers = vec![Offer::sample()];
        let mut waiting = first_visit.clone();
        waiting.needs_key = false;
        for lab in waiting.labs.iter_mut().filter(|lab| lab.state == LabState::DueSoon) {
            lab.wait = Some(WaitLine::sample());
        }
        vec![
            ("labs_offered", offered),
            ("labs_waiting", waiting),
            ("labs_full", full),
            ("labs_by_hand", by_hand),
            ("labs_in_team", in_team),
            ("labs_first_visit", first_visit),
            ("labs_empty", empty),
        ]
    }
}

impl LabCard {
    /// A lab in each state.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        let quiet = |id: &str, title: &str, state, state_text: &str, due: Option<When>, rule: &str| Self {
            staff: None,
            id: id.to_owned(),
            href: format!("/labs/{id}"),
            title: title.to_owned(),
            state,
            state_text: state_text.to_owned(),
            due,
            rule: rule.to_owned(),
            rule_more: None,
            bookings: Vec::new(),
            wait: None,
            usage: None,
            action: None,
            action_stands_out: false,
        };
        let mut due_soon = quiet(
            "k8s",
            "Kubernetes cluster",
            LabState::DueSoon,
            "due in 9 days",
            Some(When::new("2026-12-03T23:59:00-05:00", "Thu Dec 3, 23:59")),
            "Your net ID ends in 4, so this week you may start on Sat, Mon or Wed, until Thu Dec 3, 23:59; at most 8 h \
             at once.",
        );
        due_soon.rule_more = Some("Next week: Sun, Tue or Thu.".to_owned());
        due_soon.bookings = BookingLine::samples();
        due_soon.usage = Some("9 h booked".to_owned());
        due_soon.action = Some(Link::new("/bookings/b-7f3a", "Go to my cluster"));
        due_soon.action_stands_out = true;
        let mut open = quiet(
            "gpu",
            "Training on a GPU",
            LabState::Open,
            "open",
            Some(When::new("2026-12-17T23:59:00-05:00", "Thu Dec 17, 23:59")),
            "Your net ID ends in 4, so this week you may start on Sat, Mon or Wed, until Thu Dec 17, 23:59; at most \
             4 h at once.",
        );
        open.action = Some(Link::new("/labs/gpu", "Choose a time"));
        let mut deferred = quiet(
            "mlops",
            "Serving a model",
            LabState::Deferred,
            "deferred: due date to be announced",
            None,
            "Your net ID ends in 4, so this week you may start on Sat, Mon or Wed, with the due date to be announced; at \
             most 4 h at once.",
        );
        deferred.action = Some(Link::new("/labs/mlops", "Choose a time"));
        let mut closed = quiet(
            "vm",
            "A first virtual machine",
            LabState::Closed,
            "closed",
            Some(When::new("2026-11-05T23:59:00-05:00", "Thu Nov 5, 23:59")),
            "It was due on Thu Nov 5, 23:59. Nothing can be booked any more.",
        );
        closed.bookings = vec![BookingLine {
            href: "/bookings/b-1020".to_owned(),
            start: When::new("2026-10-31T10:00:00-04:00", "Sat Oct 31, 10:00"),
            end: When::new("2026-10-31T12:30:00-04:00", "12:30"),
            length: "2 h 30 min".to_owned(),
            state: BookingState::Ended,
            note: Some("released 90 min early".to_owned()),
        }];
        vec![
            due_soon,
            open,
            quiet(
                "store",
                "Persistent storage",
                LabState::Upcoming,
                "opens in 5 days",
                Some(When::new("2026-11-28T00:00:00-05:00", "Sat Nov 28, 00:00")),
                "Booking opens on Sat Nov 28, 00:00. Your days will be Sat, Mon and Wed.",
            ),
            deferred,
            closed,
        ]
    }
}
