//! `/staff/services`: programs that are in the course by themselves, and their tokens.

use askama::Template;

use super::layout::{Field, Layout, Link, Problem, Section, When};
use super::tokens::{TokenState, Tokens};

/// The services of the course.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "services.html")]
pub struct ServicesPage {
    /// The frame.
    pub layout: Layout,
    /// How many there are, in a sentence.
    pub answer: String,
    /// The services, by their names.
    pub rows: Vec<ServiceRow>,
    /// The form that adds one.
    pub form: ServiceForm,
}

/// A service in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// Its page, called by its name.
    pub link: Link,
    /// What it is.
    pub title: String,
    /// To whom to write about it.
    pub mail: String,
    /// `2 tokens sign in`.
    pub tokens: String,
    /// When one of them was last used.
    pub used: Option<When>,
}

/// The form that adds a service, with what was typed if it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceForm {
    /// Its name.
    pub name: Field,
    /// What it is.
    pub title: Field,
    /// To whom to write.
    pub mail: Field,
    /// Why it was refused.
    pub problems: Vec<Problem>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "service.html")]
pub struct ServicePage {
    /// The frame.
    pub layout: Layout,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub title: String,
    /// To whom to write about it.
    pub mail: String,
    /// Its tokens.
    pub tokens: Tokens,
}

impl ServiceForm {
    /// The form with what was typed.
    pub fn new(name: String, title: String, mail: String, problems: Vec<Problem>) -> Self {
        let of = |field: &str| {
            let found = problems.iter().find(|problem| problem.field.as_deref() == Some(field));
            found.map(|problem| problem.text.clone())
        };
        let field = |id, label, hint: &str, value, kind| Field {
            id,
            kind,
            label,
            hint: hint.to_owned(),
            value,
            problem: of(id),
            required: true,
        };
        Self {
            name: field(
                "net_id",
                "Name",
                "Like a net ID that nobody has: 2 to 16 letters or digits.",
                name,
                None,
            ),
            title: field("title", "What it is", "Such as “Grades, each night”.", title, None),
            mail: field("mail", "Contact", "Who is written to when something is wrong with it.", mail, None),
            problems,
        }
    }
}

impl ServicesPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let row = |name: &str, title: &str, tokens: &str, used| ServiceRow {
            link: Link::new("/staff/services/p3rs0n000001", name),
            title: title.to_owned(),
            mail: "course-staff@example.edu".to_owned(),
            tokens: tokens.to_owned(),
            used,
        };
        let form = || ServiceForm::new(String::new(), String::new(), String::new(), Vec::new());
        let none = Self {
            layout: Layout::sample_of_staff("Services", Section::Elsewhere),
            answer: "No program is in the course by itself.".to_owned(),
            rows: Vec::new(),
            form: form(),
        };
        let used = When::new("2026-11-24T03:00-05:00", "today 03:00");
        let some = Self {
            answer: "2 services are in the course.".to_owned(),
            rows: vec![
                row("grades", "Grades, each night", "1 token signs in", Some(used)),
                row(
                    "dashboard2026",
                    "The board in the hall that shows which clusters are free",
                    "No token signs in",
                    None,
                ),
            ],
            ..none.clone()
        };
        let problems = vec![
            Problem::with_field(
                "net_id",
                "The name ff524 is a person's or another service's: choose one that nobody has.",
            ),
            Problem::with_field(
                "mail",
                "\"nobody\" is not an address for mail such as course-staff@example.edu.",
            ),
        ];
        let form = ServiceForm::new("ff524".to_owned(), "Grades".to_owned(), "nobody".to_owned(), problems);
        let refused = Self { form, ..some.clone() };
        vec![("services", some), ("services_none", none), ("services_refused", refused)]
    }
}

impl ServicePage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let base = "/staff/services/p3rs0n000001/tokens";
        let some = Self {
            layout: Layout::sample_of_staff("Service: grades", Section::Elsewhere),
            id: "p3rs0n000001".to_owned(),
            name: "grades".to_owned(),
            title: "Grades, each night".to_owned(),
            mail: "course-staff@example.edu".to_owned(),
            tokens: Tokens::sample(base),
        };
        let none = Self { tokens: Tokens::sample_of_none(base), ..some.clone() };
        vec![("service", some), ("service_without_tokens", none)]
    }
}
