//! `/staff/labs/{lab}`: a lab as staff see it, and personal exceptions from its rules.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{page, page_once};
use crate::domain::calendar;
use crate::domain::course::Lab;
use crate::domain::exception::Exception;
use crate::domain::ids::{ExceptionId, LabId, NetId};
use crate::policy::balance::{Balance, Share};
use crate::policy::lead::Finding;
use crate::services::exceptions::{self, ExceptionError};
use crate::services::staff::{self, StaffView};
use crate::web::context::{Done, Staff};
use crate::web::error::WebError;
use crate::web::pages::layout::{Problem, Section};
use crate::web::pages::staff_lab::{BalanceCheck, ExceptionRow, PreparingCheck, ShareRow, StaffLabPage};
use crate::web::present;

mod grant;

pub use grant::Form;
pub(super) use grant::{problem as grant_problem, read_time, words as grant_words};

/// Shows the lab.
pub async fn show(
    who: Staff,
    path: web::Path<LabId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let view = view(&who, &path).await?;
    Ok(page_once(&request, compose(&who, &view, &Form::default(), Vec::new()).render()?))
}

/// Grants an exception. A form that is not right comes back with everything that is wrong with it.
pub async fn grant(
    who: Staff,
    path: web::Path<LabId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let view = view(&who, &path).await?;
    let problems = match form.read(Some(&path), view.setting.zone, view.now) {
        Ok(wanted) => match exceptions::grant(who.0.context.app(), &who.0.doer(), wanted).await {
            Ok(_) => return Ok(done(&who, &path, Done::Granted)),
            Err(ExceptionError::Db(error)) => return Err(error.into()),
            Err(error) => vec![grant::problem(view.setting.zone, &error)],
        },
        Err(problems) => problems,
    };
    let again = compose(&who, &view, &form, problems);
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, again.render()?))
}

/// Which exception is to be taken back comes with the address.
#[derive(Debug, Deserialize)]
pub struct Revoke {
    /// The lab on whose page the button was pressed.
    #[serde(default)]
    lab: String,
}

/// Takes an exception back, and leads to the page of the lab again.
pub async fn revoke(
    who: Staff,
    path: web::Path<ExceptionId>,
    form: web::Form<Revoke>,
) -> Result<HttpResponse, WebError> {
    let lab: LabId = form.lab.parse()?;
    if exceptions::revoke(who.0.context.app(), &who.0.doer(), path.into_inner()).await? {
        Ok(done(&who, &lab, Done::TakenBack))
    } else {
        Err(WebError::WrongState("there is no such exception, or it was taken back before".to_owned()))
    }
}

fn done(who: &Staff, lab: &LabId, what: Done) -> HttpResponse {
    who.0.context.done(&format!("/staff/labs/{lab}"), what)
}

async fn view(who: &Staff, lab: &LabId) -> Result<StaffView, WebError> {
    let app = who.0.context.app().clone();
    let (db, id) = (app.db.clone(), lab.clone());
    db.read("staff lab", move |conn| staff::lab(&app, conn, &id)).await?.ok_or(WebError::NotFound)
}

fn compose(who: &Staff, view: &StaffView, form: &Form, problems: Vec<Problem>) -> StaffLabPage {
    let (lab, zone) = (&view.setting.lab, view.setting.zone);
    let (state, state_text) = present::lab_state(lab, view.now);
    StaffLabPage {
        layout: who.0.context.layout(&format!("Staff view: {}", lab.title), Section::Labs),
        id: lab.id.to_string(),
        title: lab.title.clone(),
        state,
        state_text,
        opens: present::when(zone, view.now, lab.open),
        due: lab.due.map(|due| present::when(zone, view.now, due)),
        classes: view.classes.clone(),
        rules: view.rules.clone(),
        balance: balance(view),
        preparing: preparing(&view.preparing),
        exceptions: view.exceptions.iter().map(|(it, net_id)| row(view, it, net_id)).collect(),
        more_exceptions: view.more_exceptions,
        form: form.shown(&calendar::zone_name(zone, view.now), problems),
    }
}

fn row(view: &StaffView, exception: &Exception, net_id: &NetId) -> ExceptionRow {
    let (zone, now) = (view.setting.zone, view.now);
    let scope = if exception.lab.is_some() { "this lab" } else { "all labs" };
    ExceptionRow {
        id: exception.id.to_string(),
        who: net_id.to_string(),
        what: grant::words(zone, &exception.grant),
        scope: scope.to_owned(),
        until: exception.until.map(|until| present::when(zone, now, until)),
        over: exception.until.is_some_and(|until| until <= now),
        why: exception.reason.clone(),
        by: exception.granted_by.clone(),
        at: present::when(zone, now, exception.granted_at),
    }
}

fn balance(view: &StaffView) -> BalanceCheck {
    let lab = &view.setting.lab;
    let Some(left) = &view.left else {
        let finding = nothing_to_balance(lab).to_owned();
        return BalanceCheck { finding, advice: Vec::new(), shares: Vec::new() };
    };
    let most = left.even.hours.max(left.odd.hours).max(1);
    let share = |name: &str, share: Share| ShareRow {
        name: name.to_owned(),
        days: format!("{} {}", share.days, if share.days == 1 { "day" } else { "days" }),
        hours: format!("{} h", share.hours),
        percent: share.hours * 100 / most,
    };
    let shares = vec![share("Even", left.even), share("Odd", left.odd)];
    let advice = if left.is_fair() { Vec::new() } else { advice(lab, view.whole.as_ref()) };
    BalanceCheck { finding: finding(lab, left, view.now), advice, shares }
}

fn preparing(Finding { found, right }: &Finding) -> PreparingCheck {
    PreparingCheck {
        finding: format!("Preparing {found}."),
        advice: right.as_ref().map(|right| format!("Right would be {right}.")),
    }
}

fn nothing_to_balance(lab: &Lab) -> &'static str {
    match (&lab.policy.parity, lab.due) {
        (None, _) => "This lab goes by no weekdays: everyone has the same time.",
        (_, None) => "There is no due date yet, so there is nothing to compare.",
        (_, Some(_)) => "The due date is over, so there is nothing left to compare.",
    }
}

fn finding(lab: &Lab, left: &Balance, now: DateTime<Utc>) -> String {
    let from = if now < lab.open { "the opening" } else { "now" };
    let less = (left.even.hours - left.odd.hours).abs();
    if left.is_fair() {
        return format!("Fair: from {from} to the due date both classes have about the same time.");
    }
    let (who, than) = if left.even.hours < left.odd.hours { ("even", "odd") } else { ("odd", "even") };
    format!("Not fair: from {from} to the due date {who} net IDs have {less} h less than {than} ones.")
}

fn advice(lab: &Lab, whole: Option<&Balance>) -> Vec<String> {
    let swaps = lab.policy.parity.as_ref().is_some_and(|rule| rule.swap_weekly_from.is_some());
    let swap = if swaps {
        "The days swap each week already. A due date two, four or six weeks after the opening gives each class as many \
         weeks of each kind."
    } else {
        "Let the classes swap their days each week: swap_weekly_from in the course file."
    };
    let shared = "Or share a day: one that stands in both even and odd is everyone's.";
    let fair = whole.filter(|whole| whole.is_fair()).map(|whole| {
        format!(
            "From the opening on it is fair: {} h for even, {} h for odd.",
            whole.even.hours, whole.odd.hours
        )
    });
    [Some(swap.to_owned()), Some(shared.to_owned()), fair].into_iter().flatten().collect()
}
