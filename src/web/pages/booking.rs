//! `/bookings/{id}`: one booking on its way, live.

use askama::Template;
use askama::filters::HtmlSafe;

use super::layout::{BookingState, Flash, FlashKind, Icon, Layout, Link, NearestStart, Section, When};

/// A booking's page. While something moves, its timeline is swapped by server-sent events.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "booking.html")]
pub struct BookingPage {
    /// The frame; set `refresh_seconds` while held, preparing or releasing. A page that waits, or holds an open form, stays.
    pub layout: Layout,
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
    /// Whether the server pushes changes: false only when it is over.
    pub live: bool,
    /// The part that is pushed.
    pub timeline: Timeline,
    /// Whether there is a calendar file: not for a booking that is over.
    pub calendar: bool,
}

/// What is pushed as the event `timeline`; the page holds the same markup.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/timeline.html")]
pub struct Timeline {
    /// The booking's id.
    pub id: String,
    /// The session's token against forged requests.
    pub csrf: String,
    /// Where it is.
    pub state: BookingState,
    /// The sentence that the reader came for: `Ready until 18:00.`
    pub answer: String,
    /// What to know beside it.
    pub detail: Option<String>,
    /// The steps, from the reservation on.
    pub steps: Vec<Step>,
    /// How to end it early, unless it is over.
    pub release: Option<Release>,
    /// The log of what happened, the oldest first.
    pub log: Vec<LogLine>,
}

impl HtmlSafe for Timeline {}

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
    /// The whole command: `ssh cc@203.0.113.9`.
    pub ssh: String,
    /// The public address.
    pub address: String,
    /// The servers and their private addresses.
    pub servers: Vec<ServerLine>,
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
    /// Makes a second press of the button harmless.
    pub idempotency_key: String,
    /// The legal extra hours, the longest first.
    pub options: Vec<ExtendOption>,
    /// Why there is no longer one: `8 h in all is the most.`
    pub longest_because: String,
}

/// Extra hours to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendOption {
    /// What the form sends.
    pub hours: u32,
    /// `2 h more`.
    pub text: String,
    /// The new end: `20:00`.
    pub end: When,
    /// `6 server-hours`.
    pub cost: String,
}

/// The form that ends a booking early. It asks once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `Release now`, `Cancel this booking`.
    pub action: String,
    /// What will happen: `All three servers and what is on them are deleted at once. …`
    pub consequence: String,
    /// Whether it can be undone, and what is given back.
    pub undo: String,
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

    fn at(mut self, iso: &str, text: &str) -> Self {
        self.when = Some(When::new(iso, text));
        self
    }

    fn saying(mut self, text: &str) -> Self {
        self.text = Some(text.to_owned());
        self
    }
}

impl BookingPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        Timeline::samples().into_iter().map(|(name, timeline)| (name, Self::around(timeline))).collect()
    }

    fn around(timeline: Timeline) -> Self {
        let over = matches!(timeline.state, BookingState::Ended | BookingState::Failed);
        let mut layout = Layout::sample("Kubernetes cluster, today 14:00", Section::Labs);
        let moves =
            matches!(timeline.state, BookingState::Held | BookingState::Preparing | BookingState::Releasing);
        layout.refresh_seconds = moves.then_some(5);
        layout.flash = (timeline.state == BookingState::Booked).then(|| Flash {
            kind: FlashKind::Done,
            text: "Booked. A confirmation with a calendar file is on its way to ff524@example.edu."
                .to_owned(),
        });
        Self {
            layout,
            id: timeline.id.clone(),
            lab: Link::new("/labs/k8s", "Kubernetes cluster"),
            start: When::new("2026-11-23T14:00:00-05:00", "today 14:00"),
            end: When::new("2026-11-23T18:00:00-05:00", "18:00"),
            length: "4 h".to_owned(),
            live: !over,
            timeline,
            calendar: !over,
        }
    }
}

impl Timeline {
    /// Every state of the timeline.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        vec![
            ("booking_held", Self::held()),
            ("booking_booked", Self::booked()),
            ("booking_preparing", Self::preparing()),
            ("booking_trouble", Self::trouble()),
            ("booking_active", Self::active()),
            ("booking_active_cap", Self::at_cap()),
            ("booking_releasing", Self::releasing()),
            ("booking_released", Self::released()),
            ("booking_failed", Self::failed()),
        ]
    }

    fn of(state: BookingState, answer: &str, steps: Vec<Step>) -> Self {
        let line =
            |iso: &str, when: &str, text: &str| LogLine { when: When::new(iso, when), text: text.to_owned() };
        Self {
            id: "b-7f3a".to_owned(),
            csrf: "sample-csrf".to_owned(),
            state,
            answer: answer.to_owned(),
            detail: None,
            steps,
            release: Some(Release {
                action: "Cancel this booking".to_owned(),
                consequence: "The place goes to someone else, and nothing is counted against you.".to_owned(),
                undo: "It can't be undone, but you can book again.".to_owned(),
            }),
            log: vec![
                line("2026-11-22T21:01:07-05:00", "Nov 22, 21:01:07", "You asked for 14:00 to 18:00."),
                line(
                    "2026-11-22T21:01:09-05:00",
                    "Nov 22, 21:01:09",
                    "The site reserved 3 servers (lease 5d0c…).",
                ),
                line(
                    "2026-11-22T21:01:10-05:00",
                    "Nov 22, 21:01:10",
                    "A confirmation was mailed to ff524@example.edu.",
                ),
            ],
        }
    }

    fn later() -> [Step; 2] {
        [
            Step::new(Phase::Later, "Ready for you").at("2026-11-23T14:00:00-05:00", "today 14:00"),
            Step::new(Phase::Later, "Everything is deleted").at("2026-11-23T18:00:00-05:00", "today 18:00"),
        ]
    }

    fn reserved() -> Step {
        Step::new(Phase::Done, "Place reserved").at("2026-11-22T21:01:09-05:00", "yesterday 21:01")
    }

    fn held() -> Self {
        let mut steps = vec![
            Step::new(Phase::Now, "Reserving your place")
                .saying("The site is asked for a lease on 3 servers. This takes a few seconds."),
            Step::new(Phase::Later, "Preparing your servers").at("2026-11-23T13:50:00-05:00", "today 13:50"),
        ];
        steps.extend(Self::later());
        let mut held = Self::of(BookingState::Held, "Your place is being reserved.", steps);
        held.log.truncate(1);
        held
    }

    fn booked() -> Self {
        let mut steps = vec![
            Self::reserved(),
            Step::new(Phase::Now, "Waiting for the start")
                .saying("Preparing begins at 13:50. You get a mail when it is ready; you need not keep this page open."),
            Step::new(Phase::Later, "Preparing your servers").at("2026-11-23T13:50:00-05:00", "today 13:50"),
        ];
        steps.extend(Self::later());
        let mut booked = Self::of(BookingState::Booked, "It is yours, today 14:00 to 18:00.", steps);
        booked.detail = Some("It starts in 3 h 12 min.".to_owned());
        booked
    }

    fn preparing() -> Self {
        let resource = |name: &str, state, age: &str| Resource {
            name: name.to_owned(),
            state,
            age: age.to_owned(),
            error: None,
        };
        let mut now =
            Step::new(Phase::Now, "Preparing your servers").at("2026-11-23T13:50:00-05:00", "since 13:50");
        now.resources = vec![
            resource("SSH key", ResourceState::Ready, "1 s"),
            resource("private network", ResourceState::Ready, "2 s"),
            resource("router", ResourceState::Ready, "6 s"),
            resource("security group", ResourceState::Ready, "2 s"),
            resource("server node1", ResourceState::Ready, "41 s"),
            resource("server node2", ResourceState::Working, "for 48 s"),
            resource("server node3", ResourceState::Working, "for 48 s"),
            resource("public address", ResourceState::Pending, ""),
        ];
        let mut steps = vec![Self::reserved(), now];
        steps.extend(Self::later());
        let mut page = Self::of(
            BookingState::Preparing,
            "Your cluster is being prepared: 5 of 8 parts are ready.",
            steps,
        );
        page.detail = Some("It usually takes 2 min. Your time counts from 14:00.".to_owned());
        page
    }

    fn trouble() -> Self {
        let mut page = Self::preparing();
        if let Some(step) = page.steps.iter_mut().find(|step| step.phase == Phase::Now) {
            step.trouble = Some("The cloud did not answer; trying again in 20 s.".to_owned());
            if let Some(server) = step.resources.get_mut(5) {
                server.error = Some("no answer for 30 s, attempt 2 of 8".to_owned());
            }
        }
        page
    }

    fn active() -> Self {
        let server = |name: &str, private: &str, public: Option<&str>| ServerLine {
            name: name.to_owned(),
            private: private.to_owned(),
            public: public.map(str::to_owned),
        };
        let option = |hours: u32| ExtendOption {
            hours,
            text: format!("{hours} h more"),
            end: When::new(format!("2026-11-23T{}:00:00-05:00", 18 + hours), format!("{}:00", 18 + hours)),
            cost: format!("{} server-hours", 3 * hours),
        };
        let mut now = Step::new(Phase::Now, "Ready for you").at("2026-11-23T13:58:00-05:00", "since 13:58");
        now.access = Some(Access {
            ssh: "ssh cc@203.0.113.9".to_owned(),
            address: "203.0.113.9".to_owned(),
            servers: vec![
                server("node1", "192.168.1.11", Some("203.0.113.9")),
                server("node2", "192.168.1.12", None),
                server("node3", "192.168.1.13", None),
            ],
            left: "2 h 41 min left".to_owned(),
            left_minutes: 161,
            total_minutes: 240,
            ends: When::new("2026-11-23T18:00:00-05:00", "today 18:00"),
            extend: Some(Extend {
                idempotency_key: "sample-key".to_owned(),
                options: vec![option(3), option(2), option(1)],
                longest_because: "Someone else has the place from 21:00.".to_owned(),
            }),
            no_extend: None,
        });
        let steps = vec![
            Self::reserved(),
            Step::new(Phase::Done, "Prepared")
                .at("2026-11-23T13:58:00-05:00", "today 13:58")
                .saying("It took 2 min 4 s."),
            now,
            Step::new(Phase::Later, "Everything is deleted").at("2026-11-23T18:00:00-05:00", "today 18:00"),
        ];
        let mut page = Self::of(BookingState::Active, "Your cluster is ready until 18:00.", steps);
        page.release = Some(Release {
            action: "Release now".to_owned(),
            consequence: "All three servers, their network and everything on them are deleted at once."
                .to_owned(),
            undo: "It can't be undone. You get 7 server-hours back, and someone else can start sooner."
                .to_owned(),
        });
        page
    }

    fn at_cap() -> Self {
        let mut page = Self::active();
        if let Some(access) = page.steps.iter_mut().find_map(|step| step.access.as_mut()) {
            access.extend = None;
            access.no_extend = Some("It can't be extended: 8 h in all is the most.".to_owned());
            "14 min left".clone_into(&mut access.left);
            access.left_minutes = 14;
        }
        page
    }

    fn releasing() -> Self {
        let resource = |name: &str, state, age: &str| Resource {
            name: name.to_owned(),
            state,
            age: age.to_owned(),
            error: None,
        };
        let mut now =
            Step::new(Phase::Now, "Deleting everything").at("2026-11-23T15:20:00-05:00", "since 15:20");
        now.resources = vec![
            resource("public address", ResourceState::Gone, "after 1 s"),
            resource("server node1", ResourceState::Gone, "after 9 s"),
            resource("server node2", ResourceState::Deleting, "for 14 s"),
            resource("server node3", ResourceState::Deleting, "for 14 s"),
            resource("router", ResourceState::Ready, "next"),
            resource("private network", ResourceState::Ready, "next"),
            resource("lease", ResourceState::Ready, "last"),
        ];
        let steps = vec![
            Self::reserved(),
            Step::new(Phase::Done, "Prepared").at("2026-11-23T13:58:00-05:00", "today 13:58"),
            Step::new(Phase::Done, "Used").saying("14:00 to 15:20, 1 h 20 min."),
            now,
        ];
        let mut page =
            Self::of(BookingState::Releasing, "You released it. Everything is being deleted.", steps);
        page.release = None;
        page
    }

    fn released() -> Self {
        let fact = |name: &str, value: &str| Fact { name: name.to_owned(), value: value.to_owned() };
        let mut now =
            Step::new(Phase::Now, "Ended: you released it").at("2026-11-23T15:20:00-05:00", "today 15:20");
        now.outcome = Some(Outcome {
            facts: vec![
                fact("Used", "1 h 20 min, 4 server-hours"),
                fact("Given back", "2 h 40 min, 8 server-hours"),
                fact("Deleted", "today 15:20:41, confirmed"),
            ],
            next: vec![Link::new("/labs/k8s?week=2026-11-23", "Book another time")],
            nearest: NearestStart::samples(),
        });
        let steps = vec![
            Self::reserved(),
            Step::new(Phase::Done, "Prepared").at("2026-11-23T13:58:00-05:00", "today 13:58"),
            Step::new(Phase::Done, "Used").saying("14:00 to 15:20, 1 h 20 min."),
            Step::new(Phase::Done, "Everything deleted").at("2026-11-23T15:20:41-05:00", "today 15:20"),
            now,
        ];
        let mut page = Self::of(BookingState::Ended, "It ended today at 15:20: you released it.", steps);
        page.detail = Some("Nothing is left on the cloud.".to_owned());
        page.release = None;
        page
    }

    fn failed() -> Self {
        let fact = |name: &str, value: &str| Fact { name: name.to_owned(), value: value.to_owned() };
        let mut prepare =
            Step::new(Phase::Failed, "Preparing failed").at("2026-11-23T13:54:00-05:00", "today 13:54");
        prepare.resources = vec![Resource {
            name: "server node2".to_owned(),
            state: ResourceState::Failed,
            age: "after 3 min".to_owned(),
            error: Some("No valid host was found. There are not enough hosts available.".to_owned()),
        }];
        let mut now = Step::new(Phase::Now, "Ended: the cloud could not make it");
        now.text = Some(
            "It is not your fault, and nothing was counted against you. Staff have been told.".to_owned(),
        );
        now.outcome = Some(Outcome {
            facts: vec![
                fact("Used", "0 h"),
                fact("Given back", "4 h, 12 server-hours"),
                fact("Deleted", "today 13:56"),
            ],
            next: vec![Link::new("/labs/k8s?week=2026-11-23", "Choose another time")],
            nearest: NearestStart::samples(),
        });
        let mut page = Self::of(
            BookingState::Failed,
            "It failed: the cloud had no room for one of your servers.",
            vec![Self::reserved(), prepare, now],
        );
        page.release = None;
        page
    }
}
