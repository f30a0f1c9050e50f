//! Mail: what it says, and how it leaves.

pub mod calendar;
pub mod delivery;
pub mod dkim;
pub mod envelope;
pub mod html;
pub mod mailbox;
pub mod messages;
pub mod plain;
pub mod refusal;
