//! Link-layer headers.

pub(super) mod arp;
pub(super) mod ethernet;
pub(super) mod mpls;
