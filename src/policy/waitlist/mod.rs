//! The waitlist.

pub mod forecast;
pub mod offer;
pub mod order;
pub mod turn;
