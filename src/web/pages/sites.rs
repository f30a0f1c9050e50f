//! `/sites`: how each site does, and for staff what its calls take and what waits.

mod lease;

use askama::Template;

pub use self::lease::{LeaseLine, LeaseState};

use super::layout::{Icon, Layout, Section, Viewer, When};

/// The sites of the course.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "sites.html")]
pub struct SitesPage {
    /// The frame.
    pub layout: Layout,
    /// How they do, in a sentence.
    pub answer: String,
    /// Each of them.
    pub sites: Vec<SiteLine>,
    /// What waits in the outbox, for staff only.
    pub mail: Option<String>,
}

/// One site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteLine {
    /// Its id, for the ids of elements.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// How it does.
    pub state: SiteState,
    /// Since when; nothing if nothing was seen of it yet.
    pub since: Option<When>,
    /// What that means, in a sentence.
    pub text: String,
    /// When it last answered, while it does not.
    pub last_ok: Option<When>,
    /// What is known of other ends of bookings that have begun there, if that matters to the reader.
    pub extending: Option<ExtendingLine>,
    /// What is wrong with its feed of outages, for staff only.
    pub feed: Option<String>,
    /// Its figures, for staff only.
    pub numbers: Option<Numbers>,
}

/// Whether bookings that have begun can have another end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendingLine {
    /// What is known, in a sentence or two.
    pub text: String,
    /// Whether the reader can have it tried again: staff, after a refusal.
    pub again: bool,
}

/// How a site does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteState {
    /// Nothing was seen of it yet.
    Unseen,
    /// It answers.
    Up,
    /// It fails too often to rely on it.
    Degraded,
    /// It does not answer.
    Down,
}

impl SiteState {
    /// The state in a few words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unseen => "not looked at yet",
            Self::Up => "answers",
            Self::Degraded => "not reliable",
            Self::Down => "does not answer",
        }
    }

    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Unseen => "calm",
            Self::Up => "good",
            Self::Degraded => "work",
            Self::Down => "bad",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Unseen => Icon("circle-dashed"),
            Self::Up => Icon("circle-check"),
            Self::Degraded => Icon("triangle-alert"),
            Self::Down => Icon("circle-x"),
        }
    }
}

/// What staff see of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// What waits for it, in a sentence.
    pub queue: String,
    /// The leases that staff hold there.
    pub leases: Vec<LeaseLine>,
    /// The latest call that failed by a fault of the site, and when that was.
    pub fault: Option<(When, String)>,
    /// What calls of the last hour took, in a sentence.
    pub finding: String,
    /// The same as a picture; nothing if there were no calls.
    pub picture: Option<Picture>,
    /// The same by operation.
    pub operations: Vec<OperationRow>,
}

/// What calls took on average, a bar for each five minutes of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The same in words.
    pub spoken: String,
    /// What the highest bar stands for: `0.8 s`.
    pub top: String,
    /// When the first bar begins: `13:10`.
    pub from: String,
    /// When the last bar ends.
    pub to: String,
    /// The bars from left to right.
    pub bars: Vec<Bar>,
}

/// Five minutes, in the units of a picture that is 240 wide and 60 high.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Its left edge.
    pub x: i64,
    /// Its height; 0 if there were no calls.
    pub height: i64,
    /// Whether a call in it failed: then a mark stands over it.
    pub failed: bool,
}

impl Bar {
    /// Its upper edge.
    pub(super) fn top(&self) -> i64 {
        60 - self.height
    }
}

/// What the calls of one operation took in the last hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// `make server`.
    pub name: String,
    /// How many.
    pub calls: i64,
    /// How many failed by a fault of the site.
    pub failures: i64,
    /// How long one took on average: `0.4 s`.
    pub mean: String,
    /// How long the longest took.
    pub longest: String,
}

impl SitesPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let well = Self {
            layout: Layout::sample("Sites", Section::Elsewhere),
            answer: "All sites answer.".to_owned(),
            sites: vec![SiteLine::up("kvm-tacc", "KVM@TACC"), SiteLine::unseen()],
            mail: None,
        };
        let trouble = Self {
            answer: "KVM@TACC does not answer since 14:05.".to_owned(),
            sites: vec![SiteLine::down(), SiteLine::degraded()],
            ..well.clone()
        };
        let mut staff = trouble.clone();
        staff.layout.viewer =
            Some(Viewer { net_id: "ta77".to_owned(), role: "teaching assistant".to_owned(), staff: true });
        staff.mail = Some("2 mails wait to be sent, the first for 12 min.".to_owned());
        for (site, quiet) in staff.sites.iter_mut().zip([false, true]) {
            site.numbers = Some(if quiet { Numbers::quiet() } else { Numbers::sample() });
            site.extending = Some(ExtendingLine::for_staff());
            site.feed =
                Some("Its feed of outages can't be read since today 09:15: it answers 404.".to_owned());
        }
        vec![("sites", well), ("sites_trouble", trouble), ("sites_staff", staff)]
    }
}

impl SiteLine {
    fn up(id: &str, title: &str) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            state: SiteState::Up,
            since: Some(When::new("2026-11-23T08:00-05:00", "yesterday 08:00")),
            text: "Bookings here are made as usual.".to_owned(),
            last_ok: None,
            extending: None,
            feed: None,
            numbers: None,
        }
    }

    fn unseen() -> Self {
        Self {
            state: SiteState::Unseen,
            since: None,
            text: "It is looked at twice a minute once the service runs.".to_owned(),
            ..Self::up("chi-uc", "CHI@UC")
        }
    }

    fn down() -> Self {
        Self {
            state: SiteState::Down,
            since: Some(When::new("2026-11-24T14:05-05:00", "today 14:05")),
            text: "Bookings here wait, and go on as soon as it answers. Servers that run already may well go on."
                .to_owned(),
            last_ok: Some(When::new("2026-11-24T14:04-05:00", "today 14:04")),
            ..Self::up("kvm-tacc", "KVM@TACC")
        }
    }

    fn degraded() -> Self {
        Self {
            state: SiteState::Degraded,
            since: Some(When::new("2026-11-24T14:11-05:00", "today 14:11")),
            text: "Bookings here go on, and may take longer than usual.".to_owned(),
            extending: Some(ExtendingLine {
                text: "CHI@UC can't change the end of a booking that has begun: book another slot after it, or release it early."
                    .to_owned(),
                again: false,
            }),
            ..Self::up("chi-uc", "CHI@UC")
        }
    }
}

impl ExtendingLine {
    fn for_staff() -> Self {
        Self {
            text: "CHI@UC can't change the end of a booking that has begun: book another slot after it, or release it early. \
                   It says: \"Updating leases is not yet supported.\" It was asked today 14:02, and is asked again from Tue Dec 1, \
                   14:02 on."
                .to_owned(),
            again: true,
        }
    }
}

impl Numbers {
    fn sample() -> Self {
        let row = |name: &str, calls, failures, mean: &str, longest: &str| OperationRow {
            name: name.to_owned(),
            calls,
            failures,
            mean: mean.to_owned(),
            longest: longest.to_owned(),
        };
        let heights = [12, 14, 11, 13, 12, 0, 16, 13, 22, 60, 60, 60];
        let bars = (0..).zip(heights);
        Self {
            queue: "7 bookings have something to do here, the first for 9 min; 5 have waited for more than a minute."
                .to_owned(),
            leases: vec![LeaseLine::trouble(), LeaseLine::good()],
            fault: Some((
                When::new("2026-11-24T14:17:30-05:00", "today 14:17"),
                "outcome_unknown: no answer to health came in time".to_owned(),
            )),
            finding: "412 calls in the last hour took 1.2 s on average, the longest 67 s; 31 failed by a fault of the site."
                .to_owned(),
            picture: Some(Picture {
                spoken: "Average of a call by five minutes: from 0.8 s at 13:20 to 10 s at 14:15.".to_owned(),
                top: "10 s".to_owned(),
                from: "13:20".to_owned(),
                to: "14:20".to_owned(),
                bars: bars.map(|(n, height)| Bar { x: n * 20 + 2, height, failed: n > 8 }).collect(),
            }),
            operations: vec![
                row("look", 118, 21, "2.1 s", "10 s"),
                row("list", 60, 4, "1.4 s", "67 s"),
                row("make server", 96, 6, "0.9 s", "67 s"),
                row("delete server", 138, 0, "0.3 s", "1.1 s"),
            ],
        }
    }

    fn quiet() -> Self {
        Self {
            queue: "Nothing waits for it.".to_owned(),
            leases: Vec::new(),
            fault: None,
            finding: "There were no calls in the last hour.".to_owned(),
            picture: None,
            operations: Vec::new(),
        }
    }
}
