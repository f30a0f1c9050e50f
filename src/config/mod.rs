//! What people write down for the service: the course as a file, and who signs people in.

pub mod course_file;
mod document;
pub mod identity_file;
