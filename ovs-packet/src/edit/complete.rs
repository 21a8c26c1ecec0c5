//! Completing checksums that are partial.

use super::{FinishError, Located, Transport, ports::sctp_checksum, tunnel::Nested, write::nonzero};
use crate::{
    Offload, Packet,
    checksum::Sum,
    wire::{
        IpProtocol,
        bytes::{put, u16_at},
    },
};

/// Completes a partial L4 checksum ([`Offload::NEEDS_L4_CSUM`]) and clears the flag; nothing without the flag. An outer
/// one stays as it is: [`complete_outer_checksum`].
///
/// A packet that is also to be segmented gets a checksum over the whole, which is of use to a receiver that
/// will not cut it.
pub fn complete_checksum(packet: &mut Packet) -> Result<(), FinishError> {
    let facts = *packet.facts();
    if !facts.offload.contains(Offload::NEEDS_L4_CSUM) {
        return Ok(());
    }
    let start = usize::from(facts.csum_start);
    let field = start + usize::from(facts.csum_offset);
    let (transport, end) = covered(packet, start);
    match transport {
        Some(Transport { protocol: IpProtocol::SCTP, .. }) if facts.csum_offset == 8 => {
            let checksum = sctp_checksum(packet.data(), start, end).ok_or(FinishError::ChecksumOutside)?;
            put(packet.data_mut(), field, &checksum.to_le_bytes());
        }
        _ => {
            let data = packet.data_mut();
            if field + 2 > end || u16_at(data, field).is_none() {
                return Err(FinishError::ChecksumOutside);
            }
            // The field holds the pseudo header's sum, so it takes part.
            let covered = data.get(start..end).ok_or(FinishError::ChecksumOutside)?;
            let mut checksum = Sum::of(covered).checksum();
            if transport.map_or(facts.csum_offset == 6, |t| t.protocol == IpProtocol::UDP) {
                checksum = nonzero(checksum);
            }
            put(data, field, &checksum.to_be_bytes());
        }
    }
    let offload = &mut packet.facts_mut().offload;
    offload.remove(Offload::NEEDS_L4_CSUM);
    offload.insert(Offload::CSUM_VALID);
    Ok(())
}

/// Completes the partial UDP checksum of a tunnel's outer headers ([`Offload::NEEDS_OUTER_L4_CSUM`]) and clears the flag;
/// nothing without the flag.
///
/// An inner checksum that is still partial stays so: once completed, the bytes that it covers add up to the
/// complement of what its field holds now, so what they will be need not be known ("local checksum offload").
pub fn complete_outer_checksum(packet: &mut Packet) -> Result<(), FinishError> {
    if !packet.facts().offload.contains(Offload::NEEDS_OUTER_L4_CSUM) {
        return Ok(());
    }
    let transport = Located::of(packet).and_then(|located| located.transport);
    let udp = transport.filter(|t| t.protocol == IpProtocol::UDP && !t.fragment && t.at + 8 <= t.end);
    let Transport { at, end, .. } = udp.ok_or(FinishError::ChecksumOutside)?;
    let sum = match deferred(packet, end)? {
        None => Sum::of(&packet.data()[at..end]),
        Some(Deferred { start, end: inner_end, sum }) => {
            let front = packet.data().get(at..start).ok_or(FinishError::ChecksumOutside)?;
            let padding = Sum::of(packet.data().get(inner_end..end).ok_or(FinishError::ChecksumOutside)?);
            let padding = if (inner_end - at) % 2 == 1 { padding.swapped() } else { padding };
            Sum::of(front).and(sum).and(padding)
        }
    };
    put(packet.data_mut(), at + 6, &nonzero(sum.checksum()).to_be_bytes());
    packet.facts_mut().offload.remove(Offload::NEEDS_OUTER_L4_CSUM);
    Ok(())
}

/// Bytes that a partial inner checksum covers, and what they will add up to.
struct Deferred {
    start: usize,
    end: usize,
    sum: Sum,
}

/// The inner checksum, if it is partial and stays so. `outer_end` is where the outer packet ends.
fn deferred(packet: &mut Packet, outer_end: usize) -> Result<Option<Deferred>, FinishError> {
    let facts = *packet.facts();
    if !facts.offload.contains(Offload::NEEDS_L4_CSUM) {
        return Ok(None);
    }
    let start = usize::from(facts.csum_start);
    let (transport, end) = covered(packet, start);
    // A CRC says nothing about sums.
    if transport.is_some_and(|t| t.protocol == IpProtocol::SCTP) || end > outer_end {
        complete_checksum(packet)?;
        return Ok(None);
    }
    let field = u16_at(packet.data(), start + usize::from(facts.csum_offset));
    let field = field.ok_or(FinishError::ChecksumOutside)?;
    Ok(Some(Deferred { start, end, sum: Sum::word(!field) }))
}

/// The header that begins at `start`, if it is known, and where the bytes end that its checksum covers: padding behind
/// an IP packet is not covered; without a known header everything is, up to the end of what is known around it.
fn covered(packet: &Packet, start: usize) -> (Option<Transport>, usize) {
    let inner = Nested::of(packet).and_then(|nested| nested.inner.transport).filter(|t| t.at == start);
    let outer = Located::of(packet).and_then(|located| located.transport);
    match inner.or(outer) {
        Some(known) if known.at == start => (Some(known), known.end),
        Some(around) if around.at < start && start < around.end => (None, around.end),
        _ => (None, packet.len()),
    }
}
