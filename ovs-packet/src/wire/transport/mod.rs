//! Transport headers.

pub(super) mod sctp;
pub(super) mod tcp;
pub(super) mod udp;
