//! Brings the schema up to date.

use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::{ExposeSecret as _, SecretString};

use super::connection::{Conn, Db, on};
use super::schema::instance;
use super::{DbError, dialect};
use crate::domain::ids::InstanceId;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// What an installation keeps as long as its database lives.
#[derive(Debug, Clone)]
pub struct Installation {
    /// Its id, which is in the names of all that it makes.
    pub id: InstanceId,
    /// What the links in its mails are signed with. Whoever has it can act for anyone, so it is never shown or logged.
    pub link_key: SecretString,
}

impl Installation {
    /// A new one. `secret` has to be as hard to guess as a session's.
    pub fn new(id: InstanceId, secret: String) -> Self {
        Self { id, link_key: secret.into() }
    }
}

impl Db {
    /// Runs the migrations that the database lacks, all of them or none, and returns their names. Several processes may
    /// call it at once: one works, the others wait and find nothing to do. Blocks.
    pub fn migrate(&self) -> Result<Vec<String>, DbError> {
        self.write_blocking("migrate", |conn| {
            dialect::lock_migrations(conn)?;
            run(conn)
        })
    }

    /// What is this installation's own: `fresh` if it has nothing yet. Of several processes that are the first, all get what
    /// one of them has brought. Blocks.
    pub fn installation(&self, fresh: &Installation) -> Result<Installation, DbError> {
        self.write_blocking("installation", |conn| {
            dialect::lock_migrations(conn)?;
            let known: Option<(String, String)> =
                on!(conn, |c| instance::table.order(instance::id).first(c).optional())?;
            if let Some((id, key)) = known {
                return Ok(Installation { id: id.parse().map_err(DbError::corrupt)?, link_key: key.into() });
            }
            let row =
                (instance::id.eq(fresh.id.as_str()), instance::link_key.eq(fresh.link_key.expose_secret()));
            on!(conn, |c| diesel::insert_into(instance::table).values(row).execute(c))?;
            Ok(fresh.clone())
        })
    }
}

fn run(conn: &mut Conn<'_>) -> Result<Vec<String>, DbError> {
    let done = match conn {
        Conn::Sqlite(c) => c.run_pending_migrations(SQLITE),
        Conn::Postgres(c) => c.run_pending_migrations(POSTGRES),
    };
    let done = done.map_err(|error| DbError::Unusable(format!("a migration failed: {error}")))?;
    Ok(done.iter().map(ToString::to_string).collect())
}
