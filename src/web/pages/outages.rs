//! `/staff/outages`: what is away, and the forms with which staff declare it, end it, and put labs off.

use askama::Template;

use super::layout::{Field, Icon, Layout, Link, Problem, Section, When};

/// All outages.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "outages.html")]
pub struct OutagesPage {
    /// The frame.
    pub layout: Layout,
    /// What is away, in a sentence.
    pub answer: String,
    /// What staff may want to declare.
    pub suggestions: Vec<SuggestionLine>,
    /// The outages, the latest first.
    pub rows: Vec<OutageLine>,
    /// Labs, with when they are due and where that is put off.
    pub labs: Vec<LabLine>,
    /// Whether the reader may declare one.
    pub declares: bool,
}

/// Something that staff may want to declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestionLine {
    /// What speaks for it, in a sentence.
    pub text: String,
    /// The form, filled in.
    pub href: String,
    /// Where more is said about it, if it is from elsewhere.
    pub more: Option<Link>,
    /// Where it is put aside, if it can be.
    pub dismiss: Option<String>,
}

/// How an outage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutageState {
    /// Its bookings are being dealt with.
    Settling,
    /// It is to come.
    Planned,
    /// It is there.
    Here,
    /// It should be over by now, and nobody has said so.
    Late,
    /// It is over.
    Over,
}

impl OutageState {
    /// The state in a few words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Settling => "being dealt with",
            Self::Planned => "planned",
            Self::Here => "away",
            Self::Late => "should be back",
            Self::Over => "over",
        }
    }

    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Settling => "work",
            Self::Planned => "info",
            Self::Here | Self::Late => "bad",
            Self::Over => "calm",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Settling => Icon("loader"),
            Self::Planned => Icon("calendar"),
            Self::Here | Self::Late => Icon("triangle-alert"),
            Self::Over => Icon("circle-check"),
        }
    }
}

/// An outage in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageLine {
    /// Its page.
    pub href: String,
    /// What is away.
    pub what: String,
    /// How it is.
    pub state: OutageState,
    /// From when on.
    pub from: When,
    /// Up to when, if that is known.
    pub until: Option<When>,
    /// What happened.
    pub reason: String,
}

/// A lab in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabLine {
    /// Its title.
    pub title: String,
    /// When it is due, if that is known.
    pub due: Option<When>,
    /// How it was put off, if it was.
    pub deferred: Option<String>,
    /// The form that gives it another due date.
    pub href: String,
}

/// One outage.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "outage.html")]
pub struct OutagePage {
    /// The frame.
    pub layout: Layout,
    /// What is away, and since when, in a sentence.
    pub answer: String,
    /// How it is.
    pub state: OutageState,
    /// Facts, each with its name.
    pub facts: Vec<(&'static str, String)>,
    /// How far it is dealt with, in a sentence.
    pub progress: String,
    /// The form that says more of it, while it is open and its reader may.
    pub change: Option<String>,
    /// The form that says it is over.
    pub end: Option<String>,
    /// The announcements.
    pub announcements: Vec<Link>,
    /// What became of bookings.
    pub rows: Vec<HitRow>,
    /// The pages before and after.
    pub pages: Vec<Link>,
}

/// What became, or would become, of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitRow {
    /// Whose it is.
    pub who: String,
    /// Its lab.
    pub lab: String,
    /// What it was.
    pub had: Link,
    /// What became of it.
    pub fate: String,
    /// What is in its place.
    pub instead: Option<Link>,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What the form sends.
    pub key: String,
    /// What people read.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A form about an outage or a due date.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "outage_form.html")]
pub struct OutageFormPage {
    /// The frame.
    pub layout: Layout,
    /// What it does, in a sentence.
    pub answer: String,
    /// What to know beside it.
    pub lead: Option<String>,
    /// Where it comes from.
    pub over: Link,
    /// Where it goes to.
    pub action: String,
    /// Everything that is wrong with it.
    pub problems: Vec<Problem>,
    /// What can be away; none if that is settled.
    pub things: Vec<Way>,
    /// Its times and its reason.
    pub fields: Vec<Field>,
    /// What becomes of bookings ahead; none if that is settled.
    pub remedies: Vec<Way>,
    /// The labs whose due dates may change.
    pub labs: Vec<LabDue>,
    /// What it would do, once it can be told.
    pub preview: Option<PreviewPart>,
    /// What its button does, such as `Declare`.
    pub save: String,
}

impl OutageFormPage {
    /// What is wrong with an element.
    pub fn problem(&self, id: &str) -> Option<&str> {
        let about = |problem: &&Problem| problem.field.as_deref() == Some(id);
        self.problems.iter().find(about).map(|problem| problem.text.as_str())
    }
}

/// What becomes of a lab's due date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabDue {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// When it is due now.
    pub due: String,
    /// What may become of it.
    pub ways: Vec<Way>,
    /// The date as it is typed.
    pub date: String,
}

impl LabDue {
    /// The name of the choice.
    pub fn due_id(&self) -> String {
        format!("due.{}", self.id)
    }

    /// The name of the date.
    pub fn date_id(&self) -> String {
        format!("date.{}", self.id)
    }
}

/// What it would do, and what would be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewPart {
    /// How much it hits, in a sentence.
    pub finding: String,
    /// What becomes of that, each in a sentence.
    pub sums: Vec<String>,
    /// The bookings.
    pub rows: Vec<HitRow>,
    /// How many more there are.
    pub more: usize,
    /// The announcement's title.
    pub title: String,
    /// Its text, in Markdown.
    pub text: String,
    /// The text as it was drafted: one that staff did not touch is drafted anew when facts change.
    pub drafted: String,
    /// The announcement as its readers see it, as HTML of [`markdown::html`](crate::markdown::html).
    pub html: String,
    /// Whether everyone gets it by mail.
    pub to_all: bool,
}

fn sample_rows() -> Vec<HitRow> {
    let row = |who: &str, id: &str, had: &str, fate: &str, instead: Option<&str>| HitRow {
        who: who.to_owned(),
        lab: "Kubernetes on three servers".to_owned(),
        had: Link::new(format!("/bookings/{id}"), had),
        fate: fate.to_owned(),
        instead: instead.map(|slot| Link::new("/bookings/0123456789ad", slot)),
    };
    vec![
        row(
            "ff524",
            "0123456789ab",
            "Sat Nov 28, 10:00 to 15:00",
            "moved to",
            Some("Mon Nov 30, 10:00 to 15:00"),
        ),
        row("gg317", "0123456789ac", "Sat Nov 28, 12:00 to 20:00", "called off without charge", None),
    ]
}

impl OutagesPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let line = |what: &str, state| OutageLine {
            href: "/staff/outages/0123456789ab".to_owned(),
            what: what.to_owned(),
            state,
            from: When::new("2026-11-28T08:00-05:00", "Sat Nov 28, 08:00"),
            until: (state != OutageState::Here)
                .then(|| When::new("2026-11-28T20:00-05:00", "Sat Nov 28, 20:00")),
            reason: "planned maintenance of the storage".to_owned(),
        };
        let lab = |title: &str, deferred: Option<&str>| LabLine {
            title: title.to_owned(),
            due: deferred.is_none().then(|| When::new("2026-12-04T23:59-05:00", "Fri Dec 4, 23:59")),
            deferred: deferred.map(str::to_owned),
            href: "/staff/labs/k8s/due".to_owned(),
        };
        let some = Self {
            layout: Layout::sample_of_staff("Outages", Section::Outages),
            answer: "JupyterHub is away, and nobody knows until when.".to_owned(),
            suggestions: vec![SuggestionLine {
                text: "KVM@TACC is down since today 09:12: connections are refused.".to_owned(),
                href: "/staff/outages/new?away=site:kvm-tacc".to_owned(),
                more: Some(Link::new("/sites", "How the sites do")),
                dismiss: None,
            }],
            rows: vec![
                line("JupyterHub", OutageState::Here),
                line("KVM@TACC", OutageState::Planned),
                line("CHI@UC", OutageState::Late),
                line("CHI@UC", OutageState::Settling),
                line("CHI@TACC", OutageState::Over),
            ],
            labs: vec![
                lab(
                    "Kubernetes on three servers",
                    Some("deferred from Fri Dec 4, 23:59: JupyterHub is down"),
                ),
                lab("Train a model", None),
            ],
            declares: true,
        };
        let none = Self {
            answer: "Nothing is away.".to_owned(),
            suggestions: Vec::new(),
            rows: Vec::new(),
            labs: Vec::new(),
            ..some.clone()
        };
        vec![("outages", some), ("outages_none", none)]
    }
}

impl OutagePage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let here = Self {
            layout: Layout::sample_of_staff("Outage of JupyterHub", Section::Outages),
            answer: "JupyterHub is away since today 09:00.".to_owned(),
            state: OutageState::Here,
            facts: vec![
                ("What happened", "the login service does not answer".to_owned()),
                ("Expected back", "nobody knows".to_owned()),
                ("Bookings ahead", "move to the nearest free slot that the rules allow".to_owned()),
                ("Declared", "by ta77, today 09:20".to_owned()),
                ("Reaper", "leaves what needs it alone until 2 h after the end".to_owned()),
            ],
            progress: "2 bookings were hit, and everyone concerned was told.".to_owned(),
            change: Some("/staff/outages/0123456789ab/change".to_owned()),
            end: Some("/staff/outages/0123456789ab/end".to_owned()),
            announcements: vec![Link::new("/announcements/0123456789ab", "JupyterHub is away")],
            rows: sample_rows(),
            pages: vec![Link::new("/staff/outages/0123456789ab?page=2", "After")],
        };
        let over = Self {
            state: OutageState::Over,
            answer: "JupyterHub was away from Sat Nov 28, 09:00 to 17:00.".to_owned(),
            change: None,
            end: None,
            rows: Vec::new(),
            pages: Vec::new(),
            progress: "No booking was hit.".to_owned(),
            ..here.clone()
        };
        vec![("outage", here), ("outage_over", over)]
    }
}

impl OutageFormPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let field = |id: &'static str, kind, label: &'static str, value: &str| Field {
            id,
            kind,
            label,
            hint: "New York time (EST).".to_owned(),
            value: value.to_owned(),
            problem: None,
            required: true,
        };
        let way = |key: &str, text: &str, chosen| Way { key: key.to_owned(), text: text.to_owned(), chosen };
        let empty = Self {
            layout: Layout::sample_of_staff("Declare an outage", Section::Outages),
            answer: "Declare an outage".to_owned(),
            lead: Some("Nothing happens before you have seen what it does.".to_owned()),
            over: Link::new("/staff/outages", "Outages"),
            action: "/staff/outages".to_owned(),
            problems: Vec::new(),
            things: vec![
                way("site:kvm-tacc", "KVM@TACC (site)", true),
                way("service:JupyterHub", "JupyterHub", false),
            ],
            fields: vec![
                field("from", Some("datetime-local"), "From", "2026-11-28T08:00"),
                field("until", Some("datetime-local"), "Expected back (optional)", ""),
                field("reason", None, "What happened", "the login service does not answer"),
            ],
            remedies: vec![
                way("move", "Move them to the nearest free slot", true),
                way("offer", "Call them off, and offer the nearest slots", false),
                way("cancel", "Call them off", false),
            ],
            labs: Vec::new(),
            preview: None,
            save: "Declare".to_owned(),
        };
        let text = "JupyterHub is away since Sat Nov 28, 08:00 (13:00 UTC): the login service does not answer.\n\n\
                    **Kubernetes on three servers is deferred** (it was due Fri Dec 4, 23:59).";
        let whole = Self {
            labs: vec![LabDue {
                id: "k8s".to_owned(),
                title: "Kubernetes on three servers".to_owned(),
                due: "Fri Dec 4, 23:59".to_owned(),
                ways: vec![
                    way("same", "Stays", false),
                    way("tba", "To be announced", true),
                    way("at", "On", false),
                ],
                date: String::new(),
            }],
            preview: Some(PreviewPart {
                finding: "2 bookings of 2 students are hit.".to_owned(),
                sums: vec![
                    "1 moves to another slot.".to_owned(),
                    "1 is called off without charge.".to_owned(),
                ],
                rows: sample_rows(),
                more: 3,
                title: "JupyterHub is away; Kubernetes on three servers is deferred".to_owned(),
                text: text.to_owned(),
                drafted: text.to_owned(),
                html: crate::markdown::html(text),
                to_all: true,
            }),
            ..empty.clone()
        };
        let wrong = Self {
            problems: vec![
                Problem::with_field("until", "It would end before it begins: give a later time, or none."),
                Problem::with_field("reason", "Say what happened, in a few words."),
            ],
            ..empty.clone()
        };
        vec![("outage_form", empty), ("outage_form_preview", whole), ("outage_form_wrong", wrong)]
    }
}
