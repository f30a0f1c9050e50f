//! `/links/{token}`: what a link of a mail will do, and what it has done. Read without a session.

use askama::Template;

use super::layout::{Layout, Link, Problem, Section};

/// What a link comes to.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "link.html")]
pub struct LinkPage {
    /// The frame. It names nobody who is signed in: the link acts for its own person.
    pub layout: Layout,
    /// The question, or the answer; the page's heading.
    pub title: String,
    /// The same in a sentence or two.
    pub lead: String,
    /// What it is about: what is told, and how it is.
    pub facts: Vec<(&'static str, String)>,
    /// What it means for the reader: `Nothing was changed.`
    pub effect: Option<String>,
    /// Why it can't be done.
    pub problems: Vec<Problem>,
    /// The button, if there is something to do.
    pub action: Option<Action>,
    /// Where to go from here, the best first.
    pub next: Vec<Link>,
}

/// The button of a link's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What it says.
    pub text: String,
    /// Whether something is lost by it.
    pub danger: bool,
}

impl LinkPage {
    fn sample(title: &str, lead: &str) -> Self {
        let layout = Layout::sample(title, Section::Elsewhere);
        Self {
            layout: Layout { viewer: None, csrf: String::new(), ..layout },
            title: title.to_owned(),
            lead: lead.to_owned(),
            facts: Vec::new(),
            effect: None,
            problems: Vec::new(),
            action: None,
            next: vec![Link::new("/", "My labs")],
        }
    }

    fn of_booking(title: &str, lead: &str) -> Self {
        let mut page = Self::sample(title, lead);
        page.facts = vec![
            ("Lab", "Deploy a machine learning service on Kubernetes".to_owned()),
            ("Of", "ff524".to_owned()),
            ("Booked", "Sat Nov 28, 10:00 to 14:00".to_owned()),
            ("In UTC", "Sat Nov 28, 15:00 to 19:00".to_owned()),
        ];
        page.next.insert(0, Link::new("/bookings/3k8w2m9x4d1c", "Open the booking"));
        page
    }

    fn of_object(title: &str, lead: &str) -> Self {
        let mut page = Self::sample(title, lead);
        page.facts = vec![
            ("What", "server node1-cloud-ff524".to_owned()),
            ("Site", "KVM@TACC".to_owned()),
            ("Of", "ff524".to_owned()),
            ("Why", "it has been there for 9 h, and every lab allows 8 h at most".to_owned()),
        ];
        page
    }

    /// One that takes an offer, one that passes it on, and either after the offer's end.
    fn of_offers() -> (Self, Self, Self) {
        let offered = |title: &str, lead: &str| {
            let mut page = Self::of_booking(title, lead);
            page.facts = vec![
                ("Lab", "Deploy a machine learning service on Kubernetes".to_owned()),
                ("Of", "ff524".to_owned()),
                ("Offered", "Sat Nov 28, 10:00 to 14:00".to_owned()),
                ("In UTC", "Sat Nov 28, 15:00 to 19:00".to_owned()),
                ("Costs", "12.5 server-hours, 0.5 SU".to_owned()),
                ("Held until", "Sat Nov 28, 09:20".to_owned()),
            ];
            page.next.insert(1, Link::new("/labs/k8s", "Your place in line"));
            page
        };
        let with = |page: Self, text: &str| Self {
            effect: Some("Nothing is done before you press the button.".to_owned()),
            action: Some(Action { text: text.to_owned(), danger: false }),
            ..page
        };
        let accept = offered(
            "Take this place?",
            "It is held for you until 09:20. If you take it, it is your booking, and you wait for this lab no more.",
        );
        let pass = offered(
            "Pass this place on?",
            "Somebody else can have it then, and it is not offered to you again. You stay in line for another time.",
        );
        let mut over =
            offered("This offer is over.", "It stood until 09:20, and went on. You are still in line.");
        over.facts.truncate(4);
        (with(accept, "Take it"), with(pass, "Pass it on"), over)
    }

    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let action = |text: &str, danger| Some(Action { text: text.to_owned(), danger });
        let mut extend = Self::of_booking(
            "Extend your booking to 15:00?",
            "It ends Sat Nov 28, 14:00 now, and would end Sat Nov 28, 15:00.",
        );
        extend.effect = Some("Nothing is done before you press the button.".to_owned());
        extend.action = action("Extend to 15:00", false);
        let mut release = Self::of_booking(
            "Give your booking back now?",
            "Everything of it is deleted at once, and can't be brought back.",
        );
        let lost = "server node1, server node2, volume data, floating IP ip-node1";
        release.facts.push(("Is lost", lost.to_owned()));
        release.effect = Some("Nothing is done before you press the button.".to_owned());
        release.action = action("Give it back now", true);
        let mut refused = Self::of_booking(
            "Your booking can't be extended to 15:00 at present.",
            "It ends Sat Nov 28, 14:00.",
        );
        refused.problems =
            vec![Problem::rule("full", "All 30 places are taken from Sat Nov 28, 14:00 on, or before.")];
        refused.effect = Some("Nothing was changed.".to_owned());
        let mut restore = Self::of_object(
            "Keep server node1-cloud-ff524?",
            "It is stopped, and is to be deleted. If you keep it, it is started again and left alone until Sun Nov 29, 14:00.",
        );
        restore.effect = Some("Nothing is done before you press the button.".to_owned());
        restore.action = action("Keep it", false);
        let (accept, pass, offer_over) = Self::of_offers();
        let done = Self::of_booking("Your booking is to end at 15:00.", "The later end is asked for.");
        let used = Self::of_booking("This link has been used.", "The booking ends Sat Nov 28, 15:00 now.");
        let mut turn_off = Self::sample(
            "Turn these mails off?",
            "ff524 gets no more mails when your servers are ready then.",
        );
        turn_off.effect = Some("Nothing is done before you press the button.".to_owned());
        turn_off.action = action("Turn them off", false);
        turn_off.next.insert(0, Link::new("/me#mail", "Which mails you get"));
        let unknown = Self::sample(
            "This link leads nowhere.",
            "It is cut off or altered, or it is not for you any more.",
        );
        vec![
            ("link_extend", extend),
            ("link_release", release),
            ("link_restore", restore),
            ("link_accept", accept),
            ("link_pass", pass),
            ("link_offer_over", offer_over),
            ("link_refused", refused),
            ("link_done", done),
            ("link_used", used),
            ("link_turn_off", turn_off),
            ("link_unknown", unknown),
        ]
    }
}
