//! Fairlease lets the students of a course book time on cloud resources that the course shares, keeps the course's rules,
//! provisions what was booked, and deletes it when its time is over.
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod db;
pub mod domain;
pub mod entropy;
pub mod mail;
pub mod policy;
pub mod services;
pub mod web;
pub mod worker;
