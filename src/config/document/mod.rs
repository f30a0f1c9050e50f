//! A TOML file, checked against the schema of the types that it becomes: every error at once, each with its line.

pub(super) mod lines;
pub(super) mod report;
pub(super) mod schema;
pub(super) mod shape;
