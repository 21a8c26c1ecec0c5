//! The Internet protocols.

pub(super) mod extension;
pub(super) mod ipv4;
pub(super) mod ipv6;
pub(super) mod segment_routing;
