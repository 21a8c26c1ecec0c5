//! The network service header (RFC 8300).
//!
//! ```text
//! version 2 bits │ O 1 │ reserved 1 │ TTL 6 │ length 6 (words) │ reserved 4 │ MD type 4 │ next protocol 8
//! service path 24 bits │ service index 8
//! context: four words (MD type 1) or options (MD type 2)
//! ```

use super::{EditError, Located, locate::ETHER_TYPE_SPACE};
use crate::{
    Packet,
    wire::{
        EtherType,
        bytes::{put, u8_at, u16_at, u32_at},
    },
};

/// Bytes of base header and path header.
const FIXED: usize = 8;

/// Longest header that six bits of words can say.
const LONGEST: usize = 63 * 4;

/// TTL of the first word's upper half.
const TTL: u16 = 0x0fc0;

/// What follows the path header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NshContext<'a> {
    /// MD type 1: four words, in host order.
    Fixed([u32; 4]),
    /// MD type 2: options (class 2 bytes, type 1, length 1, data, each padded to words), at most 244 bytes in
    /// whole words.
    Options(&'a [u8]),
}

/// A header to be pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NshPush<'a> {
    /// The O bit (2) and the reserved bit behind it (1).
    pub flags: u8,
    /// Time to live, 0 to 63.
    pub ttl: u8,
    /// Service path identifier (24 bits).
    pub path: u32,
    /// Service index.
    pub index: u8,
    /// Metadata.
    pub context: NshContext<'a>,
}

/// Puts a network service header in front of a packet, whose type becomes NSH. Its next protocol says what the
/// packet was: [`EditError::WrongHeader`] unless that is Ethernet, IPv4, IPv6, NSH or MPLS, or if options are not
/// whole words or too long.
pub fn push_nsh(packet: &mut Packet, header: &NshPush<'_>) -> Result<(), EditError> {
    let next = next_protocol(packet.facts().packet_type).ok_or(EditError::WrongHeader)?;
    let (kind, context) = match header.context {
        NshContext::Fixed(_) => (1, 16),
        NshContext::Options(options) => (2, options.len()),
    };
    let len = FIXED + context;
    if !len.is_multiple_of(4) || len > LONGEST {
        return Err(EditError::WrongHeader);
    }
    let place = packet.push_front(len)?;
    let first = u16::from(header.flags & 3) << 12 | u16::from(header.ttl & 63) << 6 | (len / 4) as u16;
    put(place, 0, &first.to_be_bytes());
    put(place, 2, &[kind, next]);
    put(place, 4, &(header.path << 8 | u32::from(header.index)).to_be_bytes());
    match header.context {
        NshContext::Fixed(words) => {
            for (n, word) in words.into_iter().enumerate() {
                put(place, FIXED + 4 * n, &word.to_be_bytes());
            }
        }
        NshContext::Options(options) => {
            put(place, FIXED, options);
        }
    }
    packet.facts_mut().packet_type = of_ether_type(EtherType::NSH);
    Ok(())
}

/// Takes the network service header off, with a link header in front of it if there is one; the packet is from
/// then on what the next protocol says. [`EditError::WrongHeader`] if it is not one of those that
/// [`push_nsh`] knows.
pub fn pop_nsh(packet: &mut Packet) -> Result<(), EditError> {
    let nsh = Nsh::of(packet).ok_or(EditError::WrongHeader)?;
    let kind = packet_type(nsh.next_protocol()).ok_or(EditError::WrongHeader)?;
    let end = nsh.at + nsh.len;
    packet.pull_front(end).map_err(|_| EditError::Truncated)?;
    packet.facts_mut().packet_type = kind;
    Ok(())
}

fn of_ether_type(ether_type: EtherType) -> u32 {
    ETHER_TYPE_SPACE << 16 | u32::from(ether_type.0)
}

/// RFC 8300 section 2.2.
const NEXT: [(u8, EtherType); 4] =
    [(1, EtherType::IPV4), (2, EtherType::IPV6), (4, EtherType::NSH), (5, EtherType::MPLS)];
const NEXT_ETHERNET: u8 = 3;

fn next_protocol(packet_type: u32) -> Option<u8> {
    if packet_type == 0 {
        return Some(NEXT_ETHERNET);
    }
    NEXT.into_iter().find(|(_, kind)| of_ether_type(*kind) == packet_type).map(|(next, _)| next)
}

fn packet_type(next_protocol: u8) -> Option<u32> {
    if next_protocol == NEXT_ETHERNET {
        return Some(0);
    }
    NEXT.into_iter().find(|(next, _)| *next == next_protocol).map(|(_, kind)| of_ether_type(kind))
}

/// A packet that was found to have a whole network service header of version 0.
#[derive(Debug)]
pub struct Nsh<'a> {
    packet: &'a mut Packet,
    at: usize,
    len: usize,
}

impl<'a> Nsh<'a> {
    /// None unless the packet is of type NSH, or an Ethernet frame of it, and the header is all there.
    pub fn of(packet: &'a mut Packet) -> Option<Self> {
        let Located { l3, ether_type, .. } = Located::of(packet)?;
        let first = u16_at(packet.data(), l3)?;
        let len = usize::from(first & 0x3f) * 4;
        let kind = u8_at(packet.data(), l3 + 2)? & 0x0f;
        let least = if kind == 1 { FIXED + 16 } else { FIXED };
        let whole = len >= least && packet.len() >= l3 + len;
        (ether_type == EtherType::NSH && first >> 14 == 0 && whole).then_some(Self { packet, at: l3, len })
    }

    /// The O bit (2) and the reserved bit behind it (1).
    pub fn flags(&self) -> u8 {
        (self.first() >> 12) as u8 & 3
    }

    /// Time to live, 0 to 63.
    pub fn ttl(&self) -> u8 {
        ((self.first() & TTL) >> 6) as u8
    }

    /// Metadata type: 1 four words, 2 options.
    pub fn metadata_type(&self) -> u8 {
        u8_at(self.packet.data(), self.at + 2).unwrap_or_default() & 0x0f
    }

    /// What follows the header: 1 IPv4, 2 IPv6, 3 Ethernet, 4 NSH, 5 MPLS.
    pub fn next_protocol(&self) -> u8 {
        u8_at(self.packet.data(), self.at + 3).unwrap_or_default()
    }

    /// Service path identifier (24 bits).
    pub fn path(&self) -> u32 {
        self.word(4) >> 8
    }

    /// Service index.
    pub fn index(&self) -> u8 {
        self.word(4) as u8
    }

    /// The four context words of metadata type 1, in host order.
    pub fn context(&self) -> Option<[u32; 4]> {
        (self.metadata_type() == 1).then(|| [8, 12, 16, 20].map(|at| self.word(at)))
    }

    /// Sets the O bit (2) and the reserved bit behind it (1).
    pub fn set_flags(&mut self, flags: u8) {
        self.set_first(self.first() & 0xcfff | u16::from(flags & 3) << 12);
    }

    /// Sets the time to live (its lower 6 bits).
    pub fn set_ttl(&mut self, ttl: u8) {
        self.set_first(self.first() & !TTL | u16::from(ttl & 63) << 6);
    }

    /// Sets the service path identifier (its lower 24 bits).
    pub fn set_path(&mut self, path: u32) {
        self.put(4, path << 8 | u32::from(self.index()));
    }

    /// Sets the service index.
    pub fn set_index(&mut self, index: u8) {
        self.put(4, self.path() << 8 | u32::from(index));
    }

    /// Sets a context word (0 to 3) of metadata type 1. False if there is no such word.
    pub fn set_context(&mut self, n: usize, word: u32) -> bool {
        let there = n < 4 && self.metadata_type() == 1;
        if there {
            self.put(FIXED + 4 * n, word);
        }
        there
    }

    fn first(&self) -> u16 {
        u16_at(self.packet.data(), self.at).unwrap_or_default()
    }

    fn set_first(&mut self, first: u16) {
        put(self.packet.data_mut(), self.at, &first.to_be_bytes());
    }

    fn word(&self, at: usize) -> u32 {
        u32_at(self.packet.data(), self.at + at).unwrap_or_default()
    }

    fn put(&mut self, at: usize, word: u32) {
        put(self.packet.data_mut(), self.at + at, &word.to_be_bytes());
    }
}
