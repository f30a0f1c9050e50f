//! `/staff/people/{id}`: one person of the course, and what staff set of them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::staff::{Form as Grant, grant_problem, grant_words};
use super::{page, page_once, privacy};
use crate::auth::permissions::Permission;
use crate::db::Conn;
use crate::domain::calendar;
use crate::domain::exception::Exception;
use crate::domain::fair_share::bounds;
use crate::domain::ids::{ExceptionId, PersonId};
use crate::domain::notice::Bounce;
use crate::domain::person::{Parity, Role};
use crate::services::exceptions::{self, ExceptionError};
use crate::services::people::{self, AccountsError};
use crate::services::roles::{self, RoleError};
use crate::services::roster::{self, BOOKINGS_END_AFTER, MemberView, RosterError};
use crate::services::shares::{self, Change, Placing, SharesError};
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::{Field, Link, Problem, Section};
use crate::web::pages::person::{BookedRow, GrantPart, PersonPage, PersonalRow, PlaceForm, Taking};
use crate::web::pages::roster::Choice;
use crate::web::present;
use crate::web::table::routes;

routes! {
    /// One person of the course.
    ROWS in "", routes:
    get "/staff/people/{person}", SeePeople => show;
    post "/staff/people/{person}/place", KeepRoster => place;
    post "/staff/people/{person}/accounts", KeepRoster => accounts;
    post "/staff/people/{person}/drop", KeepRoster => drop_out;
    post "/staff/people/{person}/return", KeepRoster => take_back;
    post "/staff/people/{person}/role", AppointStaff => appoint;
    get "/staff/people/{person}/export", ErasePeople => privacy::of_person;
    post "/staff/people/{person}/erase", ErasePeople => privacy::erase;
    post "/staff/people/{person}/exceptions", GrantExceptions => grant;
    post "/staff/people/{person}/exceptions/{exception}/revoke", GrantExceptions => revoke;
}

/// What was typed in the forms of the page, if it was refused.
#[derive(Debug, Default)]
struct Typed {
    place: Option<Place>,
    accounts: Option<String>,
    grant: Grant,
}

/// Where a student is to stand.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Place {
    section: String,
    team: String,
    shares: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Accounts {
    cloud_users: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Drop {
    hours: String,
}

async fn view(who: &SignedIn, id: &PersonId) -> Result<MemberView, WebError> {
    let (app, id) = (who.context.app().clone(), id.clone());
    let db = app.db.clone();
    db.read("person", move |conn| roster::member(&app, conn, &id)).await?.ok_or(WebError::NotFound)
}

fn here(id: &PersonId) -> String {
    format!("/staff/people/{id}")
}

async fn show(
    who: SignedIn,
    path: web::Path<PersonId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let view = view(&who, &path).await?;
    Ok(page_once(&request, compose(&who, &view, &Typed::default(), Vec::new()).render()?))
}

fn again(
    who: &SignedIn,
    view: &MemberView,
    typed: &Typed,
    problems: Vec<Problem>,
) -> Result<HttpResponse, WebError> {
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, compose(who, view, typed, problems).render()?))
}

/// Says where a student stands.
async fn place(
    who: SignedIn,
    path: web::Path<PersonId>,
    form: web::Form<Place>,
) -> Result<HttpResponse, WebError> {
    let (view, form) = (view(&who, &path).await?, form.into_inner());
    let change = |text: &str| match text.trim() {
        "" => Change::None,
        name => Change::To(name.to_owned()),
    };
    let problem = match form.shares.trim().parse() {
        Ok(given) => {
            let wanted = Placing {
                net_id: view.enrolment.net_id.clone(),
                section: change(&form.section),
                team: change(&form.team),
                shares: Some(given),
            };
            match shares::place(who.context.app(), &who.doer(), wanted).await {
                Ok(_) => return Ok(who.context.done(&here(&path), Done::Placed)),
                Err(SharesError::Db(error)) => return Err(error.into()),
                Err(error) => place_problem(&form, &error),
            }
        }
        Err(_) => Problem::with_field("shares", format!("\"{}\" is not a whole number.", form.shares.trim())),
    };
    again(&who, &view, &Typed { place: Some(form), ..Typed::default() }, vec![problem])
}

fn place_problem(form: &Place, error: &SharesError) -> Problem {
    let field = match error {
        SharesError::OutOfRange { .. } => "shares",
        SharesError::BadName(name) if form.section.trim() == name => "section",
        _ => "team",
    };
    Problem::with_field(field, format!("{error}."))
}

/// Says by which accounts the sites know someone.
async fn accounts(
    who: SignedIn,
    path: web::Path<PersonId>,
    form: web::Form<Accounts>,
) -> Result<HttpResponse, WebError> {
    let view = view(&who, &path).await?;
    let lines = form.cloud_users.lines().map(str::trim).filter(|line| !line.is_empty());
    let (net_id, given) = (view.enrolment.net_id.clone(), lines.map(str::to_owned).collect::<Vec<_>>());
    let (app, doer) = (who.context.app().clone(), who.doer());
    let db = app.db.clone();
    let set = move |conn: &mut Conn<'_>| people::set_cloud_users(&app, conn, &doer, &net_id, &given);
    match db.write("person: accounts", set).await {
        Ok(_) => Ok(who.context.done(&here(&path), Done::AccountsSaved)),
        Err(AccountsError::Db(error)) => Err(error.into()),
        Err(error) => {
            let typed = Typed { accounts: Some(form.into_inner().cloud_users), ..Typed::default() };
            let problem = Problem::with_field("cloud_users", format!("{error}."));
            again(&who, &view, &typed, vec![problem])
        }
    }
}

/// Drops someone.
async fn drop_out(
    who: SignedIn,
    path: web::Path<PersonId>,
    form: web::Form<Drop>,
) -> Result<HttpResponse, WebError> {
    let view = view(&who, &path).await?;
    let bad = |text: String| vec![Problem::with_field("drop", text)];
    let Ok(hours) = form.hours.trim().parse() else {
        let text = format!("\"{}\" is not a whole number of hours.", form.hours.trim());
        return again(&who, &view, &Typed::default(), bad(text));
    };
    match roster::drop_out(who.context.app(), path.clone(), hours, who.doer()).await {
        Ok(true) => Ok(who.context.done(&here(&path), Done::Dropped)),
        Ok(false) => Err(WebError::NotFound),
        Err(error @ RosterError::BadHours(_)) => {
            again(&who, &view, &Typed::default(), bad(format!("{error}.")))
        }
        Err(error) => Err(super::roster::refused(error)),
    }
}

/// What someone is to be.
#[derive(Debug, Deserialize)]
struct Appoint {
    role: String,
}

/// Says what someone is in the course.
async fn appoint(
    who: SignedIn,
    path: web::Path<PersonId>,
    form: web::Form<Appoint>,
) -> Result<HttpResponse, WebError> {
    let view = view(&who, &path).await?;
    let bad = |text: String| vec![Problem::with_field("role", text)];
    let Some(role) = Role::from_word(&form.role) else {
        return again(&who, &view, &Typed::default(), bad("Choose one of the roles.".to_owned()));
    };
    let (app, doer, net_id) = (who.context.app().clone(), who.doer(), view.enrolment.net_id.clone());
    let db = app.db.clone();
    let appoint = move |conn: &mut Conn<'_>| roles::appoint(&app, conn, &doer, &net_id, role);
    match db.write("person: role", appoint).await {
        Ok(_) => Ok(who.context.done(&here(&path), Done::RoleSet)),
        Err(RoleError::Db(error)) => Err(error.into()),
        Err(error) => again(&who, &view, &Typed::default(), bad(format!("{error}."))),
    }
}

/// What someone could be: none of it for programs, and for whoever has dropped the course.
fn roles_of(who: &SignedIn, view: &MemberView) -> Vec<Choice> {
    let it = &view.enrolment;
    let may = it.dropped_at.is_none() && who.caller.sees_all(Permission::AppointStaff);
    let roles =
        Role::ALL.into_iter().filter(|role| may && it.role != Role::Service && *role != Role::Service);
    roles.map(|role| Choice::new(role.word(), role.title(), role == it.role)).collect()
}

/// Lets someone take the course again.
async fn take_back(who: SignedIn, path: web::Path<PersonId>) -> Result<HttpResponse, WebError> {
    let known = roster::take_back(who.context.app(), path.clone(), who.doer()).await?;
    if known { Ok(who.context.done(&here(&path), Done::TakenIn)) } else { Err(WebError::NotFound) }
}

/// Grants an exception. A form that is not right comes back with everything that is wrong with it.
async fn grant(
    who: SignedIn,
    path: web::Path<PersonId>,
    form: web::Form<Grant>,
) -> Result<HttpResponse, WebError> {
    let (view, zone) = (view(&who, &path).await?, who.context.zone());
    let form = form.into_inner().of_person(&view.enrolment.net_id);
    let problems = match form.read(form.chosen_lab().as_ref(), zone, view.now) {
        Ok(wanted) => match exceptions::grant(who.context.app(), &who.doer(), wanted).await {
            Ok(_) => return Ok(who.context.done(&here(&path), Done::Granted)),
            Err(ExceptionError::Db(error)) => return Err(error.into()),
            Err(error) => vec![grant_problem(zone, &error)],
        },
        Err(problems) => problems,
    };
    again(&who, &view, &Typed { grant: form, ..Typed::default() }, problems)
}

/// Takes an exception back.
async fn revoke(who: SignedIn, path: web::Path<(PersonId, ExceptionId)>) -> Result<HttpResponse, WebError> {
    let (person, exception) = path.into_inner();
    let theirs = view(&who, &person).await?.exceptions.iter().any(|it| it.id == exception);
    if theirs && exceptions::revoke(who.context.app(), &who.doer(), exception).await? {
        Ok(who.context.done(&here(&person), Done::TakenBack))
    } else {
        Err(WebError::WrongState("there is no such exception, or it was taken back before".to_owned()))
    }
}

fn compose(who: &SignedIn, view: &MemberView, typed: &Typed, problems: Vec<Problem>) -> PersonPage {
    let it = &view.enrolment;
    PersonPage {
        layout: who.context.layout(&it.name, Section::Roster),
        href: here(&it.person),
        answer: answer(view),
        lead: lead(who, view),
        facts: facts(who, view),
        may_keep: who.caller.sees_all(Permission::KeepRoster),
        may_grant: who.caller.sees_all(Permission::GrantExceptions),
        look: look(who, view),
        roles: roles_of(who, view),
        may_erase: who.caller.sees_all(Permission::ErasePeople),
        place: (it.role == Role::Student).then(|| place_form(view, typed.place.as_ref(), &problems)),
        accounts: typed.accounts.clone().unwrap_or_else(|| it.cloud_users.join("\n")),
        taking: match it.dropped_at {
            None => Taking::Takes { hours: BOOKINGS_END_AFTER.num_hours() },
            Some(_) => Taking::HasDropped,
        },
        exceptions: view.exceptions.iter().map(|exception| row(who, view, exception)).collect(),
        grant: grant_part(who, view, &typed.grant, &problems),
        bookings: bookings(who, view),
        problems,
    }
}

fn look(who: &SignedIn, view: &MemberView) -> Option<Link> {
    let may = view.enrolment.role == Role::Student && who.caller.sees_all(Permission::LookAs);
    let href = format!("/staff/look?person={}", view.enrolment.person);
    may.then(|| Link::new(href, "See the pages as they do"))
}

fn answer(view: &MemberView) -> String {
    let it = &view.enrolment;
    match (it.role, it.dropped_at) {
        (_, Some(_)) => format!("{} has dropped the course.", it.name),
        (Role::Student, None) => format!("{} takes the course.", it.name),
        (role, None) => format!("{} is {} of the course.", it.name, role.with_article()),
    }
}

fn lead(who: &SignedIn, view: &MemberView) -> String {
    let it = &view.enrolment;
    let when = |at| present::when(who.context.zone(), view.now, at).text;
    match it.bookings_end_at.filter(|_| it.dropped_at.is_some()) {
        Some(end) if end <= view.now => format!("What they had booked ended {}.", when(end)),
        Some(end) => format!("What they have booked ends {}.", when(end)),
        None if it.role == Role::Student && view.parity.is_none() => {
            "They have no parity, since their net ID does not end in a digit: grant them one below."
                .to_owned()
        }
        None => String::new(),
    }
}

fn facts(who: &SignedIn, view: &MemberView) -> Vec<(&'static str, String)> {
    let it = &view.enrolment;
    let when = |at| present::when(who.context.zone(), view.now, at).text;
    let parity = match (view.parity.map(Parity::word), view.parity_is_set) {
        (None, _) => "none".to_owned(),
        (Some(word), true) => format!("{word}, by an exception"),
        (Some(word), false) => format!("{word}, by the net ID"),
    };
    let how = if it.by_hand { "by hand: a roster does not drop them" } else { "by a roster" };
    let mut facts = vec![
        ("Net ID", it.net_id.to_string()),
        ("Mail", it.mail.clone()),
        ("Role", it.role.title().to_owned()),
        ("Parity", parity),
        ("Added", format!("{}, {how}", when(it.joined_at))),
    ];
    let returned = |it: &Bounce| format!("since {}: {}", when(it.since), it.words);
    facts.extend(view.bounce.as_ref().map(|it| ("Mail comes back", returned(it))));
    facts.extend(it.dropped_at.map(|at| ("Dropped", when(at))));
    facts
}

fn of<'a>(problems: &'a [Problem], field: &str) -> Option<&'a str> {
    problems.iter().find(|it| it.field.as_deref() == Some(field)).map(|it| it.text.as_str())
}

fn place_form(view: &MemberView, typed: Option<&Place>, problems: &[Problem]) -> PlaceForm {
    let it = &view.enrolment;
    let kept = Place {
        section: it.section.clone().unwrap_or_default(),
        team: it.team.clone().unwrap_or_default(),
        shares: it.shares.to_string(),
    };
    let Place { section, team, shares } = typed.cloned().unwrap_or(kept);
    let field = |id, label, hint: String, value| Field {
        id,
        kind: None,
        label,
        hint,
        value,
        problem: of(problems, id).map(str::to_owned),
        required: false,
    };
    let (least, most) = (bounds::SHARES.start(), bounds::SHARES.end());
    PlaceForm {
        section: field("section", "Section", "Empty if they are in none.".to_owned(), section),
        team: field("team", "Team", "Of the section. Empty if they are in none.".to_owned(), team),
        shares: field("shares", "Shares", format!("A whole number from {least} to {most}."), shares),
    }
}

fn grant_part(who: &SignedIn, view: &MemberView, form: &Grant, problems: &[Problem]) -> GrantPart {
    let zone = calendar::zone_name(who.context.zone(), view.now);
    let shown = form.shown(&zone, problems.to_vec());
    let chosen = form.scope();
    let labs =
        view.labs.iter().map(|(id, title)| Choice::new(id.as_str(), title.clone(), id.as_str() == chosen));
    let rules = shown.rules.iter().map(|rule| Choice::new(&rule.key, rule.text.clone(), rule.chosen));
    GrantPart {
        rules: std::iter::once(Choice::new("", "Choose a rule", false)).chain(rules).collect(),
        rule_problem: of(problems, "rule").map(str::to_owned),
        value: shown.value,
        scopes: std::iter::once(Choice::new("all", "All labs", matches!(chosen, "" | "all")))
            .chain(labs)
            .collect(),
        accommodation: form.is_accommodation(),
        until: shown.until,
        reason: shown.reason,
    }
}

fn row(who: &SignedIn, view: &MemberView, exception: &Exception) -> PersonalRow {
    let zone = who.context.zone();
    let title = |lab| view.labs.get(lab).cloned().unwrap_or_else(|| lab.to_string());
    PersonalRow {
        id: exception.id.to_string(),
        what: grant_words(zone, &exception.grant),
        scope: exception.lab.as_ref().map_or_else(|| "all labs".to_owned(), title),
        accommodation: exception.accommodation,
        until: exception.until.map(|until| present::when(zone, view.now, until)),
        over: exception.until.is_some_and(|until| until <= view.now),
        why: exception.reason.clone(),
        by: exception.granted_by.clone(),
        at: present::when(zone, view.now, exception.granted_at),
    }
}

fn bookings(who: &SignedIn, view: &MemberView) -> Vec<BookedRow> {
    let row = |booking: &crate::domain::booking::Booking| BookedRow {
        link: Link::new(
            format!("/bookings/{}", booking.id),
            calendar::span(who.context.zone(), &booking.slot),
        ),
        lab: view.labs.get(&booking.lab).cloned().unwrap_or_else(|| booking.lab.to_string()),
        state: present::booking_state(booking),
    };
    view.bookings.iter().map(row).collect()
}
