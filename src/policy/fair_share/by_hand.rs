//! What of the ledger begins and ends when a site is listed: each thing that someone made by hand has one line for as long as it
//! is theirs and costs the same. Nothing is sampled: a listing that shows what the one before it showed writes nothing.
//!
//! - A line **begins** when the thing was made, as its site tells, or a lease of its own accord began; of what had a line before,
//!   or if the site does not tell, with the listing that shows it.
//! - It **ends** with the last listing that still had the thing so: when exactly it went nobody knows, and nobody is charged for
//!   what no listing showed. If it only became another's, or its price changed, the next line begins where this one ends.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::domain::ids::PersonId;
use crate::domain::usage::{Rate, Source, UsageLine, Why};

/// What a listing shows of what people made by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holding {
    /// What counts as somebody's usage.
    pub held: BTreeMap<Source, Held>,
    /// What is on its way to another state: it goes on to count as it did.
    pub unsettled: BTreeSet<Source>,
}

/// One thing that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose usage it is.
    pub person: PersonId,
    /// Since when it counts, if the site tells.
    pub since: Option<DateTime<Utc>>,
    /// What is held.
    pub rate: Rate,
}

/// When a trusted listing of a site was made, and the trusted one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: DateTime<Utc>,
    /// When the one before was made, if there was one.
    pub before: Option<DateTime<Utc>>,
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Lines that run no more, and up to when they ran: to be written first.
    pub end: Vec<(UsageLine, DateTime<Utc>)>,
    /// Lines to begin. Their numbers are for the ledger to give.
    pub begin: Vec<UsageLine>,
}

/// What is to be written, so that those lines of a site run that its listing shows. `running` are the site's lines that run now;
/// `earlier` are things without one that had a line once.
pub fn changes(holding: &Holding, seen: Seen, running: &[UsageLine], earlier: &BTreeSet<Source>) -> Changes {
    let is_so = |line: &UsageLine, held: &Held| line.person == held.person && line.rate == held.rate;
    let end = running.iter().filter_map(|line| match holding.held.get(&line.source) {
        Some(held) => (!is_so(line, held)).then(|| (line.clone(), seen.at.max(line.from))),
        None if holding.unsettled.contains(&line.source) => None,
        None => Some((line.clone(), seen.before.unwrap_or(line.from).max(line.from))),
    });
    let lines: BTreeMap<&Source, &UsageLine> = running.iter().map(|line| (&line.source, line)).collect();
    let begin = holding.held.iter().filter_map(|(source, held)| {
        let line = lines.get(source);
        if line.is_some_and(|line| is_so(line, held)) {
            return None;
        }
        let had_one = line.is_some() || earlier.contains(source);
        let since = held.since.filter(|_| !had_one).unwrap_or(seen.at);
        Some(begun(source, held, since.min(seen.at), seen.at))
    });
    Changes { end: end.collect(), begin: begin.collect() }
}

fn begun(source: &Source, held: &Held, from: DateTime<Utc>, at: DateTime<Utc>) -> UsageLine {
    UsageLine {
        source: source.clone(),
        number: 1,
        person: held.person.clone(),
        why: Why::ByHand,
        at,
        gives_back: false,
        from,
        until: None,
        rate: held.rate,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::su::Su;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn source(number: u8) -> Source {
        Source::ByHand(format!("kvm server s{number}"))
    }

    fn held(person: u64, su: i64, since: Option<i64>) -> Held {
        let rate = Rate { units: 0, servers: 1, su_per_hour: Su::from_micro(su) };
        Held { person: PersonId::from_bits(person), since: since.map(at), rate }
    }

    fn holding(all: &[(u8, Held)]) -> Holding {
        let held = all.iter().map(|(number, held)| (source(*number), held.clone())).collect();
        Holding { held, ..Holding::default() }
    }

    fn seen(minutes: i64) -> Seen {
        Seen { at: at(minutes), before: (minutes > 0).then(|| at(minutes - 1)) }
    }

    /// A ledger that does as it is told.
    #[derive(Default)]
    struct Ledger(Vec<UsageLine>);

    impl Ledger {
        fn running(&self) -> Vec<UsageLine> {
            self.0.iter().filter(|line| line.until.is_none()).cloned().collect()
        }

        fn take(&mut self, holding: &Holding, seen: Seen) -> Changes {
            let earlier = self.0.iter().filter(|line| line.until.is_some()).map(|line| line.source.clone());
            let changes = changes(holding, seen, &self.running(), &earlier.collect());
            for (ended, until) in &changes.end {
                let line = self.0.iter_mut().find(|line| *line == ended).unwrap();
                line.until = Some(*until);
            }
            for line in &changes.begin {
                let count = self.0.iter().filter(|known| known.source == line.source).count();
                let number = i32::try_from(count).unwrap() + 1;
                self.0.push(UsageLine { number, ..line.clone() });
            }
            changes
        }

        fn spans(&self) -> Vec<(i64, Option<i64>)> {
            let minutes = |at: DateTime<Utc>| (at - DateTime::UNIX_EPOCH).num_minutes();
            self.0.iter().map(|line| (minutes(line.from), line.until.map(minutes))).collect()
        }
    }

    #[test]
    fn a_server_counts_from_when_it_was_made_up_to_the_last_listing_that_had_it() {
        let mut ledger = Ledger::default();
        let shown = holding(&[(1, held(1, 0, Some(3)))]);
        ledger.take(&shown, seen(10));
        for minute in 11..15 {
            assert_eq!(ledger.take(&shown, seen(minute)), Changes::default());
        }
        ledger.take(&Holding::default(), seen(15));
        assert_eq!(ledger.spans(), [(3, Some(14))]);
        ledger.take(&shown, seen(40));
        assert_eq!(ledger.spans(), [(3, Some(14)), (40, None)], "not twice for the time before");
    }

    #[test]
    fn another_owner_or_price_ends_one_line_and_begins_another() {
        let mut ledger = Ledger::default();
        ledger.take(&holding(&[(1, held(1, 0, Some(3)))]), seen(10));
        ledger.take(&holding(&[(1, held(2, 0, Some(3)))]), seen(20));
        ledger.take(&holding(&[(1, held(2, 7, Some(3)))]), seen(30));
        assert_eq!(ledger.spans(), [(3, Some(20)), (20, Some(30)), (30, None)]);
        assert_eq!(ledger.0.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn what_is_on_its_way_goes_on_and_what_is_not_told_counts_from_when_it_was_seen() {
        let mut ledger = Ledger::default();
        ledger.take(&holding(&[(1, held(1, 0, None)), (2, held(1, 0, Some(99)))]), seen(10));
        assert_eq!(ledger.spans(), [(10, None), (10, None)], "nor from a clock that is ahead");
        let turning = Holding { held: BTreeMap::new(), unsettled: [source(1), source(3)].into() };
        ledger.take(&turning, seen(11));
        assert_eq!(ledger.spans(), [(10, None), (10, Some(10))]);
    }

    fn holdings() -> impl Strategy<Value = Holding> {
        let one = (any::<bool>(), 1u64..3, 0i64..2, prop::option::of(0i64..30));
        prop::collection::btree_map(0u8..4, one, 0..4).prop_map(|all| {
            let mut shown = Holding::default();
            for (number, (settled, person, su, since)) in all {
                if settled || number > 0 {
                    shown.held.insert(source(number), held(person, su, since));
                } else {
                    shown.unsettled.insert(source(number));
                }
            }
            shown
        })
    }

    proptest! {
        /// Whatever listings show: the same again writes nothing; what runs is what is shown; no minute of a thing counts twice,
        /// and what ends does so no later than it was seen.
        #[test]
        fn lines_follow_what_is_shown(shown in prop::collection::vec(holdings(), 1..12)) {
            let mut ledger = Ledger::default();
            for (minute, holding) in (20..).zip(&shown) {
                let changes = ledger.take(holding, seen(minute));
                prop_assert!(changes.end.iter().all(|(line, until)| line.from <= *until && *until <= at(minute)));
                prop_assert_eq!(ledger.take(holding, seen(minute)), Changes::default());
                let running = ledger.running();
                for (source, held) in &holding.held {
                    let own: Vec<_> = running.iter().filter(|line| line.source == *source).collect();
                    prop_assert!(matches!(own.as_slice(), [one] if one.person == held.person && one.rate == held.rate));
                }
                let strange = |line: &UsageLine| {
                    !holding.held.contains_key(&line.source) && !holding.unsettled.contains(&line.source)
                };
                prop_assert!(!running.iter().any(strange));
            }
            for number in 0..4 {
                let own: Vec<_> = ledger.0.iter().filter(|line| line.source == source(number)).collect();
                for pair in own.windows(2) {
                    prop_assert!(pair[0].until.is_some_and(|until| until <= pair[1].from));
                }
            }
        }
    }
}
