//! Ports of TCP, UDP and SCTP.

use super::{
    Located, Transport,
    write::{is_partial, l4_header, read},
};
use crate::{
    Packet,
    checksum::crc32c,
    wire::{IpProtocol, bytes::put},
};

/// A packet that was found to have a header with ports.
#[derive(Debug)]
pub struct Ports<'a> {
    packet: &'a mut Packet,
    transport: Transport,
}

impl<'a> Ports<'a> {
    /// None unless the packet has a TCP, UDP or SCTP header that reaches to the end of its ports.
    pub fn of(packet: &'a mut Packet) -> Option<Self> {
        let transport = Located::of(packet)?.transport?;
        let known = matches!(transport.protocol, IpProtocol::TCP | IpProtocol::UDP | IpProtocol::SCTP);
        (known && transport.at + 4 <= transport.end).then_some(Self { packet, transport })
    }

    /// Which of the three it is.
    pub fn protocol(&self) -> IpProtocol {
        self.transport.protocol
    }

    /// Source port.
    pub fn src(&self) -> u16 {
        u16::from_be_bytes(read(self.packet, self.transport.at))
    }

    /// Destination port.
    pub fn dst(&self) -> u16 {
        u16::from_be_bytes(read(self.packet, self.transport.at + 2))
    }

    /// Sets both ports; the checksum follows.
    pub fn set(&mut self, src: u16, dst: u16) {
        let [a, b] = src.to_be_bytes();
        let [c, d] = dst.to_be_bytes();
        let ports = [a, b, c, d];
        if self.transport.protocol == IpProtocol::SCTP {
            self.set_sctp(ports);
        } else {
            l4_header(self.packet, self.transport, 0, &ports);
        }
    }

    /// Sets the source port; the checksum follows.
    pub fn set_src(&mut self, port: u16) {
        self.set(port, self.dst());
    }

    /// Sets the destination port; the checksum follows.
    pub fn set_dst(&mut self, port: u16) {
        self.set(self.src(), port);
    }

    /// A CRC is linear: the new checksum is the old one, changed by how far the right one moved. So a wrong one
    /// stays wrong, and nothing needs to be known of the rest of a fragmented packet but its length here.
    fn set_sctp(&mut self, ports: [u8; 4]) {
        let Transport { at, end, .. } = self.transport;
        let partial = is_partial(self.packet, self.transport);
        let before = sctp_checksum(self.packet.data(), at, end);
        put(self.packet.data_mut(), at, &ports);
        let after = sctp_checksum(self.packet.data(), at, end);
        if let (Some(before), Some(after), false) = (before, after, partial || self.transport.fragment) {
            let stored = u32::from_le_bytes(read(self.packet, at + 8));
            put(self.packet.data_mut(), at + 8, &(stored ^ before ^ after).to_le_bytes());
        }
    }
}

/// The right checksum of an SCTP packet (RFC 9260 section 6.8), if its common header is whole.
pub(super) fn sctp_checksum(data: &[u8], at: usize, end: usize) -> Option<u32> {
    let packet = data.get(at..end)?;
    let (header, chunks) = packet.split_at_checked(12)?;
    Some(crc32c(&[&header[..8], &[0; 4], chunks]))
}
