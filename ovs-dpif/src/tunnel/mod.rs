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
mod gre;
mod kind;
mod pop;
mod push;
mod udp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ovs_flow::DpPort;

pub use kind::{TunnelFormat, TunnelKind};
pub(crate) use pop::pop;
pub(crate) use push::{Template, push, wants_segments};

/// Headers that are put around a packet (`tnl_push`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TnlPush {
    /// The tunnel's port in the datapath.
    pub port: DpPort,
    /// The port that the outer packet comes from: the internal one of the bridge that it goes on in.
    pub out_port: DpPort,
    /// How the packet is wrapped.
    pub kind: TunnelKind,
    /// The headers from the Ethernet header on, in network order. Lengths, the IPv4 checksum, the UDP source port, GRE's
    /// checksum and number and ERSPAN's time are zero; a UDP checksum that is not zero says that one is wanted.
    pub header: Box<[u8]>,
    /// The least and the greatest UDP source port.
    pub source_ports: (u16, u16),
    /// Where the numbers of packets come from, if the GRE header has any.
    pub sequence: Option<Sequence>,
    /// What becomes of the IPv6 header's flow label.
    pub label: FlowLabel,
}

impl TnlPush {
    /// Headers of such a kind, as [`TnlPush::header`] describes them, from port 0 to port 0; packets are not numbered.
    pub fn new(kind: TunnelKind, header: impl Into<Box<[u8]>>) -> Self {
        Self {
            port: DpPort::default(),
            out_port: DpPort::default(),
            kind,
            header: header.into(),
            source_ports: (32768, 61000),
            sequence: None,
            label: FlowLabel::Header,
        }
    }
}

/// The numbers of a tunnel's packets (RFC 2890 section 2.2), which all workers count up together: the one thing about
/// tunnels that they share, and only those that number packets pay for it.
#[derive(Clone, Debug, Default)]
pub struct Sequence(Arc<AtomicU32>);

impl Sequence {
    /// The next number.
    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl PartialEq for Sequence {
    /// Whether both count the same tunnel's packets.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Sequence {}

/// The flow label of an outer IPv6 header (RFC 6437).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FlowLabel {
    /// As the header has it.
    #[default]
    Header,
    /// That of the IPv6 packet inside; the header's for any other.
    Copy,
    /// One that is the same for all packets of a flow.
    Hash,
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
