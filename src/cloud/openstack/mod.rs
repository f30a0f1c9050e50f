//! OpenStack sites.
