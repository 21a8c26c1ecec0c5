//! Protocols by which switches watch each other and their links.

pub(super) mod bfd;
pub(super) mod cfm;
pub(super) mod lacp;
pub(super) mod lldp;
pub(super) mod stp;
