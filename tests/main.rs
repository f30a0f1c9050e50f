//! Every test that sees the library or the command from outside, in one binary: each binary links for itself, and that
//! takes longer than the tests.

mod architecture;
mod booking;
mod contract;
mod crashes;
mod faults;
mod races;
mod reaping;
mod schema;
mod world;
