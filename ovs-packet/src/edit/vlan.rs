//! VLAN tags (IEEE 802.1Q clause 9): type, then priority 3 bits, drop eligible 1, VLAN 12.

use super::EditError;
use crate::{
    Packet,
    wire::{
        EtherType,
        bytes::{put, u16_at},
    },
};

/// Bytes of both Ethernet addresses, which stand in front of the first tag.
const ADDRESSES: usize = 12;

/// Bytes of a tag: type and control information.
const TAG: usize = 4;

/// Pushes a tag in front of those that the packet has: type (0x8100, 0x88a8) and control information (priority,
/// drop eligible, VLAN), both in host order. [`EditError::WrongHeader`] if the packet has no Ethernet header.
pub fn push_vlan(packet: &mut Packet, tpid: u16, tci: u16) -> Result<(), EditError> {
    if packet.facts().packet_type != 0 {
        return Err(EditError::WrongHeader);
    }
    if packet.len() < ADDRESSES + 2 {
        return Err(EditError::Truncated);
    }
    packet.push_front(TAG)?;
    let data = packet.data_mut();
    data.copy_within(TAG..TAG + ADDRESSES, 0);
    put(data, ADDRESSES, &tpid.to_be_bytes());
    put(data, ADDRESSES + 2, &tci.to_be_bytes());
    Ok(())
}

/// Pops the outermost tag and returns its type and control information; None if there is no whole tag.
pub fn pop_vlan(packet: &mut Packet) -> Option<(u16, u16)> {
    let tag = Vlan::of(packet, 0)?;
    let popped = (tag.tpid(), tag.tci());
    packet.data_mut().copy_within(..ADDRESSES, TAG);
    packet.pull_front(TAG).ok()?;
    Some(popped)
}

/// Overwrites the outermost tag's control information. False if there is no whole tag.
pub fn set_vlan_tci(packet: &mut Packet, tci: u16) -> bool {
    Vlan::of(packet, 0).map(|mut tag| tag.set_tci(tci)).is_some()
}

/// A packet that was found to have a VLAN tag at some depth.
#[derive(Debug)]
pub struct Vlan<'a> {
    packet: &'a mut Packet,
    at: usize,
}

impl<'a> Vlan<'a> {
    /// The tag behind `depth` others: 0 is the outermost. None unless the packet is an Ethernet frame with so many
    /// tags, and the `EtherType` behind this one is there as well.
    pub fn of(packet: &'a mut Packet, depth: usize) -> Option<Self> {
        if packet.facts().packet_type != 0 || depth > packet.len() / TAG {
            return None;
        }
        let data = packet.data();
        let at = ADDRESSES + depth * TAG;
        let tags = (0..=depth)
            .all(|n| u16_at(data, ADDRESSES + n * TAG).is_some_and(|tpid| EtherType(tpid).is_vlan()));
        (tags && data.len() >= at + TAG + 2).then_some(Self { packet, at })
    }

    /// Type: 0x8100 or 0x88a8.
    pub fn tpid(&self) -> u16 {
        self.word(0)
    }

    /// Control information: priority, drop eligible and VLAN.
    pub fn tci(&self) -> u16 {
        self.word(2)
    }

    /// VLAN identifier, 0 to 4095.
    pub fn vid(&self) -> u16 {
        self.tci() & 0x0fff
    }

    /// Priority, 0 to 7.
    pub fn pcp(&self) -> u8 {
        (self.tci() >> 13) as u8
    }

    /// Drop eligible indicator.
    pub fn dei(&self) -> bool {
        self.tci() & 0x1000 != 0
    }

    /// Sets the type; one that is no tag's makes what follows unreadable, and is not set.
    pub fn set_tpid(&mut self, tpid: u16) {
        if EtherType(tpid).is_vlan() {
            self.put(0, tpid);
        }
    }

    /// Sets the control information.
    pub fn set_tci(&mut self, tci: u16) {
        self.put(2, tci);
    }

    /// Sets the VLAN identifier (its lower 12 bits).
    pub fn set_vid(&mut self, vid: u16) {
        self.set_tci(self.tci() & 0xf000 | vid & 0x0fff);
    }

    /// Sets the priority (its lower 3 bits).
    pub fn set_pcp(&mut self, pcp: u8) {
        self.set_tci(self.tci() & 0x1fff | u16::from(pcp & 7) << 13);
    }

    /// Sets the drop eligible indicator.
    pub fn set_dei(&mut self, dei: bool) {
        self.set_tci(self.tci() & 0xefff | u16::from(dei) << 12);
    }

    fn word(&self, at: usize) -> u16 {
        u16_at(self.packet.data(), self.at + at).unwrap_or_default()
    }

    fn put(&mut self, at: usize, word: u16) {
        put(self.packet.data_mut(), self.at + at, &word.to_be_bytes());
    }
}
