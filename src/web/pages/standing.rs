//! `/standing`: how the reader stands when places are scarce, and why.

use askama::Template;
use askama::filters::HtmlSafe;

use super::layout::{Layout, Link, Section, When};
use super::spread::Spread;

/// How the reader stands.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "standing.html")]
pub struct StandingPage {
    /// The frame.
    pub layout: Layout,
    /// The sentence that the reader came for; the page's heading.
    pub answer: String,
    /// What to know beside it.
    pub lead: String,
    /// Why, a sentence each.
    pub why: Vec<String>,
    /// What everyone has used; nothing if that would show who, or if nobody has used anything.
    pub spread: Option<Spread>,
    /// What there is instead.
    pub no_spread: Option<String>,
    /// What decided the place, from the top: groups first, the reader last.
    pub levels: Vec<LevelRow>,
    /// What the numbers of the ledger are: `Server-hours`.
    pub unit: String,
    /// The latest lines of the ledger.
    pub lines: Vec<LedgerLine>,
    /// Whether there are older ones.
    pub more_lines: bool,
    /// The page of everyone, for staff.
    pub staff: Option<Link>,
}

/// A group that the reader is in, or the reader, among those beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelRow {
    /// `Your section`, `You in your team`.
    pub name: String,
    /// Its part of the shares: `25 %`.
    pub shares: String,
    /// Its part of the usage: `31 %`.
    pub usage: String,
    /// What that comes to: `used more than its share`.
    pub verdict: &'static str,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// When it was written.
    pub at: When,
    /// What for: `Booked`, `Given back`.
    pub what: &'static str,
    /// What it was, and where there is more of it.
    pub source: LineSource,
    /// The span: `Sat Nov 28, 10:00 to 15:00`.
    pub span: String,
    /// How long that is: `5 h`.
    pub length: String,
    /// What it comes to, with its sign: `+15`, `−6`.
    pub amount: String,
}

/// What a line of the ledger is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineSource {
    /// A booking's page.
    Booking(String),
    /// Something made by hand, by its name.
    ByHand(String),
}

/// Everyone's standing, for staff, with the columns of `sshare`.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "staff_fair_share.html")]
pub struct FairSharePage {
    /// The frame.
    pub layout: Layout,
    /// The sentence that the reader came for; the page's heading.
    pub answer: String,
    /// How usage counts here.
    pub lead: String,
    /// What everyone has used.
    pub spread: Option<Spread>,
    /// A row a node: the course first, each after the group that it is in.
    pub rows: Vec<ShareRow>,
    /// Each lab's line, and how many wait in it.
    pub lines: Vec<LineLink>,
}

/// What `sshare -l` shows of one node.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/share_row.html")]
pub struct ShareRow {
    /// How deep it lies, up to 3.
    pub depth: usize,
    /// The course, the section or the team; of a student, the group that they are in.
    pub account: String,
    /// The net ID of a student.
    pub user: String,
    /// `1`; nothing for the course.
    pub raw_shares: String,
    /// `0.250000`.
    pub norm_shares: String,
    /// In the course's measure: `12.5`.
    pub raw_usage: String,
    /// `0.310000`.
    pub effective_usage: String,
    /// `0.748691`; students only.
    pub fair_share: String,
    /// `0.806452`, `inf`; not for the course.
    pub level_fs: String,
}

impl HtmlSafe for ShareRow {}

/// How many wait for a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineLink {
    /// The lab's line.
    pub link: Link,
    /// `12 wait`.
    pub text: String,
}

impl StandingPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            layout: Layout::sample("My share", Section::Share),
            answer: "You come before 143 of the 191 other students when places are scarce.".to_owned(),
            lead: "47 come before you, and 1 is level with you.".to_owned(),
            why: vec![
                "What you have booked lately still counts as 5.2 server-hours.".to_owned(),
                "It counts half after 7 days and a quarter after 14. If you book nothing more, less than 1 server-hour \
                 of it is left on Thu Dec 10."
                    .to_owned(),
            ],
            spread: Spread::sample(Some(5_200_000)),
            no_spread: None,
            levels: LevelRow::samples(),
            unit: "Server-hours".to_owned(),
            lines: LedgerLine::samples(),
            more_lines: true,
            staff: None,
        };
        let nothing = Self {
            answer: "Nobody comes before you when places are scarce.".to_owned(),
            lead: "All 192 students are level: nobody has used more than their share.".to_owned(),
            why: vec!["You have booked nothing that still counts.".to_owned()],
            spread: None,
            no_spread: Some("Nobody has used anything yet, so there is no picture of it.".to_owned()),
            levels: Vec::new(),
            lines: Vec::new(),
            more_lines: false,
            ..some.clone()
        };
        let alone = Self {
            answer: "Nobody comes before you when places are scarce.".to_owned(),
            lead: "You are the only student of the course so far.".to_owned(),
            no_spread: Some(
                "What everyone has used is shown once there are 5 students: a picture of fewer would say who."
                    .to_owned(),
            ),
            spread: None,
            levels: Vec::new(),
            more_lines: false,
            ..some.clone()
        };
        let staff = Self {
            layout: Layout::sample_of_staff("My share", Section::Share),
            answer: "You have no share, since you run the course.".to_owned(),
            lead: "Shares decide among students who wait for the same place.".to_owned(),
            why: Vec::new(),
            spread: Spread::sample(None),
            levels: Vec::new(),
            lines: Vec::new(),
            more_lines: false,
            staff: Some(Link::new("/staff/fair-share", "Everyone's share")),
            ..some.clone()
        };
        vec![
            ("standing", some),
            ("standing_nothing_used", nothing),
            ("standing_alone", alone),
            ("standing_staff", staff),
        ]
    }
}

impl LevelRow {
    fn samples() -> Vec<Self> {
        let row = |name: &str, shares: &str, usage: &str, verdict| Self {
            name: name.to_owned(),
            shares: shares.to_owned(),
            usage: usage.to_owned(),
            verdict,
        };
        vec![
            row("Your section in the course", "50 %", "43 %", "used less than its share"),
            row("You in your section", "1 %", "1.4 %", "used more than your share"),
        ]
    }
}

impl LedgerLine {
    fn samples() -> Vec<Self> {
        let line = |(iso, at): (&str, &str), what, (span, length): (&str, &str), amount: &str| Self {
            at: When::new(iso, at),
            what,
            source: LineSource::Booking("/bookings/b-7f3a".to_owned()),
            span: span.to_owned(),
            length: length.to_owned(),
            amount: amount.to_owned(),
        };
        let given_back = ("2026-11-22T12:40:00-05:00", "yesterday 12:40");
        let booked = ("2026-11-20T09:12:00-05:00", "Fri Nov 20, 09:12");
        let mut by_hand = line(
            ("2026-11-19T23:05:00-05:00", "Thu Nov 19, 23:05"),
            "Made by hand",
            ("from Thu Nov 19, 23:05", "2 h"),
            "+2",
        );
        by_hand.source = LineSource::ByHand("server my-notebook".to_owned());
        vec![
            line(given_back, "Given back", ("Sun Nov 22, 13:00 to 15:00", "2 h"), "−6"),
            line(booked, "Booked", ("Sun Nov 22, 10:00 to 15:00", "5 h"), "+15"),
            by_hand,
        ]
    }
}

impl FairSharePage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            layout: Layout::sample_of_staff("Fair share", Section::Share),
            answer:
                "Half of the 191 students have used 4.6 server-hours or less; ab1237 has used the most, 31."
                    .to_owned(),
            lead: "Fair Tree over course, section, team and student; what was used counts half after 7 days."
                .to_owned(),
            spread: Spread::sample(None),
            rows: ShareRow::samples(),
            lines: vec![
                LineLink {
                    link: Link::new("/staff/waitlist#k8s", "Kubernetes cluster"),
                    text: "3 wait".to_owned(),
                },
                LineLink {
                    link: Link::new("/staff/waitlist#gpu", "Training on a GPU"),
                    text: "nobody waits".to_owned(),
                },
            ],
        };
        let nobody = Self {
            answer: "The course has no students yet.".to_owned(),
            spread: None,
            rows: ShareRow::samples().into_iter().take(1).collect(),
            lines: Vec::new(),
            ..some.clone()
        };
        vec![("staff_fair_share", some), ("staff_fair_share_nobody", nobody)]
    }
}

impl ShareRow {
    fn samples() -> Vec<Self> {
        let row = |depth, (account, user): (&str, &str), figures: [&str; 6]| {
            let [raw_shares, norm_shares, raw_usage, effective_usage, fair_share, level_fs] =
                figures.map(str::to_owned);
            let (account, user) = (account.to_owned(), user.to_owned());
            Self {
                depth,
                account,
                user,
                raw_shares,
                norm_shares,
                raw_usage,
                effective_usage,
                fair_share,
                level_fs,
            }
        };
        vec![
            row(0, ("course", ""), ["", "0.000000", "46.3", "1.000000", "", ""]),
            row(1, ("Section A", ""), ["1", "0.500000", "10.1", "0.218143", "", "2.292079"]),
            row(2, ("Team 1", ""), ["1", "1.000000", "10.1", "1.000000", "", "1.000000"]),
            row(3, ("Team 1", "ff524"), ["1", "0.500000", "0", "0.000000", "1.000000", "inf"]),
            row(3, ("Team 1", "gg10"), ["1", "0.500000", "10.1", "1.000000", "0.666667", "0.500000"]),
            row(1, ("Section B", ""), ["1", "0.500000", "36.2", "0.781857", "", "0.639503"]),
            row(2, ("Section B", "ab1237"), ["1", "1.000000", "36.2", "1.000000", "0.333333", "1.000000"]),
        ]
    }
}
