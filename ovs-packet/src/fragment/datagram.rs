//! One incomplete datagram: its fragments in order, and what they claim together.

use core::time::Duration;

use super::{Family, header::Header};
use crate::Packet;

/// What fragments of one datagram share (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    zone: u64,
    v6: bool,
    /// IPv4 only; in IPv6 each fragment may name another, and the first one's counts.
    protocol: u8,
    id: u32,
    src: [u8; 16],
    dst: [u8; 16],
}

impl Key {
    pub(super) fn of(zone: u64, header: &Header) -> Self {
        let v6 = header.family == Family::V6;
        let protocol = if v6 { 0 } else { header.protocol.0 };
        Self { zone, v6, protocol, id: header.id, src: header.src, dst: header.dst }
    }

    pub(super) fn family(&self) -> Family {
        if self.v6 { Family::V6 } else { Family::V4 }
    }
}

/// An incomplete datagram, in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatagramView {
    /// Where it belongs, as its fragments' [`Origin`](super::Origin) says.
    pub zone: u64,
    /// Version.
    pub family: Family,
    /// Protocol in IPv4; 0 in IPv6, where fragments of one datagram may name different ones.
    pub protocol: u8,
    /// Identification; 16 bits of it in IPv4.
    pub id: u32,
    /// Source address; the first four bytes in IPv4.
    pub src: [u8; 16],
    /// Destination address, likewise.
    pub dst: [u8; 16],
    /// Fragments held.
    pub fragments: u8,
    /// The first one is among them.
    pub first: bool,
    /// The last one is.
    pub last: bool,
}

/// "No node" in links.
pub(super) const NONE: u32 = u32::MAX;

/// A held fragment, or an unused place for one.
#[derive(Debug)]
pub(super) struct Node {
    pub packet: Option<Packet>,
    /// Where its payload begins in the packet, how long it is, and where it belongs in the datagram.
    pub payload: u32,
    pub len: u16,
    pub offset: u16,
    pub more: bool,
    /// The port that it came from.
    pub port: u32,
    /// The next fragment of the datagram by offset, or the next unused place.
    pub next: u32,
}

impl Node {
    /// One past its last payload byte, in the datagram.
    pub(super) fn end(&self) -> u32 {
        u32::from(self.offset) + u32::from(self.len)
    }

    /// Its payload.
    pub(super) fn payload(&self) -> &[u8] {
        let from = self.payload as usize;
        let data = self.packet.as_ref().map_or(&[][..], Packet::data);
        data.get(from..from + usize::from(self.len)).unwrap_or_default()
    }
}

/// Explicit congestion notification of fragments together (RFC 3168 section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Congestion(u8);

impl Congestion {
    /// Adds what a fragment says; false if the datagram has to be dropped: some cannot be marked, and some are.
    pub(super) fn add(&mut self, ecn: u8) -> bool {
        self.0 |= 1 << ecn;
        self.0 & 0b1001 != 0b1001
    }

    /// What the whole says, given what its first fragment says: a mark on any is a mark on all.
    pub(super) fn whole(self, first: u8) -> u8 {
        if self.0 & 0b1000 != 0 { 3 } else { first }
    }
}

/// An incomplete datagram, or an unused place for one.
#[derive(Debug)]
pub(super) struct Datagram {
    pub key: Key,
    pub deadline: Duration,
    /// The fragment with the least offset.
    pub head: u32,
    pub count: u8,
    /// Payload bytes held. No two fragments overlap, so with the end known this tells whether all are there.
    pub held: u32,
    /// Where the last fragment ends, once it has come.
    pub end: Option<u32>,
    /// Where the furthest fragment ends.
    pub reach: u32,
    pub congestion: Congestion,
    /// Every fragment so far says "do not fragment" (IPv4).
    pub dont_fragment: bool,
    /// Nothing is held, and what comes is refused.
    pub condemned: bool,
}

/// Where a fragment stands among those that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind this node ([`NONE`]: at the front).
    After(u32),
    /// These bytes are held already, as the same fragment.
    Duplicate,
    /// It contradicts a fragment that is held.
    Overlap,
}

impl Datagram {
    /// What can be seen of it.
    pub(super) fn view(&self, nodes: &[Node]) -> DatagramView {
        let Key { zone, protocol, id, src, dst, .. } = self.key;
        let first = nodes.get(self.head as usize).is_some_and(|node| node.offset == 0);
        let (family, fragments, last) = (self.key.family(), self.count, self.end.is_some());
        DatagramView { zone, family, protocol, id, src, dst, fragments, first, last }
    }

    pub(super) fn new(key: Key, deadline: Duration) -> Self {
        Self {
            key,
            deadline,
            head: NONE,
            count: 0,
            held: 0,
            end: None,
            reach: 0,
            congestion: Congestion::default(),
            dont_fragment: true,
            condemned: false,
        }
    }

    /// Finds the place of a fragment.
    pub(super) fn place(&self, nodes: &[Node], header: &Header, payload: &[u8]) -> Place {
        let (from, to) = (header.offset as u32, (header.offset + header.len()) as u32);
        let ends_elsewhere = !header.more && (self.end.is_some_and(|end| end != to) || self.reach > to);
        let (mut before, mut at) = (NONE, self.head);
        while let Some(node) = nodes.get(at as usize) {
            if node.end() > from {
                if u32::from(node.offset) >= to {
                    break;
                }
                let same = (u32::from(node.offset), node.end(), node.more) == (from, to, header.more);
                let copy = same && node.payload() == payload;
                return if copy { Place::Duplicate } else { Place::Overlap };
            }
            (before, at) = (at, node.next);
        }
        if ends_elsewhere || self.end.is_some_and(|end| to > end) {
            return Place::Overlap;
        }
        Place::After(before)
    }

    /// True if every byte is there.
    pub(super) fn is_whole(&self) -> bool {
        self.end == Some(self.held)
    }
}
