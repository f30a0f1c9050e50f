//! Pausing the reaper, and letting it go on.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::{compose, overview, place};
use crate::db::SaidPause;
use crate::domain::calendar;
use crate::domain::ids::{PauseId, SiteId};
use crate::services::guards::{self, GuardError, LONGEST_DAYS, NewPause};
use crate::services::sweeps::Overview;
use crate::web::context::{Done, Staff};
use crate::web::error::WebError;
use crate::web::handlers::{page, staff};
use crate::web::pages::layout::{Field, Problem};
use crate::web::pages::reaper::{PauseForm, PauseLine};
use crate::web::present;

/// A pause, as it is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    site: String,
    reason: String,
    until: String,
}

/// Pauses it. A form that is not right comes back with everything that is wrong with it.
pub(super) async fn pause(who: Staff, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    let zone = who.0.context.zone();
    let app = who.0.context.app();
    let problems = match form.read(zone, app.now()) {
        Ok(wanted) => match guards::pause(app, &who.0.doer(), wanted).await {
            Ok(_) => return Ok(who.0.context.done("/staff/reaper", Done::Paused)),
            Err(GuardError::Db(error)) => return Err(error.into()),
            Err(error) => vec![problem(zone, &error)],
        },
        Err(problems) => problems,
    };
    let view = overview(&who).await?;
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, compose(&who, &view, &form, problems).render()?))
}

/// Ends a pause.
pub(super) async fn resume(who: Staff, path: web::Path<PauseId>) -> Result<HttpResponse, WebError> {
    match guards::resume(who.0.context.app(), &who.0.doer(), path.into_inner()).await {
        Ok(()) => Ok(who.0.context.done("/staff/reaper", Done::Resumed)),
        Err(GuardError::Db(error)) => Err(error.into()),
        Err(error) => Err(WebError::WrongState(error.to_string())),
    }
}

impl Form {
    /// What is asked for, or everything that is wrong with it.
    fn read(&self, zone: Tz, now: DateTime<Utc>) -> Result<NewPause, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let site = self.read_site().map_err(&mut keep).ok();
        guards::check_reason(&self.reason).map_err(|error| keep(problem(zone, &error))).ok();
        let until = self.read_until(zone, now).map_err(&mut keep).ok();
        match (site, until) {
            (Some(site), Some(until)) if problems.is_empty() => {
                Ok(NewPause { site, reason: self.reason.clone(), until })
            }
            _ => Err(problems),
        }
    }

    fn read_site(&self) -> Result<Option<SiteId>, Problem> {
        let known = |text: &str| text.parse().map_err(|_| Problem::with_field("site", "Choose a site."));
        Some(self.site.as_str()).filter(|site| !site.is_empty()).map(known).transpose()
    }

    fn read_until(&self, zone: Tz, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Problem> {
        let text = self.until.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let until = staff::read_time(zone, "until", text)?;
        guards::check_until(until, now).map_err(|error| problem(zone, &error))?;
        Ok(Some(until))
    }

    /// The form as it is drawn.
    pub(super) fn shown(&self, view: &Overview, problems: Vec<Problem>) -> PauseForm {
        let zone = calendar::zone_name(view.zone, view.now);
        let field = |id, kind, label, hint: String, value: &str| Field {
            id,
            kind,
            label,
            hint,
            value: value.to_owned(),
            problem: problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.clone()),
            required: id == "reason",
        };
        PauseForm {
            sites: view.sites.clone(),
            chosen: self.site.clone(),
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
                "Until (optional)",
                format!("{zone}. Without it, until someone resumes it."),
                &self.until,
            ),
            problems,
        }
    }
}

/// A pause that holds, as the page tells it.
pub(super) fn line(view: &Overview, said: &SaidPause) -> PauseLine {
    let (zone, now) = (view.zone, view.now);
    let here = |site: &SiteId| said.what.site.as_ref().is_none_or(|only| only == site);
    let due = view.coming.iter().filter(|it| it.at <= now && here(&it.mark.target.site)).count();
    let then = match due {
        0 => "The next sweep goes on, within a minute. Nothing has fallen due meanwhile, as far as it is known.".to_owned(),
        1 => "The next sweep goes on, within a minute. 1 step fell due meanwhile: it is done then.".to_owned(),
        many => format!("The next sweep goes on, within a minute. {many} steps fell due meanwhile: they are done then."),
    };
    PauseLine {
        id: said.id.to_string(),
        place: whole_place(view, said.what.site.as_ref()),
        by: said.what.by.clone(),
        at: present::when(zone, now, said.at),
        until: said.what.until.map(|until| present::when(zone, now, until)),
        why: super::sentence(&said.what.reason),
        then,
    }
}

/// `all sites`, or a site's title.
pub(super) fn whole_place(view: &Overview, site: Option<&SiteId>) -> String {
    site.map_or_else(|| "all sites".to_owned(), |site| place(view, site))
}

/// What stands against a pause or an exemption, at the field that it is about.
pub(in crate::web) fn problem(zone: Tz, error: &GuardError) -> Problem {
    let at = |at: &DateTime<Utc>| calendar::date_and_time(zone, *at);
    let (field, text) = match error {
        GuardError::NoReason => ("reason", "Say why: whoever looks at it later wants to know.".to_owned()),
        GuardError::Over(until) => ("until", format!("It would end on {}, which is over.", at(until))),
        GuardError::TooFar(until) => {
            let text = format!("It would end on {}, and may hold for {LONGEST_DAYS} days.", at(until));
            ("until", format!("{text} Give an earlier end, and say it again then."))
        }
        GuardError::Paused(said) => ("site", already(zone, said)),
        GuardError::NoSuchPerson(net_id) => ("value", format!("Nobody here has the net ID {net_id}.")),
        GuardError::NoSuchSite { .. } => ("site", super::sentence(&error.to_string())),
        other => ("value", super::sentence(&other.to_string())),
    };
    Problem::with_field(field, text)
}

/// Which pause holds already.
fn already(zone: Tz, said: &SaidPause) -> String {
    let place = said.what.site.as_ref().map_or_else(|| "all sites".to_owned(), ToString::to_string);
    let since = calendar::date_and_time(zone, said.at);
    let until = said.what.until.map_or_else(
        || "until someone resumes it".to_owned(),
        |until| format!("until {}", calendar::date_and_time(zone, until)),
    );
    format!("{place}: {} has paused it already, since {since}, {until}: {}.", said.what.by, said.what.reason)
}
