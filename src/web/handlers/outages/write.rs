//! The forms: each is looked at first, with what it would do, and then sent.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use chrono::{DateTime, Utc};

use super::form::{Asked, Reading, Subject, Typed, problem, remedy_words};
use super::{LIST, hit_row, slots};
use crate::db::{self, Conn};
use crate::domain::calendar;
use crate::domain::course::{Course, Lab};
use crate::domain::ids::{LabId, OutageId};
use crate::domain::outage::{Away, Outage, Remedy};
use crate::mail::messages::outage::Drafted;
use crate::markdown;
use crate::services::App;
use crate::services::outages::{self, Change, NewDue, OutageError, Planned, PlannedLine, Preview};
use crate::web::context::{Done, Staff};
use crate::web::error::WebError;
use crate::web::handlers::page;
use crate::web::pages::layout::{Link, Problem, Section};
use crate::web::pages::outages::{HitRow, OutageFormPage, PreviewPart, Way};

/// Names and values.
type Form = web::Form<Vec<(String, String)>>;

/// How many bookings a preview lists.
const LISTED: usize = 200;

pub(super) async fn begin(
    who: Staff,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    fresh(&who, Subject::New, query.into_inner()).await
}

pub(super) async fn begin_change(who: Staff, path: web::Path<OutageId>) -> Result<HttpResponse, WebError> {
    let outage = open(&who, path.into_inner()).await?;
    fresh(&who, Subject::More(Box::new(outage)), Vec::new()).await
}

pub(super) async fn begin_end(who: Staff, path: web::Path<OutageId>) -> Result<HttpResponse, WebError> {
    let outage = open(&who, path.into_inner()).await?;
    fresh(&who, Subject::Over(Box::new(outage)), Vec::new()).await
}

pub(super) async fn begin_due(who: Staff, path: web::Path<LabId>) -> Result<HttpResponse, WebError> {
    let lab = lab(&who, &path).await?;
    fresh(&who, Subject::Due(Box::new(lab)), Vec::new()).await
}

/// The form as it is first seen.
async fn fresh(
    who: &Staff,
    subject: Subject,
    given: Vec<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (zone, now) = (who.0.context.zone(), who.0.context.app().now());
    let form = Typed::begin(&subject, given, zone, now);
    let sight = look(who, subject, form, false).await?;
    let problems = Vec::new();
    Ok(page(StatusCode::OK, sight.compose(who, problems).render()?))
}

pub(super) async fn declare(who: Staff, form: Form) -> Result<HttpResponse, WebError> {
    let app = who.0.context.app().clone();
    let doer = who.0.doer();
    answer(&who, Subject::New, form, async move |asked: Asked| {
        let id = outages::declare(&app, &doer, asked.draft, asked.post).await?;
        Ok((format!("{LIST}/{id}"), Done::OutageDeclared))
    })
    .await
}

pub(super) async fn change(
    who: Staff,
    path: web::Path<OutageId>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let id = path.into_inner();
    let outage = open(&who, id.clone()).await?;
    let app = who.0.context.app().clone();
    let doer = who.0.doer();
    answer(&who, Subject::More(Box::new(outage)), form, async move |asked: Asked| {
        let Asked { draft, post, .. } = asked;
        let change = Change { until: draft.until, reason: draft.reason, dues: draft.dues, post };
        outages::change(&app, &doer, id.clone(), change).await?;
        Ok((format!("{LIST}/{id}"), Done::OutageChanged))
    })
    .await
}

pub(super) async fn end(who: Staff, path: web::Path<OutageId>, form: Form) -> Result<HttpResponse, WebError> {
    let id = path.into_inner();
    let outage = open(&who, id.clone()).await?;
    let app = who.0.context.app().clone();
    let doer = who.0.doer();
    answer(&who, Subject::Over(Box::new(outage)), form, async move |asked: Asked| {
        let at = asked.over.unwrap_or_else(|| app.now());
        outages::end(&app, &doer, id.clone(), at, asked.draft.dues, asked.post).await?;
        Ok((format!("{LIST}/{id}"), Done::OutageEnded))
    })
    .await
}

pub(super) async fn due(who: Staff, path: web::Path<LabId>, form: Form) -> Result<HttpResponse, WebError> {
    let lab = lab(&who, &path).await?;
    let app = who.0.context.app().clone();
    let doer = who.0.doer();
    let id = lab.id.clone();
    answer(&who, Subject::Due(Box::new(lab)), form, async move |asked: Asked| {
        let due = asked.draft.dues.get(&id).copied().unwrap_or(NewDue::Same);
        outages::defer(&app, &doer, id.clone(), due, asked.draft.reason, asked.post).await?;
        Ok((LIST.to_owned(), Done::PutOff))
    })
    .await
}

async fn open(who: &Staff, id: OutageId) -> Result<Outage, WebError> {
    let found = who.0.context.app().db.read("outage", move |conn| db::outage(conn, &id)).await?;
    let outage = found.ok_or(WebError::NotFound)?;
    if outage.ended.is_some() {
        return Err(WebError::WrongState(OutageError::Ended.to_string()));
    }
    Ok(outage)
}

async fn lab(who: &Staff, id: &LabId) -> Result<Lab, WebError> {
    let course = who.0.context.app().db.read("course", db::course).await?.ok_or(WebError::NotFound)?;
    course.labs.into_iter().find(|lab| lab.id == *id).ok_or(WebError::NotFound)
}

/// Shows what the form would do, or does it. A form that is not right comes back with everything that is wrong with it.
async fn answer(
    who: &Staff,
    subject: Subject,
    form: Form,
    save: impl AsyncFnOnce(Asked) -> Result<(String, Done), OutageError>,
) -> Result<HttpResponse, WebError> {
    let typed = Typed::new(form.into_inner());
    let saves = typed.get("act") == "save";
    let sight = look(who, subject, typed, true).await?;
    let problems = match &sight.asked {
        Err(problems) => problems.clone(),
        Ok(_) if !saves => return Ok(page(StatusCode::OK, sight.compose(who, Vec::new()).render()?)),
        Ok(asked) => match save(asked.clone()).await {
            Ok((to, done)) => return Ok(who.0.context.done(&to, done)),
            Err(OutageError::Db(error)) => return Err(error.into()),
            Err(error) => vec![problem(&error)],
        },
    };
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, sight.compose(who, problems).render()?))
}

/// A form with what it asks for and what that would do.
struct Sight {
    course: Course,
    subject: Subject,
    form: Typed,
    now: DateTime<Utc>,
    asked: Result<Asked, Vec<Problem>>,
    /// What it would do, and what would be said of it by itself.
    seen: Option<(Preview, Option<Drafted>)>,
}

/// Reads the form; if it is to be `told`, also what it would do.
async fn look(who: &Staff, subject: Subject, form: Typed, told: bool) -> Result<Sight, WebError> {
    let app = who.0.context.app().clone();
    let db = app.db.clone();
    let told = told || matches!(subject, Subject::Over(_));
    Ok(db
        .read("outage: preview", move |conn| look_in(&app, conn, subject.clone(), form.clone(), told))
        .await?)
}

fn look_in(
    app: &App,
    conn: &mut Conn<'_>,
    subject: Subject,
    form: Typed,
    told: bool,
) -> Result<Sight, OutageError> {
    let now = app.now();
    let course = db::course(conn)?.ok_or(OutageError::NoCourse)?;
    let asked = Reading { course: &course, subject: &subject, form: &form, now }.read();
    let seen = match &asked {
        Ok(asked) if told => Some(seen(app, conn, &course, &subject, asked)?),
        _ => None,
    };
    Ok(Sight { course, subject, form, now, asked, seen })
}

fn seen(
    app: &App,
    conn: &mut Conn<'_>,
    course: &Course,
    subject: &Subject,
    asked: &Asked,
) -> Result<(Preview, Option<Drafted>), OutageError> {
    let (draft, now) = (&asked.draft, app.now());
    let nothing = Preview { lines: Vec::new(), more: false };
    Ok(match subject {
        Subject::New => {
            (outages::preview(conn, course, draft, None, now)?, Some(outages::draft_of(app, course, draft)?))
        }
        Subject::More(outage) => (
            outages::preview(conn, course, draft, Some(&outage.id), now)?,
            Some(outages::draft_of(app, course, draft)?),
        ),
        Subject::Over(_) => {
            let at = asked.over.unwrap_or(now).min(now);
            (nothing, Some(outages::draft_of_end(app, course, draft, at)?))
        }
        Subject::Due(lab) => {
            let due = draft.dues.get(&lab.id).copied().unwrap_or(NewDue::Same);
            (nothing, outages::draft_of_deferral(course, lab, due, &draft.reason)?)
        }
    })
}

impl Sight {
    fn reading(&self) -> Reading<'_> {
        Reading { course: &self.course, subject: &self.subject, form: &self.form, now: self.now }
    }

    fn compose(&self, who: &Staff, problems: Vec<Problem>) -> OutageFormPage {
        let (title, action, save) = self.words();
        let reading = self.reading();
        let asked = self.asked.as_ref().ok();
        let is_new = matches!(self.subject, Subject::New);
        OutageFormPage {
            layout: who.0.context.layout(&title, Section::Outages),
            answer: title,
            lead: Some(self.lead().to_owned()),
            over: self.over(),
            action,
            things: if is_new { self.things() } else { Vec::new() },
            fields: reading.fields(&problems),
            remedies: if is_new { self.remedies() } else { Vec::new() },
            labs: match (asked, &self.seen, &self.subject) {
                (Some(asked), Some(_), _) | (Some(asked), None, Subject::Due(_)) => reading.shown_labs(asked),
                _ => Vec::new(),
            },
            preview: asked.zip(self.seen.as_ref()).and_then(|(asked, seen)| self.preview(asked, seen)),
            save: save.to_owned(),
            problems,
        }
    }

    /// The title, where the form goes, and what its button does.
    fn words(&self) -> (String, String, &'static str) {
        let what = |away: &Away| outages::title(&self.course, away);
        match &self.subject {
            Subject::New => ("Declare an outage".to_owned(), LIST.to_owned(), "Declare it"),
            Subject::More(it) => (
                format!("More is known of {}", what(&it.away)),
                format!("{LIST}/{}/change", it.id),
                "Save and tell everyone",
            ),
            Subject::Over(it) => {
                (format!("{} is back", what(&it.away)), format!("{LIST}/{}/end", it.id), "End the outage")
            }
            Subject::Due(lab) => (
                format!("When {} is due", lab.title),
                format!("/staff/labs/{}/due", lab.id),
                "Change and announce",
            ),
        }
    }

    fn lead(&self) -> &'static str {
        match &self.subject {
            Subject::New => {
                "Nothing happens before you have seen what it does to whom. For planned maintenance, give a time ahead."
            }
            Subject::More(_) => {
                "What it hits now and did not hit before is dealt with; who gets the announcement gets it again."
            }
            Subject::Over(_) => {
                "Labs are open again at once. What ran and was hit gets its time back where there is room."
            }
            Subject::Due(_) => "The days on which students may book follow. Bookings that they have stay.",
        }
    }

    fn over(&self) -> Link {
        match &self.subject {
            Subject::More(it) | Subject::Over(it) => Link::new(format!("{LIST}/{}", it.id), "The outage"),
            Subject::Due(lab) => Link::new(format!("/staff/labs/{}", lab.id), "Staff view of the lab"),
            Subject::New => Link::new(LIST, "Outages"),
        }
    }

    fn things(&self) -> Vec<Way> {
        let way = |away: Away| Way {
            text: outages::title(&self.course, &away),
            chosen: away.to_string() == self.form.get("away"),
            key: away.to_string(),
        };
        outages::things(&self.course).into_iter().map(way).collect()
    }

    fn remedies(&self) -> Vec<Way> {
        let chosen = Remedy::from_word(self.form.get("remedy")).unwrap_or(Remedy::Move);
        let way = |remedy: Remedy| Way {
            key: remedy.word().to_owned(),
            text: remedy_words(remedy).to_owned(),
            chosen: remedy == chosen,
        };
        Remedy::ALL.into_iter().map(way).collect()
    }

    fn preview(&self, asked: &Asked, (preview, drafted): &(Preview, Option<Drafted>)) -> Option<PreviewPart> {
        let drafted = drafted.as_ref()?;
        let touched = !asked.post.text.is_empty() && !same(&asked.post.text, self.form.get("drafted"));
        let (title, text) = if touched {
            (asked.post.title.clone(), asked.post.text.clone())
        } else {
            (drafted.title.clone(), drafted.text.trim().to_owned())
        };
        let (finding, sums) = self.finding(preview);
        Some(PreviewPart {
            finding,
            sums,
            rows: preview.lines.iter().take(LISTED).map(|line| self.row(line)).collect(),
            more: preview.lines.len().saturating_sub(LISTED),
            html: markdown::html(&text),
            title,
            text,
            drafted: drafted.text.trim().to_owned(),
            to_all: asked.post.to_all || !self.form.has("drafted"),
        })
    }

    /// How much it hits, and what becomes of that.
    fn finding(&self, preview: &Preview) -> (String, Vec<String>) {
        match &self.subject {
            Subject::Over(_) => {
                return (
                    "Bookings that ran get their time back where there is room, and each student is told."
                        .to_owned(),
                    Vec::new(),
                );
            }
            Subject::Due(_) => {
                return (
                    "Everyone who takes the course can read it, and gets it by mail.".to_owned(),
                    Vec::new(),
                );
            }
            Subject::New | Subject::More(_) => {}
        }
        let (bookings, people) = (preview.lines.len(), preview.people());
        let more = if preview.more { "At least " } else { "" };
        let finding = match bookings {
            0 => "No booking is hit.".to_owned(),
            1 => "1 booking is hit.".to_owned(),
            many => format!(
                "{more}{many} bookings of {people} {} are hit.",
                if people == 1 { "person" } else { "people" }
            ),
        };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &preview.lines {
            *counts.entry(becomes(&line.planned)).or_default() += 1;
        }
        (finding, counts.into_iter().map(|(what, count)| format!("{count} {what}.")).collect())
    }

    fn row(&self, line: &PlannedLine) -> HitRow {
        let plain = |text: String| Some(Link::new("", text));
        let instead = match &line.planned {
            Planned::Move(slot) => plain(calendar::span(self.course.zone, slot)),
            Planned::Offer(offered) => plain(slots(&self.course, offered)),
            _ => None,
        };
        let fate = match &line.planned {
            Planned::Move(_) => "moves to",
            Planned::Offer(_) => "is called off; offered:",
            Planned::Cancel => "is called off without charge",
            Planned::Running => "runs; costs nothing, and gets time back later",
            Planned::Free => "ran; costs nothing",
            Planned::Withdraw => "an offer that is withdrawn; who waits goes on waiting",
            Planned::Stay => "stays where it is, and is not moved to where it was to be",
        };
        hit_row(&self.course, line.net_id.as_str(), &line.booking, fate.to_owned(), instead)
    }
}

/// What becomes of bookings, after their number.
fn becomes(planned: &Planned) -> &'static str {
    match planned {
        Planned::Move(_) => "moved to the nearest free slot that the rules allow",
        Planned::Offer(_) => "called off without charge, with other slots to choose from",
        Planned::Cancel => "called off without charge: no other slot is found",
        Planned::Running => "running: free of charge, with time back when it is over",
        Planned::Free => "over already: free of charge",
        Planned::Withdraw => "offered and not taken yet: withdrawn",
        Planned::Stay => "asked to be moved into it: stay where they are",
    }
}

/// Whether two texts differ at most in how their lines end.
fn same(one: &str, other: &str) -> bool {
    one.lines().map(str::trim_end).eq(other.lines().map(str::trim_end))
}
