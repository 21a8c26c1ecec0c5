//! From header to header through a packet.
//!
//! ```
//! use ovs_packet::build;
//! use ovs_packet::wire::{Protocol, walk};
//!
//! let frame = build::frame("eth / vlan 5 / ipv4 / udp / vxlan 7 / eth / arp")?;
//! let names: Vec<_> = walk(Protocol::Ethernet, &frame).map(|layer| layer.map(|l| l.protocol.name())).collect();
//! assert_eq!(names, ["eth", "vlan", "ipv4", "udp", "vxlan", "eth", "arp"].map(Ok));
//! # Ok::<(), build::BuildError>(())
//! ```

use super::announce::{
    ETHER_TYPES, IP_PROTOCOLS, NEXT_PROTOCOLS, UDP_PORTS, announced, by_ether_type, by_version,
};
use super::{EtherType, FieldValue, IpProtocol, Protocol, SnapView, WireError, bytes};

/// Most headers that are walked through.
pub const MAX_LAYERS: usize = 32;

/// One header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer<'a> {
    /// What it is.
    pub protocol: Protocol,
    /// Where in the packet it begins.
    pub offset: usize,
    /// Its bytes, with options.
    pub header: &'a [u8],
    /// What follows it, as far as it says.
    pub payload: &'a [u8],
}

impl<'a> Layer<'a> {
    /// Header and payload.
    pub fn bytes(&self, packet: &'a [u8]) -> &'a [u8] {
        packet.get(self.offset..self.offset + self.header.len() + self.payload.len()).unwrap_or_default()
    }

    /// The value of the field of that name.
    pub fn get(&self, name: &str) -> Option<FieldValue<'a>> {
        self.protocol.field(name)?.get(self.header)
    }

    fn number(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            FieldValue::Number(number) => Some(number),
            FieldValue::Bytes(_) => None,
        }
    }
}

/// Where and why a walk ends before the packet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} header at offset {offset}: {error}", .protocol.name())]
pub struct WalkError {
    /// What was announced.
    pub protocol: Protocol,
    /// Where in the packet it should begin.
    pub offset: usize,
    /// What is wrong with it.
    pub error: WireError,
}

/// The headers of a packet, outermost first. It ends where nothing known follows.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    rest: &'a [u8],
    offset: usize,
    next: Option<Protocol>,
    left: usize,
}

/// Walks through a packet that begins with a header of `first`.
pub fn walk(first: Protocol, packet: &[u8]) -> Walk<'_> {
    Walk { rest: packet, offset: 0, next: Some(first), left: MAX_LAYERS }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Layer<'a>, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        let protocol = self.next.take().filter(|_| self.left > 0)?;
        let offset = self.offset;
        let extent = match protocol.extent(self.rest) {
            Ok(extent) => extent,
            Err(error) => return Some(Err(WalkError { protocol, offset, error })),
        };
        let (header, rest) = self.rest.split_at(extent.header);
        let payload = &rest[..extent.end - extent.header];
        let layer = Layer { protocol, offset, header, payload };
        self.next = if payload.is_empty() { None } else { following(&layer) };
        (self.rest, self.offset, self.left) = (payload, offset + extent.header, self.left - 1);
        Some(Ok(layer))
    }
}

/// What a header says that its payload begins with.
fn following(layer: &Layer<'_>) -> Option<Protocol> {
    let payload = layer.payload;
    let ether_type = |name| Some(EtherType(layer.number(name)? as u16));
    let ip = |name| announced(IP_PROTOCOLS, IpProtocol(layer.number(name)? as u8), payload);
    match layer.protocol {
        Protocol::Ethernet | Protocol::Vlan => by_ether_type(ether_type("ether_type")?, payload),
        Protocol::Snap => SnapView::new_checked(layer.header)
            .ok()
            .filter(SnapView::is_ether_type)
            .and_then(|view| announced(ETHER_TYPES, view.ether_type(), payload)),
        Protocol::Llc => (layer.number("dsap")? == 0x42).then_some(bridge_unit(payload)),
        Protocol::BridgeUnit => (layer.number("version")? >= 3).then_some(Protocol::MultipleTree),
        Protocol::Mpls if layer.number("is_bottom")? == 0 => Some(Protocol::Mpls),
        Protocol::Mpls | Protocol::Lisp => by_version(payload),
        Protocol::Ipv4 => (layer.number("offset_units")? == 0).then(|| ip("protocol"))?,
        Protocol::Fragment if layer.number("offset_units")? != 0 => None,
        Protocol::Ipv6
        | Protocol::Ipv6Options
        | Protocol::Routing
        | Protocol::SegmentRouting
        | Protocol::Fragment
        | Protocol::Authentication
        | Protocol::Mobility => ip("next_header"),
        Protocol::Udp => announced(UDP_PORTS, layer.number("dst_port")? as u16, payload),
        Protocol::Vxlan if layer.number("has_next_protocol")? != 0 => {
            announced(NEXT_PROTOCOLS, layer.number("next_protocol")? as u8, payload)
        }
        Protocol::Nsh => announced(NEXT_PROTOCOLS, layer.number("next_protocol")? as u8, payload),
        Protocol::Vxlan | Protocol::Erspan2 => Some(Protocol::Ethernet),
        Protocol::Erspan3 => match layer.number("frame_type")? {
            0 => Some(Protocol::Ethernet),
            2 => by_version(payload),
            _ => None,
        },
        Protocol::Geneve => announced(ETHER_TYPES, ether_type("protocol")?, payload),
        Protocol::Gre => match ether_type("protocol")? {
            // Version I has neither a sequence number nor a header.
            EtherType::ERSPAN2 if layer.number("has_sequence")? == 0 => Some(Protocol::Ethernet),
            ether_type => announced(ETHER_TYPES, ether_type, payload),
        },
        Protocol::Gtpu => (layer.number("message")? == 255).then(|| by_version(payload))?,
        _ => None,
    }
}

/// Which form a spanning tree unit has.
fn bridge_unit(bytes: &[u8]) -> Protocol {
    match bytes::u8_at(bytes, 3) {
        Some(0 | 2) => Protocol::BridgeUnit,
        _ => Protocol::Bpdu,
    }
}
