//! Cutting TCP and UDP super-packets into segments.

use super::{FinishError, Located, Transport, write::nonzero};
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

/// What all segments of a packet share.
struct Plan {
    l3: usize,
    v6: bool,
    transport: Transport,
    /// Where the payload begins.
    payload: usize,
    /// Payload bytes of all but the last segment.
    size: usize,
    /// Leave the checksum to the device.
    partial: bool,
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
    let payload = &packet.data()[plan.payload..plan.transport.end];
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
        let located = Located::of(packet).ok_or(FinishError::WrongHeaders)?;
        let transport = located.transport.filter(|t| !t.fragment).ok_or(FinishError::WrongHeaders)?;
        let v6 = located.ether_type == EtherType::IPV6;
        let fits = match transport.protocol {
            IpProtocol::TCP => facts.offload.contains(if v6 { Offload::TSO6 } else { Offload::TSO4 }),
            IpProtocol::UDP => facts.offload.contains(Offload::USO),
            _ => false,
        };
        if !fits {
            return Err(FinishError::WrongHeaders);
        }
        let header = match transport.protocol {
            IpProtocol::TCP => u8_at(packet.data(), transport.at + 12).map(|byte| usize::from(byte >> 4) * 4),
            _ => Some(8),
        };
        let header = header.filter(|len| *len >= 8).ok_or(FinishError::WrongHeaders)?;
        let minimum = if transport.protocol == IpProtocol::TCP { 20 } else { 8 };
        let payload = transport.at + header;
        if header < minimum || payload > transport.end {
            return Err(FinishError::WrongHeaders);
        }
        let size = usize::from(facts.segment_size);
        if size == 0 {
            return Err(FinishError::SegmentSize { size: 0, payload: transport.end - payload });
        }
        let partial = can.contains(Offload::NEEDS_L4_CSUM);
        Ok(Self { l3: located.l3, v6, transport, payload, size, partial })
    }

    /// One segment; None if the pool has no frame.
    fn make(&self, whole: &Packet, part: &[u8], index: usize, last: bool, pool: &mut Pool) -> Option<Packet> {
        let mut segment = pool.get(self.payload + part.len())?;
        segment.push_back(self.payload).ok()?.copy_from_slice(&whole.data()[..self.payload]);
        segment.push_back(part.len()).ok()?.copy_from_slice(part);
        *segment.layers_mut() = *whole.layers();
        *segment.facts_mut() = *whole.facts();
        let facts = segment.facts_mut();
        facts.offload.remove(Offload::SEGMENT | Offload::ECN | Offload::NEEDS_L4_CSUM);
        facts.segment_size = 0;
        let data = segment.data_mut();
        self.network(data, index)?;
        self.transport(data, index, last)?;
        self.checksum(&mut segment)?;
        Some(segment)
    }

    /// Lengths, identification and header checksum.
    fn network(&self, data: &mut [u8], index: usize) -> Option<()> {
        let len = data.len() - self.l3;
        if self.v6 {
            put(data, self.l3 + 4, &((len - 40) as u16).to_be_bytes());
            return Some(());
        }
        let id = u16_at(data, self.l3 + 4)?.wrapping_add(index as u16);
        put(data, self.l3 + 2, &(len as u16).to_be_bytes());
        put(data, self.l3 + 4, &id.to_be_bytes());
        put(data, self.l3 + 10, &[0, 0]);
        let header_len = usize::from(u8_at(data, self.l3)? & 0x0f) * 4;
        let checksum = internet(data.get(self.l3..self.l3 + header_len)?);
        put(data, self.l3 + 10, &checksum.to_be_bytes());
        Some(())
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

    /// The checksum, or its pseudo-header part if the device completes it.
    fn checksum(&self, segment: &mut Packet) -> Option<()> {
        let Transport { at, protocol, .. } = self.transport;
        let offset = if protocol == IpProtocol::UDP { 6 } else { 16 };
        let data = segment.data_mut();
        let len = data.len() - at;
        let pseudo = self.pseudo(data, len)?;
        if self.partial {
            put(data, at + offset, &pseudo.value().to_be_bytes());
            let facts = segment.facts_mut();
            facts.offload.insert(Offload::NEEDS_L4_CSUM);
            facts.csum_start = at as u16;
            facts.csum_offset = offset as u16;
            return Some(());
        }
        put(data, at + offset, &[0, 0]);
        let mut checksum = pseudo.and(Sum::of(data.get(at..)?)).checksum();
        if protocol == IpProtocol::UDP {
            checksum = nonzero(checksum);
        }
        put(data, at + offset, &checksum.to_be_bytes());
        segment.facts_mut().offload.insert(Offload::CSUM_VALID);
        Some(())
    }

    fn pseudo(&self, data: &[u8], len: usize) -> Option<Sum> {
        let protocol = self.transport.protocol;
        Some(if self.v6 {
            pseudo_v6(array_at(data, self.l3 + 8)?, array_at(data, self.l3 + 24)?, protocol, len as u32)
        } else {
            pseudo_v4(array_at(data, self.l3 + 12)?, array_at(data, self.l3 + 16)?, protocol, len as u16)
        })
    }
}
