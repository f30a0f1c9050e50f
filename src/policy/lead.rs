//! How long before its start a booking begins to be prepared: as long as preparing took lately, within the time that is
//! held for it.
//!
//! What a pool's `lead_minutes` says is held before each start, and accounted for: nobody else has the place then. Preparing
//! in all of that time would keep servers running that nobody uses. So once enough bookings of the lab were prepared in the
//! pool, their times say how much of it is needed. They never say more: before `held_from` the place is another's.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::domain::calendar;
use crate::domain::course::Pool;

/// How many of the latest preparations of a lab in a pool count. What a site does changes within weeks, and a blueprint at
/// once: the third that takes longer is heard.
pub const LATEST: usize = 20;
/// How many there have to be before they are trusted: with fewer the longest would be the ninth in ten.
pub const TRUSTED: usize = 10;
/// The least that is learned. A worker looks each second, and a site's clock may be off by some.
pub const LEAST: TimeDelta = TimeDelta::minutes(2);
/// The most that is learned, and the most that `lead_minutes` may be.
pub const MOST: TimeDelta = TimeDelta::minutes(240);
/// What is added to what preparing took, at least. Who waits for a lead that has grown meanwhile is told within a minute.
const MARGIN: TimeDelta = TimeDelta::minutes(1);

/// What past preparations come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    /// How long nine tenths of them took at most.
    pub took: TimeDelta,
    /// How long before the start to begin, in whole minutes.
    pub lead: TimeDelta,
    /// How many they are.
    pub of: usize,
}

/// What the latest preparations come to, by how long each took from when it was due until all was ready; nothing if they are
/// too few to be trusted. The wait for a worker is a part of it: a crowd that starts at one minute needs a longer lead than one
/// booking does. Only such are to be given whose start has come: in a crowd the quickest are ready first, and would make the
/// others wait.
///
/// It is their 90th percentile by nearest rank, and a tenth of that or a minute on top, whichever is more, rounded up to a
/// minute, from [`LEAST`] to [`MOST`]. Nine bookings in ten are ready at their start so, and the tenth a little late. What
/// took long because of a fault counts too, as faults will come again; but of ten the longest one does not matter, nor the two
/// longest of twenty, so one bad hour makes nobody begin early for weeks.
pub fn learn(took: &[TimeDelta]) -> Option<Learned> {
    let of = took.len();
    if of < TRUSTED {
        return None;
    }
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    let rank = (of * 9).div_ceil(10);
    let took = sorted.get(rank - 1).copied()?.clamp(TimeDelta::zero(), MOST);
    let lead = up_to_a_minute(took + MARGIN.max(took / 10)).clamp(LEAST, MOST);
    Some(Learned { took, lead, of })
}

fn up_to_a_minute(length: TimeDelta) -> TimeDelta {
    let minutes = length.num_minutes();
    let whole = TimeDelta::minutes(minutes);
    if whole == length { whole } else { TimeDelta::minutes(minutes + 1) }
}

/// When to begin to prepare what starts at `start` and has its place from `held_from` on: then, while nothing is learned.
pub fn begin(start: DateTime<Utc>, held_from: DateTime<Utc>, learned: Option<&Learned>) -> DateTime<Utc> {
    learned.map_or(held_from, |learned| held_from.max(start - learned.lead))
}

/// When it is likely ready if preparing begins then, to the minute, if that is after its start.
pub fn late(start: DateTime<Utc>, begin: DateTime<Utc>, learned: Option<&Learned>) -> Option<DateTime<Utc>> {
    let ready = begin + learned?.took;
    let minute = TimeDelta::minutes(1);
    let whole = ready.duration_trunc(minute).ok()?;
    let ready = if whole == ready { whole } else { whole + minute };
    (ready > start).then_some(ready)
}

/// What staff are told of how long preparing takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found, to be read after "preparing": `takes 7 min at the 90th percentile of the latest 20; ...`.
    pub found: String,
    /// What would be right, if bookings come late.
    pub right: Option<String>,
}

/// What past preparations of a lab in this pool say of its `lead_minutes`.
pub fn finding(took: &[TimeDelta], pool: &Pool) -> Finding {
    let Some(learned) = learn(took) else {
        let found = format!(
            "begins {} the start; how long it takes is told after {TRUSTED} bookings, and there were {}",
            before(pool.lead()),
            took.len()
        );
        return Finding { found, right: None };
    };
    let took = format!(
        "takes {} at the 90th percentile of the latest {}",
        calendar::in_words(up_to_a_minute(learned.took)),
        learned.of
    );
    if learned.lead <= pool.lead() {
        let found = format!("{took}; it begins {} the start", before(learned.lead));
        return Finding { found, right: None };
    }
    Finding {
        found: format!("{took}; lead_minutes of {} is {}", pool.id, pool.lead_minutes),
        right: Some(format!(
            "lead_minutes = {}, so that bookings are ready at their start",
            learned.lead.num_minutes()
        )),
    }
}

fn before(lead: TimeDelta) -> String {
    if lead.is_zero() { "at".to_owned() } else { format!("{} before", calendar::in_words(lead)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(count: i64) -> TimeDelta {
        TimeDelta::seconds(count)
    }

    fn of(took: &[i64]) -> Option<(i64, i64)> {
        let took: Vec<_> = took.iter().copied().map(seconds).collect();
        learn(&took).map(|learned| (learned.took.num_seconds(), learned.lead.num_minutes()))
    }

    #[test]
    fn nine_in_ten_and_a_margin_count() {
        assert_eq!(of(&[420; 9]), None, "too few");
        assert_eq!(of(&[420; 10]), Some((420, 8)));
        assert_eq!(of(&[421; 10]), Some((421, 9)), "rounded up");
        assert_eq!(of(&[2040; 20]), Some((2040, 38)), "a tenth of 34 minutes on top");
        assert_eq!(of(&[3; 10]), Some((3, 2)), "never less");
        assert_eq!(of(&[20_000; 10]), Some((14_400, 240)), "never more");
        assert_eq!(of(&[-5; 10]), Some((0, 2)), "a clock that was set back");
    }

    #[test]
    fn what_lasts_is_heard_and_what_happens_once_is_not() {
        let slow = |count: usize| [vec![420; 20 - count], vec![1500; count]].concat();
        assert_eq!([1, 2, 3].map(|count| of(&slow(count)).unwrap().1), [8, 8, 28]);
    }

    #[test]
    fn with_nothing_learned_all_of_the_time_that_is_held_is_used() {
        let start = DateTime::UNIX_EPOCH;
        let held_from = start - TimeDelta::minutes(30);
        let learned = |minutes| learn(&[TimeDelta::minutes(minutes); 10]).unwrap();
        assert_eq!(begin(start, held_from, None), held_from);
        assert_eq!(begin(start, held_from, Some(&learned(7))), start - TimeDelta::minutes(8));
        assert_eq!(begin(start, held_from, Some(&learned(34))), held_from);
        assert_eq!(late(start, held_from, None), None);
        assert_eq!(late(start, held_from, Some(&learned(29))), None);
        assert_eq!(late(start, held_from, Some(&learned(34))), Some(start + TimeDelta::minutes(4)));
        assert_eq!(late(start, start + seconds(1), Some(&learned(7))), Some(start + TimeDelta::minutes(8)));
    }

    prop_compose! {
        fn past()(took in proptest::collection::vec(0i64..20_000, TRUSTED..=LATEST)) -> Vec<TimeDelta> {
            took.into_iter().map(seconds).collect()
        }
    }

    proptest! {
        #[test]
        fn nine_in_ten_would_have_been_ready(took in past()) {
            let learned = learn(&took).unwrap();
            let ready = took.iter().filter(|it| **it <= learned.lead).count();
            prop_assert!(ready * 10 >= took.len() * 9 || learned.lead == MOST);
            prop_assert!((LEAST..=MOST).contains(&learned.lead));
            prop_assert_eq!(learned.lead.num_seconds() % 60, 0);
        }

        #[test]
        fn no_single_one_rules(took in past(), which in 0..TRUSTED, other in 0i64..1_000_000) {
            let mut rest = took.clone();
            rest.remove(which);
            let longest_of_the_rest = *rest.iter().max().unwrap();
            let mut changed = took;
            changed[which] = seconds(other);
            prop_assert!(learn(&changed).unwrap().took <= longest_of_the_rest);
        }

        #[test]
        fn longer_times_never_give_a_shorter_lead(took in past(), more in 0i64..600) {
            let longer: Vec<_> = took.iter().map(|it| *it + seconds(more)).collect();
            prop_assert!(learn(&longer).unwrap().lead >= learn(&took).unwrap().lead);
        }

        /// The place is the booking's when preparing begins, and it begins no later than it has to.
        #[test]
        fn preparing_begins_within_what_is_held(took in past(), held in 0i64..=240) {
            let (start, learned) = (DateTime::UNIX_EPOCH, learn(&took).unwrap());
            let held_from = start - TimeDelta::minutes(held);
            let begin = begin(start, held_from, Some(&learned));
            prop_assert!(held_from <= begin && begin <= start);
            prop_assert!(begin == held_from || start - begin == learned.lead);
        }
    }
}
