//! Connections and transactions.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};

use super::{DbError, dialect};

/// Where the database is: `sqlite:///path/to/file` or `postgres://user@host/name`.
#[derive(Clone, PartialEq, Eq)]
pub enum DbUrl {
    /// A file.
    Sqlite(String),
    /// A server, as libpq reads it.
    Postgres(String),
}

impl FromStr for DbUrl {
    type Err = String;
    fn from_str(url: &str) -> Result<Self, String> {
        match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.to_owned())),
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => Ok(Self::Postgres(url.to_owned())),
            _ => Err("write sqlite:///path/to/file or postgres://user:password@host/name".to_owned()),
        }
    }
}

/// Without the password.
impl fmt::Display for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{path}"),
            Self::Postgres(url) => {
                let place = url
                    .rsplit_once('@')
                    .map_or_else(|| url.trim_start_matches("postgres://"), |(_, place)| place);
                write!(f, "postgres://{place}")
            }
        }
    }
}

impl fmt::Debug for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A connection within a transaction.
pub enum Conn<'a> {
    /// To SQLite.
    Sqlite(&'a mut SqliteConnection),
    /// To PostgreSQL.
    Postgres(&'a mut PgConnection),
}

/// Runs one diesel expression on whichever backend the connection is to.
macro_rules! on {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite(inner) => {
                let $c: &mut diesel::SqliteConnection = inner;
                $body
            }
            $crate::db::Conn::Postgres(inner) => {
                let $c: &mut diesel::PgConnection = inner;
                $body
            }
        }
    };
}
pub(super) use on;

impl fmt::Debug for Conn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Conn::Sqlite",
            Self::Postgres(_) => "Conn::Postgres",
        })
    }
}

type PgPool = Pool<ConnectionManager<PgConnection>>;
type SqlitePool = Pool<ConnectionManager<SqliteConnection>>;

/// SQLite has one writer at a time: within a process they queue for one connection, which is fairer and quicker than
/// to let them collide.
#[derive(Clone)]
enum Backend {
    Sqlite { writer: Arc<Mutex<SqliteConnection>>, readers: SqlitePool },
    Postgres(PgPool),
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    backend: Backend,
    url: DbUrl,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db({})", self.url)
    }
}

/// Connections that one process keeps: enough for two cores and their waits.
const POOL_SIZE: u32 = 8;
/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a closure is run again after it lost a race.
const MAX_TRIES: u32 = 5;

#[derive(Debug)]
struct Prepare;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Prepare {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        dialect::prepare_sqlite(conn).map_err(diesel::r2d2::Error::QueryError)
    }
}

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for Prepare {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        dialect::prepare_postgres(conn).map_err(diesel::r2d2::Error::QueryError)
    }
}

impl Db {
    /// Opens the database, making SQLite's file if there is none. Blocks.
    pub fn open(url: &DbUrl) -> Result<Self, DbError> {
        let backend = match url {
            DbUrl::Sqlite(path) => open_sqlite(path)?,
            DbUrl::Postgres(url) => Backend::Postgres(open_postgres(url)?),
        };
        Ok(Self { backend, url: url.clone() })
    }

    /// Where it is.
    pub fn url(&self) -> &DbUrl {
        &self.url
    }

    /// Runs `work` in one transaction that may write, and keeps what it wrote if it succeeds. Runs it again, from the
    /// start, if it lost a race. `name` says in the log what it is.
    pub async fn write<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + MaybeDbError + Send + 'static,
        F: Fn(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
    {
        let db = self.clone();
        run_blocking(move || db.write_blocking(name, work)).await
    }

    /// Runs `work` in one transaction that only reads and sees one state of the database.
    pub async fn read<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
    {
        let db = self.clone();
        run_blocking(move || {
            db.with_reader(|conn| {
                let _span = tracing::debug_span!("read", name).entered();
                transaction(conn, dialect::begin_read, work)
            })
        })
        .await
    }

    /// [`Db::write`] on the present thread.
    pub fn write_blocking<T, E>(
        &self,
        name: &'static str,
        work: impl Fn(&mut Conn<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<DbError> + MaybeDbError,
    {
        let _span = tracing::debug_span!("write", name).entered();
        for attempt in 1.. {
            match self.with_writer(|conn| transaction(conn, dialect::begin_write, &work)) {
                Err(error) if attempt < MAX_TRIES && error.lost_a_race() => {
                    tracing::debug!(attempt, "lost a race, trying again");
                }
                result => return result,
            }
        }
        unreachable!("the loop has no other end")
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.read("ping", |conn| Ok(dialect::ping(conn)?)).await
    }

    fn with_writer<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut Conn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.backend {
            Backend::Sqlite { writer, .. } => {
                let mut conn = writer.lock().unwrap_or_else(PoisonError::into_inner);
                work(&mut Conn::Sqlite(&mut conn))
            }
            Backend::Postgres(pool) => work(&mut Conn::Postgres(&mut *pool.get().map_err(no_connection)?)),
        }
    }

    fn with_reader<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut Conn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.backend {
            Backend::Sqlite { readers, .. } => {
                work(&mut Conn::Sqlite(&mut *readers.get().map_err(no_connection)?))
            }
            Backend::Postgres(pool) => work(&mut Conn::Postgres(&mut *pool.get().map_err(no_connection)?)),
        }
    }
}

/// Tells a lost race from other errors, for [`Db::write`].
pub trait MaybeDbError {
    /// Whether the same work may succeed if run again.
    fn lost_a_race(&self) -> bool;
}

impl MaybeDbError for DbError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::TryAgain(_))
    }
}

fn transaction<T, E: From<DbError>>(
    conn: &mut Conn<'_>,
    begin: impl FnOnce(&mut Conn<'_>) -> QueryResult<()>,
    work: impl FnOnce(&mut Conn<'_>) -> Result<T, E>,
) -> Result<T, E> {
    begin(conn).map_err(DbError::from)?;
    match work(conn) {
        Ok(value) => {
            finish(conn, true).map_err(DbError::from)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(rollback) = finish(conn, false) {
                tracing::warn!(%rollback, "a transaction could not be rolled back");
            }
            Err(error)
        }
    }
}

fn finish(conn: &mut Conn<'_>, commit: bool) -> QueryResult<()> {
    on!(conn, |c| if commit {
        AnsiTransactionManager::commit_transaction(c)
    } else {
        AnsiTransactionManager::rollback_transaction(c)
    })
}

/// A panic in the closure is a bug of ours: it goes on in the caller.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn no_connection(error: diesel::r2d2::PoolError) -> DbError {
    DbError::Unusable(format!("no connection within {} s: {error}", PATIENCE.as_secs()))
}

fn unusable(error: impl fmt::Display) -> DbError {
    DbError::Unusable(error.to_string())
}

fn open_sqlite(path: &str) -> Result<Backend, DbError> {
    let mut writer = SqliteConnection::establish(path).map_err(unusable)?;
    dialect::prepare_sqlite(&mut writer)?;
    let readers = Pool::builder()
        .max_size(POOL_SIZE)
        .min_idle(Some(1))
        .connection_timeout(PATIENCE)
        .test_on_check_out(false)
        .connection_customizer(Box::new(Prepare))
        .build(ConnectionManager::new(path))
        .map_err(unusable)?;
    Ok(Backend::Sqlite { writer: Arc::new(Mutex::new(writer)), readers })
}

fn open_postgres(url: &str) -> Result<PgPool, DbError> {
    // One attempt first: its error says what is wrong, where the pool would only say that time ran out.
    PgConnection::establish(url).map_err(unusable)?;
    Pool::builder()
        .max_size(POOL_SIZE)
        .min_idle(Some(1))
        .connection_timeout(PATIENCE)
        .test_on_check_out(false)
        .connection_customizer(Box::new(Prepare))
        .build(ConnectionManager::new(url))
        .map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_scheme_is_refused_and_a_password_is_not_shown() {
        assert!("fairlease.sqlite".parse::<DbUrl>().unwrap_err().contains("sqlite:///"));
        assert!("sqlite://".parse::<DbUrl>().is_err());
        let url: DbUrl = "postgres://me:secret@db.example.org/fairlease".parse().unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "postgres://db.example.org/fairlease postgres://db.example.org/fairlease"
        );
    }
}
