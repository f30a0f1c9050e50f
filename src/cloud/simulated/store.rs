//! Where the simulated cloud keeps its objects: in memory, or one file each in a directory, so that several processes see
//! the same cloud and a killed one loses nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::cloud::port::CloudError;
use crate::domain::blueprint::Spec;
use crate::domain::resource::SiteFacts;

/// An object as the simulated site keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The site's id of it.
    pub site_ref: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub spec: Spec,
    /// What the site tells of it.
    pub facts: SiteFacts,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it is gone, once its deletion was asked for.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Ids of the objects that can't go before it.
    pub uses: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Store {
    Memory(Mutex<BTreeMap<String, Object>>),
    Disk(PathBuf),
}

fn io_error(error: &io::Error) -> CloudError {
    CloudError::Transient { message: format!("the simulated cloud's directory: {error}"), retry_after: None }
}

impl Store {
    pub(super) fn in_memory() -> Self {
        Self::Memory(Mutex::default())
    }

    pub(super) fn on_disk(directory: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&directory)?;
        Ok(Self::Disk(directory))
    }

    pub(super) fn all(&self) -> Result<Vec<Object>, CloudError> {
        match self {
            Self::Memory(objects) => Ok(lock(objects).values().cloned().collect()),
            Self::Disk(directory) => read_all(directory).map_err(|error| io_error(&error)),
        }
    }

    pub(super) fn get(&self, site_ref: &str) -> Result<Option<Object>, CloudError> {
        Ok(self.all()?.into_iter().find(|object| object.site_ref == site_ref))
    }

    /// Adds the object, or puts it in the place of the one with its id.
    pub(super) fn put(&self, object: &Object) -> Result<(), CloudError> {
        match self {
            Self::Memory(objects) => {
                lock(objects).insert(object.site_ref.clone(), object.clone());
                Ok(())
            }
            Self::Disk(directory) => write(directory, object).map_err(|error| io_error(&error)),
        }
    }

    pub(super) fn remove(&self, site_ref: &str) -> Result<(), CloudError> {
        match self {
            Self::Memory(objects) => {
                lock(objects).remove(site_ref);
                Ok(())
            }
            Self::Disk(directory) => match std::fs::remove_file(path(directory, site_ref)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&error)),
                _ => Ok(()),
            },
        }
    }
}

fn lock(objects: &Mutex<BTreeMap<String, Object>>) -> MutexGuard<'_, BTreeMap<String, Object>> {
    objects.lock().unwrap_or_else(PoisonError::into_inner)
}

fn path(directory: &std::path::Path, site_ref: &str) -> PathBuf {
    directory.join(format!("{site_ref}.json"))
}

fn read_all(directory: &std::path::Path) -> io::Result<Vec<Object>> {
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            match std::fs::read(&path) {
                Ok(bytes) => objects.push(serde_json::from_slice(&bytes)?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(objects)
}

/// Written beside and moved into place, so that another process reads the whole of it or nothing.
fn write(directory: &std::path::Path, object: &Object) -> io::Result<()> {
    let beside = directory.join(format!("{}.{}.part", object.site_ref, std::process::id()));
    std::fs::write(&beside, serde_json::to_vec_pretty(object)?)?;
    std::fs::rename(&beside, path(directory, &object.site_ref))
}
