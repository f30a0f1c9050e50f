//! The search for a slot: what is typed, and what is found.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use url::form_urlencoded;

use super::{hours_text, read_hours};
use crate::db::LabSetting;
use crate::domain::calendar::{self, DailyWindow, Weekdays, minute_of_day};
use crate::domain::interval::Interval;
use crate::policy::search::Wanted;
use crate::services::labs::{LabView, Spread};
use crate::web::pages::lab::{DayBox, Find, Found, LengthOption};
use crate::web::pages::layout::{Field, NearestStart, Problem};
use crate::web::present;

/// How many slots are offered.
const OFFERED: usize = 8;
/// The length that is looked for if nobody says another.
const USUAL: TimeDelta = TimeDelta::hours(2);

/// The days in the order of the form, which are the names of its boxes.
const DAYS: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// What someone looks for, as they typed it, and as it is read.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    after: String,
    before: String,
    from: String,
    to: String,
    days: Vec<Weekday>,
    length: TimeDelta,
    earliest: Option<DateTime<Utc>>,
    latest: Option<DateTime<Utc>>,
    hours: Option<DailyWindow>,
    problems: Vec<Problem>,
}

impl Asked {
    /// Reads a query. What can't be read is told with its field.
    pub(super) fn read(query: &str, zone: Tz) -> Self {
        let typed = |name: &str| {
            let pair = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            pair.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let mut problems = Vec::new();
        let mut keep = |read: Result<_, Problem>| read.map_err(|problem| problems.push(problem)).ok();
        let (after, before) = (typed("after"), typed("before"));
        let start = keep(date("after", &after)).flatten();
        let end = keep(date("before", &before)).flatten();
        let mut asked = Self {
            days: DAYS.into_iter().filter(|day| !typed(&day.to_string()).is_empty()).collect(),
            from: typed("from"),
            to: typed("to"),
            after,
            before,
            length: USUAL,
            earliest: start.map(|date| calendar::midnight(zone, date)),
            latest: end.map(|date| calendar::midnight(zone, date + Days::new(1))),
            hours: None,
            problems,
        };
        asked.read_length(&typed("hours"));
        asked.read_hours_of_day();
        if asked.earliest.zip(asked.latest).is_some_and(|(earliest, latest)| latest <= earliest) {
            asked.problems.push(Problem::with_field("before", "The last day is before the first."));
        }
        asked
    }

    fn read_length(&mut self, typed: &str) {
        match read_hours(typed) {
            Ok(length) => self.length = length,
            Err(problem) if !typed.is_empty() => self.problems.push(problem),
            Err(_) => {}
        }
    }

    /// Either time may be left out: the day begins and ends at midnight.
    fn read_hours_of_day(&mut self) {
        if self.from.is_empty() && self.to.is_empty() {
            return;
        }
        let (from, to) = (time("from", &self.from, 0), time("to", &self.to, 24 * 60));
        match (from, to) {
            (Ok(from), Ok(to)) if from < to => self.hours = Some(DailyWindow { from, to }),
            (Ok(_), Ok(_)) => {
                self.problems.push(Problem::with_field("to", "The day can't end before it begins."));
            }
            (from, to) => self.problems.extend(from.err().into_iter().chain(to.err())),
        }
    }

    /// What to look for, if all of it can be read.
    pub(super) fn wanted(&self) -> Option<(Wanted, Spread)> {
        let days = (!self.days.is_empty()).then(|| Weekdays::of(&self.days));
        let (length, earliest, latest, hours) = (self.length, self.earliest, self.latest, self.hours);
        let spread = Spread { count: OFFERED, apart: length.max(TimeDelta::hours(1)) };
        self.problems.is_empty().then_some((Wanted { length, earliest, latest, days, hours }, spread))
    }

    fn problem(&self, field: &str) -> Option<String> {
        self.problems.iter().find(|it| it.field.as_deref() == Some(field)).map(|it| it.text.clone())
    }
}

fn date(field: &str, typed: &str) -> Result<Option<NaiveDate>, Problem> {
    if typed.is_empty() {
        return Ok(None);
    }
    let date = typed.parse().ok().filter(|date| calendar::is_plausible(calendar::midnight(Tz::UTC, *date)));
    let wrong = || Problem::with_field(field, format!("\"{typed}\" is not a date such as 2026-11-28."));
    date.map(Some).ok_or_else(wrong)
}

fn time(field: &str, typed: &str, otherwise: u32) -> Result<u32, Problem> {
    if typed.is_empty() {
        return Ok(otherwise);
    }
    minute_of_day(typed)
        .ok_or_else(|| Problem::with_field(field, format!("\"{typed}\" is not a time such as 09:00.")))
}

/// The form, and what was found.
pub(super) fn compose(view: &LabView, asked: &Asked) -> Find {
    let field = |id, kind, label, hint: &str, value: &str| Field {
        id,
        kind: Some(kind),
        label,
        hint: hint.to_owned(),
        value: value.to_owned(),
        problem: asked.problem(id),
        required: false,
    };
    Find {
        action: view.path(),
        problems: asked.problems.clone(),
        lengths: length_options(&view.setting, Some(asked.length)),
        days: DAYS
            .into_iter()
            .map(|day| DayBox { name: day.to_string(), wanted: asked.days.contains(&day) })
            .collect(),
        fields: vec![
            field("after", "date", "First day", "Today, if you leave it out.", &asked.after),
            field("before", "date", "Last day", "It is over by the end of it.", &asked.before),
            field("from", "time", "Not earlier than", "On the day on which it starts.", &asked.from),
            field("to", "time", "Over by", "On the same day.", &asked.to),
        ],
        found: asked.problems.is_empty().then(|| found(view, asked)),
    }
}

/// The lengths that the lab has set, or whole hours up to the longest, and the one that was asked for, which is chosen.
/// Without one that is the usual length, or the shortest.
pub(in crate::web) fn length_options(setting: &LabSetting, asked: Option<TimeDelta>) -> Vec<LengthOption> {
    let (policy, margin) = (&setting.lab.policy, setting.pool.end_margin());
    let set = policy.lengths_minutes.iter().map(|minutes| TimeDelta::minutes((*minutes).into()));
    let whole = (1..=policy.longest().num_hours().min(24)).map(TimeDelta::hours);
    let mut lengths: Vec<_> = if policy.lengths_minutes.is_empty() { whole.collect() } else { set.collect() };
    lengths.extend(asked.map(|asked| asked + margin));
    lengths.sort();
    lengths.dedup();
    let usual = lengths.iter().copied().filter(|length| *length <= USUAL).max();
    let chosen = asked.map(|asked| asked + margin).or(usual).or(lengths.first().copied());
    let option = |length: TimeDelta| LengthOption {
        hours: hours_text((length - margin).num_minutes()),
        text: calendar::in_words(length),
        chosen: Some(length) == chosen,
    };
    lengths.into_iter().filter(|length| *length > margin).map(option).collect()
}

fn found(view: &LabView, asked: &Asked) -> Found {
    let zone = view.setting.zone;
    let slot = |slot: &Interval| NearestStart {
        href: present::start_href(&view.path(), zone, slot.start(), &present::with_hours(slot)),
        start: present::when(zone, view.now, slot.start()),
        note: format!("until {}", present::end(zone, slot.start(), slot.end()).text),
    };
    let length = calendar::in_words(asked.length + view.setting.pool.end_margin());
    let (title, text) = match view.found.len() {
        0 => (
            format!("Nothing fits for {length}"),
            Some("Try a shorter time, more days or more hours of the day.".to_owned()),
        ),
        1 => (format!("One time fits for {length}"), None),
        many => (format!("The first {many} times for {length}"), None),
    };
    Found { title, text, slots: view.found.iter().map(slot).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::New_York;

    fn problems(query: &str) -> Vec<String> {
        let asked = Asked::read(query, New_York);
        assert_eq!(asked.wanted().is_none(), !asked.problems.is_empty(), "{query}");
        asked.problems.into_iter().map(|it| it.field.unwrap_or_default()).collect()
    }

    #[test]
    fn what_is_typed_is_read() {
        let query = "view=find&hours=1.5&Sat=1&Mon=1&after=2025-03-08&before=2025-03-09&from=09%3A00&to=";
        let (wanted, spread) = Asked::read(query, New_York).wanted().unwrap();
        assert_eq!((wanted.length, spread.apart), (TimeDelta::minutes(90), TimeDelta::minutes(90)));
        assert_eq!(wanted.days, Some(Weekdays::of(&[Weekday::Sat, Weekday::Mon])));
        assert_eq!(wanted.hours, Some(DailyWindow { from: 540, to: 1440 }));
        let days = wanted.latest.unwrap() - wanted.earliest.unwrap();
        assert_eq!(days, TimeDelta::hours(47), "one of the two days has 23 hours");
        let (anything, _) = Asked::read("view=find", New_York).wanted().unwrap();
        assert_eq!((anything.length, anything.days, anything.earliest), (USUAL, None, None));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_field() {
        for (query, fields) in [
            ("hours=0", &["hours"][..]),
            ("after=soon&before=2025-02-30", &["after", "before"]),
            ("after=%2B262142-12-31", &["after"]),
            ("after=2025-03-09&before=2025-03-08", &["before"]),
            ("from=9&to=25:00", &["from", "to"]),
            ("from=12:00&to=12:00", &["to"]),
            ("after=2025-03-08&before=2025-03-08&from=&to=", &[]),
        ] {
            assert_eq!(problems(query), fields, "{query}");
        }
    }
}
