//! What people come for, told through a real browser.

mod changes;
mod main_job;
mod real_openstack;
mod refused;
mod screenshots;
mod steps;
mod two_tabs;
mod without_javascript;
