//! The clouds on which bookings are provisioned: one port, two adapters.

pub mod openstack;
pub mod port;
pub mod simulated;
