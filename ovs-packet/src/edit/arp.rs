//! Fields of ARP for IPv4 over Ethernet (RFC 826).

use super::{Located, write::read};
use crate::{
    Packet,
    wire::{EtherType, bytes::put},
};

/// A packet that was found to have a whole ARP (or RARP) header for IPv4 over Ethernet.
#[derive(Debug)]
pub struct Arp<'a> {
    packet: &'a mut Packet,
    at: usize,
}

impl<'a> Arp<'a> {
    /// None unless the packet is ARP for Ethernet (hardware type 1, length 6) and IPv4 (length 4).
    pub fn of(packet: &'a mut Packet) -> Option<Self> {
        let Located { l3, ether_type, .. } = Located::of(packet)?;
        let arp = matches!(ether_type, EtherType::ARP | EtherType::RARP) && packet.len() >= l3 + 28;
        let kind: [u8; 6] = read(packet, l3);
        (arp && kind == [0, 1, 8, 0, 6, 4]).then_some(Self { packet, at: l3 })
    }

    /// Operation: 1 request, 2 reply.
    pub fn operation(&self) -> u16 {
        u16::from_be_bytes(read(self.packet, self.at + 6))
    }

    /// Sender's Ethernet address.
    pub fn sender_ether(&self) -> [u8; 6] {
        read(self.packet, self.at + 8)
    }

    /// Sender's IPv4 address.
    pub fn sender_ip(&self) -> [u8; 4] {
        read(self.packet, self.at + 14)
    }

    /// Target's Ethernet address.
    pub fn target_ether(&self) -> [u8; 6] {
        read(self.packet, self.at + 18)
    }

    /// Target's IPv4 address.
    pub fn target_ip(&self) -> [u8; 4] {
        read(self.packet, self.at + 24)
    }

    /// Sets the operation.
    pub fn set_operation(&mut self, operation: u16) {
        self.put(6, &operation.to_be_bytes());
    }

    /// Sets the sender's Ethernet address.
    pub fn set_sender_ether(&mut self, address: [u8; 6]) {
        self.put(8, &address);
    }

    /// Sets the sender's IPv4 address.
    pub fn set_sender_ip(&mut self, address: [u8; 4]) {
        self.put(14, &address);
    }

    /// Sets the target's Ethernet address.
    pub fn set_target_ether(&mut self, address: [u8; 6]) {
        self.put(18, &address);
    }

    /// Sets the target's IPv4 address.
    pub fn set_target_ip(&mut self, address: [u8; 4]) {
        self.put(24, &address);
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        put(self.packet.data_mut(), self.at + at, bytes);
    }
}
