//! A database for one test.

use std::path::Path;

use fairlease::db::DbUrl;
use tempfile::TempDir;

use crate::support::postgres;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A new database, dropped when the test is over.
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres(postgres::Database),
}

impl Database {
    pub(crate) fn create(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => Self::Sqlite(TempDir::new().unwrap()),
            Backend::Postgres => Self::Postgres(postgres::Database::create()),
        }
    }

    /// A SQLite database whose file is in the machine's memory where Linux has such a place, for tests that write a lot and
    /// ask nothing of the disk.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        Self::Sqlite(if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap())
    }

    pub(crate) fn url(&self) -> DbUrl {
        self.text().parse().unwrap()
    }

    /// The URL as options take it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Sqlite(directory) => format!("sqlite://{}", directory.path().join("test.sqlite").display()),
            Self::Postgres(database) => database.url(),
        }
    }
}
