//! Payload of another length, and the numbers of what follows it.

use std::ops::Range;

use ovs_packet::checksum::{Sum, internet, pseudo_v4, pseudo_v6};
use ovs_packet::edit::Located;
use ovs_packet::wire::IpProtocol;
use ovs_packet::{Offload, Packet};

use super::super::packet::Parsed;

/// By how much the sequence numbers of a direction are off, as its receiver sees them.
///
/// A line that is sent again must be changed alike, so what counts up to its segment is kept beside what counts behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(in super::super) struct Adjust {
    /// Where the segment that was changed last begins, as its sender counts.
    at: u32,
    /// Up to there.
    before: i32,
    /// Behind.
    after: i32,
}

/// A network header's lengths are of two bytes.
const LONGEST_PACKET: usize = 0xffff;

fn behind(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

impl Adjust {
    /// The segment at `seq` has grown by so much.
    pub fn note(&mut self, seq: u32, grown: i32) {
        let first = self.before == self.after;
        if first || behind(seq, self.at) {
            *self = Self { at: seq, before: self.after, after: self.after.saturating_add(grown) };
        }
    }

    /// A number as the receiver is to see it.
    fn forth(&self, seq: u32) -> u32 {
        seq.wrapping_add_signed(if behind(seq, self.at) { self.after } else { self.before })
    }

    /// A number that the receiver has seen, as the sender counts.
    pub fn back(&self, ack: u32) -> u32 {
        let early = ack.wrapping_sub(self.before.cast_unsigned());
        if behind(early, self.at) { ack.wrapping_sub(self.after.cast_unsigned()) } else { early }
    }

    fn is_idle(&self) -> bool {
        (self.before, self.after) == (0, 0)
    }
}

/// Puts other bytes in the place of some of a segment's payload; false if there is no room, and then nothing is changed.
pub(super) fn replace(packet: &mut Packet, parsed: &Parsed, at: Range<usize>, new: &[u8]) -> bool {
    let Some(l3) = Located::of(packet).map(|located| located.l3) else { return false };
    let (old_len, end) = (at.len(), parsed.end);
    if at.start > at.end || at.end > end || packet.len() < end || end + new.len() > old_len + LONGEST_PACKET {
        return false;
    }
    packet.truncate(end);
    let more = new.len().saturating_sub(old_len);
    if !make_room(packet, more) || packet.push_back(more).is_err() {
        return false;
    }
    let data = packet.data_mut();
    data.copy_within(at.end..end, at.start + new.len());
    data[at.start..at.start + new.len()].copy_from_slice(new);
    let len = end - old_len + new.len();
    packet.truncate(len);
    let data = packet.data_mut();
    let (field, counted) = if data[l3] >> 4 == 4 { (l3 + 2, l3) } else { (l3 + 4, l3 + 40) };
    data[field..field + 2].copy_from_slice(&((len - counted) as u16).to_be_bytes());
    seal(packet, l3, parsed.l4);
    true
}

/// Moves a packet to the front of its frame if there are not so many bytes behind it; false if there are none in front.
fn make_room(packet: &mut Packet, more: usize) -> bool {
    if packet.tailroom() >= more {
        return true;
    }
    let (layers, facts, len) = (*packet.layers(), *packet.facts(), packet.len());
    if packet.push_front(more).is_err() {
        return false;
    }
    packet.data_mut().copy_within(more.., 0);
    packet.truncate(len);
    (*packet.layers_mut(), *packet.facts_mut()) = (layers, facts);
    true
}

/// Computes the checksums of network header and segment.
fn seal(packet: &mut Packet, l3: usize, l4: usize) {
    let partial = packet.facts().offload.contains(Offload::NEEDS_L4_CSUM);
    let data = packet.data_mut();
    let Some((head, segment)) = data.split_at_mut_checked(l4) else { return };
    let ip = &mut head[l3..];
    let v4 = ip.first().is_some_and(|first| first >> 4 == 4);
    if v4 && ip.len() >= 20 {
        let header = usize::from(ip[0] & 0x0f) * 4;
        ip[10..12].fill(0);
        let sum = ip.get(..header).map_or(0, internet);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    if segment.len() < 20 {
        return;
    }
    segment[16..18].fill(0);
    let len = segment.len();
    let pseudo = if v4 {
        let (Some(src), Some(dst)) = (part(ip, 12), part(ip, 16)) else { return };
        pseudo_v4(src, dst, IpProtocol::TCP, len as u16)
    } else {
        let (Some(src), Some(dst)) = (part(ip, 8), part(ip, 24)) else { return };
        pseudo_v6(src, dst, IpProtocol::TCP, len as u32)
    };
    // Where the rest is to be added later, the sum of the pseudo header stands there as it is.
    let sum = if partial { !pseudo.checksum() } else { pseudo.and(Sum::of(segment)).checksum() };
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
}

/// An address that begins at `at`.
fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Corrects a segment's numbers: its own by its direction's, those that it acknowledges by the other one's.
pub(super) fn renumber(packet: &mut Packet, l4: usize, own: &Adjust, other: &Adjust) {
    if own.is_idle() && other.is_idle() {
        return;
    }
    let Some(located) = Located::of(packet) else { return };
    let Some(end) = located.transport.map(|transport| transport.end) else { return };
    let Some(segment) = packet.data_mut().get_mut(l4..end).filter(|segment| segment.len() >= 20) else {
        return;
    };
    change(segment, 4, |seq| own.forth(seq));
    if segment[13] & 0x10 != 0 {
        change(segment, 8, |ack| other.back(ack));
    }
    let header = (usize::from(segment[12] >> 4) * 4).clamp(20, segment.len());
    blocks(&mut segment[20..header], |edge| other.back(edge));
    let padded = packet.len() > end;
    if padded {
        // What stands behind the segment is no part of its sum.
        packet.truncate(end);
    }
    seal(packet, located.l3, l4);
}

fn change(bytes: &mut [u8], at: usize, to: impl Fn(u32) -> u32) {
    if let Some(field) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
        *field = to(u32::from_be_bytes(*field)).to_be_bytes();
    }
}

/// The edges of blocks that are acknowledged out of order (RFC 2018).
fn blocks(mut options: &mut [u8], to: impl Fn(u32) -> u32) {
    while let [kind, rest @ ..] = options {
        match *kind {
            0 => return,
            1 => options = rest,
            kind => {
                let length = rest.first().map_or(0, |length| usize::from(*length));
                let Some((option, next)) = rest.split_at_mut_checked(length.max(2) - 1) else { return };
                if kind == 5 {
                    (1..option.len()).step_by(4).for_each(|at| change(option, at, &to));
                }
                options = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_forth_and_back() {
        let mut adjust = Adjust::default();
        adjust.note(1000, 5);
        assert_eq!((adjust.forth(900), adjust.forth(1000), adjust.forth(1020)), (900, 1000, 1025));
        // Sent again: the same.
        adjust.note(1000, 5);
        assert_eq!((adjust.forth(1020), adjust.back(1025), adjust.back(1000)), (1025, 1020, 1000));
        adjust.note(2000, -3);
        assert_eq!((adjust.forth(1500), adjust.forth(2000), adjust.forth(2010)), (1505, 2005, 2012));
        assert_eq!((adjust.back(2012), adjust.back(2005)), (2010, 2000));
        let mut wrapped = Adjust::default();
        wrapped.note(u32::MAX - 5, 4);
        assert_eq!((wrapped.forth(10), wrapped.back(14)), (14, 10));
    }

    #[test]
    fn blocks_are_found_among_options() {
        let mut options = [1, 1, 5, 10, 0, 0, 0, 10, 0, 0, 0, 20, 8, 3, 1, 0];
        blocks(&mut options, |edge| edge - 5);
        assert_eq!(options, [1, 1, 5, 10, 0, 0, 0, 5, 0, 0, 0, 15, 8, 3, 1, 0]);
        blocks(&mut [5], |edge| edge);
        blocks(&mut [5, 0, 1], |edge| edge);
        blocks(&mut [5, 200, 1], |edge| edge);
    }
}
