//! `/staff/reaper/exemptions`: what the reaper leaves alone, and saying so.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::pauses::{problem, whole_place};
use super::{PAGE, Paged, overview};
use crate::db::{self, DbError, SaidExemption, SaidPause};
use crate::domain::calendar;
use crate::domain::ids::{ExemptionId, LabId, NetId, SiteId};
use crate::domain::marked::Exempt;
use crate::services::guards::{self, GuardError, LONGEST_DAYS, NewExemption};
use crate::services::sweeps::Overview;
use crate::web::context::{Done, Staff};
use crate::web::error::WebError;
use crate::web::handlers::{page, page_once, staff};
use crate::web::pages::layout::{Field, Problem, Section};
use crate::web::pages::reaper::{ExemptForm, ExemptionLine, ExemptionsPage, PastPause, WhatOption};
use crate::web::present;

/// An exemption, as it is typed; or as a link fills it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    what: String,
    site: String,
    value: String,
    reason: String,
    until: String,
}

/// Which exemptions to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    page: Option<usize>,
    past: Option<String>,
}

/// How long an exemption is to hold if nobody says otherwise.
const USUAL: TimeDelta = TimeDelta::days(7);

/// Shows those that hold, with the form; or those that are over.
pub(super) async fn show(
    who: Staff,
    which: web::Query<Which>,
    form: web::Query<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let view = overview(&who).await?;
    let mut form = form.into_inner();
    if form.until.is_empty() {
        let until = (view.now + USUAL).with_timezone(&view.zone);
        form.until = until.format("%Y-%m-%dT23:59").to_string();
    }
    let shown = compose(&who, &view, &which, &form, Vec::new()).await?;
    Ok(page_once(&request, shown.render()?))
}

/// Adds one. A form that is not right comes back with everything that is wrong with it.
pub(super) async fn add(who: Staff, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    let (app, zone) = (who.0.context.app(), who.0.context.zone());
    let problems = match form.read(zone, app.now()) {
        Ok(wanted) => match guards::exempt(app, &who.0.doer(), wanted).await {
            Ok(_) => return Ok(who.0.context.done("/staff/reaper/exemptions", Done::Exempted)),
            Err(GuardError::Db(error)) => return Err(error.into()),
            Err(error) => vec![problem(zone, &error)],
        },
        Err(problems) => problems,
    };
    let view = overview(&who).await?;
    let shown = compose(&who, &view, &Which::default(), &form, problems).await?;
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, shown.render()?))
}

/// Takes one back.
pub(super) async fn revoke(who: Staff, path: web::Path<ExemptionId>) -> Result<HttpResponse, WebError> {
    if guards::revoke(who.0.context.app(), &who.0.doer(), path.into_inner()).await? {
        Ok(who.0.context.done("/staff/reaper/exemptions", Done::Unexempted))
    } else {
        Err(WebError::WrongState(
            "there is no such exemption that holds: it may have ended meanwhile".to_owned(),
        ))
    }
}

/// How many earlier pauses are shown.
const PAUSES: i64 = 20;

async fn compose(
    who: &Staff,
    view: &Overview,
    which: &Which,
    form: &Form,
    problems: Vec<Problem>,
) -> Result<ExemptionsPage, WebError> {
    let (now, past) = (view.now, which.past.is_some());
    let paged = Paged { page: which.page };
    let from = i64::try_from(paged.offset(PAGE)).unwrap_or(i64::MAX);
    let (holding, over, pauses) = who
        .0
        .context
        .app()
        .db
        .read::<_, DbError, _>("exemptions", move |conn| {
            let one_more = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
            let over = if past { db::past_exemptions(conn, now, from, one_more)? } else { Vec::new() };
            Ok((db::exemptions(conn, now)?, over, db::latest_pauses(conn, PAUSES)?))
        })
        .await?;
    let count = holding.len();
    let mut rows = if past { over } else { holding.into_iter().skip(paged.offset(PAGE)).collect() };
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let address = if past { "/staff/reaper/exemptions?past=yes" } else { "/staff/reaper/exemptions" };
    Ok(ExemptionsPage {
        layout: who.0.context.layout("Exemptions", Section::Reaper),
        answer: answer(count, past, rows.is_empty()),
        rows: rows.iter().map(|said| line(view, said)).collect(),
        past,
        pages: paged.links(address, more),
        form: (!past).then(|| form.shown(view, problems)),
        pauses: pauses.iter().filter_map(|said| past_pause(view, said)).collect(),
    })
}

fn answer(count: usize, past: bool, none: bool) -> String {
    match (past, count) {
        (true, _) if none => "No exemption is over.".to_owned(),
        (true, _) => "Exemptions that are over".to_owned(),
        (false, 0) => "Nothing is exempt.".to_owned(),
        (false, 1) => "1 exemption holds.".to_owned(),
        (false, many) => format!("{many} exemptions hold."),
    }
}

/// What is exempt, in a few words.
fn words(view: &Overview, what: &Exempt) -> String {
    match what {
        Exempt::Object(site, site_ref) => {
            let known = name_of(view, site, site_ref);
            let known = known.map_or_else(|| site_ref.clone(), |name| format!("{name} ({site_ref})"));
            format!("{known} at {}", super::place(view, site))
        }
        Exempt::NamesFrom(names) => format!("names that begin with \"{names}\""),
        Exempt::Person(net_id) => format!("all of {net_id}"),
        Exempt::Lab(lab) => format!("lab {lab}"),
    }
}

/// What an object is called, if the last sweep saw it.
fn name_of(view: &Overview, site: &SiteId, site_ref: &str) -> Option<String> {
    let plan = view.plan.as_ref()?;
    let waiting = plan.waiting.iter().map(|it| &it.mark.target);
    let told = plan.kept.iter().chain(&plan.reported).map(|it| &it.target);
    let found = waiting.chain(told).find(|target| target.site == *site && target.site_ref == site_ref);
    found.map(super::called)
}

fn line(view: &Overview, said: &SaidExemption) -> ExemptionLine {
    let (zone, now) = (view.zone, view.now);
    let over = match &said.ended {
        Some((by, at)) => Some(format!("taken back by {by}, {}", present::when(zone, now, *at).text)),
        None => (said.what.until <= now).then(|| "its time was over".to_owned()),
    };
    ExemptionLine {
        id: said.id.to_string(),
        what: words(view, &said.what.what),
        effect: guards::effect(&said.what.what),
        until: present::when(zone, now, said.what.until),
        why: said.what.reason.clone(),
        by: said.what.by.clone(),
        at: present::when(zone, now, said.at),
        over,
    }
}

fn past_pause(view: &Overview, said: &SaidPause) -> Option<PastPause> {
    let when = |at| present::when(view.zone, view.now, at).text;
    let (to, by) = match (&said.ended, said.what.until) {
        (Some((by, at)), _) => (*at, format!(", ended by {by}")),
        (None, Some(until)) if until <= view.now => (until, String::new()),
        _ => return None,
    };
    Some(PastPause {
        place: whole_place(view, said.what.site.as_ref()),
        text: format!("{} paused it from {} to {}{by}.", said.what.by, when(said.at), when(to)),
        why: super::sentence(&said.what.reason),
    })
}

/// What can be exempted: the key, what it is called, and what it covers.
const KINDS: [(&str, &str, &str); 4] = [
    ("object", "One object", "The one with this id at the site, whatever it is called."),
    (
        "names",
        "Names that begin so",
        "At every site, whosever it is; also what is made later. At least 3 characters.",
    ),
    (
        "person",
        "A person",
        "All that is theirs, at every site, and their bookings are kept though nobody uses them.",
    ),
    (
        "lab",
        "A lab",
        "By it no server is judged any more, and its bookings are kept though nobody uses them.",
    ),
];

impl Form {
    /// What is asked for, or everything that is wrong with it.
    fn read(&self, zone: Tz, now: DateTime<Utc>) -> Result<NewExemption, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let what = self.read_what().map_err(&mut keep).ok();
        let until = self.read_until(zone, now).map_err(&mut keep).ok();
        guards::check_reason(&self.reason).map_err(|error| keep(problem(zone, &error))).ok();
        match (what, until) {
            (Some(what), Some(until)) if problems.is_empty() => {
                Ok(NewExemption { what, reason: self.reason.clone(), until })
            }
            _ => Err(problems),
        }
    }

    fn read_what(&self) -> Result<Exempt, Problem> {
        let value = self.value.trim();
        match self.what.as_str() {
            "object" => {
                let site: SiteId =
                    self.site.parse().map_err(|_| Problem::with_field("site", "Choose a site."))?;
                Ok(Exempt::Object(site, value.to_owned()))
            }
            "names" => Ok(Exempt::NamesFrom(value.to_owned())),
            "person" => NetId::typed(value)
                .map(Exempt::Person)
                .map_err(|error| Problem::with_field("value", format!("{error}."))),
            "lab" => value
                .parse::<LabId>()
                .map(Exempt::Lab)
                .map_err(|error| Problem::with_field("value", format!("{error}."))),
            _ => Err(Problem::with_field("what", "Choose what is to be exempt.")),
        }
    }

    fn read_until(&self, zone: Tz, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
        let text = self.until.trim();
        if text.is_empty() {
            let text = format!("Say up to when: it ends by itself then. At most {LONGEST_DAYS} days ahead.");
            return Err(Problem::with_field("until", text));
        }
        let until = staff::read_time(zone, "until", text)?;
        guards::check_until(until, now).map_err(|error| problem(zone, &error))?;
        Ok(until)
    }

    /// The form as it is drawn.
    fn shown(&self, view: &Overview, problems: Vec<Problem>) -> ExemptForm {
        let zone = calendar::zone_name(view.zone, view.now);
        let field = |id, kind, label, hint: String, value: &str| Field {
            id,
            kind,
            label,
            hint,
            value: value.to_owned(),
            problem: problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.clone()),
            required: true,
        };
        let kind = |(key, text, covers)| WhatOption { key, text, covers, chosen: key == self.what };
        ExemptForm {
            kinds: KINDS.into_iter().map(kind).collect(),
            sites: view.sites.clone(),
            site: self.site.clone(),
            value: field(
                "value",
                None,
                "Which",
                "The object's id, how the names begin, a net ID, or a lab's id.".to_owned(),
                &self.value,
            ),
            reason: field(
                "reason",
                None,
                "Reason",
                "In a few words, for other staff.".to_owned(),
                &self.reason,
            ),
            until: field(
                "until",
                Some("datetime-local"),
                "Until",
                format!("{zone}, at most {LONGEST_DAYS} days ahead."),
                &self.until,
            ),
            problems,
        }
    }
}
