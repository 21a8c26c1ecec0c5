//! Tunnels: headers that are put around packets and taken off again.
//!
//! ```text
//!   packet ─▶ tnl_push(header) ─▶ outer packet ─▶ the rest of the list
//!   outer packet ─▶ tnl_pop(port) ─▶ inner packet, outer headers as metadata ─▶ from the start, by that port
//! ```
//!
//! The header of [`TnlPush`] is made once, by translation: what differs from packet to packet (lengths, checksums, the
//! source port that spreads flows over links) is written into a copy of it.

mod flow_hash;
mod pop;
mod push;

use ovs_flow::DpPort;
use ovs_packet::Offload;

pub(crate) use pop::pop;
pub(crate) use push::push;

/// How a tunnel wraps packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TunnelKind {
    /// VXLAN (RFC 7348).
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
}

impl TunnelKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Vxlan, Self::Geneve];

    /// The `type` column of an interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What the name of the datapath's port begins with.
    pub const fn system_name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan_sys",
            Self::Geneve => "genev_sys",
        }
    }

    /// The number under which `tnl_push(…)` prints it.
    pub const fn number(self) -> u32 {
        match self {
            Self::Vxlan => 4,
            Self::Geneve => 5,
        }
    }

    /// The kind of that number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The UDP port that packets are sent to unless an interface says otherwise (IANA).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Vxlan => 4789,
            Self::Geneve => 6081,
        }
    }

    /// What unfinished work inside of it is marked with.
    const fn offload(self) -> Offload {
        match self {
            Self::Vxlan => Offload::IN_VXLAN,
            Self::Geneve => Offload::IN_GENEVE,
        }
    }
}

/// Headers that are put around a packet (`tnl_push`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TnlPush {
    /// The tunnel's port in the datapath.
    pub port: DpPort,
    /// The port that the outer packet comes from: the internal one of the bridge that it goes on in.
    pub out_port: DpPort,
    /// How the packet is wrapped.
    pub kind: TunnelKind,
    /// The headers from the Ethernet header on, in network order. Lengths, the IPv4 checksum and the UDP source port are
    /// zero; a UDP checksum that is not zero says that one is wanted.
    pub header: Box<[u8]>,
    /// The least and the greatest UDP source port.
    pub source_ports: (u16, u16),
}

/// Bytes of an Ethernet header without tags.
const ETHERNET: usize = 14;
/// Bytes of the shortest header that [`TnlPush`] can have: Ethernet and IPv4.
const LEAST: usize = ETHERNET + 20;

impl TnlPush {
    /// Where the transport header begins, and whether the network header is IPv6; `None` if the header is not one that can be
    /// put around a packet.
    pub(crate) fn layout(&self) -> Option<(usize, bool)> {
        if self.header.len() < LEAST {
            return None;
        }
        match u16::from_be_bytes([self.header[12], self.header[13]]) {
            0x0800 if self.header[ETHERNET] == 0x45 => Some((ETHERNET + 20, false)),
            0x86dd if self.header.len() >= ETHERNET + 40 => Some((ETHERNET + 40, true)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
