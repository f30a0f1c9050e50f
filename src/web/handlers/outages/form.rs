//! The form about an outage or a due date, as it is typed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::calendar;
use crate::domain::course::{Course, Lab};
use crate::domain::ids::LabId;
use crate::domain::outage::{Away, Outage, Remedy};
use crate::policy::outage::{self as policy, Suggestion};
use crate::services::announcements::AnnouncementError;
use crate::services::outages::{Draft, NewDue, OutageError, Post};
use crate::web::handlers::reaper;
use crate::web::handlers::staff::read_time;
use crate::web::pages::layout::{Field, Problem};
use crate::web::pages::outages::{LabDue, Way};
use crate::web::present;

/// What the form is about.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// A new outage.
    New,
    /// What more is known of one.
    More(Box<Outage>),
    /// That one is over.
    Over(Box<Outage>),
    /// When a lab is due.
    Due(Box<Lab>),
}

/// Names and values as they were typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed(BTreeMap<String, String>);

impl Typed {
    pub(super) fn new(form: Vec<(String, String)>) -> Self {
        Self(form.into_iter().collect())
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// A form that is filled in as far as it is known.
    pub(super) fn begin(
        subject: &Subject,
        given: Vec<(String, String)>,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Self {
        let mut form = Self::new(given);
        match subject {
            Subject::New if form.get("from").is_empty() => form.set("from", typed(zone, now)),
            Subject::New | Subject::Due(_) => {}
            Subject::More(outage) => {
                form.set("until", outage.until.map(|until| typed(zone, until)).unwrap_or_default());
                form.set("reason", outage.reason.clone());
            }
            Subject::Over(_) => form.set("at", typed(zone, now)),
        }
        form
    }
}

fn typed(zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()
}

/// What the form asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The outage, with the due dates.
    pub(super) draft: Draft,
    /// When it was over, if it is.
    pub(super) over: Option<DateTime<Utc>>,
    /// What is to be said of it.
    pub(super) post: Post,
}

/// The form with what it is read by.
pub(super) struct Reading<'a> {
    pub(super) course: &'a Course,
    pub(super) subject: &'a Subject,
    pub(super) form: &'a Typed,
    pub(super) now: DateTime<Utc>,
}

impl Reading<'_> {
    /// What is asked for, or everything that is wrong with it.
    pub(super) fn read(&self) -> Result<Asked, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let draft = self.draft().map_err(|found| found.into_iter().for_each(&mut keep)).ok();
        let over = match self.subject {
            Subject::Over(_) => self.time("at").map_err(&mut keep).ok().flatten(),
            _ => None,
        };
        if let Some(draft) = &draft
            && matches!(self.subject, Subject::New)
        {
            let wrong = draft.check(self.course, self.now);
            wrong.iter().map(problem).for_each(&mut keep);
        }
        let form = self.form;
        let post = Post {
            title: form.get("title").to_owned(),
            text: form.get("text").to_owned(),
            to_all: form.has("to_all"),
        };
        match draft {
            Some(draft) if problems.is_empty() => Ok(Asked { draft, over, post }),
            _ => Err(problems),
        }
    }

    fn draft(&self) -> Result<Draft, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let draft = match self.subject {
            Subject::New => {
                let away = self.away().map_err(&mut keep).ok();
                let from = self
                    .time("from")
                    .and_then(|from| from.ok_or_else(|| needed("from")))
                    .map_err(&mut keep)
                    .ok();
                let until = self.time("until").map_err(&mut keep).ok();
                let remedy = Remedy::from_word(self.form.get("remedy")).unwrap_or(Remedy::Move);
                let reason = self.form.get("reason").to_owned();
                away.zip(from).zip(until).map(|((away, from), until)| Draft {
                    away,
                    from,
                    until,
                    reason,
                    remedy,
                    dues: BTreeMap::new(),
                })
            }
            Subject::More(outage) => {
                let until = self.time("until").map_err(&mut keep).ok();
                let reason = self.form.get("reason").to_owned();
                if reason.is_empty() {
                    keep(problem(&OutageError::NoReason));
                }
                until.map(|until| Draft { until, reason, ..draft_of(outage) })
            }
            Subject::Over(outage) => Some(draft_of(outage)),
            Subject::Due(lab) => {
                let reason = self.form.get("reason").to_owned();
                if reason.is_empty() && self.form.has("act") {
                    keep(Problem::with_field("reason", "Say why, in a few words: it is announced."));
                }
                Some(Draft {
                    away: Away::Service(lab.title.clone()),
                    from: self.now,
                    until: None,
                    reason,
                    remedy: Remedy::Cancel,
                    dues: BTreeMap::new(),
                })
            }
        };
        let dues = draft.as_ref().map(|draft| self.dues(draft)).transpose();
        let dues = dues.map_err(|found| found.into_iter().for_each(&mut keep)).ok().flatten();
        match (draft, dues) {
            (Some(draft), Some(dues)) if problems.is_empty() => Ok(Draft { dues, ..draft }),
            _ => Err(problems),
        }
    }

    fn away(&self) -> Result<Away, Problem> {
        self.form.get("away").parse().map_err(|_| Problem::with_field("away", "Choose what is away."))
    }

    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, Problem> {
        let text = self.form.get(name);
        if text.is_empty() { Ok(None) } else { read_time(self.course.zone, name, text).map(Some) }
    }

    /// The labs whose due dates the form may change.
    pub(super) fn labs(&self, draft: &Draft) -> Vec<Lab> {
        match self.subject {
            Subject::Due(lab) => vec![(**lab).clone()],
            _ => draft.labs(self.course).cloned().collect(),
        }
    }

    fn dues(&self, draft: &Draft) -> Result<BTreeMap<LabId, NewDue>, Vec<Problem>> {
        let read = self.labs(draft).into_iter().map(|lab| {
            let due = self.due(draft, &lab)?;
            Ok((lab.id, due))
        });
        let (fine, wrong): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
        let wrong: Vec<Problem> = wrong.into_iter().filter_map(Result::err).collect();
        if wrong.is_empty() { Ok(fine.into_iter().filter_map(Result::ok).collect()) } else { Err(wrong) }
    }

    /// What the form says of a lab's due date, or what is suggested while it says nothing.
    fn due(&self, draft: &Draft, lab: &Lab) -> Result<NewDue, Problem> {
        let (name, date) = (format!("due.{}", lab.id), format!("date.{}", lab.id));
        match self.form.get(&name) {
            "same" => Ok(NewDue::Same),
            "tba" => Ok(NewDue::ToBeAnnounced),
            "at" => match read_time(self.course.zone, &name, self.form.get(&date)) {
                Ok(at) => Ok(NewDue::At(at)),
                Err(problem) => Err(problem),
            },
            _ => Ok(self.suggested(draft, lab)),
        }
    }

    fn suggested(&self, draft: &Draft, lab: &Lab) -> NewDue {
        if !matches!(self.subject, Subject::New | Subject::More(_)) {
            return NewDue::Same;
        }
        match policy::suggested_due(lab.due, draft.from, draft.until, self.now) {
            Suggestion::Same => NewDue::Same,
            Suggestion::ToBeAnnounced => NewDue::ToBeAnnounced,
            Suggestion::Later { days } => lab
                .due
                .map_or(NewDue::Same, |due| NewDue::At(calendar::later_by_days(self.course.zone, due, days))),
        }
    }

    /// The due dates as they are drawn.
    pub(super) fn shown_labs(&self, asked: &Asked) -> Vec<LabDue> {
        let zone = self.course.zone;
        let told = |due| calendar::date_and_time(zone, due);
        let lab = |lab: Lab| {
            let chosen = asked.draft.dues.get(&lab.id).copied().unwrap_or(NewDue::Same);
            let way = |key: &str, text: &str, of: bool| Way {
                key: key.to_owned(),
                text: text.to_owned(),
                chosen: of,
            };
            LabDue {
                due: lab.due.map_or_else(|| "date to be announced".to_owned(), told),
                ways: vec![
                    way("same", "Leave it as it is", chosen == NewDue::Same),
                    way("tba", "Defer it: to be announced", chosen == NewDue::ToBeAnnounced),
                    way("at", "Due at the date below", matches!(chosen, NewDue::At(_))),
                ],
                date: match chosen {
                    NewDue::At(at) => typed(zone, at),
                    _ => self.form.get(&format!("date.{}", lab.id)).to_owned(),
                },
                title: lab.title,
                id: lab.id.to_string(),
            }
        };
        self.labs(&asked.draft).into_iter().map(lab).collect()
    }

    /// The fields as they are drawn.
    pub(super) fn fields(&self, problems: &[Problem]) -> Vec<Field> {
        let zone = calendar::zone_name(self.course.zone, self.now);
        let field = |id: &'static str, kind, label, hint: String, required| Field {
            id,
            kind,
            label,
            hint,
            value: self.form.get(id).to_owned(),
            problem: problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.clone()),
            required,
        };
        let time = Some("datetime-local");
        let until = || {
            let hint = format!("{zone}. Leave it empty while nobody knows: labs are put off until you do.");
            field("until", time, "Expected back (optional)", hint, false)
        };
        let reason = |label| {
            let hint = "In a few words: students read it wherever they can't book.".to_owned();
            field("reason", None, label, hint, true)
        };
        match self.subject {
            Subject::New => vec![
                field("from", time, "Away from", format!("{zone}. Ahead for planned maintenance."), true),
                until(),
                reason("What happened"),
            ],
            Subject::More(_) => vec![until(), reason("What happened")],
            Subject::Over(_) => vec![field("at", time, "Back since", format!("{zone}."), true)],
            Subject::Due(_) => vec![reason("Why")],
        }
    }
}

fn needed(field: &str) -> Problem {
    Problem::with_field(field, "Give a date and time such as 2026-12-04 23:59.")
}

/// The outage as a draft, which its labs' due dates are read into.
fn draft_of(outage: &Outage) -> Draft {
    Draft {
        away: outage.away.clone(),
        from: outage.from,
        until: outage.until,
        reason: outage.reason.clone(),
        remedy: outage.remedy,
        dues: BTreeMap::new(),
    }
}

/// What becomes of bookings ahead, in words.
pub(super) fn remedy_words(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Move => "Move them to the nearest free slot that the rules allow",
        Remedy::Offer => "Call them off without charge, and offer the nearest slots",
        Remedy::Cancel => "Call them off without charge",
    }
}

/// What stands against it, at the field that it is about.
pub(super) fn problem(error: &OutageError) -> Problem {
    let (field, text) = match error {
        OutageError::NoReason => (
            "reason",
            "Say what happened, in a few words: students read it wherever they can't book.".to_owned(),
        ),
        OutageError::EndsBeforeItBegins => (
            "until",
            "It would end before it begins: give a later time, or none while nobody knows.".to_owned(),
        ),
        OutageError::Over => {
            ("until", "That is over: give a later time, or none while nobody knows.".to_owned())
        }
        OutageError::Declared(_) => (
            "away",
            "An outage of it is declared for that time already: say there what more is known.".to_owned(),
        ),
        OutageError::NoSuchThing { .. } => ("away", "Choose what is away.".to_owned()),
        OutageError::BadDue { lab, what } => {
            return Problem::with_field(&format!("due.{lab}"), sentence(what));
        }
        OutageError::Announcement(error) => (words_field(error), sentence(&error.to_string())),
        other => ("away", sentence(&other.to_string())),
    };
    Problem::with_field(field, text)
}

fn words_field(error: &AnnouncementError) -> &'static str {
    match error {
        AnnouncementError::NoTitle | AnnouncementError::TitleTooLong(_) => "title",
        _ => "text",
    }
}

fn sentence(text: &str) -> String {
    reaper::sentence(text)
}

/// The form that declares it, filled in with what is known.
pub(super) fn suggestion_href(away: &Away, zone: Tz, from: DateTime<Utc>, reason: &str) -> String {
    let value = |text: &str| present::escape(text);
    let (away, from, reason) = (value(&away.to_string()), value(&typed(zone, from)), value(reason));
    format!("/staff/outages/new?away={away}&from={from}&reason={reason}")
}
