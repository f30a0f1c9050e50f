//! `/staff/reaper`: how the reaper does, what it does next and why, and what staff can say to it.

mod exemptions;
mod sweeps;
mod things;

use askama::Template;

pub use self::exemptions::{ExemptForm, ExemptionLine, ExemptionsPage, PastPause, WhatOption};
pub use self::sweeps::{ActLine, SweepLine, SweepPage, SweepsPage};
pub use self::things::{MarkState, NextStep, Taken, Thing, Things};

use super::layout::{Field, Icon, Layout, Link, Problem, Section, When};

/// How the reaper does.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "reaper.html")]
pub struct ReaperPage {
    /// The frame.
    pub layout: Layout,
    /// What its reader came for, in a sentence.
    pub answer: String,
    /// What to know beside it.
    pub lead: Option<String>,
    /// Whether it runs.
    pub state: ReaperState,
    /// What it does about what people made by hand, in a sentence.
    pub course: String,
    /// The pauses that hold.
    pub pauses: Vec<PauseLine>,
    /// Whether there is a site at which it is not paused.
    pub may_pause: bool,
    /// The form that pauses it.
    pub form: PauseForm,
    /// What needs staff, a sentence each.
    pub trouble: Vec<String>,
    /// What was left undone by somebody's wish, a sentence each.
    pub undone: Vec<String>,
    /// The last sweep, if there was one.
    pub last: Option<LastSweep>,
    /// What comes, what is reported, what is kept.
    pub lists: Vec<Things>,
    /// What it has saved.
    pub saved: Vec<SavedRow>,
}

/// Whether the reaper runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaperState {
    /// It does.
    Runs,
    /// Staff have paused it at some sites.
    PartlyPaused,
    /// Staff have paused it.
    Paused,
    /// No sweep has come lately.
    Silent,
}

impl ReaperState {
    /// The state in a few words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::PartlyPaused => "paused in part",
            Self::Paused => "paused",
            Self::Silent => "does not run",
        }
    }

    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Runs => "good",
            Self::PartlyPaused | Self::Paused => "info",
            Self::Silent => "bad",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Runs => Icon("circle-check"),
            Self::PartlyPaused | Self::Paused => Icon("ban"),
            Self::Silent => Icon("circle-x"),
        }
    }
}

/// A pause that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseLine {
    /// Its id.
    pub id: String,
    /// `all sites`, or a site's title.
    pub place: String,
    /// Who paused it.
    pub by: String,
    /// When.
    pub at: When,
    /// Up to when; until someone resumes it if there is no time.
    pub until: Option<When>,
    /// Why.
    pub why: String,
    /// What happens when it is resumed, in a sentence.
    pub then: String,
}

/// The form that pauses the reaper, with what was typed if it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseForm {
    /// The sites to choose from: id and title.
    pub sites: Vec<(String, String)>,
    /// The id of the one that is chosen; all if it is empty.
    pub chosen: String,
    /// Why.
    pub reason: Field,
    /// Up to when.
    pub until: Field,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// The last sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSweep {
    /// When.
    pub at: When,
    /// `20 s ago`.
    pub ago: String,
    /// What it did, in a sentence.
    pub text: String,
    /// Its page, if it did something.
    pub href: Option<String>,
}

/// What deletions saved in a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedRow {
    /// `Last 7 days`.
    pub name: String,
    /// `12 deletions`.
    pub deleted: String,
    /// `340.5 h`.
    pub hours: String,
    /// `112.5 SU`.
    pub su: String,
}

impl ReaperPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let quiet = Self::quiet();
        let busy = Self::busy();
        let mut paused = busy.clone();
        "The reaper is paused at all sites.".clone_into(&mut paused.answer);
        paused.lead = Some("Bookings whose time is over still end. Nothing else happens.".to_owned());
        paused.state = ReaperState::Paused;
        paused.may_pause = false;
        paused.pauses = vec![PauseLine::sample()];
        paused.undone = vec!["KVM@TACC: ta77 has stopped the reaper: the quota is being moved.".to_owned()];
        let mut trouble = quiet.clone();
        "The reaper does not run: the last sweep was 12 min ago.".clone_into(&mut trouble.answer);
        trouble.lead =
            Some("A sweep comes each minute where a worker runs. Look whether one does.".to_owned());
        trouble.state = ReaperState::Silent;
        trouble.trouble = vec![
            "KVM@TACC was skipped: the listing failed: 503 Service Unavailable (req-0c9d).".to_owned(),
            "1 act of the last sweep failed.".to_owned(),
        ];
        let mut refused = busy.clone();
        refused.form = refused.form.refused();
        vec![
            ("reaper_quiet", quiet),
            ("reaper_busy", busy),
            ("reaper_paused", paused),
            ("reaper_trouble", trouble),
            ("reaper_refused", refused),
        ]
    }

    fn quiet() -> Self {
        Self {
            layout: staff_layout("Reaper"),
            answer: "Nothing needs you: the last sweep, 20 s ago, found nothing to do.".to_owned(),
            lead: None,
            state: ReaperState::Runs,
            course:
                "What people make by hand and may not have is told to its owner, then stopped, then deleted."
                    .to_owned(),
            pauses: Vec::new(),
            may_pause: true,
            form: PauseForm::sample(),
            trouble: Vec::new(),
            undone: Vec::new(),
            last: Some(LastSweep {
                at: When::new("2026-11-24T14:00-05:00", "today 14:00"),
                ago: "20 s ago".to_owned(),
                text: "It listed 214 objects and did nothing.".to_owned(),
                href: None,
            }),
            lists: vec![
                Things { rows: Vec::new(), more: None, ..Things::coming() },
                Things { rows: Vec::new(), more: None, ..Things::reported() },
                Things { rows: Vec::new(), more: None, ..Things::kept() },
            ],
            saved: SavedRow::samples(),
        }
    }

    fn busy() -> Self {
        Self {
            answer: "2 servers are stopped today 18:00, and 2 things are nobody's.".to_owned(),
            last: Some(LastSweep {
                at: When::new("2026-11-24T14:00-05:00", "today 14:00"),
                ago: "20 s ago".to_owned(),
                text: "It listed 214 objects and did 3 things.".to_owned(),
                href: Some("/staff/reaper/sweeps/0123456789ab".to_owned()),
            }),
            lists: vec![Things::coming(), Things::reported(), Things::kept()],
            ..Self::quiet()
        }
    }
}

impl PauseLine {
    fn sample() -> Self {
        Self {
            id: "0123456789ab".to_owned(),
            place: "all sites".to_owned(),
            by: "ta77".to_owned(),
            at: When::new("2026-11-24T13:12-05:00", "today 13:12"),
            until: Some(When::new("2026-11-24T20:00-05:00", "today 20:00")),
            why: "The quota is being moved.".to_owned(),
            then:
                "The next sweep goes on, within a minute: what fell due meanwhile is stopped or deleted then."
                    .to_owned(),
        }
    }
}

impl PauseForm {
    fn sample() -> Self {
        let field = |id, kind, label, hint: &str, required| Field {
            id,
            kind,
            label,
            hint: hint.to_owned(),
            value: String::new(),
            problem: None,
            required,
        };
        Self {
            sites: vec![
                ("chi-uc".to_owned(), "CHI@UC".to_owned()),
                ("kvm-tacc".to_owned(), "KVM@TACC".to_owned()),
            ],
            chosen: String::new(),
            reason: field("reason", None, "Reason", "In a few words, for other staff.", true),
            until: field("until", Some("datetime-local"), "Until (optional)", "New York time (EST).", false),
            problems: Vec::new(),
        }
    }

    fn refused(mut self) -> Self {
        let text = "Say why: whoever looks at it later wants to know.";
        self.reason.problem = Some(text.to_owned());
        "kvm-tacc".clone_into(&mut self.chosen);
        self.problems = vec![Problem::with_field("reason", text)];
        self
    }
}

impl SavedRow {
    fn samples() -> Vec<Self> {
        let row = |name: &str, deleted: &str, hours: &str, su: &str| Self {
            name: name.to_owned(),
            deleted: deleted.to_owned(),
            hours: hours.to_owned(),
            su: su.to_owned(),
        };
        vec![
            row("Last 7 days", "2 deletions", "336 h", "12.5 SU"),
            row("Last 30 days", "12 deletions", "1,940.5 h", "112.5 SU"),
            row("Since it began", "40 deletions", "6,100 h", "480 SU"),
        ]
    }
}

/// What the reaper would do, as it was just looked at; or one list of what the last sweep saw, page by page.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "reaper_plan.html")]
pub struct PlanPage {
    /// The frame.
    pub layout: Layout,
    /// What its reader came for, in a sentence.
    pub answer: String,
    /// What to know beside it.
    pub lead: String,
    /// What is skipped, a sentence each.
    pub skipped: Vec<String>,
    /// What there is.
    pub lists: Vec<Things>,
    /// The pages before and after this one.
    pub pages: Vec<Link>,
}

impl PlanPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let look = Self {
            layout: staff_layout("A look just now"),
            answer: "A sweep would do 2 things now.".to_owned(),
            lead: "This was a look: nothing was changed, and nobody was told.".to_owned(),
            skipped: vec!["CHI@UC: the listing failed: 503 Service Unavailable.".to_owned()],
            lists: vec![Things::due(), Things::coming(), Things::reported(), Things::kept()],
            pages: Vec::new(),
        };
        let list = Self {
            layout: staff_layout("What comes next"),
            answer: "137 steps are ahead.".to_owned(),
            lead: "As the sweep of today 14:00 saw it; here are 51 to 100.".to_owned(),
            skipped: Vec::new(),
            lists: vec![Things { more: None, ..Things::coming() }],
            pages: vec![
                Link::new("/staff/reaper/plan/coming", "Before"),
                Link::new("/staff/reaper/plan/coming?page=3", "After"),
            ],
        };
        vec![("reaper_look", look), ("reaper_list", list)]
    }
}

/// A realistic frame for someone of staff.
fn staff_layout(title: &str) -> Layout {
    Layout::sample_of_staff(title, Section::Reaper)
}
