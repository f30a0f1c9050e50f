//! Local time: zones, days, weeks, and how instants are written for people. A day may have 23 or 25 hours.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
    Weekday,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::interval::Interval;

/// The end of what nobody knows the end of.
pub const FURTHER_NOTICE: DateTime<Utc> =
    NaiveDate::from_ymd_opt(9999, 1, 1).unwrap().and_time(NaiveTime::MIN).and_utc();

/// The instant that the wall clock of `zone` shows as `local`. Where a time occurs twice (clocks go back) the first is
/// meant; where it never occurs (clocks go forward) the instant at which the clock jumped past it.
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => end_of_gap(zone, local),
    }
}

/// Clocks jump by whole quarter hours, so the first quarter hour after `local` that exists ends the gap.
fn end_of_gap(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let quarter = i64::from(local.and_utc().timestamp().rem_euclid(900) == 0);
    let from = local.and_utc().timestamp().div_euclid(900) + 1 - quarter;
    (from..=from + 8)
        .filter_map(|q| DateTime::from_timestamp(q * 900, 0))
        .find_map(|at| zone.from_local_datetime(&at.naive_utc()).earliest())
        .map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// Whether `at` lies in the years from 1970 to 9999: what people mean, and far from where instants can't be counted on.
pub fn is_plausible(at: DateTime<Utc>) -> bool {
    (1970..10_000).contains(&at.year())
}

/// The first instant of `date` in `zone`.
pub fn midnight(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    instant(zone, date.and_time(NaiveTime::MIN))
}

/// The latest instant, not later than `now`, at which the clock of `zone` showed `time`; on a day whose clock leaps over it,
/// the leap.
pub fn latest(zone: Tz, time: NaiveTime, now: DateTime<Utc>) -> DateTime<Utc> {
    let today = local_date(zone, now);
    let days = [Some(today), today.pred_opt(), today.pred_opt().and_then(|day| day.pred_opt())];
    let mut times = days.into_iter().flatten().map(|day| instant(zone, day.and_time(time)));
    times.find(|at| *at <= now).unwrap_or(now)
}

/// The date that `zone` shows at `at`.
pub fn local_date(zone: Tz, at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// All of `date` in `zone`.
pub fn day(zone: Tz, date: NaiveDate) -> Interval {
    let (start, end) = (midnight(zone, date), midnight(zone, date + Days::new(1)));
    Interval::new(start, end).unwrap_or_else(|| unreachable!("a day of {zone} ends after it starts"))
}

/// The Monday on or before `date`.
pub fn monday(date: NaiveDate) -> NaiveDate {
    date - Days::new(u64::from(date.weekday().num_days_from_monday()))
}

/// The number of whole seven-day periods from `anchor` to `date`: 0 in the first, negative before it.
pub fn week_number(anchor: NaiveDate, date: NaiveDate) -> i64 {
    (date - anchor).num_days().div_euclid(7)
}

/// A set of weekdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Weekdays(u8);

impl Weekdays {
    /// The set of `days`.
    pub fn of(days: &[Weekday]) -> Self {
        Self(days.iter().fold(0, |set, day| set | Self::bit(*day)))
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.num_days_from_monday()
    }

    /// Whether `day` belongs to it.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    /// Whether it has no day.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its days in order, with `first` as the week's first day.
    pub fn iter_from(self, first: Weekday) -> impl Iterator<Item = Weekday> {
        std::iter::successors(Some(first), |day| Some(day.succ()))
            .take(7)
            .filter(move |day| self.contains(*day))
    }

    /// "Sat, Mon or Wed", with `first` as the week's first day.
    pub fn in_words(self, first: Weekday) -> String {
        let names: Vec<String> = self.iter_from(first).map(|day| day.to_string()).collect();
        match names.split_last() {
            None => "no day".to_owned(),
            Some((only, [])) => only.clone(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }
}

impl TryFrom<Vec<String>> for Weekdays {
    type Error = String;
    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let parse = |name: &String| {
            name.parse::<Weekday>().map_err(|_| {
                format!("\"{name}\" is not a weekday: write Mon, Tue, Wed, Thu, Fri, Sat or Sun")
            })
        };
        Ok(Self::of(&names.iter().map(parse).collect::<Result<Vec<_>, _>>()?))
    }
}

/// "Sat,Mon".
impl FromStr for Weekdays {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>().try_into()
    }
}

impl From<Weekdays> for Vec<String> {
    fn from(days: Weekdays) -> Self {
        days.iter_from(Weekday::Mon).map(|day| day.to_string()).collect()
    }
}

/// The same hours of every day, in minutes after midnight: `from` up to `to`, which may be 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyWindow {
    /// Its first minute of the day.
    pub from: u32,
    /// The first minute after it; 1440 is the end of the day.
    pub to: u32,
}

impl DailyWindow {
    /// All of the day.
    pub const ALL_DAY: Self = Self { from: 0, to: 24 * 60 };

    /// The window's time on `date`, if it is not empty that day.
    pub fn on(self, zone: Tz, date: NaiveDate) -> Option<Interval> {
        let at = |minute: u32| match NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0) {
            Some(time) => instant(zone, date.and_time(time)),
            None => midnight(zone, date + Days::new(1)),
        };
        Interval::new(at(self.from), at(self.to))
    }

    /// "08:00 and 24:00", to come after "between".
    pub fn between(self) -> String {
        self.to_string().replace(" to ", " and ")
    }

    /// The dates on which `slot` has time in the window, and how much, in order.
    pub fn of(self, zone: Tz, slot: &Interval) -> Vec<(NaiveDate, TimeDelta)> {
        let (first, last) = (local_date(zone, slot.start()), local_date(zone, slot.end()));
        let dates = std::iter::successors(Some(first), NaiveDate::succ_opt).take_while(|date| *date <= last);
        dates.filter_map(|date| Some((date, self.on(zone, date)?.shared(slot)?.length()))).collect()
    }
}

/// "08:00" as minutes after midnight; "24:00" is the day's end.
pub fn minute_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = (hours <= 24 && minutes < 60).then(|| hours * 60 + minutes)?;
    (minute <= 24 * 60).then_some(minute)
}

/// "09:00-17:00".
impl FromStr for DailyWindow {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once('-').unwrap_or((text, ""));
        match (minute_of_day(from.trim()), minute_of_day(to.trim())) {
            (Some(from), Some(to)) if from < to => Ok(Self { from, to }),
            _ => Err(format!("\"{text}\" is not hours of a day such as 09:00-17:00")),
        }
    }
}

/// "08:00 to 24:00".
impl fmt::Display for DailyWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02} to {:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// RFC 3339 with the offset of `zone`.
pub fn rfc3339(zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).to_rfc3339()
}

/// "Thu Feb 13, 23:59" in `zone`.
pub fn date_and_time(zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).format("%a %b %-d, %H:%M").to_string()
}

/// "23:59" in `zone`.
pub fn time(zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).format("%H:%M").to_string()
}

/// "Thu Feb 13".
pub fn date(date: NaiveDate) -> String {
    date.format("%a %b %-d").to_string()
}

/// "Sat Feb 8, 10:00 to 15:00", or with both dates where it crosses midnight; "24:00" ends a day.
pub fn span(zone: Tz, slot: &Interval) -> String {
    let (from, to) = (local_date(zone, slot.start()), local_date(zone, slot.end()));
    let start = date_and_time(zone, slot.start());
    if from == to {
        format!("{start} to {}", time(zone, slot.end()))
    } else if slot.end() == midnight(zone, from + Days::new(1)) {
        format!("{start} to 24:00")
    } else {
        format!("{start} to {}", date_and_time(zone, slot.end()))
    }
}

/// "4", "1.5" or "0.3333": hours as a form sends them, exact to the minute.
pub fn hours_text(minutes: i64) -> String {
    let ten_thousandths = (minutes % 60 * 10_000 + 30) / 60;
    let text = format!("{}.{ten_thousandths:04}", minutes / 60);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The same time of the day so many days later, whatever the clocks do between.
pub fn later_by_days(zone: Tz, at: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    let local = at.with_timezone(&zone).naive_local();
    let shifted = local.checked_add_signed(TimeDelta::days(days)).unwrap_or(local);
    instant(zone, shifted)
}

/// [`span`], or "Sat Feb 8, 14:00 until further notice" of a closure of which nobody knows when it ends.
pub fn span_or_from(zone: Tz, span: &Interval) -> String {
    if span.end() < FURTHER_NOTICE {
        return self::span(zone, span);
    }
    format!("{} until further notice", date_and_time(zone, span.start()))
}

/// "New York time (EST)": the zone by name, with the abbreviation that holds at `at`.
pub fn zone_name(zone: Tz, at: DateTime<Utc>) -> String {
    let place = zone.name().rsplit('/').next().unwrap_or("UTC").replace('_', " ");
    if place == "UTC" {
        "UTC".to_owned()
    } else {
        format!("{place} time ({})", at.with_timezone(&zone).format("%Z"))
    }
}

/// "8 h", "1 h 30 min", "45 min", "2 d 3 h", "less than a minute".
pub fn in_words(length: TimeDelta) -> String {
    let minutes = length.num_minutes();
    let (days, hours, rest) = (minutes / 1440, minutes % 1440 / 60, minutes % 60);
    match (days, hours, rest) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, m) => format!("{m} min"),
        (0, h, 0) => format!("{h} h"),
        (0, h, m) => format!("{h} h {m} min"),
        // The origin's cap and budgets are in hours, and "24 h" is easier to compare with them than "1 d".
        (1, 0, 0) => "24 h".to_owned(),
        (d, 0, _) => format!("{d} d"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::New_York;

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn days_of_a_clock_change_are_short_and_long() {
        let hours = |date: &str| day(New_York, date.parse().unwrap()).length().num_hours();
        assert_eq!(hours("2025-03-09"), 23);
        assert_eq!(hours("2025-11-02"), 25);
        assert_eq!(hours("2025-02-08"), 24);
    }

    #[test]
    fn a_time_that_never_occurs_is_the_end_of_its_gap() {
        let at = instant(New_York, local("2025-03-09T02:30:00"));
        assert_eq!(at, instant(New_York, local("2025-03-09T03:00:00")));
        assert_eq!(instant(New_York, local("2025-03-09T02:00:00")), at);
        assert_eq!(instant(New_York, local("2025-03-09T02:07:00")), at);
    }

    #[test]
    fn a_time_that_occurs_twice_is_the_first() {
        assert_eq!(instant(New_York, local("2025-11-02T01:30:00")).to_rfc3339(), "2025-11-02T05:30:00+00:00");
    }

    #[test]
    fn spans_read_plainly() {
        let slot = |a: &str, b: &str| {
            Interval::new(instant(New_York, local(a)), instant(New_York, local(b))).unwrap()
        };
        let words = |a, b| span(New_York, &slot(a, b));
        assert_eq!(words("2025-02-08T10:00:00", "2025-02-08T15:00:00"), "Sat Feb 8, 10:00 to 15:00");
        assert_eq!(words("2025-02-08T20:00:00", "2025-02-09T00:00:00"), "Sat Feb 8, 20:00 to 24:00");
        assert_eq!(
            words("2025-02-08T22:00:00", "2025-02-09T02:00:00"),
            "Sat Feb 8, 22:00 to Sun Feb 9, 02:00"
        );
    }

    #[test]
    fn weekdays_read_plainly_from_any_first_day() {
        let days = Weekdays::of(&[Weekday::Mon, Weekday::Wed, Weekday::Sat]);
        assert_eq!(days.in_words(Weekday::Fri), "Sat, Mon or Wed");
        assert_eq!(days.in_words(Weekday::Mon), "Mon, Wed or Sat");
        assert_eq!(Weekdays::default().in_words(Weekday::Mon), "no day");
    }

    #[test]
    fn weekdays_and_hours_are_read_as_typed() {
        assert_eq!("Sat, mon".parse(), Ok(Weekdays::of(&[Weekday::Mon, Weekday::Sat])));
        assert!("".parse::<Weekdays>().is_err() && "Sat,Caturday".parse::<Weekdays>().is_err());
        assert_eq!("09:30-24:00".parse(), Ok(DailyWindow { from: 570, to: 1440 }));
        for bad in ["", "9", "09:00", "17:00-09:00", "09:00-24:01", "4000000000:00-4000000001:00"] {
            assert!(bad.parse::<DailyWindow>().is_err(), "{bad}");
        }
    }

    #[test]
    fn weeks_count_from_the_anchor_both_ways() {
        let anchor = "2025-02-07".parse().unwrap();
        let week = |date: &str| week_number(anchor, date.parse().unwrap());
        assert_eq!(
            (week("2025-02-06"), week("2025-02-07"), week("2025-02-13"), week("2025-02-14")),
            (-1, 0, 0, 1)
        );
    }

    #[test]
    fn the_latest_morning_is_todays_or_yesterdays_also_when_clocks_change() {
        let morning = NaiveTime::from_hms_opt(8, 0, 0).unwrap();
        let at = |text: &str| instant(New_York, text.parse().unwrap());
        for (now, then) in [
            ("2025-03-08T07:59:59", "2025-03-07T08:00:00"),
            ("2025-03-08T08:00:00", "2025-03-08T08:00:00"),
            ("2025-03-09T07:59:59", "2025-03-08T08:00:00"),
            ("2025-03-09T23:59:59", "2025-03-09T08:00:00"),
        ] {
            assert_eq!(latest(New_York, morning, at(now)), at(then), "{now}");
        }
        let leapt = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        assert_eq!(latest(New_York, leapt, at("2025-03-09T12:00:00")), at("2025-03-09T03:00:00"));
    }
}
