//! Storage: the only home of diesel. One schema and one set of queries serve SQLite and PostgreSQL.
//!
//! A use case runs as one closure over a [`Conn`], on a thread that may block, in one transaction: [`Db::write`] or
//! [`Db::read`]. The closure may run more than once, if the database says that it lost a race.

mod announcements;
mod audit;
mod booking_use;
mod bookings;
mod bounces;
mod calendars;
mod capabilities;
mod connection;
mod courses;
mod deferrals;
mod dialect;
mod digests;
mod erasure;
mod exceptions;
mod failures;
mod guards;
mod health;
mod hints;
mod idle;
mod jobs;
mod kept;
mod marks;
mod members;
mod migrate;
mod notices;
mod occupancy;
mod outages;
mod outbox;
mod people;
mod preparations;
mod queue;
mod receipts;
mod resources;
mod roster_imports;
mod schema;
mod sessions;
mod shares;
mod sign_ins;
mod standing_leases;
mod sweeps;
mod tokens;
mod types;
mod usage;
mod waits;

pub use announcements::*;
pub use audit::*;
pub use booking_use::*;
pub use bookings::*;
pub use bounces::*;
pub use calendars::*;
pub use capabilities::*;
pub use connection::{Conn, Db, DbUrl, MaybeDbError};
pub use courses::*;
pub use deferrals::insert_deferral;
pub use digests::*;
pub use erasure::erase;
pub use exceptions::*;
pub use failures::*;
pub use guards::*;
pub use health::*;
pub use hints::*;
pub use idle::*;
pub use jobs::*;
pub use kept::kept_of;
pub use marks::*;
pub use members::*;
pub use migrate::Installation;
pub use notices::*;
pub use occupancy::*;
pub use outages::*;
pub use outbox::*;
pub use people::*;
pub use preparations::*;
pub use queue::*;
pub use receipts::*;
pub use resources::*;
pub use roster_imports::*;
pub use sessions::*;
pub use shares::*;
pub use sign_ins::*;
pub use standing_leases::*;
pub use sweeps::*;
pub use tokens::*;
pub use usage::*;
pub use waits::*;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Another transaction won; the same closure may succeed if run again.
    #[error("the database asks to try again: {0}")]
    TryAgain(String),
    /// The capacity of a pool or of its site would have been exceeded, or a named node held twice.
    #[error("the pool's capacity would be exceeded")]
    OverCapacity,
    /// There is a row like this already.
    #[error("there is such a row already: {0}")]
    Duplicate(String),
    /// What is stored makes no sense.
    #[error("the database holds what this version can't read: {0}")]
    Corrupt(String),
    /// The database can't be reached or used.
    #[error("the database can't be used: {0}")]
    Unusable(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(#[source] diesel::result::Error),
}

impl From<diesel::result::Error> for DbError {
    fn from(error: diesel::result::Error) -> Self {
        dialect::classify(error)
    }
}

impl DbError {
    fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}
