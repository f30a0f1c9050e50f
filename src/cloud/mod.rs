//! The clouds on which bookings are provisioned: one port, two adapters, and what listens to their calls.

pub mod metered;
pub mod openstack;
pub mod outage_feed;
pub mod port;
pub mod simulated;
