//! Fields of ICMP (RFC 792), ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861).

use super::{
    Located, Transport,
    write::{l4_header, read},
};
use crate::{
    Packet,
    wire::{IpProtocol, bytes::u8_at},
};

/// A packet that was found to have an ICMP or ICMPv6 header.
#[derive(Debug)]
pub struct Icmp<'a> {
    packet: &'a mut Packet,
    transport: Transport,
}

impl<'a> Icmp<'a> {
    /// None unless the packet is ICMP over IPv4 or ICMPv6 over IPv6, with its first four bytes.
    pub fn of(packet: &'a mut Packet) -> Option<Self> {
        let transport = Located::of(packet)?.transport?;
        let known = transport.protocol == if transport.v6 { IpProtocol::ICMPV6 } else { IpProtocol::ICMP };
        (known && transport.at + 4 <= transport.end).then_some(Self { packet, transport })
    }

    /// Type.
    pub fn kind(&self) -> u8 {
        read::<1>(self.packet, self.transport.at)[0]
    }

    /// Code.
    pub fn code(&self) -> u8 {
        read::<1>(self.packet, self.transport.at + 1)[0]
    }

    /// Sets the type; the checksum follows.
    pub fn set_kind(&mut self, kind: u8) {
        self.set(kind, self.code());
    }

    /// Sets the code; the checksum follows.
    pub fn set_code(&mut self, code: u8) {
        self.set(self.kind(), code);
    }

    /// Sets type and code; the checksum follows.
    pub fn set(&mut self, kind: u8, code: u8) {
        l4_header(self.packet, self.transport, 0, &[kind, code]);
    }
}

/// A packet that was found to be a neighbour solicitation or advertisement.
#[derive(Debug)]
pub struct Neighbor<'a> {
    packet: &'a mut Packet,
    transport: Transport,
}

/// Where the options begin.
const OPTIONS: usize = 24;

/// Option: the sender's link-layer address.
const SOURCE: u8 = 1;

/// Option: the target's link-layer address.
const TARGET: u8 = 2;

impl<'a> Neighbor<'a> {
    /// None unless the packet is ICMPv6 of type 135 or 136, code 0, up to the end of the target address.
    pub fn of(packet: &'a mut Packet) -> Option<Self> {
        let icmp = Icmp::of(packet)?;
        let transport = icmp.transport;
        let neighbor =
            matches!((icmp.kind(), icmp.code()), (135 | 136, 0)) && transport.protocol == IpProtocol::ICMPV6;
        (neighbor && transport.at + OPTIONS <= transport.end).then_some(Self { packet, transport })
    }

    /// The address that is asked for or told.
    pub fn target(&self) -> [u8; 16] {
        read(self.packet, self.transport.at + 8)
    }

    /// The source link-layer address option.
    pub fn source_ether(&self) -> Option<[u8; 6]> {
        self.option(SOURCE).map(|at| read(self.packet, self.transport.at + at))
    }

    /// The target link-layer address option.
    pub fn target_ether(&self) -> Option<[u8; 6]> {
        self.option(TARGET).map(|at| read(self.packet, self.transport.at + at))
    }

    /// The flags word of an advertisement (router, solicited, override in the highest bits); reserved otherwise.
    pub fn flags(&self) -> u32 {
        u32::from_be_bytes(read(self.packet, self.transport.at + 4))
    }

    /// Sets the target address; the checksum follows.
    pub fn set_target(&mut self, address: [u8; 16]) {
        l4_header(self.packet, self.transport, 8, &address);
    }

    /// Sets the flags word; the checksum follows.
    pub fn set_flags(&mut self, flags: u32) {
        l4_header(self.packet, self.transport, 4, &flags.to_be_bytes());
    }

    /// Sets the source link-layer address option; false if there is none.
    pub fn set_source_ether(&mut self, address: [u8; 6]) -> bool {
        self.option(SOURCE).is_some_and(|at| l4_header(self.packet, self.transport, at, &address))
    }

    /// Sets the target link-layer address option; false if there is none.
    pub fn set_target_ether(&mut self, address: [u8; 6]) -> bool {
        self.option(TARGET).is_some_and(|at| l4_header(self.packet, self.transport, at, &address))
    }

    /// The type of the first option (`nd_options_type` of the flow key); None if there is no whole one.
    pub fn option_kind(&self) -> Option<u8> {
        let at = self.transport.at + OPTIONS;
        self.first_option().then(|| read::<1>(self.packet, at)[0])
    }

    /// Sets the type of the first option; the checksum follows. False if there is no whole one.
    pub fn set_option_kind(&mut self, kind: u8) -> bool {
        let [_, units] = read::<2>(self.packet, self.transport.at + OPTIONS);
        self.first_option() && l4_header(self.packet, self.transport, OPTIONS, &[kind, units])
    }

    /// True if the first option has a length and all of its bytes.
    fn first_option(&self) -> bool {
        let at = self.transport.at + OPTIONS;
        let units = u8_at(self.packet.data(), at + 1).unwrap_or(0);
        units > 0 && at + usize::from(units) * 8 <= self.transport.end
    }

    /// Where the first option of such a type has its address, from the start of the header.
    fn option(&self, kind: u8) -> Option<usize> {
        let message = self.packet.data().get(self.transport.at..self.transport.end)?;
        let mut at = OPTIONS;
        loop {
            let len = usize::from(u8_at(message, at + 1)?) * 8;
            if len == 0 || at + len > message.len() {
                return None;
            }
            if message[at] == kind && len == 8 {
                return Some(at + 2);
            }
            at += len;
        }
    }
}
