//! Every state of the pages about waiting.

use super::{
    Chances, DayLine, Fact, Join, LabLine, Offer, PartBox, WaitForm, WaitLine, WaitPage, WaiterRow, Waiting,
    WaitlistPage,
};
use crate::web::pages::lab::LengthOption;
use crate::web::pages::layout::{LabState, Layout, Link, NearestStart, Problem, Section, When};

impl Offer {
    /// One that stands for another while.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            id: "b-9d10".to_owned(),
            csrf: "sample-csrf".to_owned(),
            until: When::new("2026-11-24T14:20:00-05:00", "14:20"),
            left: "38 min left".to_owned(),
            lab: Link::new("/labs/k8s", "Kubernetes cluster"),
            start: When::new("2026-11-28T10:00:00-05:00", "Sat Nov 28, 10:00"),
            end: When::new("2026-11-28T14:00:00-05:00", "14:00"),
            length: "4 h".to_owned(),
        }
    }
}

impl WaitLine {
    /// Someone's in the middle of the line.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            href: "/labs/k8s/wait".to_owned(),
            text: "You are 3rd in line for 4 h, any time before it is due.".to_owned(),
            chances: Some(
                "Likely between Sat Nov 28, 14:00 and Mon Nov 30, 22:00; the odds are about 7 in 10."
                    .to_owned(),
            ),
        }
    }
}

fn facts() -> Vec<Fact> {
    vec![
        Fact::new("Your place", "3rd in line"),
        Fact::new("Likely", "between Sat Nov 28, 14:00 and Mon Nov 30, 22:00"),
        Fact::new("Odds", "about 7 in 10 that it comes before Thu Dec 3, 23:59"),
    ]
}

fn join() -> Join {
    let fields = [("hours", "4"), ("at", "2026-11-28.morning"), ("at", "2026-11-28.afternoon")];
    Join { fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), blocked: None }
}

impl WaitForm {
    fn sample() -> Self {
        let length = |hours: &str, chosen| LengthOption {
            hours: hours.to_owned(),
            text: format!("{hours} h"),
            chosen,
        };
        let part = |iso: &str, name: &'static str, hours: &str, chosen, possible| PartBox {
            value: format!("{iso}.{name}"),
            name,
            hours: String::from(hours),
            chosen,
            possible,
        };
        let day = |iso: &str, title: &str, today: bool| DayLine {
            iso: iso.to_owned(),
            title: title.to_owned(),
            parts: vec![
                part(iso, "night", "00–06", false, !today),
                part(iso, "morning", "06–12", iso == "2026-11-28", !today),
                part(iso, "afternoon", "12–18", iso == "2026-11-28", true),
                part(iso, "evening", "18–24", false, true),
            ],
        };
        Self {
            action: "/labs/k8s/wait".to_owned(),
            lengths: ["1", "2", "3", "4", "5", "6", "7", "8"].map(|it| length(it, it == "4")).into(),
            any_text: "Tick none for any time before it is due, Thu Dec 3, 23:59.".to_owned(),
            days: vec![
                day("2026-11-25", "Wed Nov 25", true),
                day("2026-11-28", "Sat Nov 28", false),
                day("2026-11-30", "Mon Nov 30", false),
                day("2026-12-02", "Wed Dec 2", false),
            ],
            auto_accept: false,
            offer_stands: "1 h".to_owned(),
            again: false,
        }
    }
}

impl WaitPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let empty = Self {
            layout: Layout::sample("Wait for a place", Section::Labs),
            lab: Link::new("/labs/k8s", "Kubernetes cluster"),
            answer: "Wait for a place".to_owned(),
            lead: Some(
                "When a place comes free, it is offered to whoever comes first in line: to one at a time, and held \
                 for them while they decide."
                    .to_owned(),
            ),
            problems: Vec::new(),
            offer: None,
            mine: None,
            chances: None,
            form: Some(WaitForm::sample()),
        };
        let form = || Some(WaitForm { again: true, ..WaitForm::sample() });
        let shown = Self {
            answer: "You would be 3rd in line.".to_owned(),
            lead: None,
            chances: Some(Chances {
                facts: facts(),
                basis: Some("In the last 7 days 12 places came free that would have suited you.".to_owned()),
                against: Vec::new(),
                free_now: Vec::new(),
                join: Some(join()),
            }),
            form: form(),
            ..empty.clone()
        };
        let free = Self {
            answer: "You need not wait: 3 times are free now.".to_owned(),
            chances: Some(Chances {
                facts: facts(),
                basis: None,
                against: Vec::new(),
                free_now: NearestStart::samples(),
                join: Some(Join { blocked: Some(Link::new("/me#key", "Add my SSH key")), ..join() }),
            }),
            form: form(),
            ..shown.clone()
        };
        let never = Self {
            answer: "Waiting for this would be in vain.".to_owned(),
            chances: Some(Chances {
                facts: Vec::new(),
                basis: None,
                against: vec![Problem::rule(
                    "too_many_ahead",
                    "You have 2 bookings ahead or running, and may have 2. Give one back to book another.",
                )],
                free_now: Vec::new(),
                join: None,
            }),
            form: form(),
            ..shown.clone()
        };
        let wrong = Self {
            problems: vec![Problem::with_field(
                "when",
                "None of the times that you ticked is as long as 8 h. Tick parts that follow each other, or choose less.",
            )],
            form: form(),
            ..empty.clone()
        };
        let waiting = Self {
            answer: "You are 3rd in line.".to_owned(),
            lead: Some(
                "When a place comes free for you, you get a mail, and it stands here and on My labs."
                    .to_owned(),
            ),
            mine: Some(Waiting::sample()),
            form: None,
            ..empty.clone()
        };
        let offered = Self {
            answer: "A place is offered to you until 14:20.".to_owned(),
            lead: None,
            offer: Some(Offer::sample()),
            ..waiting.clone()
        };
        vec![
            ("wait", empty),
            ("wait_chances", shown),
            ("wait_free_now", free),
            ("wait_in_vain", never),
            ("wait_wrong", wrong),
            ("wait_waiting", waiting),
            ("wait_offered", offered),
        ]
    }
}

impl Waiting {
    fn sample() -> Self {
        let mut known = vec![
            Fact::new("You wait for", "4 h, any time before it is due"),
            Fact::new("Since", "yesterday 09:12"),
        ];
        known.extend(facts());
        known.push(Fact::new("If it comes", "it is offered to you, and held for 1 h"));
        Self { id: "w-1".to_owned(), facts: known, free_now: Vec::new() }
    }
}

impl WaitlistPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            layout: Layout::sample_of_staff("Who waits", Section::Share),
            answer: "3 students wait, and 1 of them has an offer.".to_owned(),
            lead: "The priority is 1000 × fair share + 1200 × age, full after 3 days, + 200 × nearness of the due date, from 3 days \
                   before it. Each factor is from 0 to 1."
                .to_owned(),
            lines: vec![LabLine::sample(), LabLine::nobody()],
        };
        let nobody = Self {
            answer: "Nobody waits for a place.".to_owned(),
            lines: vec![LabLine::nobody()],
            ..some.clone()
        };
        vec![("staff_waitlist", some), ("staff_waitlist_nobody", nobody)]
    }
}

impl LabLine {
    fn sample() -> Self {
        let row = |place: &str, who: &str, asked: &str, priority: &str, factors: [&str; 3]| WaiterRow {
            place: place.to_owned(),
            who: who.to_owned(),
            asked: asked.to_owned(),
            since: When::new("2026-11-23T09:12:00-05:00", "yesterday 09:12"),
            priority: priority.to_owned(),
            factors: factors.map(str::to_owned),
            offer: None,
        };
        let mut first = row("1st", "gg10", "4 h, any time", "1402", ["0.67", "0.61", "0.00"]);
        first.offer = Some("offered until 14:20".to_owned());
        Self {
            id: "k8s".to_owned(),
            lab: Link::new("/staff/labs/k8s", "Kubernetes cluster"),
            state: LabState::DueSoon,
            state_text: "due in 9 days".to_owned(),
            waiters: vec![
                first,
                row("2nd", "ff524", "2 h in 3 windows", "1100", ["1.00", "0.08", "0.00"]),
                row("3rd", "ab1237", "8 h, any time, booked at once", "453", ["0.33", "0.10", "0.00"]),
            ],
        }
    }

    fn nobody() -> Self {
        Self {
            id: "gpu".to_owned(),
            lab: Link::new("/staff/labs/gpu", "Training on a GPU"),
            state: LabState::Open,
            state_text: "due in 23 days".to_owned(),
            waiters: Vec::new(),
        }
    }
}
