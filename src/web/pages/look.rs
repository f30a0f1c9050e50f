//! `/staff/look`: staff say as whom they want to see the pages, and why.

use askama::Template;

use super::layout::{Field, Layout, Problem, Section};

/// The form.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "look.html")]
pub struct LookPage {
    /// The frame.
    pub layout: Layout,
    /// How many minutes it lasts at most.
    pub minutes: i64,
    /// As whom.
    pub net_id: Field,
    /// Why.
    pub reason: Field,
    /// What is wrong with what was sent.
    pub problems: Vec<Problem>,
}

impl LookPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let field = |id, label, hint: &str| Field {
            id,
            kind: None,
            label,
            hint: hint.to_owned(),
            value: String::new(),
            problem: None,
            required: true,
        };
        let empty = Self {
            layout: Layout::sample_of_staff("See the pages as a student", Section::Elsewhere),
            minutes: 30,
            net_id: field("net_id", "Net ID", "A student of the course, such as ff524."),
            reason: field("reason", "Why", "Such as: they wrote that they see no free times."),
            problems: Vec::new(),
        };
        let mut refused = empty.clone();
        let none = "There is no student of the course whom this names.";
        refused.problems = vec![Problem::with_field("net_id", none)];
        "zz999".clone_into(&mut refused.net_id.value);
        refused.net_id.problem = Some(none.to_owned());
        vec![("look_empty", empty), ("look_refused", refused)]
    }
}
