//! MPLS label stack entries (RFC 3032): label 20 bits, traffic class 3, bottom of stack 1, TTL 8.

use super::{EditError, Located, locate::ETHER_TYPE_SPACE};
use crate::{
    Packet,
    wire::{
        EtherType,
        bytes::{put, u8_at, u32_at},
    },
};

/// Bytes of an entry.
const ENTRY: usize = 4;

/// The bottom-of-stack bit.
const BOTTOM: u32 = 0x100;

/// Explicit null labels (RFC 3032 section 2.1): what follows is IPv4, IPv6.
const NULL_V4: u32 = 0;
const NULL_V6: u32 = 2;

/// The outermost entry, in host order.
pub fn top_mpls(packet: &Packet) -> Option<u32> {
    let located = Located::of(packet)?;
    if located.ether_type.is_mpls() { u32_at(packet.data(), located.l3) } else { None }
}

/// Overwrites the outermost entry. False if there is none.
pub fn set_mpls(packet: &mut Packet, entry: u32) -> bool {
    Mpls::of(packet, 0).map(|mut mpls| mpls.set_entry(entry)).is_some()
}

/// Pushes an entry behind the VLAN tags, and makes the `EtherType` `ether_type` (0x8847, 0x8848). The bottom bit is
/// the caller's to set: it is the first entry exactly if [`top_mpls`] gives none; [`next_mpls`] has it right.
pub fn push_mpls(packet: &mut Packet, ether_type: u16, entry: u32) -> Result<(), EditError> {
    if !EtherType(ether_type).is_mpls() {
        return Err(EditError::WrongHeader);
    }
    let located = Located::of(packet).ok_or(EditError::Truncated)?;
    packet.push_front(ENTRY)?;
    let data = packet.data_mut();
    data.copy_within(ENTRY..ENTRY + located.l3, 0);
    put(data, located.l3, &entry.to_be_bytes());
    put_ether_type(packet, located.l3, ether_type);
    // The entry stands in front of the network header but behind the link header, which moved to the front.
    packet.layers_mut().l2_5 = located.l3 as u16;
    Ok(())
}

/// The entry that a push without further ado puts on a packet: a copy of the outermost, no longer at the bottom; or
/// else the first, at the bottom, with the label that announces IPv4 or IPv6 (0 for anything else), the traffic
/// class zero, and the packet's own TTL (64 for anything but IP).
pub fn next_mpls(packet: &Packet) -> u32 {
    if let Some(entry) = top_mpls(packet) {
        return entry & !BOTTOM;
    }
    let Some(Located { l3, ether_type, .. }) = Located::of(packet) else { return BOTTOM | 64 };
    let (label, ttl) = match ether_type {
        EtherType::IPV4 => (NULL_V4, u8_at(packet.data(), l3 + 8)),
        EtherType::IPV6 => (NULL_V6, u8_at(packet.data(), l3 + 7)),
        _ => (NULL_V4, None),
    };
    label << 12 | BOTTOM | u32::from(ttl.unwrap_or(64))
}

/// Pops the outermost entry and returns it. `ether_type` says what the bytes behind it are; it takes the place of
/// the packet's own if the entry was the last (or if the caller says another MPLS type).
pub fn pop_mpls(packet: &mut Packet, ether_type: u16) -> Result<u32, EditError> {
    let located = Located::of(packet).ok_or(EditError::Truncated)?;
    if !located.ether_type.is_mpls() {
        return Err(EditError::WrongHeader);
    }
    let entry = u32_at(packet.data(), located.l3).ok_or(EditError::Truncated)?;
    packet.data_mut().copy_within(..located.l3, ENTRY);
    packet.pull_front(ENTRY).map_err(|_| EditError::Truncated)?;
    put_ether_type(packet, located.l3, ether_type);
    packet.layers_mut().l2_5 = if entry & BOTTOM == 0 { located.l3 as u16 } else { crate::ABSENT };
    Ok(entry)
}

/// Sets the `EtherType` in front of `l3`, or the packet type of a packet without a link header.
fn put_ether_type(packet: &mut Packet, l3: usize, ether_type: u16) {
    match l3.checked_sub(2) {
        Some(at) => {
            put(packet.data_mut(), at, &ether_type.to_be_bytes());
        }
        None => packet.facts_mut().packet_type = ETHER_TYPE_SPACE << 16 | u32::from(ether_type),
    }
}

/// A packet that was found to have a label stack entry at some depth.
#[derive(Debug)]
pub struct Mpls<'a> {
    packet: &'a mut Packet,
    at: usize,
}

impl<'a> Mpls<'a> {
    /// The entry behind `depth` others: 0 is the outermost. None unless the stack goes so deep.
    pub fn of(packet: &'a mut Packet, depth: usize) -> Option<Self> {
        let located = Located::of(packet)?;
        if !located.ether_type.is_mpls() || depth > packet.len() / ENTRY {
            return None;
        }
        let data = packet.data();
        let entry = |n: usize| u32_at(data, located.l3 + n * ENTRY);
        let above = (0..depth).all(|n| entry(n).is_some_and(|entry| entry & BOTTOM == 0));
        entry(depth).filter(|_| above)?;
        Some(Self { packet, at: located.l3 + depth * ENTRY })
    }

    /// The whole entry, in host order.
    pub fn entry(&self) -> u32 {
        u32_at(self.packet.data(), self.at).unwrap_or_default()
    }

    /// Label (20 bits).
    pub fn label(&self) -> u32 {
        self.entry() >> 12
    }

    /// Traffic class (3 bits; RFC 5462).
    pub fn traffic_class(&self) -> u8 {
        (self.entry() >> 9) as u8 & 7
    }

    /// True for the last entry of the stack.
    pub fn is_bottom(&self) -> bool {
        self.entry() & BOTTOM != 0
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        self.entry() as u8
    }

    /// Sets the whole entry.
    pub fn set_entry(&mut self, entry: u32) {
        put(self.packet.data_mut(), self.at, &entry.to_be_bytes());
    }

    /// Sets the label (its lower 20 bits).
    pub fn set_label(&mut self, label: u32) {
        self.set_entry(self.entry() & 0x0fff | label << 12);
    }

    /// Sets the traffic class (its lower 3 bits).
    pub fn set_traffic_class(&mut self, class: u8) {
        self.set_entry(self.entry() & !0x0e00 | u32::from(class & 7) << 9);
    }

    /// Sets the bottom-of-stack bit.
    pub fn set_bottom(&mut self, bottom: bool) {
        self.set_entry(self.entry() & !BOTTOM | u32::from(bottom) << 8);
    }

    /// Sets the time to live.
    pub fn set_ttl(&mut self, ttl: u8) {
        self.set_entry(self.entry() & !0xff | u32::from(ttl));
    }
}
