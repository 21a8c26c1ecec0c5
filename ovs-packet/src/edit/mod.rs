//! Changing packets in place: tags and labels, header fields with their checksums, unfinished work.
//!
//! Every function is total: on a packet that lacks the header it wants, it changes nothing and says so.
//! Checksums are corrected incrementally (RFC 1624), so a wrong one stays wrong; those that a device is still to
//! complete ([`Offload::NEEDS_L4_CSUM`](crate::Offload)) are kept in their unfinished form.
//!
//! | header | comes and goes | fields |
//! |---|---|---|
//! | Ethernet | [`push_ethernet`], [`pop_ethernet`] | [`set_ether_dst`], [`set_ether_src`] |
//! | VLAN tag, at any depth | [`push_vlan`], [`pop_vlan`] | [`Vlan`] |
//! | MPLS label, at any depth | [`push_mpls`], [`pop_mpls`] | [`Mpls`], [`dec_mpls_ttl`] |
//! | network service header | [`push_nsh`], [`pop_nsh`] | [`Nsh`], [`dec_nsh_ttl`] |
//! | ARP | | [`Arp`] |
//! | IPv4, IPv6 | | [`Ipv4`], [`Ipv6`], [`dec_ttl`] |
//! | TCP, UDP, SCTP | | [`Ports`] |
//! | ICMP, ICMPv6, neighbour discovery | | [`Icmp`], [`Neighbor`] |
//!
//! Work that was left to a device ([`DeviceFacts`](crate::DeviceFacts)) is done by [`finish`]: segments, and checksums of
//! the packet's own headers or of those inside a tunnel, with the headers around them.
//!
//! ```
//! use ovs_packet::{Packet, edit};
//!
//! # let frame: Vec<u8> = [&[0; 12][..], &[8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0x26, 0xcf, 10, 0, 0, 1, 10, 0, 0, 2],
//! #     &[0, 1, 0, 2, 0, 8, 0, 0]].concat();
//! let mut packet = Packet::detached(&frame).unwrap();
//! let mut ip = edit::Ipv4::of(&mut packet).expect("it is an IPv4 packet");
//! let ttl = ip.ttl();
//! ip.set_ttl(ttl - 1);
//! edit::push_vlan(&mut packet, 0x8100, 100).unwrap();
//! assert_eq!(edit::pop_vlan(&mut packet), Some((0x8100, 100)));
//! ```

mod arp;
mod complete;
mod ethernet;
mod finish;
mod icmp;
mod ip;
mod locate;
mod mpls;
mod nsh;
mod ports;
mod segment;
mod truncate;
mod ttl;
mod tunnel;
mod vlan;
mod write;

pub use arp::Arp;
pub use complete::{complete_checksum, complete_outer_checksum};
pub use ethernet::{pop_ethernet, push_ethernet, set_ether_dst, set_ether_src};
pub use finish::{FinishError, finish};
pub use icmp::{Icmp, Neighbor};
pub use ip::{Ipv4, Ipv6};
pub(crate) use locate::network;
pub use locate::{Located, Transport};
pub use mpls::{Mpls, next_mpls, pop_mpls, push_mpls, set_mpls, top_mpls};
pub use nsh::{Nsh, NshContext, NshPush, pop_nsh, push_nsh};
pub use ports::Ports;
pub use segment::MAX_SEGMENTS;
pub use truncate::truncate;
pub use ttl::{Hop, dec_mpls_ttl, dec_nsh_ttl, dec_ttl};
pub use vlan::{Vlan, pop_vlan, push_vlan, set_vlan_tci};

/// Why an edit was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The packet ends before the header in question.
    #[error("the packet is too short for the header to be changed")]
    Truncated,
    /// The packet has another header there.
    #[error("the packet does not have the header to be changed")]
    WrongHeader,
    /// The frame has no room for the header to be added.
    #[error(transparent)]
    NoRoom(#[from] crate::NoRoom),
}
