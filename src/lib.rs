//! Fairlease. (Map to come.)
pub mod clock;
pub mod cloud;
pub mod config;
pub mod db;
pub mod domain;
pub mod entropy;
pub mod mail;
pub mod policy;
pub mod services;
pub mod worker;
