//! Every test that sees the library or the command from outside, in one binary: each binary links for itself, and that
//! takes longer than the tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stderr,
    reason = "a test that can't go on fails, and says where"
)]

mod announcement_pages;
mod announcements;
mod architecture;
mod audit;
mod blueprints;
mod booking;
mod by_hand;
mod calendars;
mod commands;
mod contract;
mod crashes;
mod crowd;
mod deploy;
mod doctor;
mod extending;
mod eyes;
mod failures;
mod fairshare;
mod faults;
mod health;
mod idle;
mod killed;
mod leads;
mod ledger;
mod letters;
mod limits;
mod links;
mod looking;
mod mail;
mod marks;
mod me;
mod moving;
mod no_shows;
mod openid;
mod outage_hints;
mod outages;
mod outbox;
mod permissions;
mod pools;
mod privacy;
mod provisioning;
mod races;
mod reaper_pages;
mod reaping;
mod renewal;
mod replicas;
mod requests;
mod roles;
mod roster;
mod rosters;
mod rules;
mod schema;
mod security;
mod seen;
mod sessions;
mod sign_in;
mod simulation;
mod site;
mod sites;
mod slurm;
mod statics;
mod stories;
mod support;
mod sweeping;
mod teams;
mod tokens;
mod unruly;
mod waiting;
mod waitlist;
mod whose;
mod world;
