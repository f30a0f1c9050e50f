//! Who may come in, and what each may do.

pub mod permissions;
