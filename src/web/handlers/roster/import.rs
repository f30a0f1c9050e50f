//! `/staff/roster/imports/{id}`: a roster that was brought.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::super::page_once;
use super::words;
use crate::domain::ids::ImportId;
use crate::domain::roster::ImportState;
use crate::policy::roster::{Added, Change, Dropped, Field, Plan};
use crate::services::roster::{self, RosterError, Shown};
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::{Link, Section};
use crate::web::pages::roster::{Changed, ImportPage, List, Note, Row, Step};
use crate::web::present;

/// How many of a list are shown at first.
const FIRST: usize = 100;

/// Whether all of each list is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Query {
    all: Option<String>,
}

/// Shows what it changes, or how far it is.
pub(super) async fn show(
    who: SignedIn,
    path: web::Path<ImportId>,
    query: web::Query<Query>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (db, id) = (who.context.app().db.clone(), path.into_inner());
    let shown = db.read("roster: import", move |conn| roster::shown(conn, &id)).await.map_err(refused)?;
    let shown = shown.ok_or(WebError::NotFound)?;
    Ok(page_once(&request, compose(&who, &shown, query.all.is_some()).render()?))
}

/// Whether so many drops are meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sure {
    sure: Option<String>,
}

/// Has it applied.
pub(super) async fn confirm(
    who: SignedIn,
    path: web::Path<ImportId>,
    form: web::Form<Sure>,
) -> Result<HttpResponse, WebError> {
    let id = path.into_inner();
    match roster::confirm(who.context.app(), id.clone(), form.sure.is_some(), who.doer()).await {
        // The page says that it can't be applied any more.
        Ok(()) | Err(RosterError::Stale) => Ok(present::redirect(&format!("/staff/roster/imports/{id}"))),
        Err(error) => Err(refused(error)),
    }
}

/// Forgets it.
pub(super) async fn discard(who: SignedIn, path: web::Path<ImportId>) -> Result<HttpResponse, WebError> {
    if !roster::discard(who.context.app(), path.into_inner()).await? {
        return Err(WebError::WrongState(
            "it can't be discarded: it is being applied, or was forgotten before".to_owned(),
        ));
    }
    Ok(who.context.done("/staff/roster", Done::RosterDiscarded))
}

pub(in crate::web) fn refused(error: RosterError) -> WebError {
    match error {
        RosterError::Db(error) => error.into(),
        RosterError::NoSuchImport(_) => WebError::NotFound,
        RosterError::Unreadable(error) => WebError::Internal(error.to_string()),
        error => WebError::WrongState(error.to_string()),
    }
}

fn compose(who: &SignedIn, shown: &Shown, all: bool) -> ImportPage {
    let (import, plan) = (&shown.import, &shown.stored.plan);
    let href = format!("/staff/roster/imports/{}", import.id);
    let mut layout = who.context.layout(&format!("Roster from {}", import.format.name()), Section::Roster);
    let at_work = import.state == ImportState::Confirmed;
    layout.refresh_seconds = at_work.then_some(2);
    ImportPage {
        layout,
        answer: answer(shown),
        lead: lead(who, shown),
        step: step(shown),
        warnings: if import.state == ImportState::Previewed { warnings(plan) } else { Vec::new() },
        lists: if at_work { Vec::new() } else { lists(plan, &href, all) },
        notes: if at_work { Vec::new() } else { notes(plan) },
        href,
    }
}

fn answer(shown: &Shown) -> String {
    let import = &shown.import;
    match import.state {
        ImportState::Previewed => words::answer(&shown.stored.plan),
        ImportState::Confirmed => format!("{} of {} are done.", import.done, words::people(import.total)),
        ImportState::Done => format!("It is applied: {}.", words::people(import.total)),
    }
}

fn lead(who: &SignedIn, shown: &Shown) -> String {
    let import = &shown.import;
    let by = shown.by.as_ref().map_or_else(|| "fairlease".to_owned(), ToString::to_string);
    let at = present::when(who.context.zone(), who.context.app().now(), import.at).text;
    let unchanged = match shown.stored.plan.unchanged {
        0 => String::new(),
        1 => " 1 student stays as they are.".to_owned(),
        count => format!(" {count} students stay as they are."),
    };
    let applied = if import.state == ImportState::Previewed { " Nothing is applied yet." } else { "" };
    format!("{by} brought {} ({}) {at}.{unchanged}{applied}", import.file_name, import.format.name())
}

fn step(shown: &Shown) -> Step {
    let (import, plan) = (&shown.import, &shown.stored.plan);
    match import.state {
        ImportState::Confirmed => Step::AtWork { done: import.done, total: import.total },
        ImportState::Done => Step::Done,
        ImportState::Previewed if shown.stale => Step::Stale,
        ImportState::Previewed if plan.is_empty() => Step::Nothing,
        ImportState::Previewed => Step::Shown {
            button: words::button(plan),
            drops: words::drops(plan, shown.stored.hours),
            sure: plan
                .looks_wrong()
                .then(|| format!("Yes, drop {} of {} students", plan.dropped.len(), plan.enrolled)),
        },
    }
}

fn warnings(plan: &Plan) -> Vec<String> {
    let wrong = plan.looks_wrong().then(|| {
        format!(
            "It drops {} of {} students: it looks like the wrong file.",
            plan.dropped.len(),
            plan.enrolled
        )
    });
    let without = match plan.without_parity.len() {
        0 => None,
        count => Some(format!(
            "{} without a parity, since the net ID does not end in a digit: {}. Set it on their pages afterwards.",
            words::students(count),
            shortened(plan.without_parity.iter().map(ToString::to_string))
        )),
    };
    wrong.into_iter().chain(without).chain(plan.warnings.iter().cloned()).collect()
}

/// The first of them, and how many there are beside.
fn shortened(all: impl ExactSizeIterator<Item = String>) -> String {
    let count = all.len();
    let first: Vec<String> = all.take(20).collect();
    let more = count - first.len();
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

fn lists(plan: &Plan, href: &str, all: bool) -> Vec<List> {
    let most = if all { usize::MAX } else { FIRST };
    let list = |key, what: &str, count: usize, rows: Vec<Row>| {
        let is = if count == 1 { "is" } else { "are" };
        let more = (count > rows.len())
            .then(|| Link::new(format!("{href}?all=yes#{key}"), format!("Show all {count}")));
        (count > 0).then(|| List {
            key,
            title: format!("{} {is} {what}", words::students(count)),
            rows,
            more,
        })
    };
    let lists = [
        list("added", "added", plan.added.len(), plan.added.iter().take(most).map(added).collect()),
        list("changed", "changed", plan.changed.len(), plan.changed.iter().take(most).map(changed).collect()),
        list(
            "returning",
            "in the course again",
            plan.returning.len(),
            plan.returning.iter().take(most).map(changed).collect(),
        ),
        list("dropped", "dropped", plan.dropped.len(), plan.dropped.iter().take(most).map(dropped).collect()),
    ];
    lists.into_iter().flatten().collect()
}

fn added(it: &Added) -> Row {
    let field = |name, after: String| Changed { name, before: None, after };
    let held = &it.held;
    let mut fields = vec![field(Field::Mail.word(), held.mail.clone())];
    fields.extend(held.section.clone().map(|section| field(Field::Section.word(), section)));
    fields.extend(held.team.clone().map(|team| field(Field::Team.word(), team)));
    fields.extend((held.shares != 1).then(|| field(Field::Shares.word(), held.shares.to_string())));
    if !held.cloud_users.is_empty() {
        fields.push(field(Field::CloudUsers.word(), held.cloud_users.join("; ")));
    }
    Row { net_id: it.net_id.to_string(), name: held.name.clone(), line: Some(it.line), fields }
}

fn changed(it: &Change) -> Row {
    let fields = it.fields().into_iter();
    let fields =
        fields.map(|(field, before, after)| Changed { name: field.word(), before: Some(before), after });
    Row {
        net_id: it.net_id.to_string(),
        name: it.before.name.clone(),
        line: Some(it.line),
        fields: fields.collect(),
    }
}

fn dropped(it: &Dropped) -> Row {
    let section = it.section.clone();
    let fields = section.map(|after| Changed { name: Field::Section.word(), before: None, after });
    Row {
        net_id: it.net_id.to_string(),
        name: it.name.clone(),
        line: None,
        fields: fields.into_iter().collect(),
    }
}

/// How many lines of a note are shown.
const LINES: usize = 200;

fn notes(plan: &Plan) -> Vec<Note> {
    let renamed = plan.renamed.iter().map(|it| format!("{}: {}", it.from, it.to));
    let left_out = plan.left_out.iter().map(|it| format!("line {}: {}", it.line, it.why));
    let note = |title: &str, lines: Vec<String>| {
        (!lines.is_empty()).then(|| Note { title: title.to_owned(), lines })
    };
    let notes = [
        note("Sections and teams that are called otherwise here", renamed.take(LINES).collect()),
        note("Lines that are left out", left_out.take(LINES).collect()),
    ];
    notes.into_iter().flatten().collect()
}
