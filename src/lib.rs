//! Fairlease: students of a course book time on shared cloud resources.

pub mod web;
