//! Bookings that are over, and bookings that nobody uses.

use chrono::{DateTime, Utc};

use super::given::{Activity, LiveBooking, Situation};
use super::owner::People;
use super::planned::Action;
use super::running::Running;
use crate::domain::calendar;
use crate::domain::marked::Exempt;
use crate::domain::reaper::{NoShowRule, NoShowSignal};

/// What is due for the bookings.
pub(super) fn actions(given: &Situation<'_>, people: &People<'_>, running: &Running<'_>) -> Vec<Action> {
    let unused = |booking: &LiveBooking| {
        running.leaves_unused(given, booking).then(|| no_show(given, people, booking)).flatten()
    };
    let mut live: Vec<&LiveBooking> = given.live.iter().collect();
    live.sort_by_key(|booking| (booking.slot.end(), &booking.id));
    live.dedup_by_key(|booking| &booking.id);
    live.into_iter().filter_map(|booking| past_end(given, booking).or_else(|| unused(booking))).collect()
}

fn past_end(given: &Situation<'_>, booking: &LiveBooking) -> Option<Action> {
    let (now, end) = (given.now, booking.slot.end());
    (end <= now).then(|| Action::EndBooking {
        booking: booking.id.clone(),
        net_id: booking.net_id.clone(),
        lab: booking.lab.clone(),
        end,
        reason: format!(
            "its time was over at {}, {} s ago",
            calendar::date_and_time(given.zone, end),
            (now - end).num_seconds()
        ),
    })
}

/// What is due for a booking that nobody uses, as far as that is remembered.
pub(super) fn no_show(given: &Situation<'_>, people: &People<'_>, booking: &LiveBooking) -> Option<Action> {
    let (rule, activity) = (given.policy.no_show?, booking.activity.as_ref()?);
    let clause = unused(given, rule, booking, activity)?;
    let quiet = given.policy.quiet.is_some_and(|hours| hours.hold(given.zone, given.now));
    let paused = given.pauses.iter().any(|pause| pause.holds(&activity.site, given.now));
    let staff = people.get(booking.net_id.as_str()).is_some_and(|known| known.staff);
    if quiet || paused || staff || is_exempt(given, booking) {
        return None;
    }
    let (id, net_id, lab) = (booking.id.clone(), booking.net_id.clone(), booking.lab.clone());
    match activity.warned_at {
        None => {
            let release_at = given.now + rule.grace();
            let at = calendar::date_and_time(given.zone, release_at);
            let reason = format!("{clause}; it is released at {at}");
            Some(Action::WarnNoShow { booking: id, net_id, lab, release_at, reason })
        }
        Some(warned_at) if warned_at + rule.grace() <= given.now => {
            let at = calendar::date_and_time(given.zone, warned_at);
            let reason = format!("{clause}; its student was told at {at}");
            Some(Action::ReleaseNoShow { booking: id, net_id, lab, reason })
        }
        Some(_) => None,
    }
}

/// What tells that nobody uses a booking, in a clause, once it has been active for long enough within its slot.
fn unused(
    given: &Situation<'_>,
    rule: NoShowRule,
    booking: &LiveBooking,
    activity: &Activity,
) -> Option<String> {
    let since: DateTime<Utc> = activity.since.max(booking.slot.start());
    if given.now - since < rule.after() {
        return None;
    }
    let (at, ago) = (calendar::date_and_time(given.zone, since), calendar::in_words(given.now - since));
    match rule.signal {
        NoShowSignal::NoServer if !activity.server_ran => {
            Some(format!("it is active since {at}, for {ago}, and none of its servers has ever run"))
        }
        NoShowSignal::NotOpened if !activity.opened => {
            Some(format!("it is active since {at}, for {ago}, and its page was never opened"))
        }
        _ => None,
    }
}

fn is_exempt(given: &Situation<'_>, booking: &LiveBooking) -> bool {
    given.exemptions.iter().any(|it| {
        given.now < it.until
            && match &it.what {
                Exempt::Person(net_id) => *net_id == booking.net_id,
                Exempt::Lab(lab) => *lab == booking.lab,
                Exempt::Object(..) | Exempt::NamesFrom(_) => false,
            }
    })
}
