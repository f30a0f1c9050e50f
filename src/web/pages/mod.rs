//! The pages, one file a feature.
//!
//! Each file holds plain structs (the page's *context*: every text already worded, every time already in the course's
//! zone), the askama template that draws them, and `samples()`: a realistic context for every state that the page can
//! be in. The tests below draw each sample and check what must hold for every page.

pub mod booking;
pub mod calendar_address;
pub mod lab;
pub mod labs;
pub mod layout;
pub mod mailbox;
pub mod me;
pub mod my_bookings;
pub mod refusal;
pub mod sign_in;
pub mod staff_lab;

#[cfg(test)]
mod tests;
