//! What staff see of shares and of those who wait.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{unit, why};
use crate::db::{self, DbError};
use crate::domain::course::Lab;
use crate::domain::fair_share::{Algorithm, WaitlistPolicy};
use crate::domain::waitlist::{Asked, WaitState};
use crate::services::fair_share::{self, Name, Node, Standings};
use crate::services::waitlist::{self, Waiter};
use crate::web::context::Staff;
use crate::web::error::WebError;
use crate::web::handlers::page_once;
use crate::web::pages::layout::{Link, Section};
use crate::web::pages::spread::{Spread, amount};
use crate::web::pages::standing::{FairSharePage, LineLink, ShareRow};
use crate::web::pages::waiting::{LabLine, WaiterRow, WaitlistPage, ordinal};
use crate::web::present;

/// Shows everyone's standing.
pub async fn everyone(who: Staff, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let (db, now) = (who.0.context.app().db.clone(), who.0.context.app().now());
    let (standings, labs, waits) = db
        .read::<_, DbError, _>("fair share", move |conn| {
            let labs = db::course(conn)?.map(|course| course.labs).unwrap_or_default();
            Ok((fair_share::standings(conn, now)?, labs, db::waits_by_lab(conn)?))
        })
        .await?;
    let line = |lab: &Lab| LineLink {
        link: Link::new(format!("/staff/waitlist#{}", lab.id), lab.title.clone()),
        text: match waits.get(&lab.id).copied().unwrap_or(0) {
            0 => "nobody waits".to_owned(),
            1 => "1 waits".to_owned(),
            many => format!("{many} wait"),
        },
    };
    let measure = unit(standings.policy.counts);
    let fading = format!("those of {} ago count half", why::length(standings.policy.half_life()));
    let shown = FairSharePage {
        layout: who.0.context.layout("Fair share", Section::Share),
        answer: answer(&standings),
        lead: lead(&standings),
        spread: Spread::new(&standings.spread(), None, measure, &fading),
        rows: rows(&standings),
        lines: labs.iter().map(line).collect(),
    };
    Ok(page_once(&request, shown.render()?))
}

fn answer(standings: &Standings) -> String {
    let measure = unit(standings.policy.counts);
    let student = |node: &Node| match &node.name {
        Name::Student(net_id) => Some((node.figures.raw_usage, net_id.clone())),
        _ => None,
    };
    let students = || standings.nodes.iter().filter_map(student);
    let used = students().filter(|(usage, _)| *usage > 0).count();
    match students().max_by_key(|(usage, _)| *usage) {
        None => "The course has no students yet.".to_owned(),
        Some((0, _)) => "Nobody has used anything that still counts: all students are level.".to_owned(),
        Some((usage, net_id)) => format!(
            "{used} of {} students have used something lately; {net_id} the most, {} {measure}.",
            standings.students(),
            amount(usage)
        ),
    }
}

fn lead(standings: &Standings) -> String {
    let how = match standings.policy.algorithm {
        Algorithm::FairTree => "Fair Tree over course, section, team and student",
        Algorithm::Classic => "The classic 2^(-usage/shares) over course, section, team and student",
    };
    let half_life = why::length(standings.policy.half_life());
    format!(
        "{how}; what was used counts half after {half_life}. Usage is in {}.",
        unit(standings.policy.counts)
    )
}

/// The rows of `sshare -l`: a student's account is the group that they are in.
fn rows(standings: &Standings) -> Vec<ShareRow> {
    let mut groups: Vec<String> = Vec::new();
    standings.nodes.iter().map(|node| row(node, &mut groups)).collect()
}

fn row(node: &Node, groups: &mut Vec<String>) -> ShareRow {
    let (account, user) = place(node, groups);
    let figures = &node.figures;
    let six = |number: f64| format!("{number:.6}");
    let (above, below) = (figures.raw_usage / 1_000_000, figures.raw_usage % 1_000_000 / 10_000);
    ShareRow {
        depth: node.depth.min(3),
        account,
        user,
        raw_shares: figures.raw_shares.map(|shares| shares.to_string()).unwrap_or_default(),
        norm_shares: six(figures.norm_shares),
        raw_usage: format!("{above}.{below:02}"),
        effective_usage: six(figures.effectv_usage),
        fair_share: figures.fair_share.map(six).unwrap_or_default(),
        level_fs: figures.level_fs.map(|level| six(level.to_f64())).unwrap_or_default(),
    }
}

/// Account and user of a node, as `sshare` has them. `groups` holds the accounts on the way down to it.
pub(in crate::web) fn place(node: &Node, groups: &mut Vec<String>) -> (String, String) {
    groups.truncate(node.depth);
    match &node.name {
        Name::Course => {
            groups.push("course".to_owned());
            ("course".to_owned(), String::new())
        }
        Name::Group(name) => {
            groups.push(name.clone());
            (name.clone(), String::new())
        }
        Name::Student(net_id) => (groups.last().cloned().unwrap_or_default(), net_id.to_string()),
    }
}

/// Shows who waits.
pub async fn lines(who: Staff, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let app = who.0.context.app().clone();
    let (db, now, zone) = (app.db.clone(), app.now(), who.0.context.zone());
    let (labs, waiters, policy) = db
        .read::<_, DbError, _>("waitlist", move |conn| {
            let labs = db::course(conn)?.map(|course| course.labs).unwrap_or_default();
            Ok((labs, waitlist::in_line(&app, conn, None)?, db::waitlist_policy(conn)?))
        })
        .await?;
    let open = |lab: &&Lab| {
        lab.due.is_none_or(|due| now < due) || waiters.iter().any(|waiter| waiter.wait.lab == lab.id)
    };
    let shown = WaitlistPage {
        layout: who.0.context.layout("Who waits", Section::Share),
        answer: how_many(&waiters),
        lead: order(&policy),
        lines: labs.iter().filter(open).map(|lab| line(lab, &waiters, zone, now)).collect(),
    };
    Ok(page_once(&request, shown.render()?))
}

fn how_many(waiters: &[Waiter]) -> String {
    let offered = waiters.iter().filter(|waiter| waiter.offered_until.is_some()).count();
    let all = match waiters.len() {
        0 => return "Nobody waits for a place.".to_owned(),
        1 => "1 student waits".to_owned(),
        many => format!("{many} students wait"),
    };
    match (offered, waiters.len()) {
        (0, _) => format!("{all}; no offer is open."),
        (1, 1) => format!("{all}, and has an offer."),
        (1, _) => format!("{all}; 1 of them has an offer."),
        (many, _) => format!("{all}; {many} of them have an offer."),
    }
}

fn order(policy: &WaitlistPolicy) -> String {
    let weights = policy.weights;
    format!(
        "The priority is {} × fair share + {} × age, full after {}, + {} × nearness of the due date, from {} before it. Each \
         factor is from 0 to 1.",
        weights.fair_share,
        weights.age,
        why::length(policy.age_cap()),
        weights.due,
        why::length(policy.due_within())
    )
}

fn line(lab: &Lab, waiters: &[Waiter], zone: Tz, now: DateTime<Utc>) -> LabLine {
    let (state, state_text) = present::lab_state(lab, now);
    let mut place = 0;
    let row = |waiter: &Waiter| {
        place += usize::from(waiter.offered_until.is_none());
        row_of(waiter, place, zone, now)
    };
    LabLine {
        id: lab.id.to_string(),
        lab: Link::new(format!("/staff/labs/{}", lab.id), lab.title.clone()),
        state,
        state_text,
        waiters: waiters.iter().filter(|waiter| waiter.wait.lab == lab.id).map(row).collect(),
    }
}

fn row_of(waiter: &Waiter, place: usize, zone: Tz, now: DateTime<Utc>) -> WaiterRow {
    let (wait, priority) = (&waiter.wait, &waiter.priority);
    let two = |number: f64| format!("{number:.2}");
    let factors = [priority.fair_share, priority.age, priority.due].map(|factor| two(factor.number()));
    let offer =
        waiter.offered_until.map(|until| format!("offered until {}", present::when(zone, now, until).text));
    WaiterRow {
        place: if offer.is_some() { "\u{2013}".to_owned() } else { ordinal(place) },
        who: waiter.net_id.to_string(),
        asked: asked(&wait.asked),
        since: present::when(zone, now, wait.joined_at),
        priority: format!("{:.0}", priority.points()),
        factors,
        offer: offer.filter(|_| matches!(wait.state, WaitState::Offered(_))),
    }
}

/// `4 h, any time`, `2 h in 3 windows, booked at once`.
fn asked(asked: &Asked) -> String {
    let length = crate::domain::calendar::in_words(asked.length());
    let when = match asked.windows.len() {
        0 => "any time".to_owned(),
        1 => "in 1 window".to_owned(),
        many => format!("in {many} windows"),
    };
    let at_once = if asked.auto_accept { ", booked at once" } else { "" };
    format!("{length}, {when}{at_once}")
}
