//! `/staff/roster`: who is in the course, and rosters that staff bring.

mod bring;
mod import;
mod words;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::page_once;
use crate::auth::permissions::Permission;
use crate::db::{self, DbError, ImportLine};
use crate::domain::person::Parity;
use crate::domain::roster::ImportState;
use crate::services::roster::{self, Filter, List, Listed, Who};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::pages::layout::{Link, Section};
use crate::web::pages::roster::{Choice, ImportRow, PersonRow, RosterPage};
use crate::web::present;
use crate::web::table::routes;

pub(in crate::web) use self::import::refused;

routes! {
    /// The roster.
    ROWS in "", routes:
    get "/staff/roster", SeePeople => show;
    get "/staff/roster/bring", KeepRoster => bring::show;
    post "/staff/roster/imports", KeepRoster => bring::upload;
    get "/staff/roster/imports/{import}", KeepRoster => import::show;
    post "/staff/roster/imports/{import}/confirm", KeepRoster => import::confirm;
    post "/staff/roster/imports/{import}/discard", KeepRoster => import::discard;
}

/// How many people a page has.
const PAGE: usize = 50;

/// How many imports are listed.
const IMPORTS: i64 = 10;

/// What is looked for, as the address has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    q: String,
    who: String,
    section: String,
    page: Option<usize>,
}

impl Query {
    fn filter(&self) -> Filter {
        Filter {
            who: Who::from_word(&self.who).unwrap_or_default(),
            text: self.q.clone(),
            section: Some(self.section.clone()).filter(|section| !section.is_empty()),
        }
    }

    fn number(&self) -> usize {
        self.page.unwrap_or(1).clamp(1, 1_000_000)
    }

    /// The page of this number of the same list.
    fn link(&self, number: usize, text: &str) -> Link {
        let [q, who, section] = [&self.q, &self.who, &self.section].map(|part| present::escape(part));
        Link::new(format!("/staff/roster?q={q}&who={who}&section={section}&page={number}"), text)
    }
}

async fn show(
    who: SignedIn,
    query: web::Query<Query>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let app = who.context.app().clone();
    let (db, filter, from) = (app.db.clone(), query.filter(), (query.number() - 1) * PAGE);
    let (list, imports) = db
        .read::<_, DbError, _>("roster", move |conn| {
            let list = roster::list(&app, conn, &filter, from, PAGE)?;
            Ok((list, db::latest_roster_imports(conn, IMPORTS)?))
        })
        .await?;
    if from > 0 && from >= list.matching {
        return Err(WebError::NotFound);
    }
    Ok(page_once(&request, compose(&who, &query, &list, &imports).render()?))
}

fn compose(who: &SignedIn, query: &Query, list: &List, imports: &[ImportLine]) -> RosterPage {
    let filter = query.filter();
    let of = |kind: Who| list.counts.get(kind.word()).copied().unwrap_or_default();
    let may_bring = who.caller.sees_all(Permission::KeepRoster);
    let (from, number) = ((query.number() - 1) * PAGE, query.number());
    let before = (number > 1).then(|| query.link(number - 1, "Before"));
    let after = (from + PAGE < list.matching).then(|| query.link(number + 1, "After"));
    let kind = |kind: Who, text: &str| {
        Choice::new(kind.word(), format!("{text} ({})", of(kind)), kind == filter.who)
    };
    let sections = list
        .sections
        .iter()
        .map(|section| Choice::new(section, section.clone(), filter.section.as_ref() == Some(section)));
    RosterPage {
        layout: who.context.layout("Roster", Section::Roster),
        answer: words::enrolled(of(Who::Enrolled)),
        lead: words::lead(list, of(Who::Dropped), of(Who::Enrolled)),
        may_bring,
        text: query.q.clone(),
        kinds: vec![
            kind(Who::Enrolled, "Students"),
            kind(Who::Dropped, "Have dropped"),
            kind(Who::Staff, "Staff and services"),
        ],
        sections: std::iter::once(Choice::new("", "All sections", filter.section.is_none()))
            .chain(sections)
            .collect(),
        found: words::found(from, list.people.len(), list.matching),
        rows: list.people.iter().map(|it| row(who, it)).collect(),
        pages: before.into_iter().chain(after).collect(),
        imports: imports.iter().filter(|_| may_bring).map(|it| import_row(who, it)).collect(),
    }
}

fn row(who: &SignedIn, Listed { enrolment: it, parity }: &Listed) -> PersonRow {
    let (zone, now) = (who.context.zone(), who.context.app().now());
    PersonRow {
        href: format!("/staff/people/{}", it.person),
        name: it.name.clone(),
        net_id: it.net_id.to_string(),
        role: it.role.title().to_owned(),
        place: it.section.iter().chain(&it.team).cloned().collect::<Vec<_>>().join(", "),
        shares: it.shares.to_string(),
        parity: parity.map(Parity::word),
        dropped: it.dropped_at.map(|at| present::when(zone, now, at)),
    }
}

fn import_row(who: &SignedIn, it: &ImportLine) -> ImportRow {
    let (zone, now) = (who.context.zone(), who.context.app().now());
    ImportRow {
        href: format!("/staff/roster/imports/{}", it.id),
        file: it.file_name.clone(),
        by: it.by.as_ref().map_or_else(|| "fairlease".to_owned(), ToString::to_string),
        at: present::when(zone, now, it.at),
        state: match it.state {
            ImportState::Previewed => "not applied".to_owned(),
            ImportState::Confirmed => format!("being applied, {} of {}", it.done, it.total),
            ImportState::Done => format!("applied: {}", words::people(it.total)),
        },
    }
}
