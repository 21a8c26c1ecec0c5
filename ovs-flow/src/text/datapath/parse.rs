//! Parsing keys and masks in datapath syntax.

use alloc::string::String;

use super::attrs::{self, Attr, Kind, Member};
use crate::field::Place;
use crate::field::numbers::eth;
use crate::text::DpPortNames;
use crate::text::addr::{parse_eth, parse_ipv4, parse_ipv6};
use crate::text::flags::{CT_STATE, Flags, TCP_FLAGS, TUN_FLAGS};
use crate::text::number::parse_number;
use crate::{FlowKey, FlowMask, FragKind, MAX_VLANS, VLAN_CFI};

/// Why a flow's text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DpParseError {
    /// Something else was expected here.
    #[error("syntax error at {rest}")]
    Syntax {
        /// The text from the attribute on that is not understood.
        rest: String,
        /// Where the trouble is, in bytes from the text's beginning.
        column: usize,
        /// What would have been understood.
        expected: &'static str,
    },
    /// An attribute twice.
    #[error("duplicate {name} attribute in flow key; the flow key in error is: {flow}")]
    Duplicate {
        /// The attribute.
        name: String,
        /// The whole text.
        flow: String,
    },
}

impl DpParseError {
    /// What was expected, for a syntax error.
    pub fn expected(&self) -> Option<&'static str> {
        match self {
            Self::Syntax { expected, .. } => Some(expected),
            Self::Duplicate { .. } => None,
        }
    }
}

/// Parses a key: `in_port(1),eth(src=…,dst=…),eth_type(0x0800),…`. Masks are accepted and not looked at.
/// Without `eth(…)` a packet with an `eth_type` begins with its network header.
pub fn parse_dp_key(text: &str, ports: &impl DpPortNames) -> Result<FlowKey, DpParseError> {
    parse_dp_flow(text, ports).map(|(key, _)| key)
}

/// Parses a key under masks, as `dpctl/dump-flows` prints it. What is not written is not looked at.
pub fn parse_dp_flow(text: &str, ports: &impl DpPortNames) -> Result<(FlowKey, FlowMask), DpParseError> {
    let mut parser = Parser {
        text,
        at: 0,
        attr: 0,
        key: FlowKey::default(),
        mask: FlowMask::default(),
        seen: Seen::default(),
        types: [None; MAX_VLANS + 1],
    };
    parser.key.in_port = u32::MAX;
    parser.list(ports, 0)?;
    parser.finish();
    Ok((parser.key, parser.mask))
}

/// Which attributes there were: the table's, in order, then those with a parser of their own.
#[derive(Default)]
struct Seen {
    plain: u32,
    special: u32,
}

/// Attributes with a parser of their own.
const SPECIAL: [&str; 6] = ["in_port", "packet_type", "ct_state", "tcp_flags", "tunnel", "mpls"];

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Where the current attribute begins.
    attr: usize,
    key: FlowKey,
    mask: FlowMask,
    seen: Seen,
    /// `eth_type` at each depth of `encap`.
    types: [Option<(u16, u16)>; MAX_VLANS + 1],
}

type Parsed<T = ()> = Result<T, DpParseError>;

impl<'a> Parser<'a> {
    fn fail<T>(&self, expected: &'static str) -> Parsed<T> {
        Err(DpParseError::Syntax { rest: self.text[self.attr..].into(), column: self.at, expected })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &'static str) -> Parsed {
        if self.eat(token) { Ok(()) } else { self.fail(token) }
    }

    /// Complains about what begins at `start`.
    fn fail_at<T>(&mut self, start: usize, expected: &'static str) -> Parsed<T> {
        self.at = start;
        self.fail(expected)
    }

    /// Everything up to one of `stops`, or the end.
    fn until(&mut self, stops: &[char]) -> &'a str {
        let rest = self.rest();
        let len = rest.find(stops).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn skip_separators(&mut self) {
        let rest = self.rest();
        self.at += rest.find(|c: char| !c.is_ascii_whitespace() && c != ',').unwrap_or(rest.len());
    }

    /// Attributes up to the end, or to the parenthesis that ends an `encap`.
    fn list(&mut self, ports: &impl DpPortNames, depth: usize) -> Parsed {
        loop {
            self.skip_separators();
            if self.rest().is_empty() || (depth > 0 && self.rest().starts_with(')')) {
                return Ok(());
            }
            self.attr = self.at;
            let name = self.until(&['(', ')', ',']);
            self.expect("(")?;
            self.one(name, ports, depth)?;
            self.expect(")")?;
        }
    }

    fn one(&mut self, name: &'a str, ports: &impl DpPortNames, depth: usize) -> Parsed {
        if let Some(i) = attrs::PLAIN.iter().position(|a| a.name == name) {
            self.once(name, true, i)?;
            return self.plain(attrs::PLAIN[i]);
        }
        if let Some(i) = SPECIAL.iter().position(|n| *n == name) {
            self.once(name, false, i)?;
        }
        match name {
            "in_port" => self.in_port(ports),
            "packet_type" => self.packet_type(),
            "ct_state" => self.ct_state(),
            "tcp_flags" => self.tcp_flags(),
            "tunnel" => self.tunnel(),
            "mpls" => self.mpls(),
            "eth_type" if self.types[depth].is_some() => self.duplicate(name),
            "eth_type" => {
                let (value, mask) = self.number(2)?;
                self.types[depth] = Some((value as u16, mask as u16));
                Ok(())
            }
            "vlan" if depth < MAX_VLANS => self.vlan(depth),
            "encap" if depth < MAX_VLANS => {
                // A tag that nothing is said of is there all the same.
                let tci = &mut self.key.vlans[depth].tci;
                tci.set(tci.get() | if tci.get() == 0 { VLAN_CFI } else { 0 });
                self.list(ports, depth + 1)
            }
            _ => self.fail("an attribute's name"),
        }
    }

    fn once(&mut self, name: &str, plain: bool, i: usize) -> Parsed {
        let seen = if plain { &mut self.seen.plain } else { &mut self.seen.special };
        let before = *seen >> i & 1 != 0;
        *seen |= 1 << i;
        if before { self.duplicate(name) } else { Ok(()) }
    }

    fn duplicate<T>(&self, name: &str) -> Parsed<T> {
        Err(DpParseError::Duplicate { name: name.into(), flow: self.text.into() })
    }

    fn plain(&mut self, attr: &Attr) -> Parsed {
        if let [scalar] = attr.members
            && scalar.name.is_empty()
        {
            return self.member(scalar);
        }
        while !self.rest().starts_with(')') {
            let name = self.until(&['=', ')', ',']);
            let Some(member) = attr.members.iter().find(|m| m.name == name) else {
                return self.fail("a member of the attribute");
            };
            self.expect("=")?;
            self.member(member)?;
            if !self.eat(",") {
                break;
            }
        }
        Ok(())
    }

    fn member(&mut self, member: &Member) -> Parsed {
        let (value, mask) = match member.kind {
            Kind::Decimal | Kind::Hexadecimal => self.number(member.place.bytes.into())?,
            Kind::Ethernet => self.address("an Ethernet address", |t| {
                parse_eth(t).map(|(a, m)| (big_endian(&a), big_endian(&m)))
            })?,
            Kind::Ipv4 => {
                self.address("an IPv4 address", |t| parse_ipv4(t).ok().map(|(a, m)| (a.into(), m.into())))?
            }
            Kind::Ipv6 => self.address("an IPv6 address", |t| {
                parse_ipv6(t).ok().map(|(a, m)| (u128::from_be_bytes(a), u128::from_be_bytes(m)))
            })?,
            Kind::Frag => (self.frag()?, u128::MAX),
        };
        if value & !member.place.bits != 0 {
            return self.fail("a smaller number");
        }
        self.put(&member.place, value, mask);
        Ok(())
    }

    fn put(&mut self, place: &Place, value: u128, mask: u128) {
        place.set(&mut self.key, value);
        place.set(&mut self.mask.fields, mask);
    }

    fn frag(&mut self) -> Parsed<u128> {
        let start = self.at;
        let kind = match self.until(&[',', ')', '/']) {
            "no" => FragKind::empty(),
            "first" => FragKind::ANY,
            "later" => FragKind::ANY | FragKind::LATER,
            _ => return self.fail_at(start, "no, first or later"),
        };
        if self.eat("/") {
            self.until(&[',', ')']);
        }
        Ok(kind.bits().into())
    }

    /// A number, perhaps with a mask.
    fn number(&mut self, bytes: usize) -> Parsed<(u128, u128)> {
        let start = self.at;
        let text = self.until(&[',', ')']);
        let (value, mask) = text.split_once('/').unwrap_or((text, ""));
        let Ok(value) = parse_number(value, bytes) else { return self.fail_at(start, "a number") };
        let mask = if mask.is_empty() { Ok(u128::MAX) } else { parse_number(mask, bytes) };
        let Ok(mask) = mask else { return self.fail_at(start, "a mask") };
        Ok((value, mask))
    }

    fn address(
        &mut self,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<(u128, u128)>,
    ) -> Parsed<(u128, u128)> {
        let start = self.at;
        let text = self.until(&[',', ')']);
        match parse(text) {
            Some(pair) => Ok(pair),
            None => self.fail_at(start, expected),
        }
    }

    fn in_port(&mut self, ports: &impl DpPortNames) -> Parsed {
        let start = self.at;
        let text = self.until(&[',', ')']);
        if let Some(port) = ports.number(text) {
            self.key.in_port = port.0;
            self.mask.fields.in_port = u32::MAX;
            return Ok(());
        }
        self.at = start;
        let (value, mask) = self.number(4)?;
        self.key.in_port = value as u32;
        self.mask.fields.in_port = mask as u32;
        Ok(())
    }

    fn packet_type(&mut self) -> Parsed {
        self.expect("ns=")?;
        let (namespace, _) = self.number(2)?;
        self.expect(",id=")?;
        let (id, _) = self.number(2)?;
        self.key.packet_type.set((namespace as u32) << 16 | id as u32);
        self.mask.fields.packet_type.set(u32::MAX);
        Ok(())
    }

    fn flags(&mut self, flags: &Flags) -> Parsed<(u32, u32)> {
        let text = self.until(&[')']);
        match flags.parse(text) {
            Ok(pair) => Ok(pair),
            Err(_) => self.fail("flags"),
        }
    }

    fn ct_state(&mut self) -> Parsed {
        let (value, mask) = self.flags(&CT_STATE)?;
        self.key.ct_state = value as u8;
        self.mask.fields.ct_state = mask as u8;
        Ok(())
    }

    fn tcp_flags(&mut self) -> Parsed {
        let (value, mask) = self.flags(&TCP_FLAGS)?;
        self.key.tcp_flags.set(value as u16);
        self.mask.fields.tcp_flags.set(mask as u16);
        Ok(())
    }

    fn tunnel(&mut self) -> Parsed {
        while !self.rest().starts_with(')') {
            if self.eat("flags(") {
                let (value, mask) =
                    if self.rest().starts_with(')') { (0, TUN_FLAGS.all()) } else { self.flags(&TUN_FLAGS)? };
                self.expect(")")?;
                self.key.tunnel.flags = value as u16;
                self.mask.fields.tunnel.flags = mask as u16;
            } else {
                let name = self.until(&['=', ')', ',']);
                let Some(member) = attrs::TUNNEL.members.iter().find(|m| m.name == name) else {
                    return self.fail("a member of the tunnel");
                };
                self.expect("=")?;
                self.member(member)?;
            }
            if !self.eat(",") {
                break;
            }
        }
        Ok(())
    }

    /// Labels follow each other: each `label=` after the first begins the next one.
    fn mpls(&mut self) -> Parsed {
        let mut labels = attrs::LABELS.iter();
        let mut current = None;
        while !self.rest().starts_with(')') {
            let name = self.until(&['=', ')', ',']);
            if name == "label" || current.is_none() {
                current = labels.next();
            }
            let Some(member) = current.and_then(|a| a.members.iter().find(|m| m.name == name)) else {
                return self.fail("label, tc, ttl or bos of at most three labels");
            };
            self.expect("=")?;
            self.member(member)?;
            if !self.eat(",") {
                break;
            }
        }
        Ok(())
    }

    fn vlan(&mut self, depth: usize) -> Parsed {
        let (mut tci, mut mask) = (VLAN_CFI, 0);
        while !self.rest().starts_with(')') {
            let (shift, bits) = match self.until(&['=', ')', ',']) {
                "vid" => (0, 0xfff),
                "pcp" => (13, 7),
                "cfi" => (12, 1),
                _ => return self.fail("vid, pcp or cfi"),
            };
            self.expect("=")?;
            let (value, value_mask) = self.number(2)?;
            if value & !bits != 0 {
                return self.fail("a smaller number");
            }
            let (bits, value) = (bits as u16, value as u16);
            tci = tci & !(bits << shift) | value << shift;
            mask |= (value_mask as u16 & bits) << shift;
            if !self.eat(",") {
                break;
            }
        }
        // Who looks at a tag's bits looks at whether it is there.
        mask |= if mask == 0 { 0 } else { VLAN_CFI };
        self.key.vlans[depth].tci.set(tci);
        self.mask.fields.vlans[depth].tci.set(mask);
        Ok(())
    }

    /// Puts the types where they belong, once it is known how deep the tags go.
    fn finish(&mut self) {
        let tags = self.key.vlans.iter().take_while(|tag| tag.tci.get() != 0).count();
        for depth in 0..tags {
            let (tpid, mask) = self.types[depth].unwrap_or((eth::VLAN, u16::MAX));
            self.key.vlans[depth].tpid.set(tpid);
            self.mask.fields.vlans[depth].tpid.set(mask);
        }
        let ethernet =
            attrs::PLAIN.iter().position(|a| a.name == "eth").is_some_and(|i| self.seen.plain >> i & 1 != 0);
        let typed =
            SPECIAL.iter().position(|n| *n == "packet_type").is_some_and(|i| self.seen.special >> i & 1 != 0);
        match self.types[tags] {
            // "0/0xffff" is how a mask says that there is no type.
            Some((0, mask)) => {
                self.key.dl_type.set(eth::NOT_ETH);
                self.mask.fields.dl_type.set(mask);
            }
            Some((dl_type, mask)) => {
                self.key.dl_type.set(dl_type);
                self.mask.fields.dl_type.set(mask);
                if !ethernet && !typed && tags == 0 {
                    self.key.packet_type.set(1 << 16 | u32::from(dl_type));
                    self.mask.fields.packet_type.set(u32::MAX);
                }
            }
            None => self.key.dl_type.set(eth::NOT_ETH),
        }
    }
}

fn big_endian(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))
}
