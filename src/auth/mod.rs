//! Who someone is: asked of those who know.

pub mod openid;
