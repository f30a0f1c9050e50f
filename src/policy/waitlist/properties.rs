//! What holds of the line for any class: that nobody waits for ever, and that nothing is gained by tricks.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::order::{Waiter, key, order, priority};
use crate::domain::fair_share::{WaitlistPolicy, Weights};
use crate::domain::ids::WaitId;
use crate::domain::interval::Interval;
use crate::policy::sentences::tests::{Fixture, local};

fn start() -> DateTime<Utc> {
    local("2025-02-03T08:00")
}

fn at(minutes: i64) -> DateTime<Utc> {
    start() + TimeDelta::minutes(minutes)
}

/// Weights that bound the wait, and any caps.
fn policies() -> impl Strategy<Value = WaitlistPolicy> {
    (0i32..2000, 0i32..500, 0i32..1000, 60i32..6000, 60i32..6000).prop_map(
        |(fair_share, due, more, cap, within)| WaitlistPolicy {
            weights: Weights { fair_share, age: fair_share + due + more, due },
            age_cap_minutes: cap,
            due_within_minutes: within,
            ..WaitlistPolicy::default()
        },
    )
}

/// Slurm's classic factor.
fn factor(usage: f64, share: f64) -> f64 {
    (-usage / share).exp2()
}

/// What a student makes of an offer.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Take,
    Pass,
}

/// What happens in a class.
#[derive(Debug, Clone)]
enum Event {
    /// A student begins to wait for places of the kinds of these bits, with so many hours to the due date.
    Join { student: usize, kinds: u8, due: Option<i64> },
    /// A student does not wait any more.
    Leave { student: usize },
    /// A place of a kind comes free. Those to whom it is offered answer so, one after the other; the rest take it.
    Place { kind: u8, answers: Vec<Answer> },
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let student = 0usize..10;
    let due = proptest::option::of(0i64..500);
    let join =
        (student.clone(), 1u8..8, due).prop_map(|(student, kinds, due)| Event::Join { student, kinds, due });
    let answers =
        proptest::collection::vec(prop_oneof![2 => Just(Answer::Take), 1 => Just(Answer::Pass)], 0..3);
    let place = (0u8..3, answers).prop_map(|(kind, answers)| Event::Place { kind, answers });
    let leave = student.prop_map(|student| Event::Leave { student });
    let event = prop_oneof![6 => join, 5 => place, 1 => leave];
    proptest::collection::vec((1i64..1000, event), 1..200)
}

/// One student in line.
#[derive(Debug, Clone)]
struct InLine {
    student: usize,
    kinds: u8,
    due: Option<DateTime<Utc>>,
    joined_at: DateTime<Utc>,
    age_from: DateTime<Utc>,
    id: WaitId,
    /// Others in line when its age began to count.
    others: usize,
    /// Places that it could have had since its age has reached the cap, and that others took.
    missed: usize,
}

/// A class whose usage halves each week.
struct Class {
    policy: WaitlistPolicy,
    now: DateTime<Utc>,
    usage: Vec<f64>,
    line: Vec<InLine>,
    joined: u64,
    taken: usize,
}

impl Class {
    fn new(policy: WaitlistPolicy) -> Self {
        Self { policy, now: start(), usage: vec![0.0; 10], line: Vec::new(), joined: 0, taken: 0 }
    }

    fn wait(&mut self, minutes: i64) {
        self.now += TimeDelta::minutes(minutes);
        let weeks = f64::from(i32::try_from(minutes).unwrap()) / 10_080.0;
        self.usage.iter_mut().for_each(|usage| *usage *= (-weeks).exp2());
    }

    fn join(&mut self, student: usize, kinds: u8, due: Option<i64>) {
        if self.line.iter().any(|it| it.student == student) {
            return;
        }
        self.joined += 1;
        self.line.push(InLine {
            student,
            kinds,
            due: due.map(|hours| self.now + TimeDelta::hours(hours)),
            joined_at: self.now,
            age_from: self.now,
            id: WaitId::from_bits(self.joined),
            others: self.line.len(),
            missed: 0,
        });
    }

    fn waiter(&self, of: &InLine) -> Waiter {
        Waiter {
            fair_share: factor(self.usage[of.student], 10.0),
            age_from: of.age_from,
            slack: of.due.map(|due| due - self.now),
            joined_at: of.joined_at,
            id: of.id.clone(),
        }
    }

    /// Those whom the place fits, who comes first first.
    fn order(&self, kind: u8) -> Vec<WaitId> {
        let fits = self.line.iter().filter(|it| it.kinds & (1 << kind) != 0);
        let waiters: Vec<Waiter> = fits.map(|it| self.waiter(it)).collect();
        order(&self.policy, &waiters, self.now).into_iter().map(|(waiter, _)| waiter.id.clone()).collect()
    }

    /// A place comes free. An offer is charged, and who passes is given that back and has their age restarted.
    fn place(&mut self, kind: u8, answers: &[Answer]) {
        let mut answers = answers.iter().copied();
        let (now, cap, others) = (self.now, self.policy.age_cap(), self.line.len().saturating_sub(1));
        for id in self.order(kind) {
            let index = self.line.iter().position(|it| it.id == id).unwrap();
            match answers.next().unwrap_or(Answer::Take) {
                Answer::Pass => {
                    let it = &mut self.line[index];
                    (it.age_from, it.others, it.missed) = (now, others, 0);
                }
                Answer::Take => {
                    let taker = self.line.remove(index);
                    self.usage[taker.student] += 8.0;
                    self.taken += 1;
                    for it in self.line.iter_mut().filter(|it| it.kinds & (1 << kind) != 0) {
                        it.missed += usize::from(now - it.age_from >= cap);
                    }
                    return;
                }
            }
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Join { student, kinds, due } => self.join(*student, *kinds, *due),
            Event::Leave { student } => self.line.retain(|it| it.student != *student),
            Event::Place { kind, answers } => self.place(*kind, answers),
        }
    }
}

#[test]
fn the_bound_is_reached_and_not_passed() {
    let mut class = Class::new(WaitlistPolicy::default());
    class.usage[3] = 1000.0;
    for student in 0..4 {
        class.join(student, 1, None);
    }
    class.wait(72 * 60);
    for student in 4..9 {
        class.join(student, 1, Some(0));
    }
    class.wait(60);
    for missed in 1..=3 {
        class.place(0, &[]);
        assert_eq!(class.line[0].missed, missed.min(class.line[0].others), "{missed}");
    }
    let first = class.order(0).remove(0);
    assert_eq!((&first, class.line[0].student), (&class.line[0].id, 3), "before all who have just joined");
}

#[test]
fn without_the_bound_one_who_used_much_can_wait_for_ever() {
    let served_within = |age| {
        let weights = Weights { age, ..Weights::default() };
        let mut class = Class::new(WaitlistPolicy { weights, ..WaitlistPolicy::default() });
        class.usage[0] = 1e12;
        class.join(0, 1, None);
        (0..500).find(|place| {
            class.wait(300);
            class.join(1 + place % 9, 1, None);
            class.place(0, &[]);
            class.line.first().is_none_or(|it| it.student != 0)
        })
    };
    assert_eq!(served_within(0), None, "500 places went to others");
    assert!(served_within(1200).is_some_and(|place| place <= 14), "no later than the first place after 72 h");
}

proptest! {
    #[test]
    fn nobody_waits_for_ever(policy in policies(), events in events()) {
        let mut class = Class::new(policy);
        for (minutes, event) in &events {
            class.wait(*minutes);
            class.happen(event);
            for it in &class.line {
                prop_assert!(it.missed <= it.others, "{it:?}");
            }
        }
    }

    /// A place that somebody in line could have is given to somebody.
    #[test]
    fn no_place_is_lost(policy in policies(), events in events(), kind in 0u8..3) {
        let mut class = Class::new(policy);
        for (minutes, event) in &events {
            class.wait(*minutes);
            class.happen(event);
        }
        let (fits, taken) = (class.order(kind).len(), class.taken);
        class.place(kind, &[]);
        prop_assert_eq!(class.taken - taken, usize::from(fits > 0));
    }

    #[test]
    fn the_order_does_not_depend_on_the_list(policy in policies(), events in events(), turn in any::<prop::sample::Index>()) {
        let mut class = Class::new(policy);
        for (minutes, event) in &events {
            class.wait(*minutes);
            class.happen(event);
        }
        let before: Vec<_> = (0..3).map(|kind| class.order(kind)).collect();
        if !class.line.is_empty() {
            let middle = turn.index(class.line.len());
            class.line.rotate_left(middle);
            class.line.reverse();
        }
        prop_assert_eq!(before, (0..3).map(|kind| class.order(kind)).collect::<Vec<_>>());
    }
}

/// Someone in line, some minutes after the start.
fn waiters() -> impl Strategy<Value = Waiter> {
    (0.0..100.0_f64, 0i64..5000, 0i64..5000, proptest::option::of(-2000i64..9000)).prop_map(
        |(usage, joined, more, slack)| Waiter {
            fair_share: factor(usage, 10.0),
            age_from: at(joined + more),
            slack: slack.map(TimeDelta::minutes),
            joined_at: at(joined),
            id: WaitId::from_bits(5),
        },
    )
}

/// Whether one comes no sooner than the other at that time, the latter's slack being less by the time that passed.
fn no_sooner(policy: &WaitlistPolicy, one: &Waiter, other: &Waiter, now: DateTime<Utc>) -> bool {
    let place = |waiter: &Waiter| {
        let slack = waiter.slack.map(|slack| slack - (now - at(10_000)));
        let waiter = Waiter { slack, ..waiter.clone() };
        (priority(policy, &waiter, now), waiter)
    };
    let ((of_one, one), (of_other, other)) = (place(one), place(other));
    // The ids are the same: a new one is no gain, and no loss.
    key(&of_one, one.joined_at, &one.id) >= key(&of_other, other.joined_at, &other.id)
}

/// With any weights, those that bound nobody's wait, too.
fn any_policy() -> impl Strategy<Value = WaitlistPolicy> {
    (policies(), 0i32..3000).prop_map(|(policy, age)| {
        let weights = Weights { age, ..policy.weights };
        WaitlistPolicy { weights, ..policy }
    })
}

proptest! {
    #[test]
    fn passing_or_not_answering_improves_nothing(
        policy in any_policy(), waiter in waiters(), then in 0i64..3000, later in 0i64..9000,
    ) {
        let passed = Waiter { age_from: at(10_000 + then), ..waiter.clone() };
        prop_assert!(no_sooner(&policy, &passed, &waiter, at(10_000 + then + later)));
    }

    #[test]
    fn leaving_and_joining_again_improves_nothing(
        policy in any_policy(), waiter in waiters(), then in 0i64..3000, later in 0i64..9000,
    ) {
        let again = at(10_000 + then);
        let anew = Waiter { age_from: again, joined_at: again, ..waiter.clone() };
        prop_assert!(no_sooner(&policy, &anew, &waiter, at(10_000 + then + later)));
    }

    #[test]
    fn who_used_more_comes_no_sooner(
        policy in any_policy(), waiter in waiters(), used in 0.0..200.0_f64, more in 0.0..200.0_f64, later in 0i64..9000,
    ) {
        let of = |usage| Waiter { fair_share: factor(usage, 10.0), ..waiter.clone() };
        prop_assert!(no_sooner(&policy, &of(used + more), &of(used), at(10_000 + later)));
    }

    /// Each piece stands no better than the whole would, whenever the two are compared, and all of them are charged for more.
    #[test]
    fn splitting_a_request_improves_nothing(
        policy in any_policy(),
        whole in waiters(),
        used in 0.0..100.0_f64,
        pieces in proptest::collection::vec((1i64..8, 0i64..2000), 1..6),
        later in 0i64..9000,
    ) {
        let pool = Fixture::origin("ff524").pool;
        let charge = |cells: i64| {
            let slot = Interval::new(at(0), at(0) + pool.grid() * i32::try_from(cells).unwrap()).unwrap();
            f64::from(i32::try_from(pool.in_use(&slot).length().num_minutes()).unwrap()) / 60.0
        };
        let cells: i64 = pieces.iter().map(|(cells, _)| cells).sum();
        let whole = Waiter { fair_share: factor(used, 10.0), ..whole };
        let (mut joined, mut charged) = (at(10_000), 0.0);
        for (piece, then) in &pieces {
            let shorter = pool.grid() * i32::try_from(cells - piece).unwrap();
            let of_piece = Waiter {
                fair_share: factor(used + charged, 10.0),
                age_from: whole.age_from.max(joined),
                slack: whole.slack.map(|slack| slack + shorter),
                joined_at: whole.joined_at.max(joined),
                id: whole.id.clone(),
            };
            prop_assert!(no_sooner(&policy, &of_piece, &whole, joined + TimeDelta::minutes(later)));
            joined += TimeDelta::minutes(*then);
            charged += charge(*piece);
        }
        prop_assert!(charged >= charge(cells));
    }
}
