//! Instants as the services write them: always UTC, with or without a zone, a `T` or a fraction.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, SubsecRound as _, TimeDelta, Utc};
use serde::{Deserialize as _, Deserializer, de::Error as _};

/// Reads an instant.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|naive| naive.and_utc())
}

/// For fields that may be missing, null or in a form of their own.
pub(super) fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.as_deref().and_then(parse))
}

/// For fields without which the rest is of no use.
pub(super) fn required<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).ok_or_else(|| D::Error::custom(format!("\"{text}\" is no instant")))
}

/// An instant as tags and metadata have it.
pub(super) fn iso(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Blazar's form, to the minute.
pub(super) fn minute(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M").to_string()
}

/// The minute in which `instant` lies.
pub(super) fn minute_of(instant: DateTime<Utc>) -> DateTime<Utc> {
    let past = TimeDelta::seconds(instant.timestamp().rem_euclid(60));
    instant.trunc_subsecs(0) - past
}

/// The first full minute that is not before `instant`.
pub(super) fn minute_after(instant: DateTime<Utc>) -> DateTime<Utc> {
    let minute = minute_of(instant);
    if minute == instant { minute } else { minute + TimeDelta::minutes(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_that_the_services_use_is_read() {
        for text in [
            "2026-02-10T14:05:00Z",
            "2026-02-10T14:05:00.000000",
            "2026-02-10 14:05:00",
            "2026-02-10 14:05",
            "2026-02-10T09:05:00-05:00",
            "2026-02-10 14:05:00+00:00",
        ] {
            assert_eq!(parse(text), Some(at("2026-02-10T14:05:00Z")), "{text}");
        }
        assert_eq!(parse("soon"), None);
    }

    #[test]
    fn minutes_are_rounded_so_that_a_span_stays_covered() {
        assert_eq!(minute_of(at("2026-02-10T14:05:59.999Z")), at("2026-02-10T14:05:00Z"));
        assert_eq!(minute_after(at("2026-02-10T14:05:00.001Z")), at("2026-02-10T14:06:00Z"));
        assert_eq!(minute_after(at("2026-02-10T14:05:00Z")), at("2026-02-10T14:05:00Z"));
        assert_eq!(minute(at("2026-02-10T14:05:59Z")), "2026-02-10 14:05");
        assert_eq!(iso(at("2026-02-10T14:05:00.123Z")), "2026-02-10T14:05:00Z");
    }
}
