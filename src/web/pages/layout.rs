//! What every page shares: the frame around it, and the small things that several pages draw.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::domain::person::Role;

/// The frame around a page: header, banner, messages, footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The course's name; it links to the start page.
    pub course: String,
    /// The page's own title, without the course.
    pub title: String,
    /// The entry of the navigation that the page belongs to.
    pub section: Section,
    /// Who is signed in, if anyone.
    pub viewer: Option<Viewer>,
    /// With whose eyes the pages are seen, if not with the viewer's own.
    pub looking_as: Option<String>,
    /// The session's token against forged requests, put into every form.
    pub csrf: String,
    /// What the banner says if this is the demo.
    pub demo: Option<DemoNote>,
    /// What the request before this one did.
    pub flash: Option<Flash>,
    /// The course's zone in words: `New York time (EST)`.
    pub zone: String,
    /// Where the course's own instructions are.
    pub docs_href: Option<String>,
    /// The address to write to for help.
    pub contact: String,
    /// Without JavaScript, load the page again after this many seconds.
    pub refresh_seconds: Option<u32>,
}

impl Layout {
    /// Whether there is a Mailbox page.
    pub(super) fn has_mailbox(&self) -> bool {
        self.demo.is_some_and(|demo| demo.mailbox)
    }

    /// Whether the reader runs the course.
    pub(super) fn is_staff(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.staff)
    }

    /// A realistic frame for a signed-in student.
    #[must_use]
    pub fn sample(title: &str, section: Section) -> Self {
        Self {
            course: "Cloud Computing, fall 2026".to_owned(),
            title: title.to_owned(),
            section,
            viewer: Some(Viewer { net_id: "ff524".to_owned(), role: "student".to_owned(), staff: false }),
            looking_as: None,
            csrf: "sample-csrf".to_owned(),
            demo: Some(DemoNote { simulated: true, mailbox: true }),
            flash: None,
            zone: "New York time (EST)".to_owned(),
            docs_href: Some("https://course.example.edu/labs".to_owned()),
            contact: "course-staff@example.edu".to_owned(),
            refresh_seconds: None,
        }
    }

    /// A realistic frame for someone who runs the course, and looks at the pages as a student.
    #[must_use]
    pub fn sample_of_looking(title: &str, section: Section) -> Self {
        let viewer = Viewer { net_id: "ta77".to_owned(), role: "looking as ff524".to_owned(), staff: false };
        Self { viewer: Some(viewer), looking_as: Some("ff524".to_owned()), ..Self::sample(title, section) }
    }

    /// A realistic frame for someone who runs the course.
    #[must_use]
    pub fn sample_of_staff(title: &str, section: Section) -> Self {
        let role = Role::Assistant.title().to_owned();
        let viewer = Viewer { net_id: "ta77".to_owned(), role, staff: true };
        Self { viewer: Some(viewer), ..Self::sample(title, section) }
    }
}

/// What is real in the demo and what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoNote {
    /// No cloud of the course is real.
    pub simulated: bool,
    /// Mail goes to the Mailbox page, which is in the navigation then.
    pub mailbox: bool,
}

/// An entry of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// My labs, a lab, a booking.
    Labs,
    /// The person's own page.
    Me,
    /// Shares: one's own, and for staff everyone's and who waits.
    Share,
    /// What staff have to say.
    Announcements,
    /// Who is in the course, for staff.
    Roster,
    /// Outages, for staff.
    Outages,
    /// The reaper, for staff.
    Reaper,
    /// Who did what, for staff.
    Audit,
    /// The demo's mailbox.
    Mailbox,
    /// Elsewhere: signing in, an error.
    Elsewhere,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The university's id.
    pub net_id: String,
    /// What the person is in the course: `student`, `TA`.
    pub role: String,
    /// Whether they see the pages of staff.
    pub staff: bool,
}

/// What the request before this one did, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// Whether it went well.
    pub kind: FlashKind,
    /// The sentence.
    pub text: String,
}

/// Whether a flash message tells of a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashKind {
    /// It is done.
    Done,
    /// Something to know.
    Note,
    /// It did not happen.
    Trouble,
}

impl FlashKind {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Done, Self::Note, Self::Trouble];

    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Done => "good",
            Self::Note => "info",
            Self::Trouble => "bad",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Done => Icon("circle-check"),
            Self::Note => Icon("flag"),
            Self::Trouble => Icon("triangle-alert"),
        }
    }
}

/// A shape of `static/icons.svg`, for the eye only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(
    source = r##"<svg class="i" aria-hidden="true"><use href="{{ crate::web::statics::path("icons.svg") }}#{{ self.0 }}"/></svg>"##,
    ext = "html"
)]
pub struct Icon(pub &'static str);

impl HtmlSafe for Icon {}

/// An instant, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(source = r#"<time datetime="{{ iso }}">{{ text }}</time>"#, ext = "html")]
pub struct When {
    /// RFC 3339 with its offset: `2026-11-28T10:00:00-05:00`.
    pub iso: String,
    /// As a person reads it in the course's zone: `Sat Nov 28, 10:00`.
    pub text: String,
}

impl HtmlSafe for When {}

impl When {
    /// Both forms of one instant.
    pub fn new(iso: impl Into<String>, text: impl Into<String>) -> Self {
        Self { iso: iso.into(), text: text.into() }
    }
}

/// Somewhere to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where.
    pub href: String,
    /// What it is called.
    pub text: String,
}

impl Link {
    /// A link with its words.
    pub fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self { href: href.into(), text: text.into() }
    }
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule's code, as the API gives it: `parity_day`.
    pub code: Option<String>,
    /// What is wrong and what would be right, in a sentence.
    pub text: String,
    /// The id of the form's element that it is about, to link there.
    pub field: Option<String>,
}

impl Problem {
    /// A problem with one element of a form.
    pub fn with_field(field: &str, text: impl Into<String>) -> Self {
        Self { code: None, text: text.into(), field: Some(field.to_owned()) }
    }

    /// A broken rule.
    pub fn rule(code: &str, text: impl Into<String>) -> Self {
        Self { code: Some(code.to_owned()), text: text.into(), field: None }
    }
}

/// A start that would be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearestStart {
    /// The lab page with this start chosen.
    pub href: String,
    /// When it starts.
    pub start: When,
    /// What is known of it: `up to 8 h, 12 of 30 free`.
    pub note: String,
}

impl NearestStart {
    /// Three starts near to the one that was refused.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        [
            ("2026-11-25T13:30:00-05:00", "tomorrow, Wed Nov 25, 13:30", "up to 4 h, 2 of 30 free"),
            ("2026-11-25T18:00:00-05:00", "tomorrow, Wed Nov 25, 18:00", "up to 8 h, 9 of 30 free"),
            ("2026-11-28T08:00:00-05:00", "Sat Nov 28, 08:00", "up to 8 h, 30 of 30 free"),
        ]
        .into_iter()
        .map(|(iso, text, note)| Self {
            href: format!("/labs/k8s?start={}#book", iso.replace(":00-", "-")),
            start: When::new(iso, text),
            note: note.to_owned(),
        })
        .collect()
    }
}

/// Where a booking is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookingState {
    /// Held for someone who waited for it, until they answer.
    Offered,
    /// The place is being reserved.
    Held,
    /// Reserved; it starts later.
    Booked,
    /// The resources are being made.
    Preparing,
    /// It can be used.
    Active,
    /// The resources are being deleted.
    Releasing,
    /// Over; nothing is left.
    Ended,
    /// Over, because something failed.
    Failed,
}

impl BookingState {
    /// Each of them, on the way of a booking.
    pub const ALL: [Self; 8] = [
        Self::Offered,
        Self::Held,
        Self::Booked,
        Self::Preparing,
        Self::Active,
        Self::Releasing,
        Self::Ended,
        Self::Failed,
    ];

    /// The state in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Held => "reserving",
            Self::Booked => "booked",
            Self::Preparing => "preparing",
            Self::Active => "active",
            Self::Releasing => "releasing",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }

    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Held | Self::Booked => "info",
            Self::Offered | Self::Preparing | Self::Releasing => "work",
            Self::Active => "good",
            Self::Ended => "calm",
            Self::Failed => "bad",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Offered => Icon("hourglass"),
            Self::Held => Icon("circle-dashed"),
            Self::Booked => Icon("calendar"),
            Self::Preparing | Self::Releasing => Icon("loader"),
            Self::Active => Icon("circle-play"),
            Self::Ended => Icon("circle-check"),
            Self::Failed => Icon("circle-x"),
        }
    }
}

/// A booking in a line: when, how long, how it is.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/booking_line.html")]
pub struct BookingLine {
    /// The booking's page.
    pub href: String,
    /// `Sat Nov 28, 10:00`.
    pub start: When,
    /// `15:00`, with its day if that is another one.
    pub end: When,
    /// `5 h`.
    pub length: String,
    /// How it is.
    pub state: BookingState,
    /// What to know beside the state: `starts in 2 h`, `2 h 41 min left`, `released early`.
    pub note: Option<String>,
}

impl HtmlSafe for BookingLine {}

impl BookingLine {
    /// One in each state.
    #[must_use]
    pub fn in_every_state() -> Vec<Self> {
        let note = |state| match state {
            BookingState::Held | BookingState::Releasing => None,
            BookingState::Offered => Some("take it by 15:05"),
            BookingState::Booked => Some("starts in 2 h"),
            BookingState::Preparing => Some("starts in 8 min"),
            BookingState::Active => Some("2 h 41 min left"),
            BookingState::Ended => Some("released early"),
            BookingState::Failed => Some("the cloud had no room"),
        };
        let each = BookingState::ALL.into_iter().zip(Self::samples().into_iter().take(1).cycle());
        each.map(|(state, line)| Self { state, note: note(state).map(str::to_owned), ..line }).collect()
    }

    /// One that runs, and one that is ahead.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        vec![
            Self {
                href: "/bookings/b-7f3a".to_owned(),
                start: When::new("2026-11-23T14:00:00-05:00", "today 14:00"),
                end: When::new("2026-11-23T18:00:00-05:00", "18:00"),
                length: "4 h".to_owned(),
                state: BookingState::Active,
                note: Some("2 h 41 min left".to_owned()),
            },
            Self {
                href: "/bookings/b-81c0".to_owned(),
                start: When::new("2026-11-28T10:00:00-05:00", "Sat Nov 28, 10:00"),
                end: When::new("2026-11-28T15:00:00-05:00", "15:00"),
                length: "5 h".to_owned(),
                state: BookingState::Booked,
                note: Some("starts in 4 days".to_owned()),
            },
        ]
    }
}

/// Where a lab is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabState {
    /// It can be booked, and its due date is still to be announced.
    Deferred,
    /// Booking opens later.
    Upcoming,
    /// It can be booked.
    Open,
    /// It can be booked and is due soon.
    DueSoon,
    /// Past its due date.
    Closed,
}

impl LabState {
    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Closed => "calm",
            Self::Upcoming | Self::Deferred => "info",
            Self::Open => "good",
            Self::DueSoon => "work",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Deferred => Icon("circle-dashed"),
            Self::Upcoming => Icon("calendar"),
            Self::Open => Icon("circle-play"),
            Self::DueSoon => Icon("hourglass"),
            Self::Closed => Icon("lock"),
        }
    }
}

/// A line to type into.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/field.html")]
pub struct Field {
    /// Its id and name.
    pub id: &'static str,
    /// Its type, if it is no plain text.
    pub kind: Option<&'static str>,
    /// What it is called.
    pub label: &'static str,
    /// What to type.
    pub hint: String,
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// Whether something must be typed.
    pub required: bool,
}

impl HtmlSafe for Field {}
