//! Layers to bytes, from the innermost out: what is computed.

use alloc::vec::Vec;

use super::{BuildError, Layer};
use crate::checksum::{Sum, crc32c, internet, pseudo_v4, pseudo_v6};
use crate::wire::announce::{ETHER_TYPES, IP_PROTOCOLS, NEXT_PROTOCOLS, UDP_PORTS, number_of};
use crate::wire::{EtherType, GtpuExtension, IpProtocol, Protocol};

/// Longest content of a layer with a length field.
const MAX: usize = 65_535;

/// For local experiments (IEEE 802 clause 9.2.4).
const EXPERIMENT: u16 = 0x88b5;

/// The bytes of all layers.
pub(super) fn packet(layers: &[Layer]) -> Result<Vec<u8>, BuildError> {
    let mut content = Vec::new();
    for (index, layer) in layers.iter().enumerate().rev() {
        let Some(protocol) = layer.protocol() else {
            content.splice(0..0, layer.bytes.iter().copied());
            if content.len() > 2 * MAX {
                return Err(BuildError::TooLong { layer: index });
            }
            continue;
        };
        let most = if protocol == Protocol::Ethernet { 2 * MAX } else { MAX };
        let within = |content: &Vec<u8>| content.len() <= most;
        let around = Around {
            protocol,
            outer: layers.get(..index).unwrap_or_default(),
            inner: layers.get(index + 1),
            content: &content,
        };
        content = around.wrap(layer.clone()).filter(within).ok_or(BuildError::TooLong { layer: index })?;
    }
    Ok(content)
}

/// What a layer is wrapped around, and what will be wrapped around it.
struct Around<'a> {
    protocol: Protocol,
    outer: &'a [Layer],
    inner: Option<&'a Layer>,
    content: &'a [u8],
}

impl Around<'_> {
    /// The layer's bytes and all within; none if one of its lengths does not fit its field.
    fn wrap(&self, mut layer: Layer) -> Option<Vec<u8>> {
        let tail = self.tail(&mut layer);
        self.announce(&mut layer);
        self.measure(&mut layer, tail.len());
        if layer.overflows {
            return None;
        }
        let mut bytes = layer.bytes.clone();
        bytes.extend_from_slice(&tail);
        let header_len = bytes.len();
        bytes.extend_from_slice(self.content);
        self.checksum(&layer, &mut bytes, header_len);
        Some(bytes)
    }

    /// What is behind the fixed part: the pieces by rank, and padding or end marks.
    fn tail(&self, layer: &mut Layer) -> Vec<u8> {
        if self.protocol == Protocol::SegmentRouting && layer.pieces.iter().all(|(rank, _)| *rank != 0) {
            // Its count cannot say that there is none.
            layer.pieces.push((0, [0; 16].to_vec()));
        }
        layer.pieces.sort_by_key(|(rank, _)| *rank);
        let mut tail = if self.protocol == Protocol::Gtpu {
            gtpu_tail(layer)
        } else {
            layer.pieces.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect()
        };
        let mut pad = |unit: usize| {
            let len = layer.bytes.len() + tail.len();
            tail.resize(tail.len() + len.next_multiple_of(unit) - len, 0);
        };
        match self.protocol {
            Protocol::Ipv4 | Protocol::Tcp | Protocol::Authentication => pad(4),
            Protocol::Ipv6Options | Protocol::Routing | Protocol::SegmentRouting | Protocol::Mobility => {
                pad(8);
            }
            Protocol::Lldp => tail.extend([0; 2]),
            Protocol::Cfm
            | Protocol::Ccm
            | Protocol::Loopback
            | Protocol::Linktrace
            | Protocol::LinktraceReply => {
                tail.push(0);
            }
            Protocol::Nsh if tail.is_empty() && layer.number("md_type") == 1 => tail.resize(16, 0),
            Protocol::BridgeUnit if tail.is_empty() && layer.number("version") >= 2 => tail.push(0),
            // The routes end with an empty one; their offset word stands with the checksum.
            Protocol::Gre if layer.number("has_routing") == 1 => {
                tail.extend([0; 4]);
                if layer.number("has_checksum") == 0 {
                    tail.splice(0..0, [0; 4]);
                }
            }
            _ => {}
        }
        tail
    }

    /// Says what follows.
    fn announce(&self, layer: &mut Layer) {
        let inner = self.inner.and_then(Layer::protocol);
        let next = || usize::from(inner.and_then(|inner| number_of(NEXT_PROTOCOLS, inner)).unwrap_or(0));
        match self.protocol {
            Protocol::Ethernet | Protocol::Vlan if matches!(inner, Some(Protocol::Llc | Protocol::Snap)) => {
                layer.compute("ether_type", self.content.len());
                // A longer one would be a type.
                layer.overflows |= self.content.len() > 1500;
            }
            Protocol::Ethernet | Protocol::Vlan | Protocol::Snap => {
                layer.compute("ether_type", self.ether_type());
            }
            Protocol::Geneve | Protocol::Gre => layer.compute("protocol", self.ether_type()),
            Protocol::Llc if matches!(inner, Some(Protocol::Bpdu | Protocol::BridgeUnit)) => {
                layer.compute("dsap", 0x42);
                layer.compute("ssap", 0x42);
            }
            Protocol::BridgeUnit if inner == Some(Protocol::MultipleTree) => layer.compute("version", 3),
            Protocol::Mpls => layer.compute("is_bottom", usize::from(inner != Some(Protocol::Mpls))),
            Protocol::Nsh => layer.compute("next_protocol", next()),
            Protocol::Vxlan if layer.number("has_next_protocol") == 1 => {
                layer.compute("next_protocol", next());
            }
            Protocol::Erspan3 if inner == Some(Protocol::Ethernet) => layer.compute("is_ethernet", 1),
            Protocol::Udp => {
                let announced_by = self.inner.and_then(|inner| inner.announced_by);
                if let Some(usual) = inner.and_then(|inner| number_of(UDP_PORTS, inner)) {
                    layer.compute("dst_port", usize::from(announced_by.unwrap_or(usual)));
                }
            }
            Protocol::Ipv4 => layer.compute("protocol", self.ip_protocol()),
            Protocol::Ipv6
            | Protocol::Ipv6Options
            | Protocol::Routing
            | Protocol::SegmentRouting
            | Protocol::Fragment
            | Protocol::Authentication => layer.compute("next_header", self.ip_protocol()),
            Protocol::Mobility => {
                let none = usize::from(IpProtocol::NO_NEXT.0);
                layer.compute("next_header", inner.map_or(none, |_| self.ip_protocol()));
            }
            _ => {}
        }
    }

    /// The Ethernet type of what follows.
    fn ether_type(&self) -> usize {
        let inner = self.inner.and_then(Layer::protocol);
        let number = inner.and_then(|inner| number_of(ETHER_TYPES, inner)).map(|EtherType(number)| number);
        let announced_by = self.inner.and_then(|inner| inner.announced_by).filter(|number| *number >= 0x600);
        usize::from(announced_by.or(number).unwrap_or(EXPERIMENT))
    }

    /// The IP protocol of what follows.
    fn ip_protocol(&self) -> usize {
        let inner = self.inner.and_then(Layer::protocol);
        let number = inner.and_then(|inner| number_of(IP_PROTOCOLS, inner)).map(|IpProtocol(number)| number);
        let announced_by = self.inner.and_then(|inner| inner.announced_by).filter(|number| *number < 256);
        // 253 is for experiments (RFC 3692).
        usize::from(announced_by.unwrap_or_else(|| u16::from(number.unwrap_or(253))))
    }

    /// Lengths and counts.
    fn measure(&self, layer: &mut Layer, tail: usize) {
        let header = layer.bytes.len() + tail;
        let pieces = |layer: &Layer, rank: u8| layer.pieces.iter().filter(|(r, _)| *r == rank).count();
        match self.protocol {
            Protocol::Ipv4 => {
                layer.compute("ihl", header / 4);
                layer.compute("total_len", header + self.content.len());
            }
            Protocol::Ipv6 => layer.compute("payload_len", tail + self.content.len()),
            Protocol::Ipv6Options | Protocol::Routing | Protocol::Mobility => {
                layer.compute("ext_len", (header / 8).saturating_sub(1));
            }
            Protocol::SegmentRouting => {
                let last = pieces(layer, 0).saturating_sub(1);
                layer.compute("ext_len", (header / 8).saturating_sub(1));
                layer.compute("last_entry", last);
                layer.compute("segments_left", last);
            }
            Protocol::Authentication => layer.compute("ext_len", (header / 4).saturating_sub(2)),
            Protocol::Tcp => layer.compute("data_offset", header / 4),
            Protocol::Udp => layer.compute("length", header + self.content.len()),
            Protocol::MldQuery | Protocol::IgmpQuery => {
                let count = pieces(layer, 1);
                layer.compute("source_count", count);
            }
            Protocol::MldReport | Protocol::IgmpReport => {
                let count = pieces(layer, 1);
                layer.compute("record_count", count);
            }
            Protocol::Nsh => layer.compute("length", header / 4),
            Protocol::Geneve => layer.compute("option_words", tail / 4),
            Protocol::Gtpu => layer.compute("length", tail + self.content.len()),
            Protocol::Bfd => layer.compute("length", header),
            Protocol::MultipleTree => layer.compute("length", header + self.content.len() - 2),
            _ => {}
        }
    }

    /// Writes the checksum, of whatever kind it is.
    fn checksum(&self, layer: &Layer, bytes: &mut [u8], header_len: usize) {
        if self.protocol == Protocol::Gre {
            if layer.number("has_checksum") == 1 {
                let checksum = internet(bytes);
                crate::wire::bytes::put(bytes, 4, &checksum.to_be_bytes());
            }
            return;
        }
        let Some((_, field)) = layer.find("checksum").filter(|_| !layer.is_given("checksum")) else { return };
        crate::wire::bytes::put(bytes, field.at, &[0; 4][..field.len]);
        let checksum = match self.protocol {
            Protocol::Sctp => {
                crate::wire::bytes::put(bytes, field.at, &crc32c(&[bytes]).to_le_bytes());
                return;
            }
            Protocol::Ipv4 => internet(&bytes[..header_len]),
            Protocol::Icmp | Protocol::Igmp | Protocol::IgmpQuery | Protocol::IgmpReport => internet(bytes),
            Protocol::Mobility => self.pseudo(header_len).and(Sum::of(&bytes[..header_len])).checksum(),
            _ => match self.pseudo(bytes.len()).and(Sum::of(bytes)).checksum() {
                0 if self.protocol == Protocol::Udp => 0xffff,
                checksum => checksum,
            },
        };
        crate::wire::bytes::put(bytes, field.at, &checksum.to_be_bytes());
    }

    /// The pseudo header's sum for `len` bytes of this layer, by the IP header around it.
    fn pseudo(&self, len: usize) -> Sum {
        let protocol = number_of(IP_PROTOCOLS, self.protocol).unwrap_or(IpProtocol(0));
        let mut destination = None;
        for outer in self.outer.iter().rev() {
            match outer.protocol() {
                Some(Protocol::Ipv4) => {
                    return pseudo_v4(outer.array("src"), outer.array("dst"), protocol, len as u16);
                }
                Some(Protocol::Ipv6) => {
                    let destination = destination.unwrap_or(outer.array("dst"));
                    return pseudo_v6(outer.array("src"), destination, protocol, len as u32);
                }
                // The packet's last destination is the first segment of the list.
                Some(Protocol::SegmentRouting) => {
                    let segment = outer.pieces.iter().find(|(rank, _)| *rank == 0);
                    destination = segment.and_then(|(_, address)| address.first_chunk().copied());
                }
                Some(
                    Protocol::Ipv6Options | Protocol::Routing | Protocol::Fragment | Protocol::Authentication,
                ) => {}
                _ => break,
            }
        }
        Sum::default()
    }
}

/// The optional word of GTP-U, and the chain of its extensions.
fn gtpu_tail(layer: &Layer) -> Vec<u8> {
    if layer.pieces.is_empty() {
        return Vec::new();
    }
    let extensions: Vec<&Vec<u8>> =
        layer.pieces.iter().filter(|(rank, _)| *rank == 1).map(|(_, bytes)| bytes).collect();
    let kind =
        |index: usize| extensions.get(index).and_then(|extension| extension.first().copied()).unwrap_or(0);
    let of_rank = |rank: u8| layer.pieces.iter().rev().find(|(r, _)| *r == rank).map(|(_, bytes)| &bytes[..]);
    let mut tail = [of_rank(2).unwrap_or(&[0; 2]), of_rank(3).unwrap_or(&[0])].concat();
    tail.push(kind(0));
    for (index, extension) in extensions.iter().enumerate() {
        let data = extension.get(1..).unwrap_or_default();
        GtpuExtension { kind: kind(index), data }.put(kind(index + 1), &mut tail);
    }
    let raw = layer.pieces.iter().filter(|(rank, _)| *rank == 9).flat_map(|(_, bytes)| bytes.iter().copied());
    tail.extend(raw);
    tail
}
