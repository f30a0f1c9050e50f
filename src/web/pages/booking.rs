//! `/bookings/{id}`: one booking on its way, live.

use askama::Template;
use askama::filters::HtmlSafe;

use super::layout::{BookingState, Icon, Layout, Link, NearestStart, Section, When};
use super::waiting::Answers;

mod samples;

/// A booking's page. While something moves, its timeline is swapped by server-sent events.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "booking.html")]
pub struct BookingPage {
    /// The frame; set `refresh_seconds` while held, preparing or releasing. A page that waits, or holds an open form, stays.
    pub layout: Layout,
    /// What a form asked for in vain, because the booking had changed.
    pub changed: Option<Changed>,
    /// Whose it is and why the reader sees it, if it is somebody else's.
    pub whose: Option<String>,
    /// The booking's id.
    pub id: String,
    /// The lab that it is for.
    pub lab: Link,
    /// When it starts: `Sat Nov 28, 10:00`.
    pub start: When,
    /// When it ends: `15:00`.
    pub end: When,
    /// `5 h`.
    pub length: String,
    /// What, where and when for paper, on which no day is today: `Kubernetes at KVM@TACC, Sat Nov 28, 10:00 to 15:00`.
    pub printed: String,
    /// The named nodes that it has, if its pool's nodes have names: `gpu-01`, `gpu-01 and gpu-02`.
    pub nodes: Option<String>,
    /// What an outage did to it.
    pub outage: Option<OutageNote>,
    /// Whether the server pushes changes: false only when it is over.
    pub live: bool,
    /// The part that is pushed.
    pub timeline: Timeline,
    /// Whether there is a calendar file: not for a booking that is over.
    pub calendar: bool,
}

/// What an outage did to a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageNote {
    /// In a sentence or two.
    pub text: String,
    /// Where to go.
    pub links: Vec<Link>,
}

/// A form came from a page that showed something else than what the booking is now: nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// After "You asked": `to end it`, `that it ends today 20:00`.
    pub asked: String,
    /// What it is now, in a sentence.
    pub now: String,
    /// Where to ask again for what the page itself does not offer.
    pub again: Option<Link>,
}

/// What is pushed as the event `timeline`; the page holds the same markup.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/timeline.html")]
pub struct Timeline {
    /// The booking's id.
    pub id: String,
    /// The session's token against forged requests.
    pub csrf: String,
    /// The mark of what the page shows of the booking, which its forms carry.
    pub seen: String,
    /// Where it is.
    pub state: BookingState,
    /// The sentence that the reader came for: `Ready until 18:00.`
    pub answer: String,
    /// What to know beside it.
    pub detail: Option<String>,
    /// What does not go well at its site, and what that means for it.
    pub site: Option<String>,
    /// That it is to be released since nobody uses it, or was.
    pub unused: Option<Unused>,
    /// The two answers, if it is offered.
    pub answers: Option<Answers>,
    /// The steps, from the reservation on.
    pub steps: Vec<Step>,
    /// Whether it can be moved: it is ahead, and not on its way to another time already.
    pub movable: bool,
    /// How to end it early, unless it is over.
    pub release: Option<Release>,
    /// The log of what happened, the oldest first.
    pub log: Vec<LogLine>,
    /// The net ID of whose it is, if it is somebody else's than the reader's.
    pub of_other: Option<String>,
}

impl HtmlSafe for Timeline {}

/// What its student was told about a booking that nobody used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// When it is released and what keeps it, or that it is kept.
    pub text: String,
    /// Whether it is kept.
    pub kept: bool,
}

/// A step of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whether it is done, now, later or failed.
    pub phase: Phase,
    /// `Preparing your servers`.
    pub title: String,
    /// When it happened or will happen.
    pub when: Option<When>,
    /// A sentence about it.
    pub text: Option<String>,
    /// What does not work at the moment, and what is done about it.
    pub trouble: Option<String>,
    /// The cloud's objects and how each of them is.
    pub resources: Vec<Resource>,
    /// How to get in, while it is active.
    pub access: Option<Access>,
    /// What it came to, when it is over.
    pub outcome: Option<Outcome>,
}

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is finished.
    Done,
    /// It is the present one.
    Now,
    /// It comes later.
    Later,
    /// It went wrong.
    Failed,
}

impl Phase {
    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Now => "now",
            Self::Later => "later",
            Self::Failed => "failed",
        }
    }

    /// The phase for those who hear the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Now => "Now",
            Self::Later => "Later",
            Self::Failed => "Failed",
        }
    }

    /// The shape on the line.
    pub fn icon(self) -> Icon {
        match self {
            Self::Done => Icon("check"),
            Self::Now => Icon("circle-play"),
            Self::Later => Icon("circle"),
            Self::Failed => Icon("circle-x"),
        }
    }
}

/// One of the cloud's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `server node1`.
    pub name: String,
    /// How it is.
    pub state: ResourceState,
    /// How long: `12 s`, `ready after 41 s`.
    pub age: String,
    /// What the cloud said, if it refused.
    pub error: Option<String>,
}

/// How one of the cloud's objects is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceState {
    /// Not asked for yet.
    Pending,
    /// Being made.
    Working,
    /// There.
    Ready,
    /// It went wrong.
    Failed,
    /// Being deleted.
    Deleting,
    /// Confirmed to be gone.
    Gone,
}

impl ResourceState {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Working, Self::Ready, Self::Failed, Self::Deleting, Self::Gone];

    /// The state in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "waiting",
            Self::Working => "working",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Gone => "gone",
        }
    }

    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Pending | Self::Gone => "calm",
            Self::Working | Self::Deleting => "work",
            Self::Ready => "good",
            Self::Failed => "bad",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Pending => Icon("circle-dashed"),
            Self::Working => Icon("loader"),
            Self::Ready => Icon("circle-check"),
            Self::Failed => Icon("circle-x"),
            Self::Deleting => Icon("trash-2"),
            Self::Gone => Icon("check"),
        }
    }
}

/// How to get in, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The whole command: `ssh cc@203.0.113.9`. None if no server has a public address.
    pub ssh: Option<String>,
    /// The commands that lead to further servers with a public address.
    pub commands: Vec<Command>,
    /// How to get to the servers without one.
    pub behind: Option<Behind>,
    /// The site's own pages: `Open KVM@TACC's dashboard`.
    pub dashboard: Option<Link>,
    /// The servers and containers with their addresses.
    pub servers: Vec<ServerLine>,
    /// Volumes, shares and buckets.
    pub stores: Vec<StoreLine>,
    /// `2 h 41 min left`.
    pub left: String,
    /// Minutes left, for the bar.
    pub left_minutes: u32,
    /// Minutes in all, for the bar.
    pub total_minutes: u32,
    /// When it ends: `today 18:00`.
    pub ends: When,
    /// The lengths by which it can be extended, if any.
    pub extend: Option<Extend>,
    /// Why it cannot be extended, otherwise.
    pub no_extend: Option<String>,
    /// Earlier ends to choose from, the latest first.
    pub earlier: Vec<Earlier>,
}

/// Where something is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLine {
    /// `volume data: a disk of node1`.
    pub label: String,
    /// Its name, and how it is reached: `/dev/vdb`, `sudo mount -t nfs 10.0.0.10:/home /mnt`, or the name of a bucket.
    pub reached: Command,
}

/// A command that leads to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// `node2`.
    pub server: String,
    /// `ssh cc@203.0.113.9`.
    pub text: String,
}

/// How to get to servers without a public address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The server that one goes through.
    pub through: String,
    /// The commands, one for each of them.
    pub commands: Vec<Command>,
}

/// A server of an active booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLine {
    /// `node1`.
    pub name: String,
    /// Its address in the private network.
    pub private: String,
    /// Its public address, if it has one.
    pub public: Option<String>,
}

/// The form that extends a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extend {
    /// The legal extra hours, the longest first.
    pub options: Vec<ExtendOption>,
    /// Why there is no longer one: `8 h in all is the most.`
    pub longest_because: String,
}

/// Extra hours to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendOption {
    /// Whether it is chosen: the longest, unless another was asked for before.
    pub chosen: bool,
    /// The hours as a number, to tell the options apart.
    pub hours: String,
    /// `2 h more`.
    pub text: String,
    /// The new end, which the form sends: `20:00`.
    pub end: When,
    /// `6 server-hours`.
    pub cost: String,
}

/// An earlier end to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// What the form sends, as RFC 3339.
    pub iso: String,
    /// `at 15:00, 2 h earlier`.
    pub text: String,
    /// Whether it was asked for before.
    pub chosen: bool,
}

/// The form that ends a booking early. It asks once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Whether it was asked for before: then it is unfolded.
    pub open: bool,
    /// `Release now`, `Cancel this booking`.
    pub action: String,
    /// What will happen: `All three servers and what is on them are deleted at once. …`
    pub consequence: String,
    /// Whether it can be undone.
    pub undo: String,
    /// What others gain: `You give back 3 h 20 min. …`
    pub gift: String,
}

impl Access {
    fn earlier_is_kept(&self) -> bool {
        self.earlier.iter().any(|end| end.chosen)
    }
}

/// What a booking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Facts with their names: used, given back, deleted when.
    pub facts: Vec<Fact>,
    /// What the reader can do next.
    pub next: Vec<Link>,
    /// The nearest free starts.
    pub nearest: Vec<NearestStart>,
}

/// A fact with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// `Used`.
    pub name: String,
    /// `1 h 19 min, 4 server-hours`.
    pub value: String,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub when: When,
    /// What happened, in a sentence.
    pub text: String,
}

impl Step {
    /// A step with a title and nothing else.
    pub fn new(phase: Phase, title: impl Into<String>) -> Self {
        Self {
            phase,
            title: title.into(),
            when: None,
            text: None,
            trouble: None,
            resources: Vec::new(),
            access: None,
            outcome: None,
        }
    }
}
