//! How often things may be asked for, by whom and from where. One table says it, and the guard asks it before every route.
//!
//! A limit by address is generous, because a whole class may sit behind one address of the campus's network; one by person
//! is tight, because nobody's hands are that quick. Each process counts by itself and forgets at its end: with several
//! replicas a limit is as many times as high. Time comes from the app's clock.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use chrono::DateTime;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::error::WebError;
use super::log::{CALENDAR, FEED, LINK};
use super::table::{Row, Verb};
use crate::auth::permissions::Permission;
use crate::clock::Clock;
use crate::domain::ids::PersonId;

/// What a route is to the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// To sign in, with all that is asked on the way.
    SignIn,
    /// To book, wait, move, extend, release, and to answer an offer, on pages and in the API.
    Booking,
    /// An address that is itself a secret: links in mails, calendars and feeds.
    Secret,
    /// The rest of the API.
    Api,
}

impl Class {
    /// What a route is. Nothing for the other pages: they show what there is, and each asks for a person first.
    pub fn of(row: &Row) -> Option<Self> {
        match row.permission {
            Permission::Book | Permission::ChangeBooking if row.verb != Verb::get => Some(Self::Booking),
            Permission::Anyone if row.path.starts_with("/sign-in") => Some(Self::SignIn),
            Permission::Anyone if [LINK, CALENDAR, FEED].contains(&row.path) => Some(Self::Secret),
            _ if row.scope == "/api/v1" => Some(Self::Api),
            _ => None,
        }
    }
}

/// So many at once, and one more each time that so long has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub at_once: u32,
    /// After how long there is one more.
    pub then_each: Duration,
}

impl Rate {
    const fn new(at_once: u32, then_each_millis: u64) -> Self {
        Self { at_once, then_each: Duration::from_millis(then_each_millis) }
    }

    /// How long it takes until all of them can be used at once again.
    fn whole(self) -> Duration {
        self.then_each * self.at_once
    }

    fn quota(self) -> Quota {
        let at_once = NonZeroU32::new(self.at_once).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(self.then_each).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        quota.allow_burst(at_once)
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub class: Class,
    /// From one address: of version 6 from one network of 64 bits, which is what a household or a machine has.
    pub by_address: Rate,
    /// By one person, or one service.
    pub by_person: Rate,
}

/// The table. `docs/operations.md` shows it to people.
pub const TABLE: [Limit; 4] = [
    // A class of 191 behind one address signs in as a lab begins, with some three requests each. Nobody signs in twenty
    // times on end, but browsers of a computer room may be theirs.
    Limit { class: Class::SignIn, by_address: Rate::new(600, 200), by_person: Rate::new(20, 30_000) },
    // The same class books within one minute, ten times each. Twenty a minute is a program; sixty at once is someone who
    // moves all that they have.
    Limit { class: Class::Booking, by_address: Rate::new(2000, 50), by_person: Rate::new(60, 3000) },
    // The university's mail server opens each link of each mail to look what is behind it; calendars are read each hour.
    Limit { class: Class::Secret, by_address: Rate::new(1000, 100), by_person: Rate::new(60, 5000) },
    // Programs of a whole class wait for their servers, each with a request a second.
    Limit { class: Class::Api, by_address: Rate::new(3000, 10), by_person: Rate::new(300, 100) },
];

/// The most open pages of one person that are told what changes. Each is a stream which looks at the database now and then.
const MOST_STREAMS: usize = 10;

/// After how long a page that is not told what changes asks again.
const STREAM_RETRY: Duration = Duration::from_secs(30);

/// The limits with what was asked up to now.
#[derive(Debug)]
pub struct Limits {
    rows: Vec<Counted>,
    streams: Mutex<HashMap<PersonId, usize>>,
}

#[derive(Debug)]
struct Counted {
    class: Class,
    by_address: Keyed<IpAddr>,
    by_person: Keyed<String>,
}

impl Limits {
    /// Nothing was asked yet.
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        let rows = TABLE.iter().map(|limit| Counted {
            class: limit.class,
            by_address: Keyed::new(limit.by_address, clock),
            by_person: Keyed::new(limit.by_person, clock),
        });
        Self { rows: rows.collect(), streams: Mutex::default() }
    }

    fn of(&self, class: Class) -> Option<&Counted> {
        self.rows.iter().find(|row| row.class == class)
    }

    /// Counts a request from an address, or says that there were too many.
    pub fn ask_address(&self, class: Class, address: IpAddr) -> Result<(), WebError> {
        self.of(class).map_or(Ok(()), |row| row.by_address.ask(&network(address)))
    }

    /// Counts a request of a person, by their id or net ID, or says that there were too many.
    pub fn ask_person(&self, class: Class, person: &str) -> Result<(), WebError> {
        self.of(class).map_or(Ok(()), |row| row.by_person.ask(&person.to_owned()))
    }

    /// A place for one more open page of a person.
    pub fn open_stream(self: &Arc<Self>, person: &PersonId) -> Result<Stream, WebError> {
        let mut streams = self.streams();
        let open = streams.entry(person.clone()).or_default();
        if *open >= MOST_STREAMS {
            return Err(WebError::too_many(STREAM_RETRY));
        }
        *open += 1;
        Ok(Stream { limits: self.clone(), person: person.clone() })
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<PersonId, usize>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open page's place. It is free again when this is dropped.
#[derive(Debug)]
pub struct Stream {
    limits: Arc<Limits>,
    person: PersonId,
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Entry::Occupied(mut open) = self.limits.streams().entry(self.person.clone()) {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The app's clock, as the counters ask it.
#[derive(Debug, Clone)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.0.now() - DateTime::UNIX_EPOCH).to_std().unwrap_or_default()
    }
}

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, Ticks, NoOpMiddleware<Duration>>;

/// After so many requests those are forgotten who may do all again.
const TIDY_EACH: u32 = 1000;

/// The most that one counter remembers. Who comes from more addresses than these within its time has as many times the
/// limit anyway: all is forgotten then, and memory stays bounded.
const MOST_KEYS: usize = 50_000;

/// Counters of one rate, one a key.
#[derive(Debug)]
struct Keyed<K: Hash + Eq + Clone> {
    rate: Rate,
    clock: Ticks,
    limiter: RwLock<Limiter<K>>,
    asked: AtomicU32,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    fn new(rate: Rate, clock: &Arc<dyn Clock>) -> Self {
        let clock = Ticks(clock.clone());
        Self { rate, limiter: RwLock::new(limiter(rate, &clock)), clock, asked: AtomicU32::new(0) }
    }

    fn ask(&self, key: &K) -> Result<(), WebError> {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDY_EACH) {
            self.tidy();
        }
        let Err(wait) = self.count(key) else { return Ok(()) };
        if wait > self.rate.whole() {
            // There is no such wait: the clock was set back.
            self.forget();
            return Ok(());
        }
        Err(WebError::too_many(wait))
    }

    fn count(&self, key: &K) -> Result<(), Duration> {
        use governor::clock::Clock as _;
        let limiter = self.limiter.read().unwrap_or_else(PoisonError::into_inner);
        limiter.check_key(key).map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    fn tidy(&self) {
        let known = {
            let limiter = self.limiter.read().unwrap_or_else(PoisonError::into_inner);
            limiter.retain_recent();
            limiter.len()
        };
        if known > MOST_KEYS {
            self.forget();
        }
    }

    fn forget(&self) {
        *self.limiter.write().unwrap_or_else(PoisonError::into_inner) = limiter(self.rate, &self.clock);
    }
}

fn limiter<K: Hash + Eq + Clone>(rate: Rate, clock: &Ticks) -> Limiter<K> {
    RateLimiter::new(rate.quota(), DashMapStateStore::default(), clock.clone())
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};

    use super::*;
    use crate::clock::ManualClock;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000)))
    }

    fn limits(clock: &Arc<ManualClock>) -> Arc<Limits> {
        let clock: Arc<dyn Clock> = clock.clone();
        Arc::new(Limits::new(&clock))
    }

    fn wait(asked: Result<(), WebError>) -> Option<u64> {
        match asked {
            Ok(()) => None,
            Err(WebError::TooMany(seconds)) => Some(seconds),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn whoever_waits_as_told_goes_on_and_nobody_else_is_held_up() {
        let clock = clock();
        let limits = limits(&clock);
        let ask = |who: &str| wait(limits.ask_person(Class::Booking, who));
        for _ in 0..60 {
            assert_eq!(ask("one"), None);
        }
        let told = ask("one").unwrap();
        assert_eq!(told, 3);
        assert_eq!(ask("other"), None, "another person");
        assert_eq!(wait(limits.ask_person(Class::Api, "one")), None, "another class");
        clock.advance(TimeDelta::seconds(2));
        assert_eq!(ask("one"), Some(1));
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(ask("one"), None);
        assert_eq!(ask("one"), Some(3), "one more, and no more");
    }

    #[test]
    fn a_class_behind_one_address_gets_in() {
        let clock = clock();
        let limits = limits(&clock);
        let campus: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..191 * 3 {
            assert_eq!(wait(limits.ask_address(Class::SignIn, campus)), None);
        }
        for _ in 0..191 * 10 {
            assert_eq!(wait(limits.ask_address(Class::Booking, campus)), None);
        }
        let refused = (0..1000).filter_map(|_| wait(limits.ask_address(Class::SignIn, campus))).count();
        assert!(refused > 900, "and one who guesses does not");
    }

    #[test]
    fn one_network_of_version_6_is_one_address() {
        let same = |one: &str, other: &str| network(one.parse().unwrap()) == network(other.parse().unwrap());
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let clock = clock();
        let limits = limits(&clock);
        let row = limits.of(Class::SignIn).unwrap();
        let known = || row.by_address.limiter.read().unwrap().len();
        for number in 0..120_000_u32 {
            let [a, b, c, d] = number.to_be_bytes();
            row.by_address.ask(&IpAddr::from([10 + a, b, c, d])).unwrap();
        }
        assert!(known() <= MOST_KEYS + 1000, "{}", known());
        clock.advance(TimeDelta::minutes(10));
        for _ in 0..1000 {
            row.by_address.ask(&IpAddr::from([192, 0, 2, 1])).ok();
        }
        assert!(known() <= 2, "who may do all again is forgotten: {}", known());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let clock = clock();
        let limits = limits(&clock);
        let ask = || wait(limits.ask_person(Class::Booking, "one"));
        while ask().is_none() {}
        clock.advance(-TimeDelta::hours(5));
        assert_eq!(ask(), None);
    }

    #[test]
    fn a_page_that_is_closed_makes_room_for_another() {
        let limits = limits(&clock());
        let (one, other) = (PersonId::from_bits(1), PersonId::from_bits(2));
        let mut open: Vec<_> = (0..MOST_STREAMS).map(|_| limits.open_stream(&one).unwrap()).collect();
        assert!(limits.open_stream(&one).is_err());
        assert!(limits.open_stream(&other).is_ok());
        open.pop();
        assert!(limits.open_stream(&one).is_ok());
        open.clear();
        assert!(limits.streams().is_empty());
    }

    #[test]
    fn every_route_that_changes_a_booking_or_needs_nobody_is_limited() {
        for row in crate::web::every_row() {
            let class = Class::of(row);
            let books = matches!(row.permission, Permission::Book | Permission::ChangeBooking);
            if books && row.verb != Verb::get {
                assert_eq!(class, Some(Class::Booking), "{row:?}");
            }
            if row.scope == "/api/v1" {
                assert!(class.is_some(), "{row:?}");
            }
            if row.path.contains("{token}") && row.permission == Permission::Anyone {
                assert_eq!(class, Some(Class::Secret), "{row:?}");
            }
        }
    }
}
