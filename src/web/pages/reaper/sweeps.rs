//! `/staff/reaper/sweeps`: what sweeps did.

use askama::Template;

use super::super::layout::{Layout, Link, Section, When};
use super::staff_layout;

/// Sweeps that did or skipped something, latest first.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "reaper_sweeps.html")]
pub struct SweepsPage {
    /// The frame.
    pub layout: Layout,
    /// Whether it is the first page.
    pub latest: bool,
    /// The sweeps.
    pub sweeps: Vec<SweepLine>,
    /// The page after this one, if there is one.
    pub older: Option<String>,
}

/// A sweep in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepLine {
    /// Its page.
    pub href: String,
    /// When.
    pub at: When,
    /// `3 acts`.
    pub acts: String,
    /// `1 failed`; nothing if none did.
    pub failed: Option<String>,
    /// What it skipped, a sentence each.
    pub skipped: Vec<String>,
}

/// One sweep with its acts.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "reaper_sweep.html")]
pub struct SweepPage {
    /// The frame.
    pub layout: Layout,
    /// When.
    pub at: When,
    /// What it did, in a sentence.
    pub answer: String,
    /// Its figures, in a sentence.
    pub figures: String,
    /// What it skipped, a sentence each.
    pub skipped: Vec<String>,
    /// Its acts, in order.
    pub acts: Vec<ActLine>,
    /// The pages before and after this one.
    pub pages: Vec<Link>,
}

/// One act of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActLine {
    /// What was done: `Stop server node1-cloud-ff524 at kvm-tacc`.
    pub what: String,
    /// The booking that it is about.
    pub booking: Option<String>,
    /// Why, in a sentence.
    pub why: String,
    /// The code of what was broken.
    pub code: Option<&'static str>,
    /// What came of it.
    pub outcome: String,
    /// Whether it failed.
    pub failed: bool,
    /// What it saves: `120 h and 4.5 SU`.
    pub saved: Option<String>,
}

impl SweepsPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let line = |minute: u32, acts: &str| SweepLine {
            href: "/staff/reaper/sweeps/0123456789ab".to_owned(),
            at: When::new(format!("2026-11-24T14:{minute:02}-05:00"), format!("today 14:{minute:02}")),
            acts: acts.to_owned(),
            failed: None,
            skipped: Vec::new(),
        };
        let failed = SweepLine { failed: Some("1 failed".to_owned()), ..line(12, "3 acts") };
        let skipped = SweepLine {
            skipped: vec!["KVM@TACC: the listing failed: 503 Service Unavailable.".to_owned()],
            ..line(10, "0 acts")
        };
        let some = Self {
            layout: staff_layout("Sweeps"),
            latest: true,
            sweeps: vec![failed, line(11, "1 act"), skipped],
            older: Some("/staff/reaper/sweeps?before=1795000000000000".to_owned()),
        };
        let none = Self { sweeps: Vec::new(), older: None, ..some.clone() };
        vec![("reaper_sweeps", some), ("reaper_sweeps_none", none)]
    }
}

impl SweepPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let delete = ActLine {
            what: "Delete server node1-cloud-ff524 at kvm-tacc".to_owned(),
            booking: None,
            why: "It has been there since Mon Nov 23, 22:00, for 40 h; Kubernetes cluster allows 8 h."
                .to_owned(),
            code: Some("over_cap"),
            outcome: "gone".to_owned(),
            failed: false,
            saved: Some("120 h and 4.5 SU".to_owned()),
        };
        let failed = ActLine {
            what: "End booking 0123456789ab of gg710 (k8s)".to_owned(),
            booking: Some("/bookings/0123456789ab".to_owned()),
            outcome: "failed: the database asks to try again".to_owned(),
            failed: true,
            saved: None,
            code: Some("past_end"),
            ..delete.clone()
        };
        let page = Self {
            layout: staff_layout("A sweep"),
            at: When::new("2026-11-24T14:12-05:00", "today 14:12"),
            answer: "1 of 2 acts failed.".to_owned(),
            figures:
                "It listed 214 objects in 3.2 s. 137 marked objects waited, 2 were kept, 5 were reported."
                    .to_owned(),
            skipped: vec!["CHI@UC: the listing failed: 503 Service Unavailable.".to_owned()],
            acts: vec![delete, failed],
            pages: vec![Link::new("/staff/reaper/sweeps/0123456789ab?page=2", "After")],
        };
        vec![("reaper_sweep", page)]
    }
}
