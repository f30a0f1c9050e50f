//! How waiting is worded: what is asked for, a place in line, the odds, an offer.

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::LabSetting;
use crate::domain::booking::{Booking, State};
use crate::domain::calendar;
use crate::domain::waitlist::Asked;
use crate::services::waitlist::{MyWait, Outlook};
use crate::web::context::SignedIn;
use crate::web::pages::layout::Link;
use crate::web::pages::waiting::{Fact, Offer, WaitLine, ordinal};
use crate::web::present;

/// So many windows are told one by one.
const MOST_TOLD: usize = 3;

/// `4 h, any time before it is due`, `4 h, Sat Nov 28, 06:00 to 18:00`, `2 h, within 5 times`.
pub(in crate::web) fn asked_for(setting: &LabSetting, asked: &Asked) -> String {
    let length = calendar::in_words(asked.length() + setting.pool.end_margin());
    let when = match asked.windows.len() {
        0 if setting.lab.due.is_some() => "any time before it is due".to_owned(),
        0 => "any time".to_owned(),
        1..=MOST_TOLD => {
            let spans: Vec<_> = asked.windows.iter().map(|it| calendar::span(setting.zone, it)).collect();
            spans.join(", or ")
        }
        many => format!("within {many} times"),
    };
    format!("{length}, {when}")
}

/// `almost certain`, `about 7 in 10`, `less than 1 in 20`.
pub(super) fn odds(chance: f64) -> String {
    if chance > 0.95 {
        "more than 19 in 20".to_owned()
    } else if chance < 0.05 {
        "less than 1 in 20".to_owned()
    } else {
        match format!("{:.0}", chance * 10.0).as_str() {
            "0" => "about 1 in 20".to_owned(),
            "10" => "about 19 in 20".to_owned(),
            "5" => "about even".to_owned(),
            tenths => format!("about {tenths} in 10"),
        }
    }
}

/// `between Sat Nov 28, 14:00 and Mon Nov 30, 22:00`; nothing if it may well never come.
pub(super) fn range(setting: &LabSetting, now: DateTime<Utc>, outlook: &Outlook) -> Option<String> {
    let when = |at| present::when(setting.zone, now, at).text;
    let forecast = &outlook.forecast;
    match (forecast.early, forecast.late) {
        (Some(early), Some(late)) => Some(format!("between {} and {}", when(early), when(late))),
        (Some(early), None) => Some(format!("not before {}, if at all", when(early))),
        _ => None,
    }
}

/// What to expect, by name.
pub(super) fn expected(setting: &LabSetting, now: DateTime<Utc>, outlook: &Outlook) -> Vec<Fact> {
    let until = present::when(setting.zone, now, outlook.until).text;
    let range = range(setting, now, outlook).unwrap_or_else(|| "it may well never come".to_owned());
    let odds = odds(outlook.forecast.odds);
    vec![Fact::new("Likely", range), Fact::new("Odds", format!("{odds} that it starts by {until}"))]
}

/// What the odds go by.
pub(super) fn basis(outlook: &Outlook) -> String {
    let seen = outlook.forecast.seen;
    let days = seen.observed_minutes / (24 * 60);
    let places = match seen.freed {
        0 => "no place came free".to_owned(),
        1 => "1 place came free".to_owned(),
        many => format!("{many} places came free"),
    };
    format!("A guide, not a promise: in the last {days} days {places} that would have been long enough.")
}

/// The reader's place: `3rd`.
pub(super) fn place(outlook: &Outlook) -> String {
    ordinal(usize::try_from(outlook.forecast.position).unwrap_or(usize::MAX))
}

/// How a wait stands, in a line; nothing while something is offered.
pub(in crate::web) fn wait_line(mine: &MyWait, now: DateTime<Utc>) -> Option<WaitLine> {
    let outlook = mine.outlook.as_ref()?;
    let odds = odds(outlook.forecast.odds);
    let chances = match range(&mine.setting, now, outlook) {
        Some(range) => format!("Likely {range}; the odds are {odds}."),
        None => format!("The odds are {odds}."),
    };
    Some(WaitLine {
        href: format!("/labs/{}/wait", mine.wait.lab),
        text: format!(
            "You are {} in line for {}.",
            place(outlook),
            asked_for(&mine.setting, &mine.wait.asked)
        ),
        chances: Some(chances),
    })
}

/// The banner of an offer; nothing once it is over.
pub(in crate::web) fn offer(who: &SignedIn, mine: &MyWait, now: DateTime<Utc>) -> Option<Offer> {
    let booking: &Booking = mine.offer.as_ref()?;
    let State::Offered { until } = booking.state else { return None };
    let (zone, slot, lab) = (mine.setting.zone, &booking.slot, &mine.setting.lab);
    (now < until).then(|| Offer {
        id: booking.id.to_string(),
        csrf: who.caller.csrf().to_owned(),
        until: present::when(zone, now, until),
        left: left(until - now),
        lab: Link::new(format!("/labs/{}", lab.id), lab.title.clone()),
        start: present::when(zone, now, slot.start()),
        end: present::end(zone, slot.start(), slot.end()),
        length: calendar::in_words(slot.length()),
    })
}

/// `38 min left`.
pub(in crate::web) fn left(time: TimeDelta) -> String {
    format!("{} left", calendar::in_words(time.max(TimeDelta::minutes(1))))
}

#[cfg(test)]
mod tests {
    use super::odds;

    #[test]
    fn odds_are_told_as_people_tell_them() {
        for (chance, text) in [
            (0.0, "less than 1 in 20"),
            (0.05, "about 1 in 20"),
            (0.12, "about 1 in 10"),
            (0.5, "about even"),
            (0.71, "about 7 in 10"),
            (0.951, "more than 19 in 20"),
            (1.0, "more than 19 in 20"),
        ] {
            assert_eq!(odds(chance), text);
        }
    }
}
