//! Messages that control the Internet layer.

pub(super) mod discovery;
pub(super) mod icmp;
pub(super) mod icmpv6;
pub(super) mod igmp;
pub(super) mod mld;
pub(super) mod neighbor;
