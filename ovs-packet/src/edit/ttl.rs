//! Counting hops down.

use super::{Ipv4, Ipv6, Mpls, Nsh};
use crate::Packet;

/// What became of a time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// It was counted down to this.
    Left(u8),
    /// It was 0 or 1, and was left so: the packet may go no further.
    Expired,
    /// The packet has no header with a time to live.
    Absent,
}

/// Counts the time to live (IPv4) or hop limit (IPv6) down; the header checksum follows. The packet's own IP header
/// only: under MPLS labels it is not looked for.
pub fn dec_ttl(packet: &mut Packet) -> Hop {
    if let Some(mut ip) = Ipv4::of(packet) {
        return count(ip.ttl(), |ttl| ip.set_ttl(ttl));
    }
    match Ipv6::of(packet) {
        Some(mut ip) => count(ip.hop_limit(), |limit| ip.set_hop_limit(limit)),
        None => Hop::Absent,
    }
}

/// Counts the outermost label's time to live down.
pub fn dec_mpls_ttl(packet: &mut Packet) -> Hop {
    match Mpls::of(packet, 0) {
        Some(mut mpls) => count(mpls.ttl(), |ttl| mpls.set_ttl(ttl)),
        None => Hop::Absent,
    }
}

/// Counts the network service header's time to live down.
pub fn dec_nsh_ttl(packet: &mut Packet) -> Hop {
    match Nsh::of(packet) {
        Some(mut nsh) => count(nsh.ttl(), |ttl| nsh.set_ttl(ttl)),
        None => Hop::Absent,
    }
}

fn count(ttl: u8, set: impl FnOnce(u8)) -> Hop {
    match ttl {
        0 | 1 => Hop::Expired,
        _ => {
            set(ttl - 1);
            Hop::Left(ttl - 1)
        }
    }
}
