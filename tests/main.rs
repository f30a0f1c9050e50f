//! The one test binary.
mod contract;
