//! Fairlease. (Map to come.)
pub mod clock;
pub mod cloud;
pub mod domain;
pub mod entropy;
