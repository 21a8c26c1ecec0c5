//! Rule sets like those of access lists, firewalls and IP chains, and packets that meet them.
//!
//! The shapes follow what is known of such sets from the field (and what `ClassBench`'s seeds express): how long the
//! prefixes are, how addresses cluster, which classes of ports there are, how specific rules stand before general
//! ones, and that packets come in bursts of the same header, some headers much oftener than others. A range of ports
//! becomes the prefixes that it consists of, as it must in OpenFlow; each of them is a rule.

use std::fmt;
use std::str::FromStr;

use ovs_flow::{FlowKey, FlowMask, Match, U16, U32};

use crate::random::Random;

/// What the rules are drawn by.
trait Draw {
    /// From 0 up to 1.
    fn unit(&mut self) -> f64;
    /// One of these, by weight.
    fn weighted<T: Copy>(&mut self, choices: &[(T, u32)]) -> T;
    /// One of these lengths, by weight.
    fn length(&mut self, lengths: Lengths) -> u8 {
        let choices: Vec<(u8, u32)> =
            lengths.chunks_exact(2).map(|pair| (pair[0], u32::from(pair[1]))).collect();
        self.weighted(&choices)
    }
}

impl Draw for Random {
    fn unit(&mut self) -> f64 {
        self.next() as f64 / (1u64 << 56) as f64
    }

    fn weighted<T: Copy>(&mut self, choices: &[(T, u32)]) -> T {
        let total: u32 = choices.iter().map(|(_, weight)| weight).sum();
        let mut at = self.below(total as usize) as u32;
        for (choice, weight) in choices {
            if at < *weight {
                return *choice;
            }
            at -= weight;
        }
        choices[0].0
    }
}

/// A kind of rule set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Acl,
    Firewall,
    Chain,
}

/// One rule in 32 bytes; [`Spec::matching`] writes it out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spec {
    src: (u32, u8),
    dst: (u32, u8),
    sport: (u16, u16),
    dport: (u16, u16),
    proto: Option<u8>,
    pub priority: i32,
}

/// Lengths of prefixes, each with its weight behind it.
type Lengths = &'static [u8];

const ACL_SRC: Lengths = &[
    0, 6, 8, 1, 12, 1, 14, 1, 16, 5, 18, 1, 19, 1, 20, 2, 21, 3, 22, 4, 23, 4, 24, 16, 25, 3, 26, 3, 27, 3,
    28, 5, 29, 4, 30, 5, 31, 2, 32, 40,
];
const ACL_DST: Lengths =
    &[16, 2, 20, 2, 22, 2, 23, 3, 24, 15, 25, 3, 26, 4, 27, 4, 28, 8, 29, 5, 30, 6, 32, 50];
const WALL_SRC: Lengths =
    &[0, 45, 8, 2, 10, 1, 12, 1, 16, 6, 18, 1, 20, 2, 22, 2, 24, 12, 26, 2, 28, 3, 29, 2, 30, 2, 32, 25];
const WALL_DST: Lengths =
    &[0, 30, 8, 1, 16, 5, 19, 1, 21, 2, 23, 2, 24, 12, 25, 2, 27, 2, 28, 4, 30, 2, 32, 40];
const CHAIN_SRC: Lengths = &[
    0, 18, 8, 2, 12, 1, 16, 8, 17, 1, 18, 1, 20, 3, 21, 2, 22, 3, 23, 3, 24, 18, 25, 2, 26, 3, 27, 3, 28, 4,
    29, 3, 30, 3, 32, 30,
];
const CHAIN_DST: Lengths = &[
    0, 15, 8, 2, 13, 1, 16, 8, 18, 2, 19, 1, 20, 3, 21, 2, 22, 3, 23, 3, 24, 18, 25, 2, 26, 3, 27, 3, 28, 4,
    29, 3, 30, 3, 32, 32,
];

/// Any, one, the high ports, the low ones, some range.
#[derive(Clone, Copy)]
enum Ports {
    Any,
    One,
    High,
    Low,
    Range,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Acl, Self::Firewall, Self::Chain];

    pub fn name(self) -> &'static str {
        ["acl", "fw", "ipc"][self as usize]
    }

    fn lengths(self) -> (Lengths, Lengths) {
        [(ACL_SRC, ACL_DST), (WALL_SRC, WALL_DST), (CHAIN_SRC, CHAIN_DST)][self as usize]
    }

    fn ports(self) -> [&'static [(Ports, u32)]; 2] {
        use Ports::{Any, High, Low, One, Range};
        match self {
            Self::Acl => [&[(Any, 99), (One, 1)], &[(Any, 30), (One, 56), (High, 5), (Range, 9)]],
            Self::Firewall => [
                &[(Any, 72), (One, 14), (High, 12), (Range, 2)],
                &[(Any, 35), (One, 50), (High, 6), (Low, 1), (Range, 8)],
            ],
            Self::Chain => [
                &[(Any, 80), (One, 14), (High, 4), (Range, 2)],
                &[(Any, 45), (One, 45), (High, 5), (Range, 5)],
            ],
        }
    }

    fn protocols(self) -> &'static [(Option<u8>, u32)] {
        match self {
            Self::Acl => &[(Some(6), 78), (Some(17), 14), (Some(1), 3), (None, 5)],
            Self::Firewall => &[(Some(6), 60), (Some(17), 25), (Some(1), 5), (None, 10)],
            Self::Chain => &[(Some(6), 58), (Some(17), 22), (Some(1), 6), (None, 14)],
        }
    }

    /// So many rules, all different, general ones behind specific ones (priorities of 16 bits).
    pub fn rules(self, count: usize, random: &mut Random) -> Vec<Spec> {
        let mut rules = Vec::with_capacity(count + 64);
        let mut seen = std::collections::HashSet::with_capacity(count);
        let shapes = self.shapes(count, random);
        while rules.len() < count {
            // As in natural lists, the n-th is seen about an n-th as often as the first.
            let nth = (shapes.len() as f64).powf(random.unit()) as usize - 1;
            for rule in shapes[nth.min(shapes.len() - 1)].line(count, random) {
                if seen.insert(rule) {
                    rules.push(rule);
                }
            }
        }
        rules.truncate(count);
        // Specific before general, but not strictly: lists grow by hand.
        let mut order: Vec<(f64, Spec)> = rules
            .into_iter()
            .map(|rule| (f64::from(rule.src.1) + f64::from(rule.dst.1) + 20.0 * random.unit(), rule))
            .collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let rank = |at: usize| 65_534 - (at as u64 * 65_534 / count as u64) as i32;
        order.iter().enumerate().map(|(at, (_, rule))| Spec { priority: rank(at), ..*rule }).collect()
    }

    /// The shapes of lines that such a list has, the most frequent first: prefix lengths, protocol and classes of
    /// ports come in combinations, and the list's size adds few.
    fn shapes(self, count: usize, random: &mut Random) -> Vec<Shape> {
        let (src, dst) = self.lengths();
        let most = [50, 40, 70][self as usize] * (count.max(100).ilog10() as usize - 1) / 2;
        let shape = |random: &mut Random| Shape {
            src: random.length(src),
            dst: random.length(dst),
            proto: random.weighted(self.protocols()),
            ports: self.ports().map(|classes| random.weighted(classes)),
        };
        (0..most).map(|_| shape(random)).collect()
    }
}

/// One kind of line.
#[derive(Clone, Copy)]
struct Shape {
    src: u8,
    dst: u8,
    proto: Option<u8>,
    ports: [Ports; 2],
}

impl Shape {
    /// The rules that one line of this kind becomes.
    fn line(self, count: usize, random: &mut Random) -> Vec<Spec> {
        let Self { src, dst, proto, .. } = self;
        let address = |len, random: &mut Random| (address(count, random) & high_bits(len), len);
        let (src, dst) = (address(src, random), address(dst, random));
        let any = [(0, 0)].to_vec();
        let [sports, dports] = self.ports.map(|class| match proto {
            Some(6 | 17) => ports(class, random),
            _ => any.clone(),
        });
        let pairs = sports.iter().flat_map(|sport| dports.iter().map(move |dport| (*sport, *dport)));
        pairs.map(|(sport, dport)| Spec { src, dst, sport, dport, proto, priority: 0 }).collect()
    }
}

impl Spec {
    /// Its match, IPv4.
    pub fn matching(&self) -> Match {
        let (mut key, mut mask) = (FlowKey::default(), FlowMask::default());
        key.dl_type = U16::new(0x0800);
        let fields = &mut mask.fields;
        (fields.packet_type, fields.dl_type) = (U32::new(u32::MAX), U16::new(0xffff));
        (key.nw_src, key.nw_dst) = (U32::new(self.src.0), U32::new(self.dst.0));
        fields.nw_src = U32::new(high_bits(self.src.1));
        fields.nw_dst = U32::new(high_bits(self.dst.1));
        (key.nw_proto, fields.nw_proto) = self.proto.map_or((0, 0), |proto| (proto, 0xff));
        (key.tp_src, fields.tp_src) = (U16::new(self.sport.0), U16::new(self.sport.1));
        (key.tp_dst, fields.tp_dst) = (U16::new(self.dport.0), U16::new(self.dport.1));
        Match { key, mask }
    }

    /// A packet that it matches.
    fn packet(&self, random: &mut Random) -> Packet {
        let noise = random.next();
        let proto = self.proto.unwrap_or([6, 17][random.below(2)]);
        let address = |(bits, len): (u32, u8), noise: u64| bits | noise as u32 & !high_bits(len);
        let has_ports = matches!(proto, 6 | 17);
        let port =
            |(bits, mask): (u16, u16), noise: u64| if has_ports { bits | noise as u16 & !mask } else { 0 };
        Packet {
            addresses: (address(self.src, noise), address(self.dst, random.next())),
            ports: (port(self.sport, noise >> 32), port(self.dport, random.next())),
            proto,
        }
    }
}

/// Numbers between blanks.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { src, dst, sport, dport, proto, priority } = *self;
        write!(f, "{} {} {} {} ", src.0, src.1, dst.0, dst.1)?;
        write!(f, "{} {} {} {} ", sport.0, sport.1, dport.0, dport.1)?;
        write!(f, "{} {priority}", proto.map_or(-1, i32::from))
    }
}

impl FromStr for Spec {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = [0_i64; 10];
        for (number, word) in numbers.iter_mut().zip(text.split(' ')) {
            *number = word.parse().map_err(drop)?;
        }
        let [src, src_len, dst, dst_len, sport, sport_mask, dport, dport_mask, proto, priority] = numbers;
        Ok(Self {
            src: (src as u32, src_len as u8),
            dst: (dst as u32, dst_len as u8),
            sport: (sport as u16, sport_mask as u16),
            dport: (dport as u16, dport_mask as u16),
            proto: u8::try_from(proto).ok(),
            priority: priority as i32,
        })
    }
}

/// What packets of a trace differ in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub addresses: (u32, u32),
    pub ports: (u16, u16),
    pub proto: u8,
}

impl Packet {
    /// What all of them have.
    pub fn template() -> FlowKey {
        let mut key = FlowKey::default();
        key.in_port = 1;
        (key.dl_src, key.dl_dst) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        key.dl_type = U16::new(0x0800);
        key.nw_ttl = 64;
        key
    }

    /// Makes `key`, another packet's or the template, this packet's.
    pub fn write(&self, key: &mut FlowKey) {
        (key.nw_src, key.nw_dst) = (U32::new(self.addresses.0), U32::new(self.addresses.1));
        (key.tp_src, key.tp_dst) = (U16::new(self.ports.0), U16::new(self.ports.1));
        key.nw_proto = self.proto;
    }
}

/// Gives all rules of one mask one priority, the most frequent mask the highest: then the first rule that is found ends a
/// lookup. Says how many rules have that mask; they come first.
pub fn one_priority_a_mask(rules: &mut [Spec]) -> usize {
    let mask = |rule: &Spec| (rule.src.1, rule.dst.1, rule.sport.1, rule.dport.1, rule.proto.is_some());
    let mut counts = std::collections::HashMap::new();
    for rule in rules.iter() {
        *counts.entry(mask(rule)).or_insert(0_usize) += 1;
    }
    let mut masks: Vec<_> = counts.iter().map(|(mask, count)| (*count, *mask)).collect();
    masks.sort_unstable_by(|a, b| b.cmp(a));
    let rank: std::collections::HashMap<_, _> =
        (0..).zip(&masks).map(|(rank, (_, mask))| (*mask, rank)).collect();
    for rule in rules.iter_mut() {
        rule.priority = 65_534 - rank[&mask(rule)];
    }
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
    masks[0].0
}

/// Packets for rules: a rule drawn at random, its packet in a burst of a length drawn from Pareto's distribution
/// (shape 1, scale 0.1 as `ClassBench`'s `a` and `b`); one header in twenty meets no rule on purpose.
pub fn trace(rules: &[Spec], length: usize, random: &mut Random) -> Vec<Packet> {
    let mut packets = Vec::with_capacity(length);
    while packets.len() < length {
        let mut packet = rules[random.below(rules.len())].packet(random);
        if random.below(20) == 0 {
            packet.addresses = (random.next() as u32, random.next() as u32);
        }
        let burst = (0.1 / random.unit().max(1e-6)).ceil() as usize;
        for _ in 0..burst.clamp(1, length - packets.len()) {
            packets.push(packet);
        }
    }
    packets
}

/// Addresses cluster: at each byte few values follow what stands before, the first of them the oftenest; the more
/// rules, the more values.
fn address(count: usize, random: &mut Random) -> u32 {
    let most = match count {
        0..=2_000 => [4.0, 6.0, 12.0, 40.0],
        2_001..=20_000 => [6.0, 12.0, 24.0, 100.0],
        20_001..=200_000 => [10.0, 24.0, 60.0, 200.0],
        _ => [16.0, 48.0, 120.0, 256.0],
    };
    most.into_iter().fold(0, |before: u32, most: f64| {
        // Half of the values in the first fifth.
        let nth = (most * random.unit().powf(2.3)) as u32;
        let spread = before.wrapping_mul(0x9e37_79b1).rotate_left(9);
        before << 8 | (spread.wrapping_add(nth.wrapping_mul(83)) & 0xff)
    })
}

fn ports(class: Ports, random: &mut Random) -> Vec<(u16, u16)> {
    const KNOWN: [u16; 16] = [80, 443, 22, 53, 25, 123, 110, 143, 161, 389, 445, 993, 1433, 3306, 3389, 8080];
    match class {
        Ports::Any => prefixes(0, 0xffff),
        Ports::High => prefixes(1024, 0xffff),
        Ports::Low => prefixes(0, 1023),
        Ports::One if random.below(3) > 0 => one(KNOWN[random.below(16)].into()),
        Ports::One => one(random.below(0x10000) as u32),
        Ports::Range => {
            let start = [1024, 2000, 5000, 6000, 8000, 20_000, 33_434, 49_152][random.below(8)];
            prefixes(start, start + [9, 31, 99, 255, 999][random.below(5)])
        }
    }
}

fn one(port: u32) -> Vec<(u16, u16)> {
    prefixes(port, port)
}

/// The prefixes that a range consists of.
fn prefixes(mut start: u32, end: u32) -> Vec<(u16, u16)> {
    let mut all = Vec::new();
    while start <= end {
        let mut size = 1;
        while start.is_multiple_of(size * 2) && start + size * 2 - 1 <= end {
            size *= 2;
        }
        all.push((start as u16, !(size - 1) as u16));
        start += size;
    }
    all
}

fn high_bits(len: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)
}
