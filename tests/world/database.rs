//! A database for one test.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fairlease::db::DbUrl;
use tempfile::TempDir;

use crate::support::given;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// Where the tests' PostgreSQL server is, or a sentence on how to get one.
pub(crate) fn postgres_server() -> String {
    given("FAIRLEASE_TEST_POSTGRES")
}

/// A new database, dropped when the test is over.
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres { server: String, name: String },
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Database {
    pub(crate) fn create(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => Self::Sqlite(TempDir::new().unwrap()),
            Backend::Postgres => {
                let server = postgres_server();
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let name = format!("fairlease_{}_{number}", std::process::id());
                run(&server, &format!("CREATE DATABASE {name}"));
                Self::Postgres { server, name }
            }
        }
    }

    pub(crate) fn url(&self) -> DbUrl {
        self.text().parse().unwrap()
    }

    /// The URL as options take it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Sqlite(directory) => format!("sqlite://{}", directory.path().join("test.sqlite").display()),
            Self::Postgres { server, name } => {
                let (server, _) = server.rsplit_once('/').unwrap();
                format!("{server}/{name}")
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { server, name } = self {
            run(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

fn run(server: &str, sql: &str) {
    let mut conn = PgConnection::establish(server)
        .unwrap_or_else(|error| panic!("the PostgreSQL server of the tests does not answer: {error}"));
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}
