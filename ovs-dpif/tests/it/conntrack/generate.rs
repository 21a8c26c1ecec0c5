//! Conversations between two hosts, more or less well-behaved.

use ovs_dpif::ovs_packet::checksum::{Sum, crc32c, internet, pseudo_v4, pseudo_v6};
use ovs_dpif::ovs_packet::wire::IpProtocol;

use super::cut::{self, Order};
use super::helped::Helped;
use super::pipelines::{helper, translates};

/// Numbers that a seed determines.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % sides
    }

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.roll(one_in) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tcp,
    Udp,
    Icmp,
    Sctp,
    Other,
}

/// One conversation, from the first side's view.
pub struct Talk {
    pub pipeline: usize,
    pub zone: u16,
    v6: bool,
    kind: Kind,
    /// What each side last got, without Ethernet.
    got: [Option<Vec<u8>>; 2],
    /// What each side has sent so far, and whether it has begun.
    seq: [u32; 2],
    begun: [bool; 2],
    scaled: [bool; 2],
    /// See [`Talk::compared`].
    careful: bool,
    /// Somebody has finished or reset.
    closed: bool,
    /// What it talks if its pipeline has a helper.
    helped: Option<Helped>,
    /// Its datagrams may be long, and come in pieces.
    long: bool,
    /// The number of its last datagram that came in pieces, and how it came.
    pub cut: (u32, Option<Order>),
}

impl Talk {
    pub fn new(dice: &mut Dice, pipeline: usize, version: Option<bool>, zone: u16) -> Self {
        let v6 = version.unwrap_or_else(|| dice.chance(3));
        let kind = dice.pick(&[
            Kind::Tcp,
            Kind::Tcp,
            Kind::Tcp,
            Kind::Tcp,
            Kind::Udp,
            Kind::Icmp,
            Kind::Sctp,
            Kind::Other,
        ]);
        let seq = [dice.roll(1 << 32) as u32, dice.pick(&[0, u32::MAX, 77_777])];
        let scaled = [dice.chance(2), dice.chance(2)];
        Self {
            pipeline,
            zone,
            v6,
            kind,
            got: [None, None],
            seq,
            begun: [false; 2],
            scaled,
            careful: false,
            closed: false,
            helped: helper(pipeline).map(|name| Helped::new(dice, v6, name == "tftp")),
            long: false,
            cut: (0, None),
        }
    }

    /// Without SCTP, of which the original of 3.1 does not know ports, and without errors that end within a TCP header, behind
    /// which it writes a checksum when it translates (into whatever stands there, and sometimes it dies of it).
    pub fn compared(mut self) -> Self {
        self.careful = true;
        if self.kind == Kind::Sctp {
            self.kind = Kind::Udp;
        }
        self
    }

    /// With datagrams that come in pieces.
    pub fn long(mut self) -> Self {
        self.long = true;
        self
    }

    /// The next packet in as many pieces as it comes in, and the side that sends it.
    pub fn send(&mut self, dice: &mut Dice) -> (usize, Vec<Vec<u8>>) {
        let (side, frame) = self.next(dice);
        self.cut.1 = None;
        if self.long && !dice.chance(3) {
            let order = Order::any(dice);
            self.cut.0 += 1;
            if let Some(pieces) = cut::cut(&frame, self.cut.0, order, dice) {
                self.cut.1 = Some(order);
                return (side, pieces);
            }
        }
        (side, vec![frame])
    }

    /// A packet came out at a side.
    pub fn take(&mut self, side: usize, frame: &[u8]) {
        if let (Some(helped), Some(packet)) = (&mut self.helped, frame.get(14..)) {
            helped.take(side, packet);
        }
        self.got[side] = frame.get(14..).map(<[u8]>::to_vec);
    }

    /// The next packet and the side that sends it.
    pub fn next(&mut self, dice: &mut Dice) -> (usize, Vec<u8>) {
        if let Some(helped) = &mut self.helped {
            let (side, packet) = helped.next(dice);
            return (side, self.wrap(packet));
        }
        let side = if self.got[1].is_none() && !dice.chance(10) { 0 } else { dice.roll(2) as usize };
        let (src, dst, sport, dport) = self.ends(dice, side);
        let packet = if self.got[side].is_some() && dice.chance(8) {
            self.complain(dice, side, src, dst)
        } else {
            let kind =
                if dice.chance(12) { dice.pick(&[Kind::Tcp, Kind::Udp, Kind::Icmp]) } else { self.kind };
            let (protocol, l4) = match kind {
                Kind::Tcp => (6, self.tcp(dice, side, sport, dport)),
                Kind::Udp => (17, udp(dice, sport, dport, self.long)),
                Kind::Icmp => (if self.v6 { 58 } else { 1 }, self.echo(dice, side)),
                Kind::Sctp => (132, sctp(sport, dport)),
                Kind::Other => (dice.pick(&[47, 50]), vec![1; 12]),
            };
            self.ip(src, dst, protocol, l4)
        };
        (side, self.frame(dice, packet))
    }

    /// Addresses and ports of a packet: back to where the last one came from, or those that it begins with.
    fn ends(&self, dice: &mut Dice, side: usize) -> ([u8; 16], [u8; 16], u16, u16) {
        let answer = side == 1 || dice.chance(4);
        if let Some(got) = self.got[side].as_ref().filter(|got| answer && got.len() >= 44) {
            let (src, dst) = addresses(got, self.v6);
            let l4 = if self.v6 { 40 } else { 20 };
            let port = |at: usize| u16::from_be_bytes([got[l4 + at], got[l4 + at + 1]]);
            return (dst, src, port(2), port(0));
        }
        let (mut a, mut b) = (host(self.v6, 1 + dice.roll(2) as u8), host(self.v6, 100));
        let (mut p, mut q) = (dice.pick(&[1000, 1000, 1001, 80]), 80);
        if side == 1 {
            (a, b, p, q) = (b, a, q, p);
        }
        (a, b, p, q)
    }

    fn tcp(&mut self, dice: &mut Dice, side: usize, sport: u16, dport: u16) -> Vec<u8> {
        let other = 1 - side;
        let natural = match (self.begun[side], self.begun[other]) {
            (false, false) => 0x02,
            (false, true) => 0x12,
            _ => dice.pick(&[0x10, 0x18, 0x18, 0x10, 0x11, 0x04, 0x14]),
        };
        let flags = if dice.chance(6) {
            dice.pick(&[0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x01, 0x00, 0x29, 0x06])
        } else {
            natural
        };
        // A translated connection that begins anew finds its old port taken in the original of 3.1, which keeps what it
        // translates to as a connection of its own (3.2 no longer does).
        let again = self.careful && self.closed && translates(self.pipeline) && flags & 0x12 == 2;
        let flags = if again { 0x10 } else { flags };
        self.closed |= flags & 5 != 0;
        let off = |dice: &mut Dice| {
            let far = [1, u32::MAX, 1000, 30_000, 70_000, 200_000, 0x8000_0000, 0_u32.wrapping_sub(70_000)];
            if dice.chance(6) { dice.pick(&far) } else { 0 }
        };
        let seq = self.seq[side].wrapping_add(off(dice));
        let ack = if flags & 0x10 == 0 { 0 } else { self.seq[other].wrapping_add(off(dice)) };
        let window: u16 = dice.pick(&[0, 1, 1000, 29_200, 65_535]);
        let mut options = Vec::new();
        if flags & 2 != 0 && self.scaled[side] {
            options = vec![2, 4, 5, 180, 1, 3, 3, dice.pick(&[0, 1, 7, 14, 200])];
        }
        let sizes = if self.long { [1, 2000, 4000] } else { [1, 100, 500] };
        let data = if flags & 0x08 != 0 { vec![b'x'; dice.pick(&sizes)] } else { Vec::new() };
        if seq == self.seq[side] {
            let extra = u32::from(flags & 2 != 0) + u32::from(flags & 1 != 0);
            self.seq[side] = seq.wrapping_add(data.len() as u32 + extra);
            self.begun[side] |= flags & 2 != 0;
        }
        if dice.chance(40) {
            (self.begun, self.seq[side]) = ([false; 2], dice.roll(1 << 32) as u32);
        }
        let mut l4 = [sport.to_be_bytes(), dport.to_be_bytes()].concat();
        l4.extend(seq.to_be_bytes());
        l4.extend(ack.to_be_bytes());
        l4.extend([(5 + options.len() as u8 / 4) << 4, flags]);
        l4.extend(window.to_be_bytes());
        l4.extend([0; 4]);
        l4.extend(options);
        l4.extend(data);
        l4
    }

    fn echo(&self, dice: &mut Dice, side: usize) -> Vec<u8> {
        let asks = if dice.chance(8) { side == 1 } else { side == 0 };
        let kind = match (self.v6, asks) {
            (false, true) => dice.pick(&[8, 8, 8, 13, 15]),
            (false, false) => dice.pick(&[0, 0, 0, 14, 16]),
            (true, true) => 128,
            (true, false) => 129,
        };
        let kind = if dice.chance(20) { dice.pick(&[3, 9, 10, 17, 135, 136]) } else { kind };
        vec![kind, u8::from(dice.chance(20)), 0, 0, 0, dice.pick(&[7, 7, 7, 8]), 0, 1, 1, 2, 3, 4]
    }

    /// An ICMP error about what a side last got.
    fn complain(&self, dice: &mut Dice, side: usize, src: [u8; 16], dst: [u8; 16]) -> Vec<u8> {
        let got = self.got[side].clone().unwrap_or_default();
        let (sender, _) = addresses(&got, self.v6);
        let dst = if dice.chance(6) { dst } else { sender };
        let src = if dice.chance(3) { host(self.v6, 55) } else { src };
        let room = (if self.v6 { 40 } else { 20 }) + dice.pick(&[8, 8, 20, 28, 100, 4]);
        let protocol = got.get(if self.v6 { 6 } else { 9 });
        let room = if self.careful && protocol == Some(&6) { room.max(60) } else { room };
        let kind = if self.v6 { dice.pick(&[1, 2, 3, 4]) } else { dice.pick(&[3, 3, 4, 5, 11, 12]) };
        let mut l4 = vec![kind, dice.roll(4) as u8, 0, 0, 0, 0, 0, 0];
        l4.extend(&got[..room.min(got.len())]);
        self.ip(src, dst, if self.v6 { 58 } else { 1 }, l4)
    }

    fn ip(&self, src: [u8; 16], dst: [u8; 16], protocol: u8, l4: Vec<u8>) -> Vec<u8> {
        ip(self.v6, src, dst, protocol, l4)
    }

    fn frame(&self, dice: &mut Dice, mut packet: Vec<u8>) -> Vec<u8> {
        match dice.roll(40) {
            0 => {
                let at = dice.roll(packet.len() as u64) as usize;
                // What makes it something that the pipelines are not for, or a fragment, is for other tests.
                if !(4..=6).contains(&at) && at != 0 && at != 7 && !(self.v6 && at == 6) {
                    packet[at] ^= 1 << dice.roll(8);
                }
            }
            // Cut short packets only: of a long one that ends too early, the original of 3.1 sends nothing at times.
            1 if !self.long => packet.truncate(packet.len() - dice.roll(packet.len() as u64 / 2) as usize),
            2 => packet.extend([0; 6]),
            _ => {}
        }
        self.wrap(packet)
    }

    fn wrap(&self, packet: Vec<u8>) -> Vec<u8> {
        let [a, b] = self.zone.to_be_bytes();
        let mut frame = vec![2, 0, 0, self.pipeline as u8, a, b, 2, 0, 0, 0, 0, 0];
        frame.extend(if self.v6 { [0x86, 0xdd] } else { [8, 0] });
        frame.extend(packet);
        frame
    }
}

/// A packet of IP around another's payload, whose checksum is filled in.
pub fn ip(v6: bool, src: [u8; 16], dst: [u8; 16], protocol: u8, mut l4: Vec<u8>) -> Vec<u8> {
    checksum(v6, src, dst, protocol, &mut l4);
    if v6 {
        let mut ip = vec![0x60, 0, 0, 0];
        ip.extend((l4.len() as u16).to_be_bytes());
        ip.extend([protocol, 64]);
        ip.extend(src);
        ip.extend(dst);
        ip.extend(l4);
        return ip;
    }
    let mut ip = vec![0x45, 0];
    ip.extend((20 + l4.len() as u16).to_be_bytes());
    ip.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    ip.extend(&src[..4]);
    ip.extend(&dst[..4]);
    let sum = internet(&ip).to_be_bytes();
    ip[10..12].copy_from_slice(&sum);
    ip.extend(l4);
    ip
}

pub fn host(v6: bool, last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    if v6 {
        (address[0], address[15]) = (0xfd, last);
    } else {
        (address[0], address[3]) = (10, last);
    }
    address
}

pub fn addresses(ip: &[u8], v6: bool) -> ([u8; 16], [u8; 16]) {
    let (mut src, mut dst) = ([0; 16], [0; 16]);
    if v6 && ip.len() >= 40 {
        src.copy_from_slice(&ip[8..24]);
        dst.copy_from_slice(&ip[24..40]);
    } else if !v6 && ip.len() >= 20 {
        src[..4].copy_from_slice(&ip[12..16]);
        dst[..4].copy_from_slice(&ip[16..20]);
    }
    (src, dst)
}

fn udp(dice: &mut Dice, sport: u16, dport: u16, long: bool) -> Vec<u8> {
    let data = vec![b'u'; if long { dice.pick(&[20, 1500, 3000, 5000]) } else { dice.pick(&[0, 1, 20]) }];
    let mut l4 = [sport.to_be_bytes(), dport.to_be_bytes()].concat();
    l4.extend((8 + data.len() as u16).to_be_bytes());
    // No checksum at all, now and then.
    l4.extend(if dice.chance(5) { [0xff, 0xff] } else { [0, 0] });
    l4.extend(data);
    l4
}

fn sctp(sport: u16, dport: u16) -> Vec<u8> {
    let mut l4 = [sport.to_be_bytes(), dport.to_be_bytes()].concat();
    l4.extend([0; 8]);
    l4.extend([1, 0, 0, 8, 1, 2, 3, 4]);
    l4
}

fn checksum(v6: bool, src: [u8; 16], dst: [u8; 16], protocol: u8, l4: &mut [u8]) {
    let four = |address: [u8; 16]| [address[0], address[1], address[2], address[3]];
    let protocol = IpProtocol(protocol);
    let pseudo = if v6 {
        pseudo_v6(src, dst, protocol, l4.len() as u32)
    } else {
        pseudo_v4(four(src), four(dst), protocol, l4.len() as u16)
    };
    let sum = |l4: &[u8]| pseudo.and(Sum::of(l4)).checksum();
    let at = match protocol {
        IpProtocol::TCP => 16,
        IpProtocol::UDP if l4[6..8] == [0xff, 0xff] && !v6 => return l4[6..8].fill(0),
        IpProtocol::UDP => {
            l4[6..8].fill(0);
            6
        }
        IpProtocol::ICMPV6 => 2,
        IpProtocol::ICMP => {
            let value = internet(l4).to_be_bytes();
            return l4[2..4].copy_from_slice(&value);
        }
        IpProtocol::SCTP => {
            let value = crc32c(&[l4]).to_le_bytes();
            return l4[8..12].copy_from_slice(&value);
        }
        _ => return,
    };
    let value = match sum(l4) {
        0 if protocol == IpProtocol::UDP => 0xffff,
        value => value,
    };
    l4[at..at + 2].copy_from_slice(&value.to_be_bytes());
}
