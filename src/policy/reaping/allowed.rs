//! Whether the labs of a site allow a server that someone made by hand: by their caps and weekdays, as bookings are judged.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::calendar;
use crate::domain::course::Lab;
use crate::domain::interval::Interval;
use crate::domain::marked::Predicate;
use crate::domain::person::Parity;

/// How a server breaks a lab's rules.
pub(super) struct Breach {
    pub(super) predicate: Predicate,
    /// Since when.
    pub(super) since: DateTime<Utc>,
    /// In a clause with its numbers.
    pub(super) clause: String,
}

/// What is wrong with a server that is there for `span`, if none of the labs, each with the parity of the server's owner in it,
/// allows it: as the lab has it that allowed it longest.
pub(super) fn breach(labs: &[(&Lab, Option<Parity>)], zone: Tz, span: &Interval) -> Option<Breach> {
    let mut latest: Option<(Breach, &Lab)> = None;
    for (lab, parity) in labs {
        let breach = of_lab(lab, *parity, zone, span)?;
        let later = |(known, of): &(Breach, &Lab)| (breach.since, &lab.id) > (known.since, &of.id);
        if latest.as_ref().is_none_or(later) {
            latest = Some((breach, lab));
        }
    }
    latest.map(|(breach, _)| breach)
}

/// The rule that is broken first.
fn of_lab(lab: &Lab, parity: Option<Parity>, zone: Tz, span: &Interval) -> Option<Breach> {
    let day = parity.and_then(|parity| wrong_day(lab, parity, zone, span));
    let cap = over_cap(lab, zone, span);
    day.into_iter().chain(cap).min_by_key(|breach| breach.since)
}

fn over_cap(lab: &Lab, zone: Tz, span: &Interval) -> Option<Breach> {
    let policy = &lab.policy;
    let counted = policy.counted(zone, span);
    if counted <= policy.cap() {
        return None;
    }
    let from = calendar::date_and_time(zone, span.start());
    let (there, counts, cap) =
        (calendar::in_words(span.length()), calendar::in_words(counted), calendar::in_words(policy.cap()));
    let clause = match policy.counted {
        None => format!("it has been there since {from}, for {there}; {} allows {cap}", lab.title),
        Some(window) => format!(
            "it has been there since {from}, for {there}, of which {counts} lie between {}; {} allows {cap} of these",
            window.between(),
            lab.title
        ),
    };
    Some(Breach { predicate: Predicate::OverCap, since: cap_reached(lab, zone, span), clause })
}

/// The last instant, to the second, at which a span that is over the cap was not.
fn cap_reached(lab: &Lab, zone: Tz, span: &Interval) -> DateTime<Utc> {
    let policy = &lab.policy;
    let within = |seconds: i64| {
        let part = Interval::new(span.start(), span.start() + TimeDelta::seconds(seconds));
        part.is_none_or(|part| policy.counted(zone, &part) <= policy.cap())
    };
    let (mut reached, mut over) = (0, span.length().min(policy.longest()).num_seconds() + 1);
    while over - reached > 1 {
        let middle = i64::midpoint(reached, over);
        if within(middle) {
            reached = middle;
        } else {
            over = middle;
        }
    }
    span.start() + TimeDelta::seconds(reached)
}

fn wrong_day(lab: &Lab, parity: Parity, zone: Tz, span: &Interval) -> Option<Breach> {
    let policy = &lab.policy;
    let rule = policy.parity.as_ref()?;
    let date = policy.wrong_day(zone, parity, span)?;
    let that_day = policy.window().on(zone, date).and_then(|hours| hours.shared(span));
    let clause = format!(
        "it has been there since {}, and {} is none of its owner's days: {} allows {} net IDs {} that week",
        calendar::date_and_time(zone, span.start()),
        calendar::date(date),
        lab.title,
        parity.word(),
        rule.days(parity, date).in_words(rule.first_day())
    );
    let since = that_day.map_or(span.start(), |hours| hours.start());
    Some(Breach { predicate: Predicate::WrongDay, since, clause })
}
