//! The waitlist: who comes first ([`order`]), whose turn it is and to what ([`turn`]), how long an offer stands ([`offer`]),
//! and what to expect before one joins ([`forecast`]).
//!
//! # Nobody waits for ever
//!
//! Let the weights [bound the wait](crate::domain::fair_share::Weights::bound_the_wait), let a wait's age count from `A`, and
//! let its student neither pass an offer, nor let one lapse, nor leave. Let `n` be how many others are in line at `A`. Then of
//! the places that come free from `A` + the age cap on and that it could have, at most `n` go to others before it has
//! its turn: each to another one of those `n` who have waited since `A` or before.
//!
//! That is so because those whose age has reached the cap come before all others, whose age counts longest first. Whoever
//! gets a place leaves the line; whoever passes or does not answer has their age counted from then on; whoever joins later has
//! a later one. The weighted sum alone would give no such bound, however much the age weighs: between two who have both
//! reached its cap the sum goes by the other factors only, and someone who used much would give way to one newcomer after the other.
//!
//! What it does not say: that such places come. A place counts that is as long as was asked for, within the windows, and legal; a
//! long slot within narrow windows may not come free, since shorter ones are given out in the meantime.
//!
//! # Nothing is gained by tricks
//!
//! All else equal, and at whatever time the two are compared:
//!
//! - A wait that was passed, or not answered, stands no better than if it had not been offered anything. One that was left and
//!   joined anew stands no better than if it had been kept.
//! - Who has used more stands no better.
//! - Of a request that is split, each piece stands no better than the whole would: it is joined later, since a student
//!   waits for a lab once at a time; what was charged for the pieces before counts; and a shorter length leaves more slack. And
//!   the pieces together are charged for as long as the whole, and for each one's lead on top. (A shorter slot may come sooner
//!   since it fits where the whole would not. That is so for everyone who asks for less.)
//! - In which order the waits are listed changes nothing.

pub mod forecast;
pub mod offer;
pub mod order;
pub mod turn;

#[cfg(test)]
mod properties;
