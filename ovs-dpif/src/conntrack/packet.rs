//! What of a packet the tracker looks at.

use ovs_packet::checksum::{Sum, crc32c, internet, pseudo_v4, pseudo_v6};
use ovs_packet::edit::Located;
use ovs_packet::wire::{EtherType, IpProtocol};
use ovs_packet::{Offload, Packet};

use super::table::Packed;
use super::tuple::Tuple;

/// Facts of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Flags, nine bits and the reserved ones.
    pub flags: u16,
    pub seq: u32,
    pub ack: u32,
    pub window: u16,
    /// Bytes of payload.
    pub payload: u32,
    /// The shift of the window scale option.
    pub scale: Option<u8>,
}

/// A packet that can be tracked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parsed {
    /// The direction that it belongs to. Of an ICMP error, that which answers the packet it complains about.
    pub tuple: Tuple,
    /// It is an ICMP error.
    pub related: bool,
    /// Set if it is TCP and no error.
    pub segment: Option<Segment>,
    /// Where its transport header begins.
    pub l4: usize,
    /// One past its last byte.
    pub end: usize,
}

/// What the short way needs to know of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brief {
    pub key: Packed,
    pub segment: Option<Segment>,
}

/// Reads a packet of a zone, if it is one for the short way: it can be tracked, is no error, and begins nothing.
#[inline]
pub(super) fn brief(packet: &Packet, zone: u16) -> Option<Brief> {
    let brief = match plain_brief(packet, zone) {
        Some(brief) => brief,
        None => general_brief(packet, zone)?,
    };
    (!brief.segment.as_ref().is_some_and(Segment::synchronizes)).then_some(brief)
}

/// The same of TCP and UDP in what [`plain_header`] takes, without a tuple in between.
#[inline]
fn plain_brief(packet: &Packet, zone: u16) -> Option<Brief> {
    let offload = packet.facts().offload;
    let (ip, end) = plain_header(packet).filter(|_| !offload.contains(Offload::CSUM_BAD))?;
    let l4 = packet.data().get(PLAIN_L4..end)?;
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *ip;
    let protocol = IpProtocol(ip[9]);
    let (segment, summed) = match protocol {
        IpProtocol::TCP => (Some(tcp(l4)?), true),
        IpProtocol::UDP => (None, udp(l4)?),
        _ => return None,
    };
    let checked = offload.intersects(Offload::CSUM_VALID | Offload::NEEDS_L4_CSUM);
    if summed && !checked {
        let pseudo = pseudo_v4([s0, s1, s2, s3], [d0, d1, d2, d3], protocol, l4.len() as u16);
        if pseudo.and(Sum::of(l4)).checksum() != 0 {
            return None;
        }
    }
    let addresses = u64::from_be_bytes([s0, s1, s2, s3, d0, d1, d2, d3]);
    let ports = u32::from_be_bytes(*l4.first_chunk()?);
    Some(Brief { key: Packed::of_v4(zone, protocol.0, addresses, ports), segment })
}

/// The same of any packet.
#[inline(never)]
fn general_brief(packet: &Packet, zone: u16) -> Option<Brief> {
    let parsed = parse(packet, zone).filter(|parsed| !parsed.related)?;
    Some(Brief { key: Packed::of(&parsed.tuple), segment: parsed.segment })
}

/// Reads a packet of a zone; none if it cannot be tracked: not IP, a fragment, cut off, contradictory, a wrong checksum, or
/// an ICMP message that belongs to no connection.
#[inline]
pub(super) fn parse(packet: &Packet, zone: u16) -> Option<Parsed> {
    let offload = packet.facts().offload;
    if offload.contains(Offload::CSUM_BAD) {
        return None;
    }
    let mut parsed = plain_v4(packet).or_else(|| general(packet))?;
    parsed.tuple.zone = zone;
    let l4 = packet.data().get(parsed.l4..parsed.end)?;
    let checked = offload.intersects(Offload::CSUM_VALID | Offload::NEEDS_L4_CSUM);
    transport_of(parsed, l4, checked)
}

/// Where the headers of such a packet are.
const L3: usize = 14;
const PLAIN_L4: usize = L3 + 20;

/// The header of what most packets are, and where they end: IPv4 without options behind an Ethernet header without tags, whole,
/// and with a right checksum. Others may be right, too.
#[inline]
fn plain_header(packet: &Packet) -> Option<(&[u8; 20], usize)> {
    let data = packet.data();
    let start: &[u8; L3 + 20] = data.first_chunk()?;
    let ip: &[u8; 20] = start.last_chunk()?;
    let end = L3 + usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff != 0;
    let ethernet = packet.facts().packet_type == 0 && start[12..14] == [8, 0];
    if !ethernet || ip[0] != 0x45 || fragment || end < L3 + 20 || end > data.len() {
        return None;
    }
    let (words, _) = ip.as_chunks::<4>();
    let sum: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    // Ones fold to ones.
    (sum != 0 && sum.is_multiple_of(0xffff)).then_some((ip, end))
}

/// Addresses and transport header of such a packet.
#[inline]
fn plain_v4(packet: &Packet) -> Option<Parsed> {
    let (ip, end) = plain_header(packet)?;
    let mut tuple = Tuple { proto: ip[9], ..Tuple::default() };
    tuple.src[..4].copy_from_slice(&ip[12..16]);
    tuple.dst[..4].copy_from_slice(&ip[16..]);
    Some(Parsed { tuple, related: false, segment: None, l4: PLAIN_L4, end })
}

/// The same of any packet.
#[inline(never)]
fn general(packet: &Packet) -> Option<Parsed> {
    let located = Located::of(packet)?;
    let transport = located.transport.filter(|transport| !transport.fragment)?;
    let ip = packet.data().get(located.l3..)?;
    let mut tuple = match located.ether_type {
        EtherType::IPV4 => v4(ip, true)?,
        EtherType::IPV6 => v6(ip)?,
        _ => return None,
    };
    let declared = if tuple.ipv6 { 40 + usize::from(u16_at(ip, 4)?) } else { usize::from(u16_at(ip, 2)?) };
    if declared > ip.len() {
        return None;
    }
    tuple.proto = transport.protocol.0;
    Some(Parsed { tuple, related: false, segment: None, l4: transport.at, end: transport.end })
}

fn transport_of(mut parsed: Parsed, l4: &[u8], checked: bool) -> Option<Parsed> {
    let tuple = &mut parsed.tuple;
    match IpProtocol(tuple.proto) {
        IpProtocol::TCP => {
            parsed.segment = Some(tcp(l4)?);
            (tuple.src_port, tuple.dst_port) = ports(l4)?;
        }
        IpProtocol::UDP => {
            let summed = udp(l4)? || tuple.ipv6;
            (tuple.src_port, tuple.dst_port) = ports(l4)?;
            if !summed {
                return Some(parsed);
            }
        }
        IpProtocol::SCTP => {
            (tuple.src_port, tuple.dst_port) = ports(l4)?;
            let stored = u32::from_le_bytes(*l4.get(8..)?.first_chunk()?);
            let right = checked || crc32c(&[&l4[..8], &[0; 4], &l4[12..]]) == stored;
            return right.then_some(parsed);
        }
        IpProtocol::ICMP if !tuple.ipv6 => {
            let right = checked || internet(l4) == 0;
            return right.then(|| icmp_v4(parsed, l4)).flatten();
        }
        IpProtocol::ICMPV6 if tuple.ipv6 => {
            let right = checked || checksum_ok(tuple, l4);
            return right.then(|| icmp_v6(parsed, l4)).flatten();
        }
        _ => return Some(parsed),
    }
    (checked || checksum_ok(&parsed.tuple, l4)).then_some(parsed)
}

/// Addresses of an IPv4 header that is whole, no fragment, and right if `verify`.
fn v4(ip: &[u8], verify: bool) -> Option<Tuple> {
    let first = *ip.first()?;
    let header = ip.get(..usize::from(first & 0x0f) * 4)?;
    if header.len() < 20 || u16_at(header, 6)? & 0x3fff != 0 || verify && internet(header) != 0 {
        return None;
    }
    let mut tuple = Tuple { proto: header[9], ..Tuple::default() };
    tuple.src[..4].copy_from_slice(&header[12..16]);
    tuple.dst[..4].copy_from_slice(&header[16..20]);
    Some(tuple)
}

/// Addresses of an IPv6 header.
fn v6(ip: &[u8]) -> Option<Tuple> {
    let header: &[u8; 40] = ip.first_chunk()?;
    let mut tuple = Tuple { ipv6: true, proto: header[6], ..Tuple::default() };
    tuple.src.copy_from_slice(&header[8..24]);
    tuple.dst.copy_from_slice(&header[24..]);
    Some(tuple)
}

fn checksum_ok(tuple: &Tuple, l4: &[u8]) -> bool {
    let protocol = IpProtocol(tuple.proto);
    let pseudo = if tuple.ipv6 {
        pseudo_v6(tuple.src, tuple.dst, protocol, l4.len() as u32)
    } else {
        let address = |wide: &[u8; 16]| [wide[0], wide[1], wide[2], wide[3]];
        pseudo_v4(address(&tuple.src), address(&tuple.dst), protocol, l4.len() as u16)
    };
    pseudo.and(Sum::of(l4)).checksum() == 0
}

/// Whether a UDP header that does not lie has a checksum.
#[inline]
fn udp(l4: &[u8]) -> Option<bool> {
    let [_, _, _, _, a, b, sum @ ..] = *l4.first_chunk::<8>()?;
    let length = usize::from(u16::from_be_bytes([a, b]));
    (8..=l4.len()).contains(&length).then_some(sum != [0; 2])
}

/// The facts of a TCP header that does not lie.
#[inline]
fn tcp(l4: &[u8]) -> Option<Segment> {
    let header = usize::from(*l4.get(12)? >> 4) * 4;
    if header < 20 || header > l4.len() {
        return None;
    }
    let word = |at: usize| Some(u32::from_be_bytes(*l4.get(at..)?.first_chunk()?));
    let flags = u16_at(l4, 12)? & 0x0fff;
    // Only a segment that synchronizes says how windows are scaled.
    let scale = if flags & 0x002 == 0 { None } else { scale(l4.get(20..header)?) };
    let payload = (l4.len() - header) as u32;
    Some(Segment { flags, seq: word(4)?, ack: word(8)?, window: u16_at(l4, 14)?, payload, scale })
}

/// The shift of a window scale option (RFC 7323 section 2.2), at most 14.
fn scale(mut options: &[u8]) -> Option<u8> {
    loop {
        match *options {
            [1, ref rest @ ..] => options = rest,
            [3, 3, shift, ..] => return Some(shift.min(14)),
            [0, ..] | [_] | [] => return None,
            [_, length, ..] => options = options.get(usize::from(length).max(2)..)?,
        }
    }
}

/// An ICMP message: a query, or an error about a packet of a connection (RFC 792).
fn icmp_v4(mut parsed: Parsed, l4: &[u8]) -> Option<Parsed> {
    let [kind, code, ..] = *l4.first_chunk::<8>()?;
    match kind {
        0 | 8 | 13..=16 => query(&mut parsed.tuple, l4, kind, code)?,
        3 | 4 | 5 | 11 | 12 => {
            let inner = v4(&l4[8..], false)?;
            let header = usize::from(l4[8] & 0x0f) * 4;
            let protocol = IpProtocol(inner.proto);
            complain(&mut parsed, inner, protocol, l4.get(8 + header..)?)?;
        }
        _ => return None,
    }
    Some(parsed)
}

/// The same for version 6 (RFC 4443).
fn icmp_v6(mut parsed: Parsed, l4: &[u8]) -> Option<Parsed> {
    let [kind, code, ..] = *l4.first_chunk::<8>()?;
    match kind {
        128 | 129 => query(&mut parsed.tuple, l4, kind, code)?,
        1..=4 => {
            let inner = v6(&l4[8..])?;
            let (protocol, at) = extensions(&l4[8..], inner.proto)?;
            complain(&mut parsed, inner, protocol, l4.get(8 + at..)?)?;
        }
        _ => return None,
    }
    Some(parsed)
}

/// What follows the extension headers of an IPv6 packet that may be cut off, and where. None for fragments.
fn extensions(ip: &[u8], first: u8) -> Option<(IpProtocol, usize)> {
    let (mut protocol, mut at) = (IpProtocol(first), 40);
    for _ in 0..16 {
        let length = match protocol {
            IpProtocol::HOP_BY_HOP | IpProtocol::DESTINATION | IpProtocol::ROUTING => {
                usize::from(*ip.get(at + 1)?) * 8 + 8
            }
            IpProtocol::AH => usize::from(*ip.get(at + 1)?) * 4 + 8,
            IpProtocol::FRAGMENT => return None,
            _ => return Some((protocol, at)),
        };
        protocol = IpProtocol(*ip.get(at)?);
        at += length;
    }
    None
}

/// A query or its answer, all of which have code 0.
fn query(tuple: &mut Tuple, l4: &[u8], kind: u8, code: u8) -> Option<()> {
    let id = u16_at(l4, 4).filter(|_| code == 0)?;
    (tuple.src_port, tuple.dst_port, tuple.icmp_type, tuple.icmp_code) = (id, id, kind, code);
    Some(())
}

/// Makes of an error the direction that answers the packet inside it. Whoever sent that packet must be told of it.
fn complain(parsed: &mut Parsed, mut inner: Tuple, protocol: IpProtocol, l4: &[u8]) -> Option<()> {
    if inner.src != parsed.tuple.dst {
        return None;
    }
    inner.zone = parsed.tuple.zone;
    inner.proto = protocol.0;
    match protocol {
        IpProtocol::TCP | IpProtocol::UDP | IpProtocol::SCTP => {
            if !enough(inner.ipv6, protocol, l4) {
                return None;
            }
            (inner.src_port, inner.dst_port) = ports(l4)?;
        }
        IpProtocol::ICMP if !inner.ipv6 => match *l4.first_chunk::<8>()? {
            [kind @ (0 | 8 | 13..=16), code, ..] => query(&mut inner, l4, kind, code)?,
            _ => return None,
        },
        IpProtocol::ICMPV6 if inner.ipv6 => match *l4.first_chunk::<8>()? {
            [kind @ (128 | 129), code, ..] => query(&mut inner, l4, kind, code)?,
            _ => return None,
        },
        _ => {}
    }
    parsed.tuple = inner.reversed();
    parsed.related = true;
    Some(())
}

/// Whether an error has as much of a transport header as it must: 64 bits in version 4 (RFC 792). Version 6 sends as much as
/// fits (RFC 4443 section 2.4), so there all of the header is wanted but for options.
fn enough(ipv6: bool, protocol: IpProtocol, l4: &[u8]) -> bool {
    let wanted = match protocol {
        IpProtocol::TCP if ipv6 => 20,
        IpProtocol::SCTP if ipv6 => 12,
        _ => 8,
    };
    l4.len() >= wanted
}

fn ports(l4: &[u8]) -> Option<(u16, u16)> {
    Some((u16_at(l4, 0)?, u16_at(l4, 2)?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}
