//! What people come for, told through a real browser.

mod main_job;
mod steps;
