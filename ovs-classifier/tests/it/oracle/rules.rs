//! Random rules and packets, as text that both sides read.

use std::fmt::Write;

/// A small generator: the same seed, the same test.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// Values from few, so that rules and packets meet, but with differences in high, middle and low bits.
fn ipv4(random: &mut Random) -> String {
    let (a, b) = ([10, 11, 138][random.below(3)], [0, 1, 64, 255][random.below(4)]);
    format!("{a}.{b}.{}.{}", [1, 129][random.below(2)], [1, 2, 3][random.below(3)])
}

fn ipv6(random: &mut Random) -> String {
    let a = ["2001:db8", "2001:db9", "fe80:0"][random.below(3)];
    let b = ["0:0:1", "8000:0:1", "0:4:1"][random.below(3)];
    format!("{a}:{b}:0:0:{}", random.below(3))
}

fn port(random: &mut Random) -> u16 {
    [80, 81, 443, 8080, 1, 40000][random.below(6)]
}

fn mac(random: &mut Random) -> String {
    format!("00:00:00:00:00:0{}", random.below(3))
}

/// A set of masks, and rules with random values under them.
pub fn rule_set(random: &mut Random) -> Vec<(i32, String)> {
    let shapes: Vec<Shape> = (0..5 + random.below(8)).map(|_| Shape::new(random)).collect();
    let mut rules: Vec<(i32, String)> = Vec::new();
    for _ in 0..15 + random.below(30) {
        let shape = &shapes[random.below(shapes.len())];
        let rule = (random.below(8) as i32 * 10, shape.rule(random));
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

/// What a rule does: drops, or is part of conjunctions (number, dimension from 1, dimensions).
pub type Clauses = Vec<(u32, u8, u8)>;

/// Rules as [`rule_set`] has them, some of them clauses, and rules for some of the conjunctions.
pub fn conjunctive_set(random: &mut Random) -> Vec<(i32, String, Clauses)> {
    let mut rules: Vec<(i32, String, Clauses)> = Vec::new();
    for (priority, text) in rule_set(random) {
        let count = [0, 0, 1, 1, 2, 3][random.below(6)];
        let clause = |random: &mut Random| {
            let id = 1 + random.below(4) as u32;
            // Of two dimensions or, every third conjunction, of three.
            let dimensions = if id == 3 { 3 } else { 2 };
            (id, 1 + random.below(usize::from(dimensions)) as u8, dimensions)
        };
        rules.push((priority, text, (0..count).map(|_| clause(random)).collect()));
    }
    for id in 1..=4 {
        let more = ["", ",ip", ",tcp", ",tcp,nw_dst=10.0.0.0/8", ",in_port=1"];
        for _ in 0..random.below(3) {
            let text = format!("conj_id={id}{}", more[random.below(5)]);
            let rule = (random.below(8) as i32 * 10, text, Vec::new());
            if !rules.iter().any(|(priority, text, _)| (*priority, text) == (rule.0, &rule.1)) {
                rules.insert(random.below(rules.len()), rule);
            }
        }
    }
    rules
}

/// Which fields rules of one tuple look at, and how far.
struct Shape {
    protocol: &'static str,
    in_port: bool,
    macs: [bool; 2],
    addresses: [Option<usize>; 2],
    ttl: bool,
    ports: [Option<u16>; 2],
    flags: bool,
}

impl Shape {
    fn new(random: &mut Random) -> Self {
        let protocol = ["", "ip", "tcp", "udp", "tcp6", "ipv6", "tcp", "udp"][random.below(8)];
        let (v4, v6) = (["ip", "tcp", "udp"].contains(&protocol), protocol.ends_with('6'));
        let length = |random: &mut Random| {
            let bits = if v6 { 128 } else { 32 };
            let length = [8, 16, 24, 32, 9, 17, bits, bits - 1][random.below(8)];
            ((v4 || v6) && !random.one_in(3)).then_some(length)
        };
        let with_ports = ["tcp", "udp", "tcp6"].contains(&protocol);
        let port = |random: &mut Random| {
            let mask = [0xffff, 0xffff, 0xff00, 0x8000, 0xfff0, 0x0fff][random.below(6)];
            (with_ports && random.one_in(2)).then_some(mask)
        };
        Self {
            protocol,
            in_port: random.one_in(3),
            macs: [random.one_in(4), random.one_in(5)],
            addresses: [length(random), length(random)],
            ttl: (v4 || v6) && random.one_in(6),
            ports: [port(random), port(random)],
            flags: protocol.starts_with("tcp") && random.one_in(5),
        }
    }

    fn rule(&self, random: &mut Random) -> String {
        let mut text = String::from(if self.protocol.is_empty() { "" } else { self.protocol });
        let mut add = |name: &str, value: String| {
            let comma = if text.is_empty() { "" } else { "," };
            write!(text, "{comma}{name}={value}").expect("a string takes all");
        };
        if self.in_port {
            add("in_port", format!("{}", 1 + random.below(2)));
        }
        for (name, has) in ["dl_src", "dl_dst"].into_iter().zip(self.macs) {
            if has {
                add(name, mac(random));
            }
        }
        let v6 = self.protocol.ends_with('6');
        let names = if v6 { ["ipv6_src", "ipv6_dst"] } else { ["nw_src", "nw_dst"] };
        for (name, length) in names.into_iter().zip(self.addresses) {
            if let Some(length) = length {
                let address = if v6 { ipv6(random) } else { ipv4(random) };
                add(name, format!("{address}/{length}"));
            }
        }
        if self.ttl {
            add("nw_ttl", format!("{}", 63 + random.below(3)));
        }
        for (name, mask) in ["tp_src", "tp_dst"].into_iter().zip(self.ports) {
            if let Some(mask) = mask {
                add(name, format!("{:#x}/{mask:#x}", port(random) & mask));
            }
        }
        if self.flags {
            add("tcp_flags", ["+syn", "+psh", "-syn+psh"][random.below(3)].into());
        }
        text
    }
}

/// A packet, all fields given.
pub fn packet(random: &mut Random) -> String {
    let protocol = ["tcp", "udp", "tcp6", "tcp", "udp", "tcp6", "arp"][random.below(7)];
    let mut text =
        format!("in_port={},{protocol},dl_src={},dl_dst={}", 1 + random.below(2), mac(random), mac(random));
    let mut add = |name: &str, value: String| write!(text, ",{name}={value}").expect("a string takes all");
    if protocol == "arp" {
        add("arp_spa", ipv4(random));
        add("arp_tpa", ipv4(random));
        add("arp_op", "1".into());
        return text;
    }
    if protocol == "tcp6" {
        add("ipv6_src", ipv6(random));
        add("ipv6_dst", ipv6(random));
    } else {
        add("nw_src", ipv4(random));
        add("nw_dst", ipv4(random));
    }
    add("nw_tos", "0".into());
    add("nw_ttl", format!("{}", 63 + random.below(3)));
    let layer = protocol.trim_end_matches('6');
    add(&format!("{layer}_src"), port(random).to_string());
    add(&format!("{layer}_dst"), port(random).to_string());
    if protocol.starts_with("tcp") {
        add("tcp_flags", ["syn", "psh", "ack"][random.below(3)].into());
    }
    text
}
