//! What people come for, told through a real browser.

mod main_job;
mod real_openstack;
mod steps;
