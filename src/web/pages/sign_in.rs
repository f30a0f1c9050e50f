//! `/sign-in` of the demo: say who you are, no password asked.

use askama::Template;

use super::layout::{Layout, Problem, Section};

/// The page to sign in on. It exists only in the demo and says so.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// The frame.
    pub layout: Layout,
    /// People to be, each a button.
    pub people: Vec<DemoPerson>,
    /// What was typed as a net ID.
    pub net_id: String,
    /// What is wrong with it; the field's id is `net_id`.
    pub problems: Vec<Problem>,
    /// Where to go afterwards.
    pub return_to: Option<String>,
}

/// Someone of the seeded course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoPerson {
    /// The net ID that the button sends.
    pub net_id: String,
    /// `Student with an even net ID`.
    pub name: String,
    /// What this person will see: `May start on Sat, Mon or Wed this week`.
    pub about: String,
}

impl SignInPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let mut layout = Layout::sample("Sign in", Section::Elsewhere);
        layout.viewer = None;
        let person = |net_id: &str, name: &str, about: &str| DemoPerson {
            net_id: net_id.to_owned(),
            name: name.to_owned(),
            about: about.to_owned(),
        };
        let normal = Self {
            layout,
            people: vec![
                person("ff524", "Student, even net ID", "May start on Sat, Mon or Wed this week"),
                person("ab1237", "Student, odd net ID", "May start on Sun, Tue or Thu this week"),
                person("ta77", "Teaching assistant", "Sees what the students see, on every day"),
            ],
            net_id: String::new(),
            problems: Vec::new(),
            return_to: Some("/labs/k8s".to_owned()),
        };
        let malformed = Self {
            net_id: "ff-524@example.edu".to_owned(),
            problems: vec![Problem::with_field(
                "net_id",
                "Enter a net ID: letters, then digits, such as ff524. Leave out the @ and what follows.",
            )],
            ..normal.clone()
        };
        vec![("sign_in_normal", normal), ("sign_in_malformed", malformed)]
    }
}
