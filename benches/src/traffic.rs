//! The packets that datapaths are measured with: UDP, and some TCP, in frames of 64 bytes, their checksum included.

use ovs_dpif::ovs_packet::checksum::{self, Sum};
use ovs_dpif::ovs_packet::wire::IpProtocol;

/// A frame without its checksum.
pub type Frame = [u8; 60];

const UDP: u8 = 17;
/// Where the packets go.
const SERVER: u32 = 0x0a01_0001;

/// A UDP datagram from one IPv4 address and port to another.
pub fn udp(src: u32, dst: u32, sport: u16, dport: u16) -> Frame {
    let mut frame = [0; 60];
    frame[..14].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
    frame[14..26].copy_from_slice(&[0x45, 0, 0, 46, 0, 0, 0, 0, 64, UDP, 0, 0]);
    frame[26..30].copy_from_slice(&src.to_be_bytes());
    frame[30..34].copy_from_slice(&dst.to_be_bytes());
    let sum = checksum::internet(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame[34..36].copy_from_slice(&sport.to_be_bytes());
    frame[36..38].copy_from_slice(&dport.to_be_bytes());
    frame[38..40].copy_from_slice(&26_u16.to_be_bytes());
    frame
}

/// A packet of each of so many flows between two hosts, which differ in their ports.
pub fn flows(count: u32) -> Vec<Frame> {
    let ports = |n: u32| (1000 + (n % 50_000) as u16, 2000 + (n / 50_000) as u16);
    (0..count).map(ports).map(|(sport, dport)| udp(0x0a00_0001, SERVER, sport, dport)).collect()
}

/// The segments by which so many TCP connections begin, and then those by which they are reset.
pub fn short_lived(count: u32) -> Vec<Frame> {
    const SYN: u8 = 2;
    const RST: u8 = 4;
    let all = |flags, seq| (0..count).map(move |n| tcp(0x0a02_0000 + n, 1000, seq, flags));
    all(SYN, 7).chain(all(RST, 8)).collect()
}

/// A TCP segment without payload from an IPv4 address and port to the server's port 80.
fn tcp(src: u32, sport: u16, seq: u32, flags: u8) -> Frame {
    let mut frame = udp(src, SERVER, sport, 80);
    (frame[17], frame[23]) = (40, IpProtocol::TCP.0);
    frame[24..26].fill(0);
    let sum = checksum::internet(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    let segment = &mut frame[34..54];
    segment[4..].fill(0);
    segment[4..8].copy_from_slice(&seq.to_be_bytes());
    (segment[12], segment[13], segment[14]) = (5 << 4, flags, 100);
    let pseudo = checksum::pseudo_v4(src.to_be_bytes(), SERVER.to_be_bytes(), IpProtocol::TCP, 20);
    let sum = pseudo.and(Sum::of(segment)).checksum();
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// Packets of 2,048 flows of web traffic, each from a host of its own.
pub fn honest() -> Vec<Frame> {
    (0..2048).map(|n| udp(0xc0a8_0000 + n, SERVER, 20_000 + n as u16, 80)).collect()
}

/// The [`honest`] ones among one packet for each mask that a policy can be made to spawn which lets pass what goes to
/// port 80, comes from port 12345, or from 10.0.0.1: the packet agrees with that address and these ports up to some bit,
/// differs there, and is random below.
pub fn explosion() -> Vec<Frame> {
    let mut random = Random::new(7);
    let mut frames = honest();
    for (address, source, destination) in
        (0..32).flat_map(|a| (0..16).flat_map(move |s| (0..16).map(move |d| (a, s, d))))
    {
        let (src, sport) = (random.differ(0x0a00_0001, 32, address), random.differ(12345, 16, source));
        let dport = random.differ(80, 16, destination);
        frames.push(udp(src, SERVER, sport as u16, dport as u16));
    }
    for n in (1..frames.len()).rev() {
        frames.swap(n, random.next() as usize % (n + 1));
    }
    frames
}

/// A rule of an access list: lets pass what goes to a network and a port.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The network's address.
    pub network: u32,
    /// How long its prefix is: 9 to 32.
    pub length: u32,
    /// The destination port.
    pub port: u16,
}

impl Access {
    /// So many rules in 10.0.0.0/8.
    pub fn list(count: usize) -> Vec<Self> {
        let mut random = Random::new(11);
        let mut rule = || {
            let length = 9 + random.next() % 24;
            let network = (0x0a00_0000 | random.next() >> 8) & (u32::MAX << (32 - length));
            Self { network, length, port: 1 + (random.next() % 65_535) as u16 }
        };
        (0..count).map(|_| rule()).collect()
    }

    /// Whether it lets a packet pass.
    pub fn admits(&self, frame: &Frame) -> bool {
        let [a, b, c, d] = [frame[30], frame[31], frame[32], frame[33]];
        let destination = u32::from_be_bytes([a, b, c, d]);
        (destination ^ self.network) >> (32 - self.length) == 0 && frame[36..38] == self.port.to_be_bytes()
    }

    /// So many packets, of which every second one matches a rule of the list, and the others are random ones to 10.0.0.0/8.
    pub fn traffic(list: &[Self], count: usize) -> Vec<Frame> {
        let mut random = Random::new(13);
        let mut packet = |n: usize| {
            let (mut dst, mut port) = (0x0a00_0000 | random.next() >> 8, random.next() as u16);
            if n % 2 == 1
                && let Some(rule) = list.get(random.next() as usize % list.len().max(1))
            {
                let host = random.next() & !(u32::MAX << (32 - rule.length));
                (dst, port) = (rule.network | host, rule.port);
            }
            udp(random.next(), dst, random.next() as u16, port)
        };
        (0..count).map(&mut packet).collect()
    }
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// A value that is the given one up to a bit, counted from the highest.
    fn differ(&mut self, value: u32, width: u32, bit: u32) -> u32 {
        let low = width - 1 - bit;
        value ^ 1 << low ^ (self.next() & ((1 << low) - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn flows_are_as_many_as_asked_for() {
        let different: BTreeSet<Frame> = flows(100_000).into_iter().collect();
        assert_eq!(different.len(), 100_000);
    }

    #[test]
    fn an_explosion_has_a_packet_for_each_mask() {
        let all = explosion();
        assert_eq!(all.len(), 2048 + 32 * 16 * 16);
        let web = all.iter().filter(|frame| frame[36..38] == 80_u16.to_be_bytes()).count();
        assert_eq!(web, 2048);
    }

    #[test]
    fn half_of_the_traffic_of_a_list_is_admitted() {
        let list = Access::list(500);
        let packets = Access::traffic(&list, 20_000);
        let admitted = packets.iter().filter(|frame| list.iter().any(|rule| rule.admits(frame))).count();
        assert!((10_000..10_500).contains(&admitted), "{admitted}");
        assert!(list.iter().any(|rule| rule.length == 9) && list.iter().any(|rule| rule.length == 32));
    }
}
