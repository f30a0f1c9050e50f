//! The week of starts, as a timetable: hours down, days across.

use chrono::{DateTime, Datelike, Days, NaiveDate, Timelike, Utc};

use crate::domain::calendar;
use crate::domain::interval::Interval;
use crate::policy::admission::Violation;
use crate::policy::availability::{Start, Verdict};
use crate::services::labs::{DayOfStarts, LabView};
use crate::web::pages::lab::{Cell, CellKind, Day, DayKind, Free, Hour, Mine, NothingFree, Week, WeekBar};
use crate::web::pages::layout::{Link, NearestStart};
use crate::web::present;

/// Hours before this are folded away.
const MORNING: u32 = 7;

/// The shown week.
pub(super) fn compose(view: &LabView, day: Option<NaiveDate>) -> Week {
    let rows: Vec<Hour> = rows(view);
    let (night, hours): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| {
        row.label.get(..2).and_then(|hour| hour.parse().ok()).is_some_and(|hour: u32| hour < MORNING)
    });
    let free_at_night = free_cells(&night);
    let today = calendar::local_date(view.setting.zone, view.now);
    Week {
        bar: bar(view, ""),
        days: view.week.days.iter().map(|day| column(view, day, today)).collect(),
        shown_day: shown_day(view, day, today),
        per_hour: u8::try_from(per_hour(view)).unwrap_or(1),
        night_note: if free_at_night == 0 { "none free".to_owned() } else { format!("{free_at_night} free") },
        night_open: night_open(&night),
        night,
        hours,
    }
}

/// What stands above a week; its links keep `and` of the query, such as `view=list&`.
pub(super) fn bar(view: &LabView, and: &str) -> WeekBar {
    let (lab, first, zone) = (&view.setting.lab, view.week.first, view.setting.zone);
    let link = |date: NaiveDate| format!("{}?{and}week={date}#week", view.path());
    let today = calendar::local_date(zone, view.now);
    let due_week = lab.due.map(|due| lab.week_of(calendar::local_date(zone, due)));
    let last = due_week.is_some_and(|week| first >= week);
    let over = lab.week_of(today) >= first;
    WeekBar {
        title: format!("{} to {}", short(first), short(first + Days::new(6))),
        caption: format!("{} {}.", caption(view), calendar::zone_name(zone, view.now)),
        previous: (!over).then(|| link(first - Days::new(7))),
        next: (!last).then(|| link(first + Days::new(7))),
        due: due_link(view, due_week.filter(|week| *week != first), link),
        today: (lab.week_of(today) != first).then(|| Link::new(link(today), "This week")),
        wait: wait(view),
        nothing_free: nothing_free(view),
    }
}

/// Where one waits for a place, if others have some of the week.
fn wait(view: &LabView) -> Option<String> {
    let full = view.week.days.iter().flat_map(|day| &day.starts).any(is_full);
    (view.moving.is_none() && full).then(|| format!("/labs/{}/wait", view.setting.lab.id))
}

fn short(date: NaiveDate) -> String {
    date.format("%b %-d").to_string()
}

fn per_hour(view: &LabView) -> u32 {
    60 / u32::try_from(view.setting.pool.grid_minutes).unwrap_or(60).max(1)
}

fn caption(view: &LabView) -> String {
    match &view.setting.lab.policy.parity {
        Some(rule) => {
            use crate::domain::person::Parity::{Even, Odd};
            let days = |parity| {
                rule.days(parity, view.week.first).in_words(rule.first_day()).replace(" or ", " and ")
            };
            format!("Even net IDs: {}. Odd net IDs: {}.", days(Even), days(Odd))
        }
        None => "Any day.".to_owned(),
    }
}

fn due_link(view: &LabView, week: Option<NaiveDate>, link: impl Fn(NaiveDate) -> String) -> Option<Link> {
    let due = view.setting.lab.due?;
    let text = format!("Due {}", calendar::date_and_time(view.setting.zone, due));
    Some(Link::new(link(week?), text))
}

fn free_cells(rows: &[Hour]) -> usize {
    rows.iter().flat_map(|row| &row.cells).filter(|cell| matches!(cell.kind, CellKind::Free(_))).count()
}

fn night_open(night: &[Hour]) -> bool {
    night.iter().flat_map(|row| &row.cells).any(|cell| match &cell.kind {
        CellKind::Free(free) => free.chosen,
        CellKind::Mine(_) => true,
        _ => false,
    })
}

/// The day that a phone shows: the one asked for, that of the chosen start, today, or the first with a free start.
fn shown_day(view: &LabView, day: Option<NaiveDate>, today: NaiveDate) -> usize {
    let days = &view.week.days;
    let chosen = view.choice.as_ref().map(|choice| calendar::local_date(view.setting.zone, choice.start.at));
    let at = |date: NaiveDate| days.iter().position(|day| day.date == date);
    let free = || days.iter().position(|day| day.starts.iter().any(is_free));
    let index = day.and_then(at).or_else(|| chosen.and_then(at)).or_else(free).or_else(|| at(today));
    index.unwrap_or(0) + 1
}

fn is_free(start: &Start) -> bool {
    matches!(start.verdict, Verdict::Free { .. })
}

/// The head of a column: whose day it is, or what there is.
pub(super) fn column(view: &LabView, day: &DayOfStarts, today: NaiveDate) -> Day {
    let free = day.starts.iter().filter(|start| is_free(start)).count();
    let (kind, note) = match (whole_day(day), free) {
        (Some(Violation::WrongDay { parity, .. }), _) => {
            let others = if parity.word() == "even" { "odd" } else { "even" };
            (DayKind::NotYours, format!("{others} IDs"))
        }
        (Some(Violation::PastDue { .. }), _) => (DayKind::NotYours, "past due".to_owned()),
        (Some(Violation::NotOpen { .. }), _) => (DayKind::NotYours, "not open yet".to_owned()),
        (Some(Violation::NoParity), _) => (DayKind::NotYours, "no parity".to_owned()),
        (Some(Violation::TooManyAhead { .. }), _) => (DayKind::NotYours, "none to book".to_owned()),
        (Some(Violation::TooFar { .. }), _) => (DayKind::NotYours, "too far ahead".to_owned()),
        (Some(Violation::Closed { .. }), _) => (DayKind::NotYours, "closed".to_owned()),
        (Some(Violation::InPast { .. }), _) => (DayKind::Past, "past".to_owned()),
        (_, 0) if day.starts.iter().any(is_full) => (DayKind::Yours, "all full".to_owned()),
        (_, 0) => (DayKind::NotYours, "none free".to_owned()),
        (_, free) => (DayKind::Yours, format!("{free} free")),
    };
    Day {
        name: day.date.weekday().to_string(),
        date: short(day.date),
        iso: day.date.to_string(),
        href: format!("{}?week={}&day={}#week", view.path(), view.week.first, day.date),
        today: day.date == today,
        kind,
        note,
    }
}

fn violations(start: &Start) -> &[Violation] {
    match &start.verdict {
        Verdict::Refused(violations) => violations,
        Verdict::Free { .. } => &[],
    }
}

fn is_full(start: &Start) -> bool {
    matches!(violations(start), [Violation::Full { .. } | Violation::WaitedFor])
}

/// The rule that stands against every start of the day, if one does: then its header says so, not each cell.
pub(super) fn whole_day(day: &DayOfStarts) -> Option<&Violation> {
    let first = day.starts.first().map(violations)?;
    first.iter().filter(|violation| is_of_the_day(violation)).find(|violation| {
        day.starts.iter().all(|start| violations(start).iter().any(|other| other.code() == violation.code()))
    })
}

fn is_of_the_day(violation: &Violation) -> bool {
    matches!(
        violation,
        Violation::WrongDay { .. }
            | Violation::PastDue { .. }
            | Violation::NotOpen { .. }
            | Violation::NoParity
            | Violation::TooManyAhead { .. }
            | Violation::TooFar { .. }
            | Violation::Closed { .. }
            | Violation::InPast { .. }
    )
}

/// A row for each hour of the wall clock; one that a day has twice gets a second row.
fn rows(view: &LabView) -> Vec<Hour> {
    let mut rows = Vec::new();
    for hour in 0..24 {
        for occurrence in 0..2 {
            let cells: Vec<Cell> = view
                .week
                .days
                .iter()
                .flat_map(|day| (0..per_hour(view)).map(move |part| (day, part)))
                .map(|(day, part)| cell(view, day, hour, part, occurrence))
                .collect();
            let real = cells.iter().any(|cell| !matches!(cell.kind, CellKind::Skipped));
            if occurrence == 0 || real {
                let again = if occurrence == 0 { "" } else { " again" };
                rows.push(Hour { label: format!("{hour:02}{again}"), cells });
            }
        }
    }
    rows
}

fn cell(view: &LabView, day: &DayOfStarts, hour: u32, part: u32, occurrence: usize) -> Cell {
    let minute = part * 60 / per_hour(view);
    let starts = day.starts.iter().filter(|start| {
        let local = start.at.with_timezone(&view.setting.zone);
        (local.hour(), local.minute()) == (hour, minute)
    });
    let Some(start) = starts.into_iter().nth(occurrence) else { return Cell::of(CellKind::Skipped) };
    let next = start.at + view.setting.pool.grid();
    let due_edge = view.setting.lab.last_end(&view.setting.pool) == Some(next);
    let now = start.at <= view.now && view.now < next;
    let kind = kind(view, day, start);
    let why = why(&kind, view, day, start);
    Cell { kind, why, due_edge, now }
}

fn kind(view: &LabView, day: &DayOfStarts, start: &Start) -> CellKind {
    if let Some(mine) = mine(view, start.at) {
        return CellKind::Mine(mine);
    }
    match &start.verdict {
        Verdict::Free { units_left, .. } => CellKind::Free(free(view, start.at, *units_left, "")),
        Verdict::Refused(violations) => match violations.first() {
            Some(Violation::InPast { .. }) => CellKind::Past,
            _ if whole_day(day).is_some() => CellKind::NotThatDay,
            _ if is_full(start) => CellKind::Full,
            _ => CellKind::NotAllowed,
        },
    }
}

/// Why a start can't be chosen.
fn why(kind: &CellKind, view: &LabView, day: &DayOfStarts, start: &Start) -> Option<String> {
    match kind {
        CellKind::Free(_) | CellKind::Mine(_) | CellKind::Skipped => None,
        CellKind::NotThatDay => whole_day(day).map(|violation| violation.sentence(view.setting.zone)),
        CellKind::Past | CellKind::Full | CellKind::NotAllowed => reason(start, view),
    }
}

/// What stands against a start, first of all. Of full ones all say the same, whenever they are.
pub(super) fn reason(start: &Start, view: &LabView) -> Option<String> {
    Some(match violations(start).first()? {
        Violation::Full { .. } => "Every place is taken.".to_owned(),
        violation => violation.sentence(view.setting.zone),
    })
}

/// The reader's booking at that time.
pub(super) fn mine(view: &LabView, at: DateTime<Utc>) -> Option<Mine> {
    let booking = view.bookings.iter().find(|booking| booking.slot.contains(at))?;
    Some(Mine {
        href: format!("/bookings/{}", booking.id),
        spoken: calendar::span(view.setting.zone, &booking.slot),
        first: booking.slot.start() == at,
    })
}

/// A start that can be chosen; its link keeps `and` of the query.
pub(super) fn free(view: &LabView, at: DateTime<Utc>, units_left: i32, and: &str) -> Free {
    let (lab, pool, zone) = (&view.setting.lab, &view.setting.pool, view.setting.zone);
    let (left, all) =
        (units_left / lab.units.max(1), (pool.capacity_at(pool.floor(at)) / lab.units.max(1)).max(1));
    Free {
        href: present::start_href(&view.path(), zone, at, and),
        text: at.with_timezone(&zone).format(":%M").to_string(),
        spoken: format!("{}, {left} of {all} free", calendar::date_and_time(zone, at)),
        few: (left <= (all / 5).max(1)).then(|| left.to_string()),
        tint: u8::try_from((left * 4 + all - 1) / all).unwrap_or(4).clamp(1, 4),
        chosen: view.choice.as_ref().is_some_and(|choice| choice.start.at == at),
    }
}

/// What to say where nothing of the week is left for the reader: what stands against it, and where to look.
fn nothing_free(view: &LabView) -> Option<NothingFree> {
    if view.week.days.iter().any(|day| day.starts.iter().any(is_free)) {
        return None;
    }
    let have = i32::try_from(view.bookings.len()).unwrap_or(i32::MAX);
    let limit = view.setting.lab.policy.bookings_ahead;
    let (title, text) = if have >= limit {
        ("You can't book more now.", Violation::TooManyAhead { limit }.sentence(view.setting.zone))
    } else {
        (
            "Nothing is free for you this week.",
            "Everything of this week that is yours to book is taken or past.".to_owned(),
        )
    };
    Some(NothingFree { title: title.to_owned(), text, nearest: nearest(view) })
}

/// Slots that the reader could have instead.
fn nearest(view: &LabView) -> Vec<NearestStart> {
    let start = |slot: &Interval| NearestStart {
        href: present::start_href(&view.path(), view.setting.zone, slot.start(), ""),
        start: present::when(view.setting.zone, view.now, slot.start()),
        note: String::new(),
    };
    view.found.iter().map(start).collect()
}
