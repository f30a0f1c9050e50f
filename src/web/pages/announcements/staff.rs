//! `/staff/announcements`: what was announced and is going to be, and the form that writes it.

use askama::Template;

use super::super::layout::{Field, Layout, Problem, Section, When};
use super::SAMPLE;

/// What was announced and is going to be, the latest written first.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "staff_announcements.html")]
pub struct StaffAnnouncementsPage {
    /// The frame.
    pub layout: Layout,
    /// How many there are, in a sentence.
    pub answer: String,
    /// The announcements.
    pub rows: Vec<PostedLine>,
    /// Whether older ones are left out.
    pub more: bool,
    /// Whether the reader may write some.
    pub writes: bool,
}

/// An announcement as staff see it in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedLine {
    /// Where it is edited.
    pub href: String,
    /// Its title.
    pub title: String,
    /// Whom it is for.
    pub whom: String,
    /// The name of the style of its state.
    pub class: &'static str,
    /// The shape that says the same.
    pub icon: &'static str,
    /// Its state in a word or two.
    pub state: String,
    /// Since when, or from when on.
    pub at: Option<When>,
    /// How its mailing is: `mailed to 193`, `mailing 100 of 193`, `no mail`.
    pub mail: String,
}

/// The form that writes an announcement or edits one.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "staff_announcement.html")]
pub struct WritePage {
    /// The frame.
    pub layout: Layout,
    /// What the page is for; its heading.
    pub answer: String,
    /// What to know first.
    pub lead: Option<String>,
    /// The form; nothing of one that was taken back.
    pub form: Option<WriteForm>,
    /// What the page would have: title and text, as HTML of [`markdown::html`](crate::markdown::html).
    pub preview: Option<(String, String)>,
    /// What the mail would say.
    pub mail: Option<String>,
    /// Where it can be taken back, if it can.
    pub withdraw: Option<String>,
}

/// The form, with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteForm {
    /// Where it is sent.
    pub action: String,
    /// The revision that is edited; 0 of a new one.
    pub revision: i32,
    /// The title.
    pub title: Field,
    /// The text as it was typed.
    pub text: String,
    /// Whom it can be for; none if it is published, when that stays.
    pub audiences: Vec<AudienceOption>,
    /// The labs to choose from.
    pub labs: Vec<Choice>,
    /// The sections to choose from.
    pub sections: Vec<Choice>,
    /// The sites to choose from.
    pub sites: Vec<Choice>,
    /// From when bookings count.
    pub from: Field,
    /// Up to when bookings count.
    pub until: Field,
    /// When it can be published; none if it is.
    pub releases: Vec<AudienceOption>,
    /// The time at which it is to be published.
    pub at: Field,
    /// Whether a mail is wanted.
    pub mailed: bool,
    /// What that means.
    pub mail_label: &'static str,
    /// What the button that saves is called.
    pub save: &'static str,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// One of several ways, to choose one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudienceOption {
    /// What the form sends.
    pub key: &'static str,
    /// What it is called.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A thing of a list, to choose one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub key: String,
    /// What it is called.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl WriteForm {
    /// What is wrong with the element of this id.
    pub(in crate::web::pages) fn problem(&self, id: &str) -> Option<&str> {
        self.problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.as_str())
    }

    fn sample() -> Self {
        let field = |id, kind, label, hint: &str, value: &str| Field {
            id,
            kind,
            label,
            hint: hint.to_owned(),
            value: value.to_owned(),
            problem: None,
            required: id == "title",
        };
        let way = |key, text: &str, chosen| AudienceOption { key, text: text.to_owned(), chosen };
        let choice =
            |key: &str, text: &str| Choice { key: key.to_owned(), text: text.to_owned(), chosen: false };
        Self {
            action: "/staff/announcements".to_owned(),
            revision: 0,
            title: field(
                "title",
                None,
                "Title",
                "What people see in lists, and the subject of the mail. At most 120 characters.",
                "The JupyterHub lab is deferred",
            ),
            text: SAMPLE.to_owned(),
            audiences: vec![
                way("course", "Everyone in the course", false),
                way("lab", "Everyone in the course, about a lab", true),
                way("section", "A section", false),
                way("booked", "Those who have something booked", false),
            ],
            labs: vec![choice("", "any lab"), choice("k8s", "Kubernetes cluster")],
            sections: vec![choice("a", "a"), choice("b", "b")],
            sites: vec![choice("", "any site"), choice("kvm-tacc", "KVM@TACC")],
            from: field("from", Some("datetime-local"), "From", "New York time (EST).", ""),
            until: field("until", Some("datetime-local"), "Until", "New York time (EST).", ""),
            releases: vec![
                way("now", "At once", true),
                way("at", "At a time", false),
                way("draft", "Not yet: keep it as a draft", false),
            ],
            at: field("at", Some("datetime-local"), "Time", "New York time (EST).", ""),
            mailed: true,
            mail_label: "Send it by mail, too",
            save: "Post",
            problems: Vec::new(),
        }
    }
}

impl WritePage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let new = Self {
            layout: Layout::sample_of_staff("Announce something", Section::Announcements),
            answer: "Announce something".to_owned(),
            lead: None,
            form: Some(WriteForm::sample()),
            preview: None,
            mail: None,
            withdraw: None,
        };
        let previewed = Self {
            preview: Some(("The JupyterHub lab is deferred".to_owned(), crate::markdown::html(SAMPLE))),
            mail: Some(crate::markdown::plain(SAMPLE)),
            ..new.clone()
        };
        let text = "Write what you have to say.";
        let refused = WriteForm {
            text: String::new(),
            problems: vec![
                Problem::with_field("text", text),
                Problem::with_field("section", "Choose a section."),
            ],
            ..WriteForm::sample()
        };
        let refused = Self { form: Some(refused), ..new.clone() };
        let published = WriteForm {
            action: "/staff/announcements/0123456789ab".to_owned(),
            revision: 2,
            audiences: Vec::new(),
            releases: Vec::new(),
            mailed: false,
            mail_label: "Tell everyone again by mail",
            save: "Save",
            ..WriteForm::sample()
        };
        let edit = Self {
            answer: "Edit what was announced".to_owned(),
            lead: Some(
                "Published today 10:00, for everyone in the course, about Train on JupyterHub. What it said before stays to be read."
                    .to_owned(),
            ),
            form: Some(published),
            withdraw: Some("/staff/announcements/0123456789ab/withdraw".to_owned()),
            ..new.clone()
        };
        let gone = Self {
            answer: "This was taken back".to_owned(),
            lead: Some("Nobody but staff sees it since today 12:00.".to_owned()),
            form: None,
            withdraw: None,
            ..previewed.clone()
        };
        vec![
            ("staff_announcement_new", new),
            ("staff_announcement_preview", previewed),
            ("staff_announcement_refused", refused),
            ("staff_announcement_edit", edit),
            ("staff_announcement_gone", gone),
        ]
    }
}

impl StaffAnnouncementsPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let line = |title: &str, class, icon, state: &str, at: Option<&str>, mail: &str| PostedLine {
            href: "/staff/announcements/0123456789ab".to_owned(),
            title: title.to_owned(),
            whom: "everyone in the course".to_owned(),
            class,
            icon,
            state: state.to_owned(),
            at: at.map(|text| When::new("2026-11-23T10:00-05:00", text)),
            mail: mail.to_owned(),
        };
        let some = Self {
            layout: Layout::sample_of_staff("Announcements", Section::Announcements),
            answer: "1 announcement waits for its time, and 1 is a draft.".to_owned(),
            rows: vec![
                line(
                    "The lab is open again",
                    "info",
                    "calendar",
                    "scheduled",
                    Some("tomorrow 08:00"),
                    "mail then",
                ),
                line("Office hours move", "calm", "circle-dashed", "draft", None, "mail then"),
                line(
                    "The JupyterHub lab is deferred",
                    "good",
                    "circle-check",
                    "published",
                    Some("today 10:00"),
                    "mailing 100 of 193",
                ),
                line(
                    "Welcome",
                    "good",
                    "circle-check",
                    "published",
                    Some("Mon Nov 2, 09:00"),
                    "mailed to 193",
                ),
                line("Wrong date", "calm", "circle-x", "taken back", Some("Mon Nov 2, 08:00"), "no mail"),
            ],
            more: false,
            writes: true,
        };
        let none = Self {
            answer: "Nothing has been announced yet.".to_owned(),
            rows: Vec::new(),
            more: false,
            ..some.clone()
        };
        vec![("staff_announcements", some), ("staff_announcements_none", none)]
    }
}
