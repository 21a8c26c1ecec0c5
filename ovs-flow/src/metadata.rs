//! What a packet carries beside its bytes while it is in a datapath.

use alloc::boxed::Box;

use crate::{DpPort, TunnelKey};

/// What a datapath knows of a packet that is not in its bytes; travels in the worker's array parallel to
/// the batch, so that the packet itself stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Port of entry.
    pub in_port: DpPort,
    /// Recirculation identifier, 0 from the wire.
    pub recirc_id: u32,
    /// Hash computed by an earlier `hash` action, or 0.
    pub dp_hash: u32,
    /// Quality-of-service class (`skb_priority`).
    pub priority: u32,
    /// Packet mark.
    pub mark: u32,
    /// Connection tracking results.
    pub ct: CtMetadata,
    /// Outer headers, if it came through a tunnel or a tunnel was set.
    pub tunnel: Option<Box<TunnelKey>>,
}

/// What the connection tracker said of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CtMetadata {
    /// [`crate::CtState`] bits, 0 if untracked.
    pub state: u8,
    /// Zone.
    pub zone: u16,
    /// Mark.
    pub mark: u32,
    /// Label.
    pub label: [u8; 16],
    /// Original direction: protocol, 0 if there is none.
    pub orig_proto: u8,
    /// Original direction: whether the addresses are IPv6.
    pub orig_ipv6: bool,
    /// Original direction: addresses, source then destination, network order (IPv4 in the first 4 bytes).
    pub orig_addr: [[u8; 16]; 2],
    /// Original direction: ports, source then destination, host order.
    pub orig_ports: [u16; 2],
    /// The tracker's name for the connection, 0 for none: by it the tracker knows a packet again that comes once more.
    pub connection: u64,
}

impl Metadata {
    /// Of a packet that just came in by `in_port`.
    pub fn of_port(in_port: DpPort) -> Self {
        Self { in_port, ..Self::default() }
    }
}
