//! Megaflows of several shapes, and keys that hit them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ovs_flow::{FlowKey, FlowMask, Match, SparseKey, U16, U32};

use crate::random::Random;

/// So many bytes.
fn bytes<const N: usize>(random: &mut Random) -> [u8; N] {
    core::array::from_fn(|_| random.next() as u8)
}

/// Keys of a turn: about as long as a machine that does something else leaves one alone.
const TURN: usize = 8192;

/// Keys as their words, made into sparse keys batch by batch: many sparse keys would themselves fill the caches.
#[derive(Clone)]
pub struct Trace {
    places: Rc<Vec<usize>>,
    values: Rc<Vec<u64>>,
    count: usize,
    /// Where the next turn begins.
    next: Rc<Cell<usize>>,
    scratch: Rc<RefCell<Vec<SparseKey>>>,
}

impl Trace {
    pub fn new(keys: &[FlowKey]) -> Self {
        let places: Vec<usize> =
            (0..ovs_flow::WORDS).filter(|at| keys.iter().any(|key| key.words()[*at] != 0)).collect();
        let values = keys.iter().flat_map(|key| places.iter().map(|at| key.words()[*at])).collect();
        Self {
            places: Rc::new(places),
            values: Rc::new(values),
            count: keys.len(),
            next: Rc::default(),
            scratch: Rc::new(RefCell::new(vec![SparseKey::new(); 32])),
        }
    }

    /// Keys of one turn.
    pub fn len(&self) -> usize {
        self.count.min(TURN)
    }

    /// The first so many.
    pub fn some(&self, count: usize) -> Self {
        Self { count: count.min(self.count), ..self.clone() }
    }

    /// Goes on by one turn: calls `f` with up to 32 keys at a time, and sums what it gives.
    pub fn batches(&self, mut f: impl FnMut(&[SparseKey]) -> usize) -> usize {
        let width = self.places.len();
        let mut scratch = self.scratch.borrow_mut();
        let mut sum = 0;
        let start = if self.next.get() + self.len() > self.count { 0 } else { self.next.get() };
        self.next.set(start + self.len());
        for values in self.values[start * width..][..self.len() * width].chunks(width * 32) {
            let mut keys = 0;
            for (key, values) in scratch.iter_mut().zip(values.chunks(width)) {
                key.clear();
                for (at, value) in self.places.iter().zip(values) {
                    key.push(*at, *value);
                }
                keys += 1;
            }
            sum += f(std::hint::black_box(&scratch[..keys]));
        }
        sum
    }
}

/// What the masks look like.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Prefixes of the addresses, times prefixes of the source port; destination ports in full.
    Product,
    /// What a policy of one address and two ports spawns: 32 × 16 × 16 prefixes, each of values that differ from the
    /// policy's in the prefix's last bit only; destinations in full.
    Policy,
    /// Any bits of the source address and the destination port; half of them with the Ethernet destination.
    Odd,
    /// Any of thirteen fields in full.
    Fields,
    /// Prefixes of IPv6 addresses, times each other; destination ports in full.
    Ipv6,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Product, Self::Policy, Self::Odd, Self::Fields, Self::Ipv6];

    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "products of prefixes",
            Self::Policy => "spawned by a policy",
            Self::Odd => "any bits",
            Self::Fields => "any fields",
            Self::Ipv6 => "IPv6 prefixes",
        }
    }

    /// As many masks, with 8192 megaflows or one for each, and keys that hit them evenly.
    pub fn make(self, masks: usize, random: &mut Random) -> (Vec<Match>, Trace) {
        self.make_flows(masks, masks.max(8192), random)
    }

    /// The same with so many megaflows.
    pub fn make_flows(self, masks: usize, flows: usize, random: &mut Random) -> (Vec<Match>, Trace) {
        let all: Vec<FlowMask> = (0..masks).map(|n| self.mask(n, masks, random)).collect();
        let keys: Vec<FlowKey> = (0..flows).map(|n| self.key(n % masks, n / masks, random)).collect();
        let matches = keys.iter().enumerate().map(|(n, key)| Match::new(key, all[n % masks])).collect();
        let mut asked: Vec<FlowKey> = (0..flows.max(65_536)).map(|_| keys[random.below(flows)]).collect();
        asked.truncate(262_144);
        (matches, Trace::new(&asked))
    }

    fn mask(self, n: usize, of: usize, random: &mut Random) -> FlowMask {
        let mut mask = common();
        let fields = &mut mask.fields;
        let (src, dst) = (1 + n % 32, if of > 32 { 1 + n / 32 % 32 } else { 32 });
        match self {
            Self::Product => {
                (fields.nw_src, fields.nw_dst) = (U32::new(prefix(src)), U32::new(prefix(dst)));
                (fields.tp_src, fields.tp_dst) = (port_prefix(n / 1024 % 16), U16::new(0xffff));
            }
            Self::Policy => {
                (fields.nw_src, fields.nw_dst) = (U32::new(prefix(src)), U32::new(u32::MAX));
                (fields.tp_src, fields.tp_dst) =
                    (port_prefix(1 + n / 32 % 16), port_prefix(1 + n / 512 % 16));
            }
            Self::Odd => {
                fields.nw_src = U32::new(random.next() as u32);
                fields.tp_dst = U16::new(random.next() as u16);
                if random.below(2) == 0 {
                    fields.dl_dst = [0xff; 6];
                }
            }
            Self::Fields => {
                // The sources always, so that megaflows differ.
                (fields.nw_src, fields.tp_src) = (U32::new(u32::MAX), U16::new(0xffff));
                let has = |bit: u32| n >> bit & 1 == 1;
                let all = |has: bool| if has { 0xff } else { 0 };
                fields.nw_dst = U32::new(if has(0) { u32::MAX } else { 0 });
                fields.tp_dst = U16::new(if has(1) { 0xffff } else { 0 });
                (fields.dl_src, fields.dl_dst) = ([all(has(2)); 6], [all(has(3)); 6]);
                (fields.nw_tos, fields.nw_ttl) = (all(has(4)), all(has(5)));
                fields.tcp_flags = U16::new(if has(6) { 0xfff } else { 0 });
                fields.pkt_mark = if has(7) { u32::MAX } else { 0 };
                fields.skb_priority = if has(8) { u32::MAX } else { 0 };
                fields.ct_mark = if has(9) { u32::MAX } else { 0 };
                fields.ct_state = all(has(10));
                fields.ct_zone = if has(11) { u16::MAX } else { 0 };
                fields.metadata = ovs_flow::U64::new(if has(12) { u64::MAX } else { 0 });
            }
            Self::Ipv6 => {
                let (src, dst) = (1 + n % 128, if of > 128 { 1 + n / 128 % 128 } else { 128 });
                fields.ipv6_src = (u128::MAX << (128 - src)).to_be_bytes();
                fields.ipv6_dst = (u128::MAX << (128 - dst)).to_be_bytes();
                fields.tp_dst = U16::new(0xffff);
            }
        }
        mask
    }

    fn key(self, n: usize, round: usize, random: &mut Random) -> FlowKey {
        let mut key = match self {
            Self::Policy => {
                let src = differ(0x0a00_0001, 32, n % 32, random);
                let (sport, dport) =
                    (differ(12345, 16, n / 32 % 16, random), differ(80, 16, n / 512 % 16, random));
                tcp(src, 0x0a01_0001 + round as u32, sport as u16, dport as u16)
            }
            _ => tcp(random.next() as u32, random.next() as u32, random.next() as u16, random.next() as u16),
        };
        if matches!(self, Self::Ipv6) {
            key.dl_type = U16::new(0x86dd);
            (key.nw_src, key.nw_dst) = (U32::new(0), U32::new(0));
            (key.ipv6_src, key.ipv6_dst) = (bytes(random), bytes(random));
        }
        key
    }
}

/// A TCP packet from port 1.
fn tcp(src: u32, dst: u32, sport: u16, dport: u16) -> FlowKey {
    let mut key = FlowKey::default();
    key.in_port = 1;
    key.dl_src = [2, 0, 0, 0, 0, 1];
    key.dl_dst = [2, 0, 0, 0, 0, 2];
    key.dl_type = U16::new(0x0800);
    (key.nw_src, key.nw_dst) = (U32::new(src), U32::new(dst));
    (key.nw_proto, key.nw_ttl) = (6, 64);
    (key.tp_src, key.tp_dst) = (U16::new(sport), U16::new(dport));
    key.tcp_flags = U16::new(0x10);
    key
}

fn prefix(len: usize) -> u32 {
    u32::MAX.checked_shl(32 - len as u32).unwrap_or(0)
}

fn port_prefix(len: usize) -> U16 {
    U16::new((prefix(len) >> 16) as u16)
}

/// What every megaflow looks at.
fn common() -> FlowMask {
    let mut mask = FlowMask::default();
    let fields = &mut mask.fields;
    (fields.in_port, fields.recirc_id, fields.packet_type) = (u32::MAX, u32::MAX, U32::new(u32::MAX));
    (fields.dl_type, fields.nw_frag, fields.nw_proto) = (U16::new(0xffff), 0xff, 0xff);
    fields.vlans[0].tci = U16::new(0x1000);
    mask
}

/// A value of so many bits that is the given one up to a bit (from the highest), differs there, and is random below.
fn differ(value: u32, width: u32, bit: usize, random: &mut Random) -> u32 {
    let low = width - 1 - bit as u32;
    value ^ (1 << low) ^ (random.next() as u32 & ((1_u32 << low) - 1))
}

/// Patterns that hashes without a secret, or without nonlinearity, fail on.
pub const CHOSEN: [&str; 5] = ["random", "in sequence", "equal xor", "equal sum", "high bits only"];

/// Megaflows of one mask whose keys follow a pattern, and a trace of hits.
pub fn chosen(pattern: &str, count: usize, random: &mut Random) -> (Vec<Match>, Trace) {
    let mut mask = common();
    (mask.fields.nw_src, mask.fields.nw_dst) = (U32::new(u32::MAX), U32::new(u32::MAX));
    (mask.fields.tp_src, mask.fields.tp_dst) = (U16::new(0xffff), U16::new(0xffff));
    let keys: Vec<FlowKey> = (0..count as u32)
        .map(|n| {
            let any = random.next() as u32;
            let (low, high) = (n as u16, (n >> 16) as u16);
            match pattern {
                "in sequence" => tcp(0x0a00_0000 + n, 0x0a01_0001, 12345, 80),
                "equal xor" => tcp(n << 12, n << 12 ^ 0x1234_5678, low, high ^ low),
                "equal sum" => {
                    tcp(n << 11, (n << 11).wrapping_neg(), low, low.wrapping_neg().wrapping_add(high))
                }
                "high bits only" => tcp(n << 12, 0x0a01_0001, 12345, 80),
                _ => tcp(any, random.next() as u32, low, high),
            }
        })
        .collect();
    let matches = keys.iter().map(|key| Match::new(key, mask)).collect();
    let asked: Vec<FlowKey> = (0..262_144).map(|_| keys[random.below(count)]).collect();
    (matches, Trace::new(&asked))
}
