//! The words of the field as plain data. Knows std, chrono (with its zones) and serde, and nothing of the outside.

pub mod audit;
pub mod blueprint;
pub mod booking;
pub mod calendar;
pub mod capability;
pub mod course;
pub mod exception;
pub mod fair_share;
pub mod fitness;
pub mod health;
pub mod identity;
pub mod ids;
pub mod interval;
pub mod link;
pub mod marked;
pub mod notice;
pub mod occupancy;
pub mod person;
pub mod reaper;
pub mod renewal;
pub mod resource;
pub mod su;
pub mod survey;
pub mod sweep;
pub mod usage;
pub mod waitlist;
