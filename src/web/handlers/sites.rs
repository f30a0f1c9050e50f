//! `/sites`: how each site does.

mod leases;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::page;
use crate::auth::permissions::Permission;
use crate::db::{DbError, Waiting};
use crate::domain::calendar;
use crate::domain::health::{CallTally, Condition, Health};
use crate::domain::hint::FeedState;
use crate::domain::ids::SiteId;
use crate::policy::extending::{self, Extending};
use crate::services::health::{self, SiteView};
use crate::services::outage_hints;
use crate::services::queue::{self, Report};
use crate::web::context::{Done, SignedIn, Staff};
use crate::web::error::WebError;
use crate::web::pages::layout::Section;
use crate::web::pages::sites::{
    Bar, ExtendingLine, Numbers, OperationRow, Picture, SiteLine, SiteState, SitesPage,
};
use crate::web::present;

/// Shows the sites; to staff with figures.
pub async fn show(who: SignedIn) -> Result<HttpResponse, WebError> {
    let app = who.context.app();
    let (now, zone) = (app.now(), who.context.zone());
    let is_staff = who.caller.sees_all(Permission::SeeCourse);
    let layout = who.context.layout("Sites", Section::Elsewhere);
    let shown = if is_staff {
        let report = app.db.read("sites: report", move |conn| queue::report(conn, now)).await?;
        let sites: Vec<_> = report.queue.due.iter().map(|(view, ..)| view.clone()).collect();
        let mail = Some(outbox(now, &report.queue.outbox));
        let feeds = app.db.read::<_, DbError, _>("sites: feeds", outage_hints::feeds).await?;
        let mut lines = with_numbers(zone, now, &report);
        for (line, site) in lines.iter_mut().zip(&sites) {
            line.feed = feed_line(zone, now, site, &feeds);
        }
        SitesPage { layout, answer: answer(zone, now, &sites), sites: lines, mail }
    } else {
        let sites = app.db.read::<_, DbError, _>("sites", health::sites).await?;
        let lines = sites.iter().map(|view| line(zone, now, is_staff, view)).collect();
        SitesPage { layout, answer: answer(zone, now, &sites), sites: lines, mail: None }
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

fn answer(zone: Tz, now: DateTime<Utc>, sites: &[SiteView]) -> String {
    let trouble = |view: &SiteView| present::site_trouble(zone, now, &view.site.title, view.health.as_ref());
    let troubles: Vec<String> =
        sites.iter().filter_map(trouble).map(|trouble| format!("{trouble}.")).collect();
    match (troubles.is_empty(), sites) {
        (false, _) => troubles.join(" "),
        (true, []) => "There is no site yet: no course was applied.".to_owned(),
        (true, _) if sites.iter().all(|view| view.health.is_none()) => {
            "No site was looked at yet.".to_owned()
        }
        (true, [_]) => "The site answers.".to_owned(),
        (true, _) => "All sites answer.".to_owned(),
    }
}

fn line(zone: Tz, now: DateTime<Utc>, is_staff: bool, view: &SiteView) -> SiteLine {
    let health = view.health.as_ref();
    let (state, text) = match health.map(|health| health.condition) {
        None => (SiteState::Unseen, "It is looked at twice a minute once a worker runs."),
        Some(Condition::Up) => (SiteState::Up, "Bookings here are made as usual."),
        Some(Condition::Degraded) => {
            (SiteState::Degraded, "Bookings here go on, and may take longer than usual.")
        }
        Some(Condition::Down) => (
            SiteState::Down,
            "Bookings here wait, and go on as soon as it answers. Servers that run already may well go on.",
        ),
    };
    let failing = |health: &&Health| health.condition == Condition::Down;
    SiteLine {
        extending: extending_line(zone, now, is_staff, view),
        feed: None,
        id: view.site.id.to_string(),
        title: view.site.title.clone(),
        state,
        since: health.map(|health| present::when(zone, now, health.since)),
        text: text.to_owned(),
        last_ok: health
            .filter(failing)
            .and_then(|health| health.last_ok)
            .map(|at| present::when(zone, now, at)),
        numbers: None,
    }
}

/// What is known of other ends there. Students are told of what they can't do, staff of whatever is known.
fn extending_line(zone: Tz, now: DateTime<Utc>, is_staff: bool, view: &SiteView) -> Option<ExtendingLine> {
    let known = Extending::of(&view.site, view.extending.as_ref(), now);
    let refusal = known.refusal(&view.site).map(|broken| broken.sentence(zone));
    if !is_staff {
        return refusal.map(|text| ExtendingLine { text, again: false });
    }
    let day = |at| present::when(zone, now, at).text;
    let (more, again) = match known {
        Extending::NoLeases | Extending::Told(true) => return None,
        Extending::Told(false) => ("The course file says so.".to_owned(), false),
        Extending::Unknown => (
            "Whether it changes the end of a lease is not known: nobody has asked it lately.".to_owned(),
            false,
        ),
        Extending::Known(it) if it.works => {
            (format!("It has changed ends of leases since {}.", day(it.since)), false)
        }
        Extending::Known(it) => {
            let next = day(extending::tried_again(it));
            (format!("It was asked last {}, and is asked again from {next} on.", day(it.last)), true)
        }
    };
    let text = refusal.map_or(more.clone(), |refusal| format!("{refusal} {more}"));
    Some(ExtendingLine { text, again })
}

/// Has another end tried again at a site that has refused one.
pub async fn try_again(who: Staff, path: web::Path<SiteId>) -> Result<HttpResponse, WebError> {
    crate::services::extending::forget(who.0.context.app(), &who.0.doer(), path.into_inner()).await?;
    Ok(who.0.context.done("/sites", Done::TriedAgain))
}

fn with_numbers(zone: Tz, now: DateTime<Utc>, report: &Report) -> Vec<SiteLine> {
    let of_site = |(view, waiting, overdue): &(SiteView, Waiting, i64)| {
        let calls: Vec<_> = report.calls.iter().filter(|tally| tally.site == view.site.id).collect();
        let leases = report.leases.iter().filter(|lease| lease.pool.site == view.site.id);
        let fault = view.health.as_ref().and_then(|health| health.last_fault.as_ref());
        let numbers = Numbers {
            queue: queued(now, waiting, *overdue),
            leases: leases.map(|lease| leases::line(zone, now, lease)).collect(),
            fault: fault.map(|(at, fault)| {
                (present::when(zone, now, *at), format!("{}: {}", fault.class, fault.message))
            }),
            finding: finding(&calls),
            picture: picture(zone, report.since, &calls),
            operations: operations(&calls),
        };
        SiteLine { numbers: Some(numbers), ..line(zone, now, true, view) }
    };
    report.queue.due.iter().map(of_site).collect()
}

/// What is wrong with the feed in which the site tells of its outages.
fn feed_line(zone: Tz, now: DateTime<Utc>, view: &SiteView, feeds: &[FeedState]) -> Option<String> {
    view.site.outage_feed.as_ref()?;
    let feed = feeds.iter().find(|feed| feed.site == view.site.id)?;
    let since = present::when(zone, now, feed.failing_since?).text;
    let trouble = feed.trouble.as_deref().unwrap_or("it does not say why");
    Some(format!("Its feed of outages can't be read since {since}: {trouble}."))
}

fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn age(now: DateTime<Utc>, waiting: &Waiting) -> String {
    calendar::in_words(waiting.oldest.map_or(TimeDelta::zero(), |at| now - at))
}

fn queued(now: DateTime<Utc>, waiting: &Waiting, overdue: i64) -> String {
    if waiting.count == 0 {
        return "Nothing waits for it.".to_owned();
    }
    let bookings = counted(waiting.count, "booking has", "bookings have");
    let late = if overdue > 0 {
        format!("; {} waited for more than a minute", counted(overdue, "has", "have"))
    } else {
        String::new()
    };
    format!("{bookings} something to do here, the first for {}{late}.", age(now, waiting))
}

fn outbox(now: DateTime<Utc>, waiting: &Waiting) -> String {
    if waiting.count == 0 {
        return "No mail waits to be sent.".to_owned();
    }
    let mails = counted(waiting.count, "mail waits", "mails wait");
    format!("{mails} to be sent, the first for {}.", age(now, waiting))
}

/// Several tallies in one.
#[derive(Debug, Default)]
struct Sum {
    calls: i64,
    failures: i64,
    total_ms: i64,
    max_ms: i64,
}

impl Sum {
    fn of<'a>(tallies: impl IntoIterator<Item = &'a &'a CallTally>) -> Self {
        tallies.into_iter().fold(Self::default(), |sum, tally| Self {
            calls: sum.calls + tally.calls,
            failures: sum.failures + tally.failures,
            total_ms: sum.total_ms + tally.total_ms,
            max_ms: sum.max_ms.max(tally.max_ms),
        })
    }

    fn mean_ms(&self) -> i64 {
        self.total_ms / self.calls.max(1)
    }
}

/// `0.04 s`, `1.2 s`, `67 s`.
fn seconds(ms: i64) -> String {
    match ms {
        ..=99 => format!("0.{:02} s", (ms.max(0) + 5) / 10),
        100..=9949 => format!("{}.{} s", (ms + 50) / 1000, (ms + 50) % 1000 / 100),
        _ => format!("{} s", (ms + 500) / 1000),
    }
}

fn finding(calls: &[&CallTally]) -> String {
    let sum = Sum::of(calls);
    if sum.calls == 0 {
        return "There were no calls in the last hour.".to_owned();
    }
    let failed = match sum.failures {
        0 => "none failed by a fault of the site".to_owned(),
        failures => format!("{failures} failed by a fault of the site"),
    };
    let count = counted(sum.calls, "call", "calls");
    let (mean, longest) = (seconds(sum.mean_ms()), seconds(sum.max_ms));
    format!("{count} in the last hour took {mean} on average, the longest {longest}; {failed}.")
}

fn picture(zone: Tz, since: DateTime<Utc>, calls: &[&CallTally]) -> Option<Picture> {
    let steps: Vec<_> = (0..queue::STEPS)
        .map(|n| {
            let from = since + health::STEP * n;
            (i64::from(n), from, Sum::of(calls.iter().filter(|tally| tally.from == from)))
        })
        .collect();
    let highest = steps.iter().max_by_key(|(_, _, sum)| sum.mean_ms()).filter(|(.., sum)| sum.calls > 0)?;
    let most = highest.2.mean_ms().max(1);
    let bar = |(n, _, sum): &(i64, DateTime<Utc>, Sum)| Bar {
        x: n * 20 + 2,
        height: if sum.calls == 0 { 0 } else { (sum.mean_ms() * 60 / most).max(2) },
        failed: sum.failures > 0,
    };
    let top = seconds(highest.2.mean_ms());
    let failing = steps.iter().filter(|(.., sum)| sum.failures > 0).count();
    Some(Picture {
        spoken: format!(
            "What a call took on average, by five minutes: most in those from {}, {top}. Calls failed in {failing} of {}.",
            calendar::time(zone, highest.1),
            steps.len()
        ),
        top,
        from: calendar::time(zone, since),
        to: calendar::time(zone, since + health::STEP * queue::STEPS),
        bars: steps.iter().map(bar).collect(),
    })
}

/// By operation; the tallies come in that order.
fn operations(calls: &[&CallTally]) -> Vec<OperationRow> {
    calls
        .chunk_by(|one, next| one.operation == next.operation)
        .filter_map(|same| {
            let sum = Sum::of(same);
            Some(OperationRow {
                name: operation(&same.first()?.operation),
                calls: sum.calls,
                failures: sum.failures,
                mean: seconds(sum.mean_ms()),
                longest: seconds(sum.max_ms),
            })
        })
        .collect()
}

/// An operation as people call it.
fn operation(name: &str) -> String {
    let words = match name.split_once('_') {
        Some(("ensure", kind)) => format!("make {kind}"),
        Some(("release", kind)) => format!("delete {kind}"),
        _ if name == "health" => "look".to_owned(),
        _ => name.to_owned(),
    };
    words.replace('_', " ").replace("floating ip", "floating IP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_round_as_people_do() {
        let shown = [0, 4, 5, 99, 100, 949, 950, 1249, 9949, 9950, 67_499].map(seconds);
        let wanted = [
            "0.00 s", "0.00 s", "0.01 s", "0.10 s", "0.1 s", "0.9 s", "1.0 s", "1.2 s", "9.9 s", "10 s",
            "67 s",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn operations_have_names_for_people() {
        let named =
            ["ensure_floating_ip", "release_security_group", "lease_in_force", "health"].map(operation);
        assert_eq!(named, ["make floating IP", "delete security group", "lease in force", "look"]);
    }
}
