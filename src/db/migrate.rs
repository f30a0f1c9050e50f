//! Brings the schema up to date.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{Conn, Db, on};
use super::schema::instance;
use super::{DbError, dialect};
use crate::domain::ids::InstanceId;
use diesel::prelude::*;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

impl Db {
    /// Runs the migrations that the database lacks, all of them or none, and returns their names. Several processes may
    /// call it at once: one works, the others wait and find nothing to do. Blocks.
    pub fn migrate(&self) -> Result<Vec<String>, DbError> {
        self.write_blocking("migrate", |conn| {
            dialect::lock_migrations(conn)?;
            run(conn)
        })
    }

    /// This installation's id: `fresh` if it had none yet. Blocks.
    pub fn instance(&self, fresh: &InstanceId) -> Result<InstanceId, DbError> {
        self.write_blocking("instance", |conn| {
            let known: Option<String> =
                on!(conn, |c| instance::table.select(instance::id).order(instance::id).first(c).optional())?;
            if let Some(id) = known {
                id.parse().map_err(DbError::corrupt)
            } else {
                on!(conn, |c| diesel::insert_into(instance::table)
                    .values(instance::id.eq(fresh.as_str()))
                    .execute(c))?;
                Ok(fresh.clone())
            }
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
