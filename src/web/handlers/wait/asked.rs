//! What someone asks to wait for, as forms, links and programs write it.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use crate::domain::calendar;
use crate::domain::interval::Interval;
use crate::domain::waitlist::Asked;
use crate::services::waitlist::Part;
use crate::web::handlers::lab::{hours_text, read_hours, read_start};
use crate::web::pages::layout::Problem;
use crate::web::present;

/// A length, parts of days or windows, and whether it is booked at once.
#[derive(Debug, Clone)]
pub(in crate::web) struct Wish {
    /// The length; nothing if none was said yet.
    pub(super) length: Option<TimeDelta>,
    /// The parts of days that are ticked.
    pub(super) parts: BTreeSet<(NaiveDate, Part)>,
    windows: Vec<Interval>,
    zone: Tz,
    /// Whether it is booked at once.
    pub(super) auto_accept: bool,
    /// What can't be read.
    pub(in crate::web) problems: Vec<Problem>,
    complete: bool,
}

impl Wish {
    /// Reads names and values: `hours`, `at` and `window`, each as often as one likes, and `auto`.
    pub(in crate::web) fn read(pairs: &[(String, String)], zone: Tz) -> Self {
        let of = |name: &'static str| {
            pairs.iter().filter(move |(its, _)| its == name).map(|(_, value)| value.trim())
        };
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let hours = of("hours").next().filter(|hours| !hours.is_empty());
        let length = hours.and_then(|hours| read_hours(hours).map_err(&mut keep).ok());
        let parts: BTreeSet<_> =
            of("at").filter_map(|text| read_part(text, zone).map_err(&mut keep).ok()).collect();
        let windows: Vec<_> =
            of("window").filter_map(|text| read_window(text).map_err(&mut keep).ok()).collect();
        let auto_accept = of("auto").next().is_some();
        Self { length, parts, windows, zone, auto_accept, problems, complete: hours.is_some() }
    }

    /// The same as a form sends it: what it leaves out is missing.
    pub(in crate::web) fn of_form(mut self) -> Self {
        if !self.complete {
            self.problems.push(Problem::with_field("hours", "Choose how long."));
        }
        self
    }

    /// What is asked for, if a length was said and all of it can be read.
    pub(in crate::web) fn asked(&self) -> Option<Asked> {
        let length = self.length.filter(|_| self.problems.is_empty())?;
        Some(Asked {
            length_minutes: length.num_minutes(),
            windows: self.merged(),
            auto_accept: self.auto_accept,
        })
    }

    /// Windows and parts of days in order; those that follow each other are one.
    fn merged(&self) -> Vec<Interval> {
        let parts = self.parts.iter().filter_map(|(date, part)| part.on(self.zone, *date));
        let mut all: Vec<Interval> = self.windows.iter().copied().chain(parts).collect();
        all.sort_by_key(|window| (window.start(), window.end()));
        all.dedup_by(|next, before| {
            let whole = Interval::new(before.start(), before.end().max(next.end()));
            let follows = next.start() <= before.end();
            whole.filter(|_| follows).map(|whole| *before = whole).is_some()
        });
        all
    }

    /// Names and values that say the same.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let field = |name: &str, value: String| (name.to_owned(), value);
        let hours = self.length.map(|length| field("hours", hours_text(length.num_minutes())));
        let parts = self.parts.iter().map(|(date, part)| field("at", value(*date, *part)));
        let instant = |at| present::iso(self.zone, at);
        let window = |it: &Interval| format!("{}/{}", instant(it.start()), instant(it.end()));
        let windows = self.windows.iter().map(|it| field("window", window(it)));
        let auto = self.auto_accept.then(|| field("auto", "yes".to_owned()));
        hours.into_iter().chain(parts).chain(windows).chain(auto).collect()
    }
}

/// `2026-11-28.morning`.
pub(super) fn value(date: NaiveDate, part: Part) -> String {
    format!("{date}.{}", part.word())
}

fn read_part(text: &str, zone: Tz) -> Result<(NaiveDate, Part), Problem> {
    let read = || {
        let (date, word) = text.split_once('.')?;
        let date: NaiveDate = date.parse().ok()?;
        let part = Part::ALL.into_iter().find(|part| part.word() == word)?;
        calendar::is_plausible(calendar::midnight(zone, date)).then_some((date, part))
    };
    read().ok_or_else(|| {
        Problem::with_field("when", format!("\"{text}\" is not a part of a day such as 2026-11-28.morning."))
    })
}

fn read_window(text: &str) -> Result<Interval, Problem> {
    let read = || {
        let (start, end) = text.split_once('/')?;
        Interval::new(read_start(start).ok()?, read_start(end).ok()?)
    };
    read().ok_or_else(|| {
        let example = "2026-11-28T10:00-05:00/2026-11-28T18:00-05:00";
        Problem::with_field("window", format!("\"{text}\" is not a window such as {example}."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::New_York;

    fn wish(query: &str) -> Wish {
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Wish::read(&pairs, New_York)
    }

    #[test]
    fn parts_and_windows_are_read() {
        let query = "hours=4&at=2025-03-09.night&at=2025-03-09.morning&window=2025-03-12T10:00-04:00/2025-03-12T18:00-04:00&auto=yes";
        let asked = wish(query).asked().unwrap();
        assert_eq!((asked.length_minutes, asked.auto_accept, asked.windows.len()), (240, true, 2));
        let hours: i64 = asked.windows.iter().map(|window| window.length().num_hours()).sum();
        assert_eq!(hours, 8 + 5 + 6, "one of the nights has five hours");
        let again = wish(
            &url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(wish("hours=1.5&at=2025-03-09.night&auto=yes").fields())
                .finish(),
        );
        assert_eq!(again.asked().unwrap().length_minutes, 90);
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_field() {
        for (query, fields) in [
            ("hours=0", &["hours"][..]),
            ("hours=2&at=noon&at=2025-02-30.night&at=2025-02-08.dawn", &["when", "when", "when"]),
            ("hours=2&at=%2B262142-12-31.night", &["when"]),
            ("hours=2&window=2025-03-12T10:00-04:00", &["window"]),
        ] {
            let wish = wish(query);
            let found: Vec<_> = wish.problems.iter().map(|it| it.field.clone().unwrap()).collect();
            assert_eq!(found, fields, "{query}");
            assert_eq!(wish.asked(), None);
        }
        let nothing = wish("");
        assert!(nothing.asked().is_none() && nothing.problems.is_empty());
        assert_eq!(nothing.of_form().problems.len(), 1);
    }
}
