//! Flow texts that reach every field of the registry in every way: exact, masked, in part, without a value, with and
//! without its prerequisites, and with mistakes.

use std::collections::BTreeMap;

use ovs_flow::Field;
use ovs_flow::field::{Format, Masking, Prereq};

use crate::generate::Rng;

/// How a text uses a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// `reg0=5`
    Exact,
    /// `reg0=5/7`: fields that allow no masks get one too.
    Masked,
    /// `reg0`, `reg0=*`
    Empty,
    /// `reg0[3..7]=5`
    Part,
    /// `reg0=zz`
    Mistake,
    /// `nw_src=10.0.0.1` where nothing says that the packet is IPv4.
    Orphan,
}

pub const USES: [Use; 6] = [Use::Exact, Use::Masked, Use::Empty, Use::Part, Use::Mistake, Use::Orphan];

/// How often each field was used in each way.
#[derive(Default)]
pub struct Coverage(BTreeMap<(usize, Use), usize>);

impl Coverage {
    /// Uses that the registry allows but that never happened, as `name: use`.
    pub fn missing(&self) -> Vec<String> {
        let all = Field::all().flat_map(|f| USES.map(|u| (f, u)));
        all.filter(|(f, u)| possible(*f, *u) && !self.0.contains_key(&(f.index(), *u)))
            .map(|(f, u)| format!("{f}: {u:?}"))
            .collect()
    }

    /// Uses that happened, of those that can.
    pub fn counts(&self) -> (usize, usize) {
        let all = Field::all().flat_map(|f| USES.map(|u| (f, u))).filter(|(f, u)| possible(*f, *u)).count();
        (all - self.missing().len(), all)
    }
}

fn possible(field: Field, how: Use) -> bool {
    how != Use::Orphan || !matches!(field.facts().prereq, Prereq::None | Prereq::Ethernet)
}

/// One text with one to four fields; the first is `field`, used in the way `how`.
pub fn flow(rng: &mut Rng, field: Field, how: Use, coverage: &mut Coverage) -> String {
    let mut items = Vec::new();
    let prereq = field.facts().prereq;
    if how != Use::Orphan {
        let base = prerequisite(rng, prereq);
        if !base.is_empty() {
            items.push(base);
        }
    }
    items.push(item(rng, field, how));
    *coverage.0.entry((field.index(), how)).or_default() += 1;
    let fields: Vec<_> = Field::all().collect();
    for _ in 0..rng.pick(&[0, 0, 0, 1, 1, 2, 3]) {
        let other = rng.pick(&fields);
        let same = rng.chance(3) || prerequisite(rng, other.facts().prereq).is_empty();
        let how = rng.pick(&[Use::Exact, Use::Exact, Use::Masked]);
        let met = other.facts().prereq == prereq || matches!(other.facts().prereq, Prereq::None);
        if other != field
            && (met || same)
            && (how != Use::Masked || other.facts().masking == Masking::Bitwise)
        {
            items.push(item(rng, other, how));
        }
    }
    if rng.chance(12) {
        items.rotate_left(1);
    }
    items.join(rng.pick(&[",", ",", ",", ", ", " ", ",,"]))
}

fn name(rng: &mut Rng, field: Field) -> &'static str {
    let facts = field.facts();
    if facts.alias.is_empty() || rng.chance(2) { facts.name } else { facts.alias }
}

fn item(rng: &mut Rng, field: Field, how: Use) -> String {
    let name = name(rng, field);
    match how {
        Use::Exact | Use::Orphan => format!("{name}={}", exact(rng, field)),
        Use::Masked => format!("{name}={}", masked(rng, field)),
        Use::Empty => {
            format!("{name}{}", rng.pick(&["", "=", "=*"]))
        }
        Use::Part => part(rng, field, name),
        Use::Mistake => format!("{name}={}", mistake(rng, field)),
    }
}

/// Text that makes fields with this prerequisite mean something.
pub fn prerequisite(rng: &mut Rng, prereq: Prereq) -> String {
    let choices: &[&str] = match prereq {
        Prereq::None => &["", "", "", "eth"],
        Prereq::Ethernet => &["", "", "eth", "packet_type=(0,0)", "dl_type=0x800"],
        Prereq::Arp => &["arp", "rarp", "dl_type=0x806", "eth_type=0x8035"],
        Prereq::VlanVid => &["dl_vlan=5", "vlan_vid=0x1007", "vlan_tci=0x1000/0x1000", "vlan_tci=0x3005"],
        Prereq::Ipv4 => {
            &["ip", "tcp", "udp", "icmp", "sctp", "ipv4", "ip4", "dl_type=0x800", "packet_type=(1,0x800)"]
        }
        Prereq::Ipv6 => {
            &["ipv6", "tcp6", "udp6", "icmp6", "sctp6", "ip6", "dl_type=0x86dd", "packet_type=(1,0x86dd)"]
        }
        Prereq::Ip => &["ip", "ipv6", "tcp", "udp6", "icmp6", "eth_type=0x800", "packet_type=(1,0x86dd)"],
        Prereq::Mpls => &["mpls", "mplsm", "dl_type=0x8847"],
        Prereq::Nsh => &["dl_type=0x894f", "eth_type=0x894f", "packet_type=(1,0x894f)"],
        Prereq::Ct => &[
            "ct_state=+new,ip",
            "ct_state=+est+trk,ipv6",
            "ip,ct_state=-inv+trk",
            "tcp,ct_state=+rpl,ct_nw_proto=6",
            "ct_state=+dnat,udp6,ct_nw_proto=17",
            "ct_state=new|trk,arp",
        ],
        Prereq::Tcp => &["tcp", "tcp6", "ip,nw_proto=6", "ipv6,ip_proto=6"],
        Prereq::Udp => &["udp", "udp6", "ip,nw_proto=17", "packet_type=(1,0x800),nw_proto=17"],
        Prereq::Sctp => &["sctp", "sctp6", "ip,nw_proto=132"],
        Prereq::Icmpv4 => &["icmp", "ip,nw_proto=1"],
        Prereq::Icmpv6 => &["icmp6", "ipv6,nw_proto=58"],
        Prereq::Nd => {
            &["icmp6,icmp_type=135", "icmp6,icmpv6_type=136,icmp_code=0", "icmp6,icmp_type=135,icmpv6_code=0"]
        }
        Prereq::NdSolicit => &["icmp6,icmp_type=135", "icmp6,icmpv6_type=135,icmp_code=0"],
        Prereq::NdAdvert => &["icmp6,icmp_type=136", "icmp6,icmpv6_type=136,icmp_code=0"],
        _ => &[""],
    };
    rng.pick(choices).into()
}

/// A value that the field can have, or nearly.
fn exact(rng: &mut Rng, field: Field) -> String {
    let facts = field.facts();
    let small = facts.size <= 1 || rng.chance(2);
    match facts.format {
        Format::Decimal | Format::Hexadecimal => {
            let value = random(rng, field, small);
            number(rng, value)
        }
        Format::Ethernet => eth(rng),
        Format::Ipv4 => ipv4(rng),
        Format::Ipv6 => ipv6(rng),
        Format::CtState => rng
            .pick(&[
                "new",
                "est|trk",
                "0",
                "0x21",
                "new|est|rel|rpl|inv|trk|snat|dnat",
                "+trk",
                "-new",
                "trk",
            ])
            .into(),
        Format::Frag => rng.pick(&["no", "yes", "first", "later", "not_later", "NO", "Later"]).into(),
        Format::TunFlags => rng.pick(&["oam", "0", "1", "+oam", "-oam"]).into(),
        Format::TcpFlags => rng
            .pick(&[
                "syn",
                "syn|ack",
                "0",
                "0x12",
                "+syn-ack",
                "-fin",
                "ns|cwr",
                "+fin+syn+rst+psh+ack+urg+ece+cwr+ns",
                "4095",
            ])
            .into(),
        Format::Port | Format::Port32 => rng
            .pick(&[
                "1",
                "7",
                "0",
                "LOCAL",
                "local",
                "any",
                "NONE",
                "CONTROLLER",
                "in_port",
                "Normal",
                "65279",
                "65280",
                "65534",
                "4294967294",
                "unset",
            ])
            .into(),
        Format::PacketType => rng
            .pick(&[
                "(0,0)",
                "(1,0x800)",
                "(1,0x86dd)",
                "(1,0x894f)",
                "(1,0x8847)",
                "(1,2048)",
                "(0,1)",
                "(2,5)",
            ])
            .into(),
        _ => "0".into(),
    }
}

/// A value under a mask.
fn masked(rng: &mut Rng, field: Field) -> String {
    let facts = field.facts();
    let (a, b) = (random(rng, field, false), mask_bits(rng, field));
    match facts.format {
        Format::Decimal | Format::Hexadecimal => format!("{}/{}", number(rng, a), number(rng, b)),
        Format::Ethernet => format!(
            "{}/{}",
            eth(rng),
            rng.pick(&[
                "01:00:00:00:00:00",
                "ff:ff:ff:00:00:00",
                "ff:ff:ff:ff:ff:ff",
                "00:00:00:00:00:00",
                "0:0:0:0:0:1"
            ])
        ),
        Format::Ipv4 => format!(
            "{}/{}",
            ipv4(rng),
            rng.pick(&["8", "0", "32", "31", "1", "255.0.0.0", "255.0.255.0", "0.0.0.0", "0.0.0.1", "024"])
        ),
        Format::Ipv6 => format!(
            "{}/{}",
            ipv6(rng),
            rng.pick(&["64", "0", "128", "127", "1", "ffff::", "::ffff", "::", "::1", "ffff:ffff::1"])
        ),
        Format::CtState => rng
            .pick(&[
                "+new-est",
                "0x1/0x3",
                "+trk",
                "0/0x20",
                "+new+est+rel+rpl+inv+trk+snat+dnat",
                "-inv",
                "0/0",
                "0xff/0xff",
            ])
            .into(),
        Format::Frag => rng.pick(&["yes", "not_later", "first/later", "0/1"]).into(),
        Format::TunFlags => rng.pick(&["+oam", "-oam", "0/1", "1/1", "oam/oam", "0/0"]).into(),
        Format::TcpFlags => rng
            .pick(&[
                "+syn-ack",
                "0x2/0x12",
                "0/0xfff",
                "0/0",
                "0xfff/0xfff",
                "+[800]",
                "2/2",
                "+[200]-fin",
                "0x12/0xffff",
            ])
            .into(),
        Format::Port | Format::Port32 => rng.pick(&["1/1", "LOCAL/0xffff", "3/0"]).into(),
        Format::PacketType => rng.pick(&["(0,0)/1", "(1,0x800)/0xffff"]).into(),
        _ => "0".into(),
    }
}

/// Text that is no value of the field.
fn mistake(rng: &mut Rng, field: Field) -> String {
    let general = [
        "zz", "-", "/", "1/", "/1", "3/zz", "0x", "08", "1 2", "0xg", "-1", "5x", "**", "3/*", "+", "()",
        "(3)", "1.5",
    ];
    if rng.chance(2) {
        return rng.pick(&general).into();
    }
    let special: &[&str] = match field.facts().format {
        Format::Ethernet => &[
            "1:2:3:4:5",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:g",
            "00-11-22-33-44-55",
            "1:2:3:4:5:6/",
            "1:2:3:4:5:6/7",
        ],
        Format::Ipv4 => &[
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.4/-1",
            "1.2.3.4/",
            "1.2.3.4.5",
            "1.2.3.4/255.0",
            "::1",
            "1.2.3.4/0x8",
            "localhost",
        ],
        Format::Ipv6 => {
            &["1::2::3", "::1/129", "::1/-1", "::1/", "1.2.3.4", "12345::", "::1/ffff", ":", "::g"]
        }
        Format::CtState => {
            &["+foo", "+new-new", "new|foo", "+", "new+est", "0x100", "0x1/0x100", "NEW", "|new", "new|"]
        }
        Format::Frag => &["maybe", "no|yes", "1", ""],
        Format::TunFlags => &["df", "+df", "csum|key", "2", "2/2", "+oam+oam", "foo"],
        Format::TcpFlags => &["+foo", "+syn+syn", "syn|foo", "0x1000", "0x1/0x1000", "+", "syn,ack", "SYN"],
        Format::Port | Format::Port32 => {
            &["eth0", "65536", "70000", "0x5", "4294901760", "max", "\"LOCAL\"", "OFPP_LOCAL"]
        }
        Format::PacketType => {
            &["0", "(0)", "(0,", "(0,0", "(zz,0)", "(0,zz)", "0,0", "(70000,0)", "(1,0x10000)", "(0,0)x"]
        }
        Format::Decimal | Format::Hexadecimal => &[
            "1e3",
            "0b1",
            "0x1ffffffffffffffffffffffffffffffff",
            "18446744073709551616",
            "65536/65536",
            "256",
            "4294967296/1",
            "1/4294967296",
            "0x10000000000000000/3",
        ],
        _ => &["zz"],
    };
    rng.pick(special).into()
}

/// Some bits of a field.
fn part(rng: &mut Rng, field: Field, name: &str) -> String {
    let wire = field.headers().next().map(|h| h.name);
    let name = if rng.chance(4) { wire.unwrap_or(name) } else { name };
    let width = usize::from(field.bit_width());
    let start = rng.below(width);
    let end = start + rng.below(width - start);
    let value = rng.next() as usize >> rng.below(60);
    let fitting = value & ((1_usize << (end - start + 1).min(8)) - 1);
    let value = if rng.chance(6) { value & 0xffff } else { fitting };
    match rng.below(8) {
        0 => format!("{name}[]={}", exact(rng, field)),
        1 => format!("{name}[{start}]={}", value & 1),
        2 => format!("{name}[{start}..{}]={value}", end + rng.pick(&[0, 0, 1, 40])),
        3 => format!("{name}[{end}..{start}]={value}"),
        4 => format!("{name}[{start}..{end}={value}"),
        5 => format!("{name}[{start}..{end}]={value}/{fitting}"),
        _ => format!("{name}[{start}..{end}]={value}"),
    }
}

fn random(rng: &mut Rng, field: Field, small: bool) -> u128 {
    let facts = field.facts();
    // What a tunnel option holds is its TLV table's business; without one ours hold four bytes.
    let wide = u128::from(rng.next()) << 64 | u128::from(rng.next());
    let value = wide & field.full();
    let value = if small { value & 0xff & field.full() } else { value };
    match rng.below(10) {
        0 => 0,
        1 => field.full(),
        2 if facts.size < 16 => wide & ((1 << (u32::from(facts.size) * 8)) - 1),
        _ => value,
    }
}

fn mask_bits(rng: &mut Rng, field: Field) -> u128 {
    let full = field.full();
    match rng.below(6) {
        0 => full,
        1 => 0,
        2 => full & (full << rng.below(full.count_ones() as usize)),
        3 => full >> rng.below(full.count_ones() as usize),
        _ => (u128::from(rng.next()) << 64 | u128::from(rng.next())) & full,
    }
}

fn number(rng: &mut Rng, value: u128) -> String {
    let decimal = u64::try_from(value).ok();
    match (rng.below(6), decimal) {
        (0, Some(n)) => format!("0{n:o}"),
        (1 | 2, Some(n)) => format!("{n}"),
        (3, _) => format!("0X{value:X}"),
        _ => format!("{value:#x}"),
    }
}

fn eth(rng: &mut Rng) -> String {
    let b = rng.next().to_be_bytes();
    if rng.chance(8) {
        return rng
            .pick(&["1:2:3:4:5:6", "0:0:0:0:0:0", "FF:ff:Ff:fF:FF:FF", "001:2:3:4:5:6", "0x1:2:3:4:5:6"])
            .into();
    }
    format!("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5])
}

fn ipv4(rng: &mut Rng) -> String {
    let b = rng.next().to_be_bytes();
    let plain = format!("{}.{}.{}.{}", b[0], b[1], b[2], b[3]);
    rng.pick(&[plain.as_str(), plain.as_str(), "0.0.0.0", "10.0.0.1", "010.0.00.1", "255.255.255.255"]).into()
}

fn ipv6(rng: &mut Rng) -> String {
    let wide = u128::from(rng.next()) << 64 | u128::from(rng.next());
    let plain =
        std::net::Ipv6Addr::from(wide & rng.pick(&[u128::MAX, 0xffff_0000_ffff, 0xffff << 112 | 0xff]))
            .to_string();
    rng.pick(&[
        plain.as_str(),
        plain.as_str(),
        "::",
        "::1",
        "fe80::1",
        "::1.2.3.4",
        "::ffff:1.2.3.4",
        "FE80:0:0:0::A",
        "1:2:3:4:5:6:7:8",
    ])
    .into()
}
