//! What stands between the outer IP header and the packet inside.

use std::net::IpAddr;

use ovs_dpif::TunnelKind;
use ovs_flow::{TunnelFlags, TunnelKey};
use ovs_packet::wire::EtherType;

use super::{Key, OptionTable, TunnelConfig};

const UDP: u8 = 17;
const ROUTING: u8 = 43;
const ETHERTYPE_SPACE: u32 = 1 << 16;
const NSH: u16 = 0x894f;
/// A message of GTP-U that carries a packet (3GPP TS 29.281 section 6.1).
const GTPU_PACKET: u8 = 255;

/// What is put into a tunnel.
pub(crate) struct Inner<'a> {
    /// 0 for an Ethernet frame, else `1 << 16` and an Ethernet type.
    pub packet_type: u32,
    /// What the flow says of the tunnel, and how that becomes options.
    pub flow: &'a TunnelKey,
    pub options: &'a OptionTable,
    /// The other end.
    pub dst: IpAddr,
}

/// Headers behind the IP header.
#[derive(Clone, Debug)]
pub(crate) struct Wrap {
    /// What the IP header calls them.
    pub protocol: u8,
    /// What a key of the packet has as its protocol.
    pub key_protocol: u8,
    /// 0 without UDP.
    pub dst_port: u16,
    pub bytes: Vec<u8>,
}

/// The headers; `None` if the tunnel cannot carry this, or what the flow says makes none.
pub(crate) fn wrap(tunnel: &TunnelConfig, inner: &Inner<'_>) -> Option<Wrap> {
    let kind = tunnel.kind();
    if kind.is_gre() {
        return Some(gre(tunnel, inner));
    }
    if kind.is_erspan() {
        return erspan(tunnel, inner);
    }
    if kind == TunnelKind::Srv6 {
        return segments(tunnel, inner);
    }
    let mut bytes = Vec::with_capacity(64);
    // Over IPv6 there is always a checksum (RFC 8200 section 8.1).
    let csum: u16 = if tunnel.csum || inner.dst.is_ipv6() { 0xffff } else { 0 };
    bytes.extend([0, 0]);
    bytes.extend(tunnel.dst_port.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(csum.to_be_bytes());
    let id = id(tunnel, inner);
    let [.., a, b, c] = id.to_be_bytes();
    match kind {
        TunnelKind::Geneve => geneve(inner, [a, b, c], &mut bytes)?,
        TunnelKind::Vxlan => {
            bytes.extend(vxlan(tunnel, inner)?);
            bytes.extend([a, b, c, 0]);
        }
        TunnelKind::Gtpu => {
            inner.is_ip().then_some(())?;
            bytes.extend([0x30, GTPU_PACKET, 0, 0]);
            bytes.extend((id as u32).to_be_bytes());
        }
        TunnelKind::Lisp => {
            inner.is_ip().then_some(())?;
            // The instance means something, nonce and locators do not.
            bytes.extend([0x08, 0, 0, 0, a, b, c, 0]);
        }
        _ => {
            let payload = tunnel.format.payload;
            let fits = if payload == EtherType::IPV4.0 {
                inner.is_ip()
            } else {
                inner.ether_type() == Some(payload)
            };
            fits.then_some(())?;
        }
    }
    Some(Wrap { protocol: UDP, key_protocol: UDP, dst_port: tunnel.dst_port, bytes })
}

/// The key of packets that go out.
fn id(tunnel: &TunnelConfig, inner: &Inner<'_>) -> u64 {
    match tunnel.out_key {
        Key::Flow => inner.flow.id.get(),
        key => key.fixed().unwrap_or(0),
    }
}

impl Inner<'_> {
    /// The Ethernet type of a bare packet.
    fn ether_type(&self) -> Option<u16> {
        (self.packet_type >> 16 == ETHERTYPE_SPACE >> 16).then_some(self.packet_type as u16)
    }

    fn is_ip(&self) -> bool {
        matches!(self.ether_type().map(EtherType), Some(EtherType::IPV4 | EtherType::IPV6))
    }

    /// As a payload: frames have a number too.
    fn protocol(&self) -> u16 {
        self.ether_type().unwrap_or(EtherType::TEB.0)
    }
}

/// Flags, policy, next protocol.
fn vxlan(tunnel: &TunnelConfig, inner: &Inner<'_>) -> Option<[u8; 4]> {
    let flow = inner.flow;
    if tunnel.format.generic {
        let next = match inner.ether_type().map(EtherType) {
            None => 3,
            Some(EtherType::IPV4) => 1,
            Some(EtherType::IPV6) => 2,
            Some(EtherType(NSH)) => 4,
            Some(EtherType(0x8847)) => 5,
            Some(_) => return None,
        };
        return Some([0x0c, 0, 0, next]);
    }
    inner.ether_type().is_none().then_some(())?;
    let group = flow.gbp_id.get();
    if tunnel.format.policy && (group != 0 || flow.gbp_flags != 0) {
        let [high, low] = group.to_be_bytes();
        return Some([0x88, flow.gbp_flags, high, low]);
    }
    Some([0x08, 0, 0, 0])
}

fn geneve(inner: &Inner<'_>, vni: [u8; 3], bytes: &mut Vec<u8>) -> Option<()> {
    /// The most that the header's length field can say.
    const MOST: usize = 63 * 4;
    let options = inner.options.fields_to_options(inner.flow);
    (options.len() <= MOST).then_some(())?;
    let oam = inner.flow.flags & TunnelFlags::OAM.bits() != 0;
    let flags = u8::from(oam) << 7 | u8::from(has_critical(&options)) << 6;
    bytes.extend([(options.len() / 4) as u8, flags]);
    bytes.extend(inner.protocol().to_be_bytes());
    bytes.extend(vni);
    bytes.push(0);
    bytes.extend_from_slice(&options);
    Some(())
}

/// Whether an option must be understood (RFC 8926 section 3.5.1).
fn has_critical(mut options: &[u8]) -> bool {
    while let [_, _, kind, len, rest @ ..] = options {
        if kind & 0x80 != 0 {
            return true;
        }
        options = rest.get(usize::from(len & 0x1f) * 4..).unwrap_or_default();
    }
    false
}

const GRE: u8 = TunnelKind::Gre.protocols()[0];

fn in_gre(bytes: Vec<u8>) -> Wrap {
    Wrap { protocol: GRE, key_protocol: GRE, dst_port: 0, bytes }
}

fn gre(tunnel: &TunnelConfig, inner: &Inner<'_>) -> Wrap {
    let has_key = tunnel.out_key != Key::Absent;
    let flags =
        u16::from(tunnel.csum) << 15 | u16::from(has_key) << 13 | u16::from(tunnel.sequence.is_some()) << 12;
    let mut bytes = Vec::with_capacity(16);
    bytes.extend(flags.to_be_bytes());
    bytes.extend(inner.protocol().to_be_bytes());
    if tunnel.csum {
        bytes.extend([0; 4]);
    }
    if has_key {
        bytes.extend((id(tunnel, inner) as u32).to_be_bytes());
    }
    if tunnel.sequence.is_some() {
        bytes.extend([0; 4]);
    }
    in_gre(bytes)
}

fn erspan(tunnel: &TunnelConfig, inner: &Inner<'_>) -> Option<Wrap> {
    inner.ether_type().is_none().then_some(())?;
    let (said, flow) = (tunnel.erspan, inner.flow);
    let session = (id(tunnel, inner) & 0x3ff) as u16;
    let mut bytes = vec![0x10, 0];
    match said.version.unwrap_or(flow.erspan_ver) {
        1 => {
            let index = said.index.unwrap_or(flow.erspan_idx.get());
            bytes.extend([0x88, 0xbe, 0, 0, 0, 0, 0x10, 0]);
            bytes.extend(session.to_be_bytes());
            bytes.extend((index & 0x000f_ffff).to_be_bytes());
        }
        2 => {
            let direction = u16::from(said.direction.unwrap_or(flow.erspan_dir) & 1);
            let hardware = u16::from(said.hardware.unwrap_or(flow.erspan_hwid) & 0x3f);
            bytes.extend([0x22, 0xeb, 0, 0, 0, 0, 0x20, 0]);
            bytes.extend(session.to_be_bytes());
            // Time and security group; an Ethernet frame, and times in units of 100 µs.
            bytes.extend([0; 6]);
            bytes.extend((1 << 15 | hardware << 4 | direction << 3).to_be_bytes());
        }
        _ => return None,
    }
    Some(in_gre(bytes))
}

/// RFC 8754 section 2: the path stands backwards, and the first segment is where the packet goes.
fn segments(tunnel: &TunnelConfig, inner: &Inner<'_>) -> Option<Wrap> {
    let next = match inner.ether_type().map(EtherType)? {
        EtherType::IPV4 => 4,
        EtherType::IPV6 => 41,
        _ => return None,
    };
    let IpAddr::V6(dst) = inner.dst else { return None };
    let alone = [dst];
    let path = if tunnel.segments.is_empty() { &alone[..] } else { &tunnel.segments };
    (path.first() == Some(&dst)).then_some(())?;
    let last = (path.len() - 1) as u8;
    let mut bytes = vec![next, path.len() as u8 * 2, 4, last, last, 0, 0, 0];
    path.iter().rev().for_each(|segment| bytes.extend(segment.octets()));
    Some(Wrap { protocol: ROUTING, key_protocol: next, dst_port: 0, bytes })
}
