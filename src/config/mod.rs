//! What people write down for the service: the course as a file.

pub mod course_file;
