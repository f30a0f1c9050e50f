//! `/staff/audit`: who did what.

use askama::Template;

use super::layout::{Field, Layout, Link, Problem, Section, When};

/// Records of the audit log, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// The frame.
    pub layout: Layout,
    /// What is shown, in a sentence.
    pub answer: String,
    /// What can be chosen, and what is.
    pub form: AuditForm,
    /// The records.
    pub rows: Vec<AuditRow>,
    /// Files of all that fit.
    pub exports: Vec<Link>,
    /// The latest of them, if this is not the first page.
    pub latest: Option<String>,
    /// The page after this one, if there is one.
    pub older: Option<String>,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditForm {
    /// Whom it is about, who did it, from which day, to which day.
    pub fields: Vec<Field>,
    /// The actions to choose from.
    pub actions: Vec<ActionOption>,
    /// Whether any record is left out.
    pub chosen: bool,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// An action to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionOption {
    /// What the form sends.
    pub word: &'static str,
    /// What it is called.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A record in some lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the chain.
    pub number: i64,
    /// When.
    pub at: When,
    /// Who did what to whom: `ta77 granted ff524 an exception`.
    pub sentence: String,
    /// How they came, and as whom if they looked with someone's eyes.
    pub came: String,
    /// Why, in their words.
    pub why: Option<String>,
    /// The page of what it was done to, or what that is called.
    pub object: Option<Object>,
    /// More of the same: what else they did, and what else was done to whom it is about.
    pub more: Vec<Link>,
    /// What was changed: of what, from what, to what.
    pub changes: Vec<Change>,
    /// Whether what was said of it is gone, because whom it is about was erased.
    pub forgotten: bool,
    /// The request's id, as the log has it.
    pub request: Option<String>,
}

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is called: `exception 0123456789ab`.
    pub text: String,
    /// Its page, if it has one.
    pub href: Option<String>,
}

/// One thing that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub what: String,
    /// What it was; nothing if it was not there.
    pub before: Option<String>,
    /// What it is from then on; nothing if it is not there any more.
    pub after: Option<String>,
}

impl AuditForm {
    /// What is wrong with the element of this id.
    pub(super) fn problem(&self, id: &str) -> Option<&str> {
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
            required: false,
        };
        let option = |word, text: &str| ActionOption { word, text: text.to_owned(), chosen: false };
        Self {
            fields: vec![
                field("about", None, "About", "A net ID.", "ff524"),
                field("actor", None, "Done by", "A net ID.", ""),
                field("from", Some("date"), "From", "The first day.", ""),
                field("to", Some("date"), "To", "The last day.", ""),
            ],
            actions: vec![
                option("signed_in", "signed in"),
                option("granted_exception", "granted someone an exception"),
            ],
            chosen: true,
            problems: Vec::new(),
        }
    }
}

impl AuditRow {
    fn samples() -> Vec<Self> {
        let change = |what: &str, before: Option<&str>, after: Option<&str>| Change {
            what: what.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let granted = Self {
            number: 4812,
            at: When::new("2026-11-24T14:02-05:00", "today 14:02"),
            sentence: "ta77 granted ff524 an exception".to_owned(),
            came: "on a page".to_owned(),
            why: Some("was ill for a week".to_owned()),
            object: Some(Object {
                text: "exception 3k9f0000a2bc".to_owned(),
                href: Some("/staff/labs/k8s".to_owned()),
            }),
            more: vec![
                Link::new("/staff/audit?actor=000000000011", "All that ta77 did"),
                Link::new("/staff/audit?about=000000000012", "All about ff524"),
            ],
            changes: vec![
                change("grant.rule", Some("cap_minutes"), Some("cap_minutes")),
                change("grant.value", Some("480"), Some("600")),
                change("until", None, Some("2026-12-05T04:59:00Z")),
            ],
            forgotten: false,
            request: Some("7e0d4f5a-93d2-4c11-9b7e-2a1f6c0d8e55".to_owned()),
        };
        let looked = Self {
            number: 4811,
            at: When::new("2026-11-24T13:40-05:00", "today 13:40"),
            sentence: "ta77 looked at a page as ff524".to_owned(),
            came: "on a page, with the eyes of ff524".to_owned(),
            why: None,
            object: None,
            changes: Vec::new(),
            ..granted.clone()
        };
        let erased = Self {
            number: 4810,
            at: When::new("2026-11-23T09:15-05:00", "yesterday 09:15"),
            sentence: "fairlease set the accounts of erased0000 at the sites".to_owned(),
            came: "by a command".to_owned(),
            more: vec![Link::new("/staff/audit?about=000000000013", "All about erased0000")],
            forgotten: true,
            request: None,
            ..looked.clone()
        };
        vec![granted, looked, erased]
    }
}

impl AuditPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let export = |format, text| Link::new(format!("/staff/audit/export?format={format}"), text);
        let some = Self {
            layout: Layout::sample_of_staff("Audit", Section::Audit),
            answer: "What was done about ff524".to_owned(),
            form: AuditForm::sample(),
            rows: AuditRow::samples(),
            exports: vec![export("csv", "As a table (CSV)"), export("jsonl", "As JSON lines")],
            latest: None,
            older: Some("/staff/audit?before=4810".to_owned()),
        };
        let last = Self {
            latest: Some("/staff/audit".to_owned()),
            older: None,
            rows: AuditRow::samples().into_iter().skip(1).collect(),
            ..some.clone()
        };
        let none = Self {
            answer: "Nothing like this was done.".to_owned(),
            rows: Vec::new(),
            exports: Vec::new(),
            older: None,
            ..some.clone()
        };
        let mut refused = none.clone();
        refused.form.problems = vec![Problem::with_field("about", "Nobody here has the net ID ff999.")];
        if let Some(field) = refused.form.fields.first_mut() {
            field.problem = Some("Nobody here has the net ID ff999.".to_owned());
        }
        vec![("audit", some), ("audit_last", last), ("audit_none", none), ("audit_refused", refused)]
    }
}
