//! `/staff/labs/{id}`: a lab as staff see it: its rules, whether they are fair, and who has an exception from them.

use askama::Template;

use super::layout::{Field, LabState, Layout, Problem, Section, Viewer, When};

/// A lab for those who run it.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "staff_lab.html")]
pub struct StaffLabPage {
    /// The frame.
    pub layout: Layout,
    /// The lab's id.
    pub id: String,
    /// The lab's title.
    pub title: String,
    /// Where it is on its way.
    pub state: LabState,
    /// The same in words: `due in 9 days`.
    pub state_text: String,
    /// When it opens.
    pub opens: When,
    /// When it is due; nothing while that is to be announced.
    pub due: Option<When>,
    /// What holds for each class of students this week, a sentence each.
    pub classes: Vec<String>,
    /// The other rules, as students read them.
    pub rules: Vec<String>,
    /// Whether the weekdays are fair.
    pub balance: BalanceCheck,
    /// How long preparing takes.
    pub preparing: PreparingCheck,
    /// The exceptions that hold or held, latest first.
    pub exceptions: Vec<ExceptionRow>,
    /// Whether older ones are left out.
    pub more_exceptions: bool,
    /// The form that grants another.
    pub form: GrantForm,
}

/// Whether both classes of students have as much time before the due date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceCheck {
    /// What was found, in a sentence; or why there is nothing to find.
    pub finding: String,
    /// What would help, if it is not fair; a sentence each.
    pub advice: Vec<String>,
    /// Each class's share; none where there is nothing to compare.
    pub shares: Vec<ShareRow>,
}

/// Whether bookings are ready at their start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparingCheck {
    /// What was found, in a sentence.
    pub finding: String,
    /// What would help, if they come late, in a sentence.
    pub advice: Option<String>,
}

/// What one class can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareRow {
    /// `Even`.
    pub name: String,
    /// `4 days`.
    pub days: String,
    /// `96 h`.
    pub hours: String,
    /// The length of its bar, in percent of the longest.
    pub percent: i64,
}

/// A personal exception in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionRow {
    /// Its id.
    pub id: String,
    /// Whose it is: a net ID.
    pub who: String,
    /// What is different: `At most 10 h at once`.
    pub what: String,
    /// `this lab` or `all labs`.
    pub scope: String,
    /// Up to when; for good if there is no time.
    pub until: Option<When>,
    /// Whether that is over.
    pub over: bool,
    /// Why.
    pub why: String,
    /// Who granted it.
    pub by: String,
    /// When.
    pub at: When,
}

/// The form that grants an exception, with what was typed if it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantForm {
    /// Whose it is to be.
    pub net_id: Field,
    /// The rules to choose from.
    pub rules: Vec<RuleOption>,
    /// The rule's value.
    pub value: Field,
    /// Whether it is for all labs.
    pub all_labs: bool,
    /// Up to when.
    pub until: Field,
    /// Why.
    pub reason: Field,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// A rule to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOption {
    /// What the form sends.
    pub key: String,
    /// What it is called, with what its value means: `Longest booking: hours, such as 10 or 1.5`.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl GrantForm {
    /// What is wrong with the choice of the rule.
    pub(super) fn rule_problem(&self) -> Option<&str> {
        self.problems.iter().find(|it| it.field.as_deref() == Some("rule")).map(|it| it.text.as_str())
    }
}

impl StaffLabPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let lopsided = lopsided();
        let quiet = Self {
            balance: BalanceCheck {
                finding: "This lab goes by no weekdays: everyone has the same time.".to_owned(),
                advice: Vec::new(),
                shares: Vec::new(),
            },
            classes: vec![
                "Everyone may start on any day, with the due date to be announced; at most 8 h at once."
                    .to_owned(),
            ],
            preparing: PreparingCheck {
                finding: "Preparing takes 7 min at the 90th percentile of the latest 20; it begins 8 min before the start."
                    .to_owned(),
                advice: None,
            },
            due: None,
            state: LabState::Open,
            state_text: "open, due date to be announced".to_owned(),
            exceptions: Vec::new(),
            ..lopsided.clone()
        };
        let mut refused = lopsided.clone();
        refused.form = refused_form(refused.form);
        vec![("staff_lab_lopsided", lopsided), ("staff_lab_quiet", quiet), ("staff_lab_refused", refused)]
    }
}

fn lopsided() -> StaffLabPage {
    let mut layout = Layout::sample("Staff view: Kubernetes cluster", Section::Labs);
    layout.viewer =
        Some(Viewer { net_id: "ta77".to_owned(), role: "teaching assistant".to_owned(), staff: true });
    let share = |name: &str, days: i64| ShareRow {
        name: name.to_owned(),
        days: format!("{days} days"),
        hours: format!("{} h", days * 24),
        percent: days * 25,
    };
    StaffLabPage {
        layout,
        id: "k8s".to_owned(),
        title: "Kubernetes cluster".to_owned(),
        state: LabState::DueSoon,
        state_text: "due in 9 days".to_owned(),
        opens: When::new("2026-11-16T00:00-05:00", "Mon Nov 16, 00:00"),
        due: Some(When::new("2026-12-02T23:59-05:00", "Wed Dec 2, 23:59")),
        classes: vec![
            "Even net IDs may start on Sat, Mon or Wed this week, until Wed Dec 2, 23:59; at most 8 h at once."
                .to_owned(),
            "Odd net IDs may start on Fri, Sun, Tue or Thu this week, until Wed Dec 2, 23:59; at most 8 h at once."
                .to_owned(),
        ],
        rules: vec!["You may have 2 bookings of this lab at a time.".to_owned()],
        balance: BalanceCheck {
            finding: "Not fair: from now to the due date even net IDs have 24 h less than odd ones.".to_owned(),
            advice: vec!["Let the two classes swap their days each week.".to_owned()],
            shares: vec![share("Even", 3), share("Odd", 4)],
        },
        preparing: PreparingCheck {
            finding: "Preparing takes 34 min at the 90th percentile of the latest 20; lead_minutes of kvm-clusters is 30."
                .to_owned(),
            advice: Some("Right would be lead_minutes = 38, so that bookings are ready at their start.".to_owned()),
        },
        exceptions: exceptions(),
        more_exceptions: true,
        form: form(),
    }
}

fn exceptions() -> Vec<ExceptionRow> {
    let ill = ExceptionRow {
        id: "0123456789ab".to_owned(),
        who: "ff524".to_owned(),
        what: "Due Fri Dec 4, 23:59".to_owned(),
        scope: "this lab".to_owned(),
        until: None,
        over: false,
        why: "was ill for a week".to_owned(),
        by: "ta77".to_owned(),
        at: When::new("2026-11-22T10:12-05:00", "yesterday 10:12"),
    };
    let digit = ExceptionRow {
        id: "0123456789ac".to_owned(),
        who: "abcd".to_owned(),
        what: "Counts as even".to_owned(),
        scope: "all labs".to_owned(),
        until: Some(When::new("2026-11-20T00:00-05:00", "Fri Nov 20, 00:00")),
        over: true,
        why: "the net ID has no digit".to_owned(),
        ..ill.clone()
    };
    vec![ill, digit]
}

fn form() -> GrantForm {
    let field = |id, label, hint: &str| Field {
        id,
        kind: (id == "until").then_some("datetime-local"),
        label,
        hint: hint.to_owned(),
        value: String::new(),
        problem: None,
        required: id == "net_id" || id == "reason",
    };
    let rule =
        |key: &str, text: &str| RuleOption { key: key.to_owned(), text: text.to_owned(), chosen: false };
    GrantForm {
        net_id: field("net_id", "Net ID", "Whose exception it is, such as ff524."),
        rules: vec![
            rule("any_day", "Any day: no value"),
            rule("cap_minutes", "Longest booking: hours, such as 10 or 1.5"),
        ],
        value: field("value", "Value", "As the rule above asks for it. Times are New York time (EST)."),
        all_labs: false,
        until: field("until", "Until (optional)", "New York time (EST)."),
        reason: field("reason", "Reason", "For staff only."),
        problems: Vec::new(),
    }
}

fn refused_form(mut form: GrantForm) -> GrantForm {
    "ff524".clone_into(&mut form.net_id.value);
    "much".clone_into(&mut form.value.value);
    form.value.problem = Some("\"much\" is not a length in hours such as 10 or 1.5.".to_owned());
    form.problems = vec![
        Problem::with_field("rule", "Choose a rule."),
        Problem::with_field("value", "\"much\" is not a length in hours such as 10 or 1.5."),
    ];
    form
}
