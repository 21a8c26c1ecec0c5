//! Frames to send through a datapath.

use std::fmt;

use ovs_dpif::ovs_packet::checksum::internet;

/// What a frame is like; [`Shape::frame`] makes it.
#[derive(Clone)]
pub struct Shape {
    /// Last byte of the destination address.
    pub dst: u8,
    /// An 802.1Q tag, if not 0.
    pub vlan: u16,
    pub kind: Kind,
    /// Time to live.
    pub ttl: u8,
    /// Port of destination.
    pub port: u16,
    /// Bytes cut off its end.
    pub cut: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Other,
    Arp,
    Tcp4,
    Udp4,
    Tcp6,
    Mpls,
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} dst={} vlan={} ttl={} port={}", self.kind, self.dst, self.vlan, self.ttl, self.port)?;
        write!(f, " cut={}", self.cut)
    }
}

impl Shape {
    pub fn new(kind: Kind, dst: u8) -> Self {
        Self { dst, vlan: 0, kind, ttl: 64, port: 80, cut: 0 }
    }

    /// The frame; `tag` stands at its end.
    pub fn frame(&self, tag: u32) -> Vec<u8> {
        let mut frame = vec![2, 0, 0, 0, 0, self.dst, 2, 0, 0, 0, 0, 1];
        if self.vlan != 0 {
            frame.extend([0x81, 0]);
            frame.extend(self.vlan.to_be_bytes());
        }
        let payload = [&[0x5a; 12][..], &tag.to_be_bytes()].concat();
        match self.kind {
            Kind::Other => frame.extend([0x12, 0x34]),
            Kind::Arp => {
                frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
                frame.extend([2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, self.dst]);
            }
            Kind::Tcp4 => self.ipv4(&mut frame, 6, &self.tcp(), payload.len()),
            Kind::Udp4 => self.ipv4(&mut frame, 17, &self.udp(payload.len()), payload.len()),
            Kind::Tcp6 => {
                let tcp = self.tcp();
                frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
                frame.extend(((tcp.len() + payload.len()) as u16).to_be_bytes());
                frame.extend([6, self.ttl]);
                frame.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
                frame.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, self.dst]);
                frame.extend(tcp);
            }
            Kind::Mpls => frame.extend([0x88, 0x47, 0, 0, 0x51, self.ttl]),
        }
        frame.extend(payload);
        frame.truncate((frame.len() - self.cut.min(frame.len())).max(14));
        frame
    }

    fn tcp(&self) -> Vec<u8> {
        let [high, low] = self.port.to_be_bytes();
        vec![4, 0xd2, high, low, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0]
    }

    fn udp(&self, payload: usize) -> Vec<u8> {
        let ([high, low], len) = (self.port.to_be_bytes(), (8 + payload) as u8);
        vec![4, 0xd2, high, low, 0, len, 0, 0]
    }

    fn ipv4(&self, frame: &mut Vec<u8>, protocol: u8, header: &[u8], payload: usize) {
        let len = (20 + header.len() + payload) as u8;
        let at = frame.len() + 2;
        frame.extend([8, 0, 0x45, 0, 0, len, 0, 0, 0, 0, self.ttl, protocol, 0, 0]);
        frame.extend([10, 0, 0, 1, 10, 0, 0, self.dst]);
        let checksum = internet(&frame[at..]);
        frame[at + 10..at + 12].copy_from_slice(&checksum.to_be_bytes());
        frame.extend(header);
    }
}
