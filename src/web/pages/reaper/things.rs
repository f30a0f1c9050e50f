//! What the reaper is about to act on, in lines: for staff, and on `/me` for whom it belongs to.

use super::super::layout::{Icon, Link, When};

/// A list of objects with what is done about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Things {
    /// A word for the ids of elements.
    pub key: &'static str,
    /// The title of the list.
    pub title: String,
    /// What it is, or that there is nothing, in a sentence or two.
    pub text: String,
    /// What there is.
    pub rows: Vec<Thing>,
    /// Where the rest is, if there is more.
    pub more: Option<Link>,
}

/// An object, and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// `server node1-cloud-ff524`; or what is done: `Stop server node1-cloud-ff524`.
    pub name: String,
    /// The site's title.
    pub place: String,
    /// `ff524`, or `nobody's`; nothing where that is known.
    pub whose: Option<String>,
    /// How far the reaper is with it.
    pub state: Option<MarkState>,
    /// What comes next.
    pub next: Option<NextStep>,
    /// Why, in a sentence.
    pub why: String,
    /// The code of what it breaks.
    pub code: &'static str,
    /// What else is to know, in a sentence.
    pub note: Option<String>,
    /// What names it, if it can be taken back.
    pub restore: Option<Taken>,
    /// The form that exempts it, for staff.
    pub exempt: Option<String>,
}

/// What comes next for an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// `stopped` or `deleted`.
    pub done: &'static str,
    /// When.
    pub at: When,
    /// `in 2 h 10 min`.
    pub left: String,
}

/// What names an object to take back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The site's id.
    pub site: String,
    /// Its kind.
    pub kind: String,
    /// The site's id of it.
    pub site_ref: String,
}

/// How far the reaper is with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkState {
    /// Its owner was told.
    Told,
    /// It is stopped.
    Stopped,
    /// It is being deleted.
    Deleting,
    /// Its owner took it back.
    Restored,
}

impl MarkState {
    /// The state in a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Stopped => "stopped",
            Self::Deleting => "being deleted",
            Self::Restored => "left alone",
        }
    }

    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Told => "info",
            Self::Stopped | Self::Deleting => "bad",
            Self::Restored => "good",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Told => Icon("mail"),
            Self::Stopped => Icon("ban"),
            Self::Deleting => Icon("trash-2"),
            Self::Restored => Icon("circle-check"),
        }
    }
}

impl Things {
    pub(super) fn coming() -> Self {
        let told = Thing::sample();
        let stopped = Thing {
            name: "server hadoop-gg710".to_owned(),
            whose: Some("gg710".to_owned()),
            state: Some(MarkState::Stopped),
            next: Some(NextStep {
                done: "deleted",
                at: When::new("2026-11-25T09:30-05:00", "tomorrow 09:30"),
                left: "in 19 h 30 min".to_owned(),
            }),
            ..told.clone()
        };
        Self {
            key: "coming",
            title: "What comes next".to_owned(),
            text: "As the last sweep saw it, the first due first. Restore leaves a thing alone for 8 h, and starts it if it was \
                   stopped."
                .to_owned(),
            rows: vec![told, stopped],
            more: Some(Link::new("/staff/reaper/plan/coming", "All 137")),
        }
    }

    pub(super) fn due() -> Self {
        let stop = Thing {
            name: "Stop server node1-cloud-ff524".to_owned(),
            state: None,
            next: None,
            restore: None,
            ..Thing::sample()
        };
        Self {
            key: "due",
            title: "Due now".to_owned(),
            text: "The next sweep does this, within a minute.".to_owned(),
            rows: vec![stop],
            more: None,
        }
    }

    pub(super) fn reported() -> Self {
        let port = Thing {
            name: "floating IP 129.114.26.109".to_owned(),
            whose: Some("nobody's".to_owned()),
            why: "It leads nowhere since Mon Nov 16, 10:02, for 8 d; 7 d is the limit; nobody is known whose it is."
                .to_owned(),
            code: "idle_floating_ip",
            state: None,
            next: None,
            restore: None,
            ..Thing::sample()
        };
        let network = Thing {
            name: "network sharednet-of-nobody-with-a-very-long-name-that-has-no-blank".to_owned(),
            code: "leftover",
            ..port.clone()
        };
        Self {
            key: "reported",
            title: "Reported only".to_owned(),
            text: "Nothing is done about these unless someone does it by hand.".to_owned(),
            rows: vec![port, network],
            more: None,
        }
    }

    pub(super) fn kept() -> Self {
        let kept = Thing {
            why: "It has been there since yesterday 09:00; ta77 has exempted it: shown in class.".to_owned(),
            state: None,
            next: None,
            restore: None,
            exempt: None,
            ..Thing::sample()
        };
        Self {
            key: "kept",
            title: "Kept".to_owned(),
            text: "Left alone, since someone wished so.".to_owned(),
            rows: vec![kept],
            more: None,
        }
    }
}

impl Thing {
    /// A server of a student that is stopped in four hours.
    pub(in crate::web::pages) fn sample() -> Self {
        Self {
            name: "server node1-cloud-ff524".to_owned(),
            place: "KVM@TACC".to_owned(),
            whose: Some("ff524".to_owned()),
            state: Some(MarkState::Told),
            next: Some(NextStep {
                done: "stopped",
                at: When::new("2026-11-24T18:00-05:00", "today 18:00"),
                left: "in 4 h".to_owned(),
            }),
            why: "It has been there since Mon Nov 23, 22:00, for 16 h; Kubernetes cluster allows 8 h."
                .to_owned(),
            code: "over_cap",
            note: None,
            restore: Some(Taken {
                site: "kvm-tacc".to_owned(),
                kind: "server".to_owned(),
                site_ref: "8f14e45f-ceea-467a-9a36-dedd4bea2543".to_owned(),
            }),
            exempt: Some("/staff/reaper/exemptions?what=object&site=kvm-tacc&value=8f14e45f#add".to_owned()),
        }
    }
}
