//! What people come for, told through a real browser.

mod accessibility;
mod changes;
mod eyes;
mod finding;
mod keyboard;
mod main_job;
mod real_openstack;
mod reaper;
mod refused;
mod screenshots;
mod sign_in;
mod steps;
mod three_clicks;
mod two_tabs;
mod without_javascript;
