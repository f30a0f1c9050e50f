//! Who may come in, and what each may do.

pub mod openid;
pub mod permissions;
