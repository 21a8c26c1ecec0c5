//! Conversations that announce further connections: FTP and TFTP. Each side answers what it got, as it got it.

use super::generate::{Dice, addresses, host, ip};

const SYN: u8 = 2;
const ACK: u8 = 0x10;
const PUSH: u8 = 0x18;
const FIN: u8 = 0x11;

/// Where a side sends from, and where to.
type Way = ([u8; 16], u16, [u8; 16], u16);

/// One connection: how each side addresses it, what it has sent, and what it has got.
#[derive(Clone, Copy, Default)]
struct Link {
    ways: [Option<Way>; 2],
    seq: [u32; 2],
    ack: [u32; 2],
}

/// A client (the first side) and a server.
pub struct Helped {
    v6: bool,
    tftp: bool,
    /// The client opens the connections for data, too.
    passive: bool,
    step: usize,
    /// For commands, and for data.
    links: [Link; 2],
    /// What was last announced, as the other side got it.
    announced: Option<([u8; 16], u16)>,
    /// The last packet, which may come again.
    last: Option<(usize, Vec<u8>)>,
    server_port: u16,
}

impl Helped {
    pub fn new(dice: &mut Dice, v6: bool, tftp: bool) -> Self {
        let (client, server) = (host(v6, 1 + dice.roll(2) as u8), host(v6, 100));
        let (from, to) = (4000 + dice.roll(100) as u16, if tftp { 69 } else { 21 });
        let mut commands =
            Link { seq: [dice.roll(1 << 32) as u32, dice.roll(1 << 32) as u32], ..Link::default() };
        commands.ways = [Some((client, from, server, to)), Some((server, to, client, from))];
        let data = Link { seq: [77, 9999], ..Link::default() };
        Self {
            v6,
            tftp,
            passive: dice.chance(2),
            step: 0,
            links: [commands, data],
            announced: None,
            last: None,
            server_port: 5000 + dice.roll(100) as u16,
        }
    }

    /// The next packet without its Ethernet header, and the side that sends it.
    pub fn next(&mut self, dice: &mut Dice) -> (usize, Vec<u8>) {
        if let Some(last) = self.last.clone().filter(|_| dice.chance(8)) {
            return last;
        }
        let sent = if self.tftp { self.transfer(dice) } else { self.command() };
        self.step += 1;
        self.last = Some(sent.clone());
        sent
    }

    fn command(&mut self) -> (usize, Vec<u8>) {
        let (opens, accepts) = if self.passive { (0, 1) } else { (1, 0) };
        match self.step {
            0 => self.tcp(0, 0, SYN, ""),
            1 => self.tcp(0, 1, SYN | ACK, ""),
            2 => self.tcp(0, 0, ACK, ""),
            3 => self.tcp(0, 1, PUSH, "220 ready\r\n"),
            4 => self.tcp(0, 0, PUSH, "USER me\r\n"),
            5 => self.tcp(0, 1, PUSH, "331 who?\r\n"),
            6 => {
                let line = match (self.passive, self.v6) {
                    (true, false) => "PASV\r\n".to_owned(),
                    (true, true) => "EPSV\r\n".to_owned(),
                    (false, _) => self.announcement(0),
                };
                self.tcp(0, 0, PUSH, &line)
            }
            7 => {
                let line = if self.passive { self.announcement(1) } else { "200 so be it\r\n".to_owned() };
                self.tcp(0, 1, PUSH, &line)
            }
            8 => {
                self.open(opens);
                self.tcp(1, opens, SYN, "")
            }
            9 => self.tcp(1, accepts, SYN | ACK, ""),
            10 => self.tcp(1, opens, PUSH, "data"),
            11 => self.tcp(0, 0, PUSH, "NOOP\r\n"),
            12 => self.tcp(1, opens, FIN, ""),
            _ => self.tcp(0, self.step % 2, PUSH, "226 done\r\n"),
        }
    }

    /// The line by which a side says where it waits.
    fn announcement(&self, side: usize) -> String {
        let (own, ..) = self.way(0, side);
        let port = 4096 + u16::try_from(side).unwrap_or(0) * 1000 + 3;
        let [high, low] = port.to_be_bytes();
        let [a, b, c, d, ..] = own;
        match (side, self.v6) {
            (0, false) => format!("PORT {a},{b},{c},{d},{high},{low}\r\n"),
            (0, true) => format!("EPRT |2|{}|{port}|\r\n", std::net::Ipv6Addr::from(own)),
            (_, false) => format!("227 Entering Passive Mode ({a},{b},{c},{d},{high},{low}).\r\n"),
            (_, true) => format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"),
        }
    }

    fn way(&self, link: usize, side: usize) -> Way {
        self.links[link].ways[side].unwrap_or_default()
    }

    /// A side learns where data goes.
    fn open(&mut self, side: usize) {
        let (own, _, other, _) = self.way(0, side);
        let (address, port) = self.announced.unwrap_or((other, 4099));
        let from = if side == 1 { 20 } else { 5555 };
        self.links[1].ways[side] = Some((own, from, address, port));
        self.links[1].ways[1 - side] = Some((address, port, own, from));
    }

    fn tcp(&mut self, link: usize, side: usize, flags: u8, data: &str) -> (usize, Vec<u8>) {
        let (src, from, dst, to) = self.way(link, side);
        let Link { seq, ack, .. } = &mut self.links[link];
        let mut l4 = [from.to_be_bytes(), to.to_be_bytes()].concat();
        l4.extend(seq[side].to_be_bytes());
        l4.extend(if flags & ACK == 0 { 0 } else { ack[side] }.to_be_bytes());
        l4.extend([0x50, flags]);
        l4.extend(60_000_u16.to_be_bytes());
        l4.extend([0; 4]);
        l4.extend(data.bytes());
        seq[side] = seq[side].wrapping_add(data.len() as u32 + u32::from(flags & 3 != 0));
        (side, ip(self.v6, src, dst, 6, l4))
    }

    fn transfer(&mut self, dice: &mut Dice) -> (usize, Vec<u8>) {
        let side = if self.step < 2 { self.step } else { dice.roll(2) as usize };
        let data: &[u8] = match self.step {
            0 if self.passive => b"\0\x02file\0octet\0",
            0 => b"\0\x01file\0octet\0",
            _ => b"\0\x03\0\x01what stands in the file",
        };
        let (src, mut from, dst, to) = self.way(0, side);
        if side == 1 {
            from = self.server_port;
        }
        let mut l4 = [from.to_be_bytes(), to.to_be_bytes()].concat();
        l4.extend((8 + data.len() as u16).to_be_bytes());
        l4.extend([0, 0]);
        l4.extend(data);
        (side, ip(self.v6, src, dst, 17, l4))
    }

    /// A packet came out at a side.
    pub fn take(&mut self, side: usize, packet: &[u8]) {
        let (src, dst) = addresses(packet, self.v6);
        let at = if self.v6 { 40 } else { 20 };
        let Some(l4) = packet.get(at..).filter(|l4| l4.len() >= 8) else { return };
        let port = |at: usize| u16::from_be_bytes([l4[at], l4[at + 1]]);
        let (from, to) = (port(0), port(2));
        if self.tftp || l4.len() < 20 {
            self.links[0].ways[side] = Some((dst, to, src, from));
            return;
        }
        let link = usize::from(from != 21 && to != 21);
        self.links[link].ways[side] = Some((dst, to, src, from));
        let data = l4.get(usize::from(l4[12] >> 4) * 4..).unwrap_or_default();
        let seq = u32::from_be_bytes([l4[4], l4[5], l4[6], l4[7]]);
        let len = data.len() as u32 + u32::from(l4[13] & 3 != 0);
        self.links[link].ack[side] = seq.wrapping_add(len);
        let text = String::from_utf8_lossy(data);
        if text.starts_with("PORT") || text.starts_with("227") {
            let numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u8>().ok());
            let numbers: Vec<u8> = numbers.collect();
            // The code of an answer does not fit a byte, or is the first.
            if let [.., a, b, c, d, high, low] = numbers[..] {
                let mut address = [0; 16];
                address[..4].copy_from_slice(&[a, b, c, d]);
                self.announced = Some((address, u16::from_be_bytes([high, low])));
            }
        } else if text.starts_with("EPRT") || text.starts_with("229") {
            let parts: Vec<&str> = text.split('|').collect();
            if let [_, _, address, port, ..] = parts[..] {
                let told = address.parse::<std::net::Ipv6Addr>().map(|address| address.octets());
                self.announced = port.parse().ok().map(|port| (told.unwrap_or(src), port));
            }
        }
    }
}
