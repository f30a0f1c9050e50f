//! Pure decisions. Everything that a decision needs is handed to it: no I/O, no clock, no randomness, no log. The page,
//! the API, the command line and the worker all call these same functions, so what one shows another accepts.

pub mod admission;
pub mod availability;
pub mod balance;
pub mod exceptions;
pub mod extending;
pub mod fair_share;
pub mod fitness;
pub mod health;
pub mod lead;
pub mod mail;
pub mod outage;
pub mod reaping;
pub mod reconcile;
pub mod reminders;
pub mod renewal;
pub mod roster;
pub mod search;
pub mod sentences;
pub mod standing;
pub mod waitlist;
