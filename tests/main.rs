//! The one test binary.
mod contract;
mod stories;
mod support;
