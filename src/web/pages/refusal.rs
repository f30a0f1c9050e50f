//! The page that a refusal or an error is told on.

use askama::Template;

use super::layout::{Layout, Link, NearestStart, Problem, Section};

/// What happened, what it means for the reader's work, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "refusal.html")]
pub struct RefusalPage {
    /// The frame.
    pub layout: Layout,
    /// The HTTP status, shown small.
    pub status: u16,
    /// What happened, in a few words; the page's heading.
    pub title: String,
    /// What happened, in a sentence or two.
    pub what: String,
    /// What it means for the reader's work: `Nothing was booked.`
    pub work: String,
    /// The rules that were broken.
    pub problems: Vec<Problem>,
    /// Starts that would be accepted.
    pub nearest: Vec<NearestStart>,
    /// Where to go from here, the best first.
    pub next: Vec<Link>,
    /// What to quote when asking for help.
    pub reference: Option<String>,
}

impl RefusalPage {
    fn problems_title(&self) -> &'static str {
        if self.problems.iter().any(|problem| problem.code.is_some()) {
            "The rules that it breaks"
        } else {
            "What is wrong"
        }
    }

    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let page = |status, title: &str, what: &str, work: &str| Self {
            layout: Layout::sample(title, Section::Elsewhere),
            status,
            title: title.to_owned(),
            what: what.to_owned(),
            work: work.to_owned(),
            problems: Vec::new(),
            nearest: Vec::new(),
            next: vec![Link::new("/", "My labs")],
            reference: Some("req-5f0c2b7e91aa".to_owned()),
        };
        let not_found = page(
            404,
            "There is no such page",
            "The address /labs/k9s leads nowhere. It may be mistyped, or the lab was taken down.",
            "Your bookings are not touched.",
        );
        let forbidden = page(
            403,
            "This booking is not yours",
            "You are signed in as ff524, and only the person who made a booking and staff can see it.",
            "Nothing was changed.",
        );
        let mut rules = page(
            422,
            "This time can't be booked",
            "You asked for the Kubernetes cluster from Tue Nov 24, 14:00 for 9 h.",
            "Nothing was booked.",
        );
        rules.problems = vec![
            Problem::rule(
                "parity_day",
                "Tue Nov 24 belongs to odd net IDs this week. Yours ends in 4: Sat, Mon or Wed.",
            ),
            Problem::rule("length_cap", "9 h is over the cap: at most 8 h at once."),
        ];
        rules.nearest = NearestStart::samples();
        rules.next.insert(0, Link::new("/labs/k8s?week=2026-11-23", "Back to the week"));
        let mut full = page(
            409,
            "Someone took the last place just before you",
            "All 30 places from Wed Nov 25, 10:00 to 14:00 are taken now.",
            "Nothing was booked, and nothing was counted against you.",
        );
        full.nearest = NearestStart::samples();
        full.next.insert(0, Link::new("/labs/k8s?week=2026-11-23", "Back to the week"));
        let mut broken = page(
            500,
            "Something went wrong on our side",
            "The page could not be made. Staff can find out why with the reference below.",
            "Your bookings and your servers are not touched. What you sent just now was not carried out.",
        );
        broken.next.insert(0, Link::new("/labs/k8s", "Try again"));
        vec![
            ("refusal_404", not_found),
            ("refusal_403", forbidden),
            ("refusal_422", rules),
            ("refusal_409", full),
            ("refusal_500", broken),
        ]
    }
}
