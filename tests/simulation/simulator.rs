//! One run: what the seed makes of it.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::clock::Clock as _;
use fairlease::cloud::port::{Cloud, CloudError};
use fairlease::cloud::simulated::{Faults, Profile};
use fairlease::domain::booking::{Booking, State};
use fairlease::domain::ids::InstanceId;
use fairlease::domain::interval::Interval;
use fairlease::domain::person::Person;
use fairlease::domain::resource::Mark;
use fairlease::entropy::{Entropy as _, SeededEntropy};
use fairlease::policy::fitness;
use fairlease::services::booking::{self, BookingError};
use fairlease::services::fulfil::{self, Claimed};
use fairlease::services::{App, delivery, doctor, health, notices, reaping};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::gates::{Event, Gate, GatedCloud, Remembered, Verdict};
use super::hands::{self, Hands};
use super::invariants::{Eye, Resources, Seen};
use super::line::{self, Line};
use super::weather::Weather;
use crate::world::{Database, World, course};

/// How many steps a run has before it comes to rest.
const STEPS: usize = 160;
/// Two workers and a reaper.
const ACTORS: usize = 3;
const REAPER: usize = 2;

/// What the seed decides.
pub(super) struct Chance(pub(super) SeededEntropy);

impl Chance {
    /// A number below `many`.
    pub(super) fn below(&self, many: usize) -> usize {
        usize::try_from(self.0.bits() % u64::try_from(many).unwrap()).unwrap()
    }

    fn one_in(&self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(super) fn of<'a, T>(&self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { all.get(self.below(all.len())) }
    }
}

/// Tells the seed and the schedule of a run that fails.
struct Told {
    seed: u64,
    steps: Vec<String>,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} fails after:\n{}", self.seed, self.steps.join("\n"));
        }
    }
}

struct Simulator {
    world: World,
    students: Vec<Person>,
    eye: Eye,
    chance: Chance,
    weather: Weather,
    hands: Option<Hands>,
    line: Option<Line>,
    /// Whether the site was known to be down at some time.
    was_down: bool,
    told: Told,
    apps: Vec<Arc<App>>,
    running: Vec<Option<JoinHandle<()>>>,
    waiting: Vec<Gate>,
    events: mpsc::UnboundedReceiver<Event>,
    hear: mpsc::UnboundedSender<Event>,
    not_ours: BTreeSet<String>,
    /// The actor whose calls take long.
    slow: usize,
}

/// Runs what `seed` makes of it, and asserts the invariants after each step and at rest. Says what happened, and whether the
/// site was down in it.
pub(super) async fn run(seed: u64) -> (Vec<String>, bool) {
    let mut simulator = Simulator::new(seed).await;
    let mut last: Option<Rc<Seen>> = None;
    for step in 0..STEPS {
        simulator.weather_changes(step);
        simulator.hands_act().await;
        simulator.line_acts().await;
        simulator.step().await;
        let looked = simulator.look().await;
        looked.hold_always(&simulator.world, simulator.now());
        let changed = last.replace(looked.clone()).is_none_or(|last| !Rc::ptr_eq(&last, &looked));
        if simulator.line.is_some() && changed {
            line::hold_always(&simulator.world, &looked.bookings).await;
        }
        if let Some(hands) = &simulator.hands {
            hands.hold_always(&simulator.world);
        }
        simulator.was_down |= looked.down;
    }
    simulator.rest().await;
    (std::mem::take(&mut simulator.told.steps), simulator.was_down)
}

impl Simulator {
    async fn new(seed: u64) -> Self {
        let hands = Hands::of(seed);
        let reaper = if hands.is_some() { hands::REAPER } else { "[course]" };
        let line = Line::of(seed);
        // Where there is one place, more wait.
        let capacity = if line.is_some() { "capacity = 1 " } else { "capacity = 2 " };
        let small = course(&[("capacity = 30 ", capacity), ("[course]", reaper)]);
        let chance = Chance(SeededEntropy::new(seed));
        let profile = Profile {
            boot: TimeDelta::seconds(i64::try_from(chance.below(600)).unwrap()),
            shutdown: TimeDelta::seconds(i64::try_from(chance.below(120)).unwrap()),
            lease_lag: TimeDelta::seconds(i64::try_from(chance.below(60)).unwrap()),
            // Half of the sites have room for fewer clusters than the pool says.
            lease_capacity: [3, 5, 1000, 1000][chance.below(4)],
            ..Profile::instant()
        };
        let world = World::on(Database::in_memory(), small, profile.clone()).await.with_faults(
            profile,
            Faults::none(),
            seed ^ 0xC10D,
        );
        let mut students = Vec::new();
        for net_id in ["aa10", "bb11", "cc12", "dd13"] {
            students.push(world.student(net_id).await);
        }
        let (hear, events) = mpsc::unbounded_channel();
        let remembered = Arc::new(Remembered::default());
        let gated = |actor| -> Arc<dyn Cloud> {
            let (site, events) = (world.cloud.clone(), hear.clone());
            Arc::new(GatedCloud { actor, remembered: remembered.clone(), site, events })
        };
        let apps = (0..ACTORS).map(|actor| world.reaching(gated(actor))).collect();
        let slow = chance.below(ACTORS + 1);
        let mut simulator = Self {
            slow,
            eye: Eye::on(&world, students.iter().map(|student| student.id.clone()).collect()),
            students,
            chance,
            weather: Weather::of(seed, STEPS),
            hands,
            line,
            was_down: false,
            told: Told { seed, steps: Vec::new() },
            apps,
            running: (0..ACTORS).map(|_| None).collect(),
            waiting: Vec::new(),
            events,
            hear,
            not_ours: BTreeSet::new(),
            world,
        };
        simulator.put_what_is_not_ours();
        simulator
    }

    fn now(&self) -> DateTime<Utc> {
        self.world.clock.now()
    }

    fn tell(&mut self, what: impl std::fmt::Display) {
        let now = self.now().format("%a %H:%M:%S");
        self.told.steps.push(format!("{now} {what}"));
    }

    async fn look(&mut self) -> Rc<Seen> {
        self.eye.look(&self.world, Resources::OfWhatIsThere).await
    }

    /// A network that somebody made by hand, and one of another installation.
    fn put_what_is_not_ours(&mut self) {
        let theirs = Mark {
            instance: InstanceId::from_bits(4711),
            booking: self.world.app.booking_id(),
            key: "network".parse().unwrap(),
        };
        for name in ["network-cloud-ff524".to_owned(), theirs.name("k8s-ff524")] {
            let spec = fairlease::domain::blueprint::Spec::SecurityGroup { open_tcp_ports: vec![22] };
            self.world.cloud.put(&object(&name, spec, self.now())).unwrap();
            self.not_ours.insert(name);
        }
    }

    async fn step(&mut self) {
        match self.chance.below(33) {
            0..=2 => self.somebody_books().await,
            3 => self.somebody_gives_back().await,
            4 | 5 => self.somebody_changes().await,
            6..=8 => self.an_actor_starts().await,
            9 => self.an_actor_dies(),
            10 | 11 => self.time_passes().await,
            12 => self.mail_leaves().await,
            13 => self.something_will_be_broken(),
            _ if self.waiting.is_empty() => self.an_actor_starts().await,
            _ => self.a_call_goes_on().await,
        }
    }

    async fn hands_act(&mut self) {
        let Some(hands) = &mut self.hands else { return };
        if let Some(what) = hands.act(&self.world, &self.students).await {
            self.tell(what);
        }
    }

    async fn line_acts(&mut self) {
        let Some(line) = &mut self.line else { return };
        if let Some(what) = line.act(&self.world, &self.students).await {
            self.tell(what);
        }
    }

    /// What the site is like from this step on.
    fn weather_changes(&mut self, step: usize) {
        if let Some(what) = self.weather.change(step, self.world.cloud.faults()) {
            self.tell(what);
        }
    }

    /// Meanwhile somebody looks at the site: one that answers always would show nothing new.
    async fn time_passes(&mut self) {
        let seconds = [1, 30, 91, 600, 1800, 5400][self.chance.below(6)];
        self.world.clock.advance(TimeDelta::seconds(seconds));
        if self.weather.is_bad() {
            health::look(&self.world.app).await.unwrap();
        } else {
            health::look_again(&self.world.app).await.unwrap();
        }
        self.tell(format_args!("{seconds} s passed"));
    }

    /// The next server or lease of a name comes up broken, and sometimes the one in its place as well.
    fn something_will_be_broken(&mut self) {
        let names = ["node1--", "node2--", "node3--", "lease--"];
        let (name, times) = (names[self.chance.below(4)], 1 + self.chance.below(2));
        for _ in 0..times {
            self.world.cloud.faults().break_next(name);
        }
        self.tell(format_args!("{name} will come up broken, {times} times"));
    }

    async fn mail_leaves(&mut self) {
        notices::remind(&self.world.app).await.unwrap();
        delivery::step(&self.world.app).await.unwrap();
        self.tell("mail left");
    }

    /// A slot of the next two days and a half, legal or not.
    fn any_slot(&self) -> Interval {
        let grid = 30 * 60;
        let now = self.now().timestamp().div_euclid(grid) * grid;
        let at =
            |cells: usize| DateTime::from_timestamp(now + grid * i64::try_from(cells).unwrap(), 0).unwrap();
        let start = 1 + self.chance.below(if self.chance.one_in(2) { 8 } else { 120 });
        Interval::new(at(start), at(start + 1 + self.chance.below(8))).unwrap()
    }

    /// What explaining says beforehand is what booking does.
    async fn somebody_books(&mut self) {
        let student = self.chance.of(&self.students).unwrap().clone();
        let wish = World::wish(&student, self.any_slot());
        let (asked, now) = (wish.clone(), self.now());
        let said =
            self.world.app.db.read("explain", move |conn| booking::explain(conn, &asked, now)).await.unwrap();
        let accepted = matches!(said, fairlease::services::explain::Judgement::Accepted { .. });
        let slot = wish.slot;
        let booked = match booking::book(&self.world.app, wish).await {
            Ok(_) => true,
            Err(BookingError::Refused(_)) => false,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(booked, accepted, "{slot:?}: {said:?}");
        self.tell(format_args!("{} wished for {slot:?}: {booked}", student.net_id));
    }

    async fn a_live_booking(&mut self) -> Option<(Person, Booking)> {
        let seen = self.look().await;
        let live: Vec<_> = seen.bookings.iter().filter(|it| it.state.is_live()).collect();
        let booking = (*self.chance.of(&live)?).clone();
        let owner = self.students.iter().find(|student| student.id == booking.person).unwrap().clone();
        Some((owner, booking))
    }

    async fn somebody_gives_back(&mut self) {
        let Some((owner, booking)) = self.a_live_booking().await else { return };
        booking::release(&self.world.app, owner, booking.id.clone()).await.unwrap();
        self.tell(format_args!("{} was given back", booking.id));
    }

    async fn somebody_changes(&mut self) {
        let Some((owner, booking)) = self.a_live_booking().await else { return };
        let slot = match booking.state {
            State::Booked if self.chance.one_in(2) => self.any_slot(),
            _ => {
                let cells = i32::try_from(self.chance.below(8)).unwrap() - 3;
                let end = booking.slot.end() + TimeDelta::minutes(30) * cells;
                Interval::new(booking.slot.start(), end).unwrap_or(booking.slot)
            }
        };
        let changed = booking::change(&self.world.app, owner, booking.id.clone(), slot).await;
        let outcome = match changed {
            Ok(()) => "yes",
            Err(BookingError::Refused(_) | BookingError::WrongState(_) | BookingError::Begun) => "no",
            Err(error) => panic!("{error}"),
        };
        self.tell(format_args!("{} was to be {slot:?}: {outcome}", booking.id));
    }

    async fn an_actor_starts(&mut self) {
        let idle: Vec<_> = (0..ACTORS).filter(|actor| self.running[*actor].is_none()).collect();
        let Some(actor) = self.chance.of(&idle).copied() else { return };
        let (app, hear, down) = (self.apps[actor].clone(), self.hear.clone(), self.look().await.down);
        self.running[actor] = Some(tokio::spawn(async move {
            act(&app, actor).await;
            hear.send(Event::Finished(actor)).unwrap();
        }));
        self.tell(format_args!("actor {actor} started"));
        self.settle(actor).await;
        let rests = actor == REAPER || self.running[actor].is_none();
        assert!(!down || rests, "actor {actor} works at a site that is down");
    }

    /// Waits until the actor waits for a call or is done. It is the only one that runs meanwhile.
    async fn settle(&mut self, actor: usize) {
        let mut event = self.events.recv().await.unwrap();
        loop {
            match event {
                Event::Waits(gate) => self.waiting.push(gate),
                Event::Answered => {}
                Event::Finished(actor) => self.running[actor] = None,
            }
            let idle = self.running[actor].is_none() || self.waiting.iter().any(|gate| gate.actor == actor);
            event = match self.events.try_recv() {
                Ok(next) => next,
                Err(_) if idle => return,
                Err(_) => self.events.recv().await.unwrap(),
            };
        }
    }

    /// Any call, but seldom one of the actor that is slow.
    async fn a_call_goes_on(&mut self) {
        let quick: Vec<usize> =
            (0..self.waiting.len()).filter(|at| self.waiting[*at].actor != self.slow).collect();
        let at = if quick.is_empty() || self.chance.one_in(12) {
            self.chance.below(self.waiting.len())
        } else {
            *self.chance.of(&quick).unwrap()
        };
        if self.waiting[at].actor == self.slow && !self.chance.one_in(6) {
            return self.time_passes().await;
        }
        let gate = self.waiting.remove(at);
        let verdict = self.verdict(&gate);
        self.let_go(gate, verdict).await;
    }

    async fn let_go(&mut self, gate: Gate, verdict: Verdict) {
        let when = if gate.done { "after" } else { "before" };
        self.tell(format_args!("{} of actor {} {when}: {verdict:?}", gate.call, gate.actor));
        let down = self.look().await.down;
        let begun = self.begun(gate.actor);
        gate.open.send(verdict).unwrap();
        self.settle(gate.actor).await;
        let more = self.begun(gate.actor) > begun && gate.actor != REAPER;
        // An answer may be the first of a site that was down.
        assert!(
            !more || !down || !self.look().await.down,
            "actor {} goes on at a site that is down",
            gate.actor
        );
    }

    /// How many calls of the actor wait to have their effect.
    fn begun(&self, actor: usize) -> usize {
        self.waiting.iter().filter(|gate| gate.actor == actor && !gate.done).count()
    }

    fn verdict(&self, gate: &Gate) -> Verdict {
        if gate.done && matches!(gate.call, "list" | "survey") && self.chance.one_in(4) {
            return Verdict::Old;
        }
        if !self.chance.one_in(8) {
            return Verdict::Go;
        }
        let lost = CloudError::OutcomeUnknown("no answer came in time".to_owned());
        if gate.done {
            return Verdict::Fail(lost);
        }
        let passing = [
            lost,
            CloudError::Transient { message: "503".to_owned(), retry_after: None },
            CloudError::Conflict("409".to_owned()),
            CloudError::Unauthorised("401".to_owned()),
        ];
        let lasting = [
            CloudError::Quota("Quota exceeded for instances".to_owned()),
            CloudError::Capacity("Not enough hosts available".to_owned()),
            CloudError::Permanent("400".to_owned()),
        ];
        let errors: &[CloudError] = if self.chance.one_in(8) { &lasting } else { &passing };
        Verdict::Fail(self.chance.of(errors).unwrap().clone())
    }

    /// Half of the runs end early for everybody, while calls still wait.
    async fn everybody_gives_back(&mut self) {
        if self.chance.one_in(2) {
            return;
        }
        while let Some((owner, booking)) = self.a_live_booking().await {
            booking::release(&self.world.app, owner, booking.id.clone()).await.unwrap();
        }
        self.tell("everybody gave back what they had");
    }

    /// Calls that have waited all the time, long after what they were made for.
    async fn late_calls_go_on(&mut self) {
        while let Some(gate) = self.waiting.pop() {
            self.let_go(gate, Verdict::Go).await;
        }
    }

    /// It dies while its calls wait: some have had their effect, some never will.
    fn an_actor_dies(&mut self) {
        let Some(actor) = self.chance.of(&self.waiting).map(|gate| gate.actor) else { return };
        if let Some(running) = self.running[actor].take() {
            running.abort();
        }
        self.waiting.retain(|gate| gate.actor != actor);
        self.tell(format_args!("actor {actor} died"));
    }

    /// No more faults: everything is worked off, what still waits has its effect at last, and time goes on until the last
    /// booking is over.
    async fn rest(&mut self) {
        self.tell("came to rest");
        self.weather.clear(self.world.cloud.faults());
        self.everybody_gives_back().await;
        for _ in 0..400 {
            self.world.work().await;
            self.late_calls_go_on().await;
            notices::remind(&self.world.app).await.unwrap();
            reaping::sweep(&self.world.app).await.unwrap();
            self.world.work().await;
            let seen = self.look().await;
            seen.hold_always(&self.world, self.now());
            assert!(seen.overdue(self.now()).is_none(), "{:#?} is overdue", seen.overdue(self.now()));
            if seen.bookings.iter().all(|it| matches!(it.state, State::Ended { .. })) {
                break;
            }
            self.world.clock.advance(TimeDelta::minutes(30));
        }
        // What had its effect too late is found by the reaper, once it is old enough to be judged, and goes a kind at a time.
        for _ in 0..10 {
            self.world.clock.advance(TimeDelta::minutes(6));
            reaping::sweep(&self.world.app).await.unwrap();
            self.world.work().await;
        }
        let mut left = self.not_ours.clone();
        if let Some(hands) = &self.hands {
            for _ in 0..Hands::UNTIL_REST {
                self.world.clock.advance(TimeDelta::hours(1));
                reaping::sweep(&self.world.app).await.unwrap();
                self.world.work().await;
            }
            left.extend(hands.hold_at_rest(&self.world).await);
        }
        let seen = self.eye.look(&self.world, Resources::OfAll).await;
        seen.hold_at_rest(&self.world, &left);
        let now = self.now();
        let ledger = self.world.app.db.read("ledger", move |conn| doctor::ledger(conn, now)).await.unwrap();
        let wrong: Vec<_> = ledger.iter().filter(|check| check.verdict != fitness::Verdict::Pass).collect();
        assert!(wrong.is_empty(), "the ledger is what bookings and hands held: {wrong:#?}");
    }
}

/// What an actor does before it looks for more.
async fn act(app: &Arc<App>, actor: usize) {
    if actor == REAPER {
        reaping::sweep(app).await.unwrap();
        return;
    }
    for Claimed { id, token, .. } in fulfil::claim(app, |_| 2).await.unwrap() {
        fulfil::advance(app, &id, &token).await.unwrap();
    }
}

fn object(
    name: &str,
    spec: fairlease::domain::blueprint::Spec,
    created_at: DateTime<Utc>,
) -> fairlease::cloud::simulated::Object {
    let by_hand = fairlease::cloud::simulated::Object::by_hand(spec.kind(), name, name, created_at);
    fairlease::cloud::simulated::Object { spec, ..by_hand }
}
