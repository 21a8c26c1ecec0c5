//! Fields of the IPv4 (RFC 791) and IPv6 (RFC 8200) headers.

use super::{
    Located, Transport,
    write::{Covered, ipv4_header, l4_checksum, read},
};
use crate::{Packet, checksum::Sum, wire::EtherType, wire::bytes::put};

/// A packet that was found to have an IPv4 header.
#[derive(Debug)]
pub struct Ipv4<'a> {
    packet: &'a mut Packet,
    l3: usize,
    transport: Option<Transport>,
}

impl<'a> Ipv4<'a> {
    /// None unless the packet has a whole IPv4 header (without its options).
    pub fn of(packet: &'a mut Packet) -> Option<Self> {
        let Located { l3, ether_type, transport } = Located::of(packet)?;
        let whole = ether_type == EtherType::IPV4 && packet.len() >= l3 + 20;
        whole.then_some(Self { packet, l3, transport })
    }

    /// Source address.
    pub fn src(&self) -> [u8; 4] {
        read(self.packet, self.l3 + 12)
    }

    /// Destination address.
    pub fn dst(&self) -> [u8; 4] {
        read(self.packet, self.l3 + 16)
    }

    /// Type of service: DSCP (6 bits) and ECN (2 bits).
    pub fn tos(&self) -> u8 {
        read::<1>(self.packet, self.l3 + 1)[0]
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        read::<1>(self.packet, self.l3 + 8)[0]
    }

    /// Sets the source address; the L4 checksum follows.
    pub fn set_src(&mut self, address: [u8; 4]) {
        self.set_address(12, address, self.transport);
    }

    /// Sets the destination address; the L4 checksum follows, unless a source route says that the checksum was made
    /// with another address.
    pub fn set_dst(&mut self, address: [u8; 4]) {
        self.set_address(16, address, self.transport.filter(|transport| !transport.routed));
    }

    /// Sets the type of service.
    pub fn set_tos(&mut self, tos: u8) {
        ipv4_header(self.packet.data_mut(), self.l3, 1, &[tos]);
    }

    /// Differentiated services code point (RFC 2474), 0 to 63.
    pub fn dscp(&self) -> u8 {
        self.tos() >> 2
    }

    /// Explicit congestion notification (RFC 3168), 0 to 3.
    pub fn ecn(&self) -> u8 {
        self.tos() & 3
    }

    /// Sets the differentiated services code point (its lower 6 bits).
    pub fn set_dscp(&mut self, dscp: u8) {
        self.set_tos(dscp << 2 | self.ecn());
    }

    /// Sets the explicit congestion notification (its lower 2 bits).
    pub fn set_ecn(&mut self, ecn: u8) {
        self.set_tos(self.tos() & !3 | ecn & 3);
    }

    /// Sets the time to live.
    pub fn set_ttl(&mut self, ttl: u8) {
        ipv4_header(self.packet.data_mut(), self.l3, 8, &[ttl]);
    }

    fn set_address(&mut self, at: usize, new: [u8; 4], summed: Option<Transport>) {
        let old: [u8; 4] = read(self.packet, self.l3 + at);
        if let Some(transport) = summed {
            l4_checksum(self.packet, transport, Covered::Pseudo, Sum::change(&old, &new));
        }
        ipv4_header(self.packet.data_mut(), self.l3, at, &new);
    }
}

/// A packet that was found to have an IPv6 header.
#[derive(Debug)]
pub struct Ipv6<'a> {
    packet: &'a mut Packet,
    l3: usize,
    transport: Option<Transport>,
}

impl<'a> Ipv6<'a> {
    /// None unless the packet has a whole IPv6 header.
    pub fn of(packet: &'a mut Packet) -> Option<Self> {
        let Located { l3, ether_type, transport } = Located::of(packet)?;
        let whole = ether_type == EtherType::IPV6 && packet.len() >= l3 + 40;
        whole.then_some(Self { packet, l3, transport })
    }

    /// Source address.
    pub fn src(&self) -> [u8; 16] {
        read(self.packet, self.l3 + 8)
    }

    /// Destination address.
    pub fn dst(&self) -> [u8; 16] {
        read(self.packet, self.l3 + 24)
    }

    /// Traffic class: DSCP (6 bits) and ECN (2 bits).
    pub fn traffic_class(&self) -> u8 {
        (self.first_word() >> 20) as u8
    }

    /// Flow label (20 bits).
    pub fn flow_label(&self) -> u32 {
        self.first_word() & 0x000f_ffff
    }

    /// Hop limit.
    pub fn hop_limit(&self) -> u8 {
        read::<1>(self.packet, self.l3 + 7)[0]
    }

    /// Sets the source address; the L4 checksum follows.
    pub fn set_src(&mut self, address: [u8; 16]) {
        self.set_address(8, address, self.transport);
    }

    /// Sets the destination address; the L4 checksum follows, unless a routing header says that the checksum was
    /// made with another address.
    pub fn set_dst(&mut self, address: [u8; 16]) {
        self.set_address(24, address, self.transport.filter(|transport| !transport.routed));
    }

    /// Sets the traffic class.
    pub fn set_traffic_class(&mut self, class: u8) {
        self.set_first_word(self.first_word() & !(0xff << 20) | u32::from(class) << 20);
    }

    /// Differentiated services code point (RFC 2474), 0 to 63.
    pub fn dscp(&self) -> u8 {
        self.traffic_class() >> 2
    }

    /// Explicit congestion notification (RFC 3168), 0 to 3.
    pub fn ecn(&self) -> u8 {
        self.traffic_class() & 3
    }

    /// Sets the differentiated services code point (its lower 6 bits).
    pub fn set_dscp(&mut self, dscp: u8) {
        self.set_traffic_class(dscp << 2 | self.ecn());
    }

    /// Sets the explicit congestion notification (its lower 2 bits).
    pub fn set_ecn(&mut self, ecn: u8) {
        self.set_traffic_class(self.traffic_class() & !3 | ecn & 3);
    }

    /// Sets the flow label (its lower 20 bits).
    pub fn set_flow_label(&mut self, label: u32) {
        self.set_first_word(self.first_word() & !0x000f_ffff | label & 0x000f_ffff);
    }

    /// Sets the hop limit.
    pub fn set_hop_limit(&mut self, limit: u8) {
        put(self.packet.data_mut(), self.l3 + 7, &[limit]);
    }

    fn first_word(&self) -> u32 {
        u32::from_be_bytes(read(self.packet, self.l3))
    }

    fn set_first_word(&mut self, word: u32) {
        put(self.packet.data_mut(), self.l3, &word.to_be_bytes());
    }

    fn set_address(&mut self, at: usize, new: [u8; 16], summed: Option<Transport>) {
        let old: [u8; 16] = read(self.packet, self.l3 + at);
        if let Some(transport) = summed {
            l4_checksum(self.packet, transport, Covered::Pseudo, Sum::change(&old, &new));
        }
        put(self.packet.data_mut(), self.l3 + at, &new);
    }
}
