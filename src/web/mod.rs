//! What a browser meets: the pages, and the files that they load.

pub mod pages;
