//! Cutting TCP and UDP super-packets into segments, also inside a tunnel.
//!
//! Every segment is a copy of all headers with a part of the payload. What differs from the whole:
//!
//! | header | |
//! |---|---|
//! | IPv4, inner and outer | total length; identification counts up (RFC 6864 wants it unique); header checksum |
//! | IPv6, inner and outer | payload length |
//! | TCP | sequence number; FIN and PSH only on the last, CWR only on the first segment (RFC 3168 section 6.1.2) |
//! | UDP, inner and outer | length |
//! | GRE | its checksum, if it has one |
//!
//! A UDP checksum that was zero ("none") stays zero; all others are computed, or left partial for the device. Options,
//! among them TCP timestamps, are the same on all segments.

use super::{
    FinishError, Located, Transport,
    tunnel::{Nested, Outer},
    write::nonzero,
};
use crate::{
    Offload, Packet, Pool,
    checksum::{Sum, internet, pseudo_v4, pseudo_v6},
    wire::{
        EtherType, IpProtocol,
        bytes::{array_at, put, u8_at, u16_at, u32_at},
    },
};

/// Segments that one packet may become: enough for 64 KiB at the smallest TCP segment size in use (88 bytes), and
/// a bound on what a hostile sender's request costs.
pub const MAX_SEGMENTS: usize = 1024;

const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

/// What becomes of a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The sender wanted none (UDP).
    None,
    /// The pseudo header's part; the device completes it.
    Partial,
    /// All of it.
    Full,
}

/// What all segments of a packet share.
struct Plan {
    outer: Option<Outer>,
    l3: usize,
    transport: Transport,
    /// Where the payload begins.
    payload: usize,
    /// Payload bytes of all but the last segment.
    size: usize,
    checksum: Wanted,
    outer_checksum: Wanted,
    /// The pseudo header's sum but for the length, if the network header does not tell it.
    routed: Option<Sum>,
}

/// Cuts `packet` into segments of its `segment_size`, each with lengths, sequence numbers, flags and checksums of
/// its own, and emits them in order.
pub(super) fn segment(
    packet: &Packet,
    can: Offload,
    pool: &mut Pool,
    emit: &mut dyn FnMut(Packet),
) -> Result<usize, FinishError> {
    let plan = Plan::of(packet, can)?;
    let payload = packet.data().get(plan.payload..plan.transport.end).ok_or(FinishError::WrongHeaders)?;
    let count = payload.len().div_ceil(plan.size).max(1);
    if count > MAX_SEGMENTS {
        return Err(FinishError::SegmentSize { size: plan.size as u16, payload: payload.len() });
    }
    for index in 0..count {
        let from = index * plan.size;
        let part = &payload[from..payload.len().min(from + plan.size)];
        let segment = plan.make(packet, part, index, index + 1 == count, pool).ok_or(FinishError::NoFrame)?;
        emit(segment);
    }
    Ok(count)
}

impl Plan {
    fn of(packet: &Packet, can: Offload) -> Result<Self, FinishError> {
        let facts = packet.facts();
        let Nested { outer, inner } = Nested::of(packet).ok_or(FinishError::WrongHeaders)?;
        if outer.is_some_and(|outer| outer.gre_sequence) {
            return Err(FinishError::Sequenced);
        }
        let transport = inner.transport.filter(|t| !t.fragment).ok_or(FinishError::WrongHeaders)?;
        let payload = payload_of(packet, inner, transport).ok_or(FinishError::WrongHeaders)?;
        let size = usize::from(facts.segment_size);
        if size == 0 {
            return Err(FinishError::SegmentSize { size: 0, payload: transport.end - payload });
        }
        let wanted = |transport: Transport, flag: Offload| {
            let none = transport.protocol == IpProtocol::UDP
                && !facts.offload.contains(flag)
                && u16_at(packet.data(), transport.at + 6) == Some(0);
            match none {
                true => Wanted::None,
                false if can.contains(flag) => Wanted::Partial,
                false => Wanted::Full,
            }
        };
        let outer_checksum =
            outer.map_or(Wanted::None, |outer| wanted(outer.transport, Offload::NEEDS_OUTER_L4_CSUM));
        let outer_routed = outer.is_some_and(|outer| outer.transport.routed);
        if outer_routed && outer_checksum != Wanted::None {
            return Err(FinishError::WrongHeaders);
        }
        Ok(Self {
            outer,
            l3: inner.l3,
            transport,
            payload,
            size,
            checksum: wanted(transport, Offload::NEEDS_L4_CSUM),
            outer_checksum,
            routed: transport.routed.then(|| routed(packet, transport)),
        })
    }

    /// One segment; None if the pool has no frame.
    fn make(&self, whole: &Packet, part: &[u8], index: usize, last: bool, pool: &mut Pool) -> Option<Packet> {
        let mut segment = pool.get(self.payload + part.len())?;
        segment.push_back(self.payload).ok()?.copy_from_slice(whole.data().get(..self.payload)?);
        segment.push_back(part.len()).ok()?.copy_from_slice(part);
        *segment.layers_mut() = *whole.layers();
        *segment.facts_mut() = *whole.facts();
        let facts = segment.facts_mut();
        facts.offload.remove(Offload::UNFINISHED | Offload::ECN);
        facts.segment_size = 0;
        let data = segment.data_mut();
        network(data, self.l3, self.transport.v6, index)?;
        self.transport(data, index, last)?;
        let summed = self.checksum(&mut segment)?;
        if let Some(outer) = self.outer {
            self.outer(&mut segment, outer, index, summed)?;
        }
        let facts = segment.facts_mut();
        if !facts.is_unfinished() {
            facts.offload.remove(Offload::TUNNEL);
        }
        Some(segment)
    }

    /// Sequence number and flags, or the UDP length.
    fn transport(&self, data: &mut [u8], index: usize, last: bool) -> Option<()> {
        let at = self.transport.at;
        if self.transport.protocol == IpProtocol::UDP {
            let len = (data.len() - at) as u16;
            put(data, at + 4, &len.to_be_bytes());
            return Some(());
        }
        let sequence = u32_at(data, at + 4)?.wrapping_add((index * self.size) as u32);
        put(data, at + 4, &sequence.to_be_bytes());
        let mut flags = u8_at(data, at + 13)?;
        if !last {
            flags &= !(FIN | PSH);
        }
        if index > 0 {
            flags &= !CWR;
        }
        put(data, at + 13, &[flags]);
        Some(())
    }

    /// The checksum, or its pseudo-header part if the device completes it. Returns what the transport header and the
    /// payload add up to (once the checksum is complete).
    fn checksum(&self, segment: &mut Packet) -> Option<Sum> {
        let Transport { at, protocol, v6, .. } = self.transport;
        let offset = if protocol == IpProtocol::UDP { 6 } else { 16 };
        let data = segment.data_mut();
        let len = data.len() - at;
        let pseudo = match self.routed {
            Some(rest) => rest.and(Sum::word(len as u16)),
            None => pseudo(data, self.l3, v6, protocol, len)?,
        };
        match self.checksum {
            Wanted::None => return Some(Sum::of(data.get(at..)?)),
            Wanted::Partial => {
                put(data, at + offset, &pseudo.value().to_be_bytes());
                let facts = segment.facts_mut();
                facts.offload.insert(Offload::NEEDS_L4_CSUM);
                (facts.csum_start, facts.csum_offset) = (at as u16, offset as u16);
            }
            Wanted::Full => {
                put(data, at + offset, &[0, 0]);
                let mut checksum = pseudo.and(Sum::of(data.get(at..)?)).checksum();
                if protocol == IpProtocol::UDP {
                    checksum = nonzero(checksum);
                }
                put(data, at + offset, &checksum.to_be_bytes());
                segment.facts_mut().offload.insert(Offload::CSUM_VALID);
            }
        }
        // With a right checksum, pseudo header and bytes together are all ones.
        Some(Sum::word(pseudo.checksum()))
    }

    /// The outer headers' lengths and checksums. `summed` is the sum of all bytes from the inner transport header on.
    fn outer(&self, segment: &mut Packet, outer: Outer, index: usize, summed: Sum) -> Option<()> {
        let Transport { at, protocol, v6, .. } = outer.transport;
        let data = segment.data_mut();
        network(data, outer.l3, v6, index)?;
        let len = data.len() - at;
        let inner = self.transport.at;
        if outer.gre_checksum {
            put(data, at + 4, &[0, 0]);
            let checksum = Sum::of(data.get(at..inner)?).and(summed).checksum();
            put(data, at + 4, &checksum.to_be_bytes());
        }
        if protocol != IpProtocol::UDP {
            return Some(());
        }
        put(data, at + 4, &(len as u16).to_be_bytes());
        let pseudo = pseudo(data, outer.l3, v6, protocol, len)?;
        match self.outer_checksum {
            Wanted::None => {}
            Wanted::Partial => {
                put(data, at + 6, &pseudo.value().to_be_bytes());
                segment.facts_mut().offload.insert(Offload::NEEDS_OUTER_L4_CSUM);
            }
            Wanted::Full => {
                put(data, at + 6, &[0, 0]);
                let checksum = pseudo.and(Sum::of(data.get(at..inner)?)).and(summed).checksum();
                put(data, at + 6, &nonzero(checksum).to_be_bytes());
            }
        }
        Some(())
    }
}

/// The pseudo header's sum but for the length, learnt from the checksum itself: a partial one is that sum, and a right
/// one is what makes the sum over everything all ones.
fn routed(packet: &Packet, transport: Transport) -> Sum {
    let data = packet.data();
    let offset = if transport.protocol == IpProtocol::UDP { 6 } else { 16 };
    let whole = if packet.facts().offload.contains(Offload::NEEDS_L4_CSUM) {
        Sum::word(u16_at(data, transport.at + offset).unwrap_or_default())
    } else {
        let covered = Sum::of(data.get(transport.at..transport.end).unwrap_or_default());
        Sum::word(covered.checksum())
    };
    whole.without(Sum::word((transport.end - transport.at) as u16))
}

/// Where the payload begins, if the headers are those that the packet's flags speak of.
fn payload_of(packet: &Packet, inner: Located, transport: Transport) -> Option<usize> {
    let offload = packet.facts().offload;
    let v6 = inner.ether_type == EtherType::IPV6;
    let header = match transport.protocol {
        IpProtocol::TCP if offload.contains(if v6 { Offload::TSO6 } else { Offload::TSO4 }) => {
            let words = u8_at(packet.data(), transport.at + 12)? >> 4;
            Some(usize::from(words) * 4).filter(|len| *len >= 20)?
        }
        IpProtocol::UDP if offload.contains(Offload::USO) => 8,
        _ => return None,
    };
    Some(transport.at + header).filter(|payload| *payload <= transport.end)
}

/// Length, identification and header checksum of a network header whose packet ends with the data.
fn network(data: &mut [u8], l3: usize, v6: bool, index: usize) -> Option<()> {
    let len = data.len().checked_sub(l3)?;
    if v6 {
        put(data, l3 + 4, &(len.checked_sub(40)? as u16).to_be_bytes());
        return Some(());
    }
    let id = u16_at(data, l3 + 4)?.wrapping_add(index as u16);
    put(data, l3 + 2, &(len as u16).to_be_bytes());
    put(data, l3 + 4, &id.to_be_bytes());
    put(data, l3 + 10, &[0, 0]);
    let header_len = usize::from(u8_at(data, l3)? & 0x0f) * 4;
    let checksum = internet(data.get(l3..l3 + header_len)?);
    put(data, l3 + 10, &checksum.to_be_bytes());
    Some(())
}

/// The pseudo header's sum for `len` bytes of L4 header and payload.
fn pseudo(data: &[u8], l3: usize, v6: bool, protocol: IpProtocol, len: usize) -> Option<Sum> {
    Some(if v6 {
        pseudo_v6(array_at(data, l3 + 8)?, array_at(data, l3 + 24)?, protocol, len as u32)
    } else {
        pseudo_v4(array_at(data, l3 + 12)?, array_at(data, l3 + 16)?, protocol, len as u16)
    })
}
