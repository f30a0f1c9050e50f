//! Databases on a real PostgreSQL server.

use diesel::pg::PgConnection;
use diesel::{Connection as _, RunQueryDsl as _, sql_query};
use fairlease::entropy::{Entropy as _, OsEntropy};

use super::given;

/// A database of one test's own. It goes when this is dropped.
pub(crate) struct Database {
    name: String,
    server: String,
}

impl Database {
    /// Makes an empty one on the server that `FAIRLEASE_TEST_POSTGRES` names.
    pub(crate) fn create() -> Self {
        let database = Self {
            name: format!("story_{:016x}", OsEntropy.bits()),
            server: given("FAIRLEASE_TEST_POSTGRES"),
        };
        database.tell(&format!("CREATE DATABASE {}", database.name)).unwrap();
        database
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let mut url = reqwest::Url::parse(&self.server).unwrap();
        url.set_path(&self.name);
        url.into()
    }

    fn tell(&self, sql: &str) -> Result<usize, String> {
        let mut server = PgConnection::establish(&self.server)
            .map_err(|error| format!("the PostgreSQL of FAIRLEASE_TEST_POSTGRES: {error}"))?;
        sql_query(sql).execute(&mut server).map_err(|error| format!("{sql}: {error}"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.tell(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)) {
            eprintln!("{error}");
        }
    }
}
