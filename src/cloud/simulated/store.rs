//! Where the simulated cloud keeps its objects: in memory, or one file each in a directory, so that several processes see
//! the same cloud and a killed one loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::cloud::port::CloudError;
use crate::domain::blueprint::{Kind, Spec};
use crate::domain::ids::BookingId;
use crate::domain::reaper::StopBy;
use crate::domain::resource::{Mark, SiteFacts};
use crate::domain::survey::Survey;

/// An object as the simulated site keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The site's id of it.
    pub site_ref: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// What was asked for. Of what was made by hand it tells nothing.
    pub spec: Spec,
    /// What the site tells of it.
    pub facts: SiteFacts,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it is gone, once its deletion was asked for.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Ids of the objects that can't go before it.
    pub uses: Vec<String>,
    /// What the site tells of it in a survey, beyond what follows from the rest.
    pub survey: Survey,
    /// How it was stopped, if it is a server that was.
    pub stopped: Option<StopBy>,
    /// Until when it is being stopped or started.
    pub turning_until: Option<DateTime<Utc>>,
}

/// Which objects a call looks for.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    /// Every object.
    Any,
    /// Those with this name.
    Name(&'a str),
    /// Those that carry the mark of this booking, of whatever installation.
    Booking(&'a BookingId),
    /// Those of this kind.
    Kind(Kind),
    /// Those that can't be without the object with this id.
    UserOf(&'a str),
}

impl By<'_> {
    fn is_true_of(self, object: &Object) -> bool {
        match self {
            Self::Any => true,
            Self::Name(name) => object.name == name,
            Self::Booking(booking) => Mark::from_name(&object.name).is_some_and(|it| it.booking == *booking),
            Self::Kind(kind) => object.kind == kind,
            Self::UserOf(site_ref) => object.uses.iter().any(|used| used == site_ref),
        }
    }
}

#[derive(Debug)]
pub(super) enum Store {
    /// The objects, and whose turn it is to change them.
    Memory(Mutex<Memory>, Mutex<()>),
    Disk(PathBuf),
}

/// As long as this is kept nobody else has it: what was looked at is so until what follows from it is written.
#[derive(Debug)]
pub(super) enum Turn<'a> {
    Memory {
        _guard: MutexGuard<'a, ()>,
    },
    /// Unlocked as it is closed.
    Disk {
        _file: File,
    },
}

/// Objects by their ids, and indexes of the ids: a site with thousands of objects is asked thousands of times.
#[derive(Debug, Default)]
pub(super) struct Memory {
    objects: BTreeMap<String, Object>,
    by_name: Index<String>,
    by_booking: Index<BookingId>,
    by_kind: Index<Kind>,
    by_used: Index<String>,
    public: BTreeSet<Ipv4Addr>,
}

type Index<K> = BTreeMap<K, BTreeSet<String>>;

/// The address of a floating IP.
fn public_address(object: &Object) -> Option<Ipv4Addr> {
    let is_public = object.kind == Kind::FloatingIp;
    object.facts.address.as_ref().filter(|_| is_public)?.parse().ok()
}

/// The first of `range` that is not in `taken`.
fn first_free(taken: &BTreeSet<Ipv4Addr>, range: &RangeInclusive<Ipv4Addr>) -> Option<Ipv4Addr> {
    let (first, last) = (range.start().to_bits(), range.end().to_bits());
    let in_order = taken.range(range.clone()).zip(first..);
    let run = in_order.take_while(|(address, bits)| address.to_bits() == *bits).count();
    let free = first + u32::try_from(run).ok()?;
    (free <= last).then(|| Ipv4Addr::from_bits(free))
}

fn enter<K: Ord>(index: &mut Index<K>, key: K, site_ref: &str) {
    index.entry(key).or_default().insert(site_ref.to_owned());
}

fn leave<K: Ord>(index: &mut Index<K>, key: &K, site_ref: &str) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(site_ref);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

impl Memory {
    fn put(&mut self, object: &Object) {
        self.remove(&object.site_ref);
        let id = &object.site_ref;
        enter(&mut self.by_name, object.name.clone(), id);
        enter(&mut self.by_kind, object.kind, id);
        if let Some(mark) = Mark::from_name(&object.name) {
            enter(&mut self.by_booking, mark.booking, id);
        }
        self.public.extend(public_address(object));
        for used in &object.uses {
            enter(&mut self.by_used, used.clone(), id);
        }
        self.objects.insert(id.clone(), object.clone());
    }

    fn remove(&mut self, site_ref: &str) {
        let Some(object) = self.objects.remove(site_ref) else { return };
        leave(&mut self.by_name, &object.name, site_ref);
        leave(&mut self.by_kind, &object.kind, site_ref);
        if let Some(mark) = Mark::from_name(&object.name) {
            leave(&mut self.by_booking, &mark.booking, site_ref);
        }
        public_address(&object).map(|address| self.public.remove(&address));
        for used in &object.uses {
            leave(&mut self.by_used, used, site_ref);
        }
    }

    fn each(&self, by: By<'_>, see: impl FnMut(&Object)) {
        let ids = match by {
            By::Any => return self.objects.values().for_each(see),
            By::Name(name) => self.by_name.get(name),
            By::Booking(booking) => self.by_booking.get(booking),
            By::Kind(kind) => self.by_kind.get(&kind),
            By::UserOf(site_ref) => self.by_used.get(site_ref),
        };
        ids.into_iter().flatten().filter_map(|id| self.objects.get(id)).for_each(see);
    }
}

fn io_error(error: &io::Error) -> CloudError {
    CloudError::Transient { message: format!("the simulated cloud's directory: {error}"), retry_after: None }
}

impl Store {
    pub(super) fn in_memory() -> Self {
        Self::Memory(Mutex::default(), Mutex::default())
    }

    pub(super) fn on_disk(directory: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&directory)?;
        Ok(Self::Disk(directory))
    }

    /// Waits until nobody else changes the site, in whichever process.
    pub(super) fn turn(&self) -> Result<Turn<'_>, CloudError> {
        match self {
            Self::Memory(_, turn) => {
                Ok(Turn::Memory { _guard: turn.lock().unwrap_or_else(PoisonError::into_inner) })
            }
            Self::Disk(directory) => {
                // The directory itself is locked: a file for it would lie among the objects.
                let locked = File::open(directory).and_then(|file| file.lock().map(|()| file));
                Ok(Turn::Disk { _file: locked.map_err(|error| io_error(&error))? })
            }
        }
    }

    /// Shows the objects that are looked for, one after the other. A directory is read as a whole.
    pub(super) fn each(&self, by: By<'_>, see: impl FnMut(&Object)) -> Result<(), CloudError> {
        match self {
            Self::Memory(memory, _) => lock(memory).each(by, see),
            Self::Disk(directory) => {
                let all = read_all(directory).map_err(|error| io_error(&error))?;
                all.iter().filter(|object| by.is_true_of(object)).for_each(see);
            }
        }
        Ok(())
    }

    /// The objects that are looked for.
    pub(super) fn find(&self, by: By<'_>) -> Result<Vec<Object>, CloudError> {
        let mut found = Vec::new();
        self.each(by, |object| found.push(object.clone()))?;
        Ok(found)
    }

    pub(super) fn get(&self, site_ref: &str) -> Result<Option<Object>, CloudError> {
        match self {
            Self::Memory(memory, _) => Ok(lock(memory).objects.get(site_ref).cloned()),
            Self::Disk(directory) => read(&path(directory, site_ref)).map_err(|error| io_error(&error)),
        }
    }

    /// The first of these addresses that no floating IP has.
    pub(super) fn free_address(
        &self,
        ranges: &[RangeInclusive<Ipv4Addr>],
    ) -> Result<Option<Ipv4Addr>, CloudError> {
        let free = |taken: &BTreeSet<_>| ranges.iter().find_map(|range| first_free(taken, range));
        match self {
            Self::Memory(memory, _) => Ok(free(&lock(memory).public)),
            Self::Disk(directory) => {
                let all = read_all(directory).map_err(|error| io_error(&error))?;
                Ok(free(&all.iter().filter_map(public_address).collect()))
            }
        }
    }

    /// Adds the object, or puts it in the place of the one with its id.
    pub(super) fn put(&self, object: &Object) -> Result<(), CloudError> {
        match self {
            Self::Memory(memory, _) => {
                lock(memory).put(object);
                Ok(())
            }
            Self::Disk(directory) => write(directory, object).map_err(|error| io_error(&error)),
        }
    }

    pub(super) fn remove(&self, site_ref: &str) -> Result<(), CloudError> {
        match self {
            Self::Memory(memory, _) => {
                lock(memory).remove(site_ref);
                Ok(())
            }
            Self::Disk(directory) => match std::fs::remove_file(path(directory, site_ref)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&error)),
                _ => Ok(()),
            },
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

fn path(directory: &Path, site_ref: &str) -> PathBuf {
    directory.join(format!("{site_ref}.json"))
}

/// Nothing if another process has removed it meanwhile.
fn read(path: &Path) -> io::Result<Option<Object>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_all(directory: &Path) -> io::Result<Vec<Object>> {
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            objects.extend(read(&path)?);
        }
    }
    Ok(objects)
}

/// Written beside and moved into place, so that another process reads the whole of it or nothing.
fn write(directory: &Path, object: &Object) -> io::Result<()> {
    let beside = directory.join(format!("{}.{}.part", object.site_ref, std::process::id()));
    std::fs::write(&beside, serde_json::to_vec_pretty(object)?)?;
    std::fs::rename(&beside, path(directory, &object.site_ref))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::InstanceId;
    use proptest::prelude::*;

    fn name(of: usize) -> String {
        let booking = BookingId::from_bits(u64::try_from(of / 2).unwrap());
        let mark = Mark { instance: InstanceId::from_bits(7), booking, key: "network".parse().unwrap() };
        if of == 5 { "by-hand".to_owned() } else { mark.name("k8s-ff524") }
    }

    fn object((id, of, used, network): (usize, usize, usize, bool)) -> Object {
        let kind = if network { Kind::Network } else { Kind::FloatingIp };
        Object {
            // Each id its own: no site gives an address twice.
            facts: SiteFacts { address: Some(format!("203.0.113.{id}")), ..SiteFacts::default() },
            uses: vec![format!("ref-{used}")],
            ..Object::by_hand(kind, &format!("ref-{id}"), &name(of), DateTime::UNIX_EPOCH)
        }
    }

    fn found(store: &Store, by: By<'_>) -> Vec<Object> {
        let mut found = store.find(by).unwrap();
        found.sort_by(|a, b| a.site_ref.cmp(&b.site_ref));
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Whatever was put, put again and removed, every way to look finds what a look at all files finds.
        #[test]
        fn the_indexes_find_what_the_files_hold(
            changes in proptest::collection::vec(((0usize..6, 0usize..6, 0usize..6, any::<bool>()), any::<bool>()), 1..30),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let (memory, disk) =
                (Store::in_memory(), Store::on_disk(directory.path().to_owned()).unwrap());
            for (parts, keep) in changes {
                let object = object(parts);
                for store in [&memory, &disk] {
                    if keep { store.put(&object) } else { store.remove(&object.site_ref) }.unwrap();
                }
            }
            let ranges = [from_to([203, 0, 113, 0], [203, 0, 113, 4]), from_to([198, 18, 0, 0], [198, 18, 0, 9])];
            prop_assert_eq!(memory.free_address(&ranges).unwrap(), disk.free_address(&ranges).unwrap());
            for n in 0..6 {
                let (name, id) = (name(n), format!("ref-{n}"));
                let booking = BookingId::from_bits(u64::try_from(n / 2).unwrap());
                let ways = [By::Any, By::Name(&name), By::Booking(&booking), By::UserOf(&id), By::Kind(Kind::Network)];
                for by in ways {
                    prop_assert_eq!(found(&memory, by), found(&disk, by), "{:?}", by);
                }
                prop_assert_eq!(memory.get(&id).unwrap(), disk.get(&id).unwrap());
            }
        }
    }

    fn from_to(from: [u8; 4], to: [u8; 4]) -> RangeInclusive<Ipv4Addr> {
        from.into()..=to.into()
    }

    #[test]
    fn the_first_free_address_is_found_and_no_other() {
        let range = from_to([203, 0, 113, 1], [203, 0, 113, 3]);
        let free = |taken: &[u8]| {
            let taken = taken.iter().map(|host| Ipv4Addr::new(203, 0, 113, *host)).collect();
            first_free(&taken, &range).map(|address| address.octets()[3])
        };
        assert_eq!(
            [free(&[]), free(&[1, 3]), free(&[2, 3]), free(&[1, 2])],
            [Some(1), Some(2), Some(1), Some(3)]
        );
        assert_eq!((free(&[1, 2, 3]), free(&[0, 4])), (None, Some(1)));
    }

    #[test]
    fn nothing_is_kept_of_what_is_gone() {
        let mut memory = Memory::default();
        for network in [true, false] {
            memory.put(&object((1, 2, 3, network)));
            memory.remove("ref-1");
        }
        let left =
            (memory.by_name.len(), memory.by_booking.len(), memory.by_kind.len(), memory.by_used.len());
        assert_eq!((memory.objects.len(), memory.public.len(), left), (0, 0, (0, 0, 0, 0)));
    }
}
