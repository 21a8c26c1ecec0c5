//! Parsing keys and masks in datapath syntax.

use alloc::string::String;

use super::attrs::{self, Attr, Kind, Member};
use crate::field::Place;
use crate::field::numbers::eth;
use crate::text::DpPortNames;
use crate::text::addr::{parse_eth, parse_ipv4, parse_ipv6};
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
    /// The attributes contradict each other, or the packet that they describe cannot be.
    #[error("{problem}; the flow key in error is: {flow}")]
    Key {
        /// What is wrong.
        problem: KeyProblem,
        /// The whole text.
        flow: String,
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

/// Why a flow cannot be a packet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// `tunnel(…)` without `ttl`.
    #[error("tunnel options missing TTL")]
    TunnelTtl,
    /// A type that is a length.
    #[error("invalid Ethertype {0} in flow key")]
    Ethertype(u16),
    /// A tag that says that it is none.
    #[error("OVS_KEY_ATTR_VLAN 0x{0:04x} is nonzero but CFI bit is not set")]
    Cfi(u16),
}

impl DpParseError {
    /// What was expected, for a syntax error.
    pub fn expected(&self) -> Option<&'static str> {
        match self {
            Self::Syntax { expected, .. } => Some(expected),
            Self::Key { .. } | Self::Duplicate { .. } => None,
        }
    }
}

/// Parses a key: `in_port(1),eth(src=…,dst=…),eth_type(0x0800),…`. Masks are accepted and not looked at.
/// Without `eth(…)` a packet with an `eth_type` begins with its network header.
///
/// The packet must be possible: a tunnel has a TTL, a type is none of a length, a tag is marked as one.
pub fn parse_dp_key(text: &str, ports: &impl DpPortNames) -> Result<FlowKey, DpParseError> {
    let mut parser = Parser::new(text);
    parser.list(ports, 0)?;
    parser.finish(true);
    parser.check()?;
    Ok(parser.key)
}

/// Parses a key under masks, as `dpctl/dump-flows` prints it. What is not written is not looked at. An identity
/// (`ufid:…`) before it is passed over.
pub fn parse_dp_flow(text: &str, ports: &impl DpPortNames) -> Result<(FlowKey, FlowMask), DpParseError> {
    let mut parser = Parser::new(text);
    parser.ufid()?;
    parser.list(ports, 0)?;
    parser.finish(false);
    Ok((parser.key, parser.mask))
}

/// Which attributes there were: the table's, in order, then those with a parser of their own.
#[derive(Default)]
struct Seen {
    plain: u32,
    special: u32,
}

/// Attributes with a parser of their own.
const SPECIAL: [&str; 5] = ["in_port", "ct_state", "tcp_flags", "tunnel", "mpls"];

/// A text being parsed.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Where the current attribute begins.
    attr: usize,
    pub(super) key: FlowKey,
    pub(super) mask: FlowMask,
    seen: Seen,
    /// `eth_type` at each depth of `encap`.
    types: [Option<(u16, u16)>; MAX_VLANS + 1],
    /// What is to be said if the text parses, but nothing can be made of it.
    pub(super) problem: Option<KeyProblem>,
}

pub(super) type Parsed<T = ()> = Result<T, DpParseError>;

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut key = FlowKey::default();
        key.in_port = u32::MAX;
        let (mask, seen) = (FlowMask::default(), Seen::default());
        Self { text, at: 0, attr: 0, key, mask, seen, types: [None; MAX_VLANS + 1], problem: None }
    }

    pub(super) fn fail<T>(&self, expected: &'static str) -> Parsed<T> {
        Err(DpParseError::Syntax { rest: self.text[self.attr..].into(), column: self.at, expected })
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(super) fn expect(&mut self, token: &'static str) -> Parsed {
        if self.eat(token) { Ok(()) } else { self.fail(token) }
    }

    /// Complains about what begins at `start`.
    pub(super) fn fail_at<T>(&mut self, start: usize, expected: &'static str) -> Parsed<T> {
        self.at = start;
        self.fail(expected)
    }

    /// Everything up to one of `stops`, which are ASCII, or the end.
    pub(super) fn until(&mut self, stops: &[u8]) -> &'a str {
        let rest = self.rest();
        let len = rest.bytes().position(|byte| stops.contains(&byte)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn skip_separators(&mut self) {
        let rest = self.rest();
        self.at += rest.find(|c: char| !c.is_ascii_whitespace() && c != ',').unwrap_or(rest.len());
    }

    fn ufid(&mut self) -> Parsed {
        self.skip_separators();
        if !self.eat("ufid:") {
            return Ok(());
        }
        let start = self.at;
        let id = self.until(b", \t\r\n");
        let shaped = id.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
        if shaped && id.len() == 36 { Ok(()) } else { self.fail_at(start, "an identity") }
    }

    /// Attributes up to the end, or to the parenthesis that ends an `encap`.
    fn list(&mut self, ports: &impl DpPortNames, depth: usize) -> Parsed {
        loop {
            self.skip_separators();
            if self.rest().is_empty() || (depth > 0 && self.rest().starts_with(')')) {
                return Ok(());
            }
            self.attr = self.at;
            let name = self.until(b"(),");
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
            "ct_state" => self.ct_state(),
            "tcp_flags" => self.tcp_flags(),
            "tunnel" => self.tunnel(),
            "mpls" => self.mpls(),
            "eth_type" if self.types[depth].is_some() => self.duplicate(name),
            "eth_type" => {
                let (value, mask) = self.number(8)?;
                let (value, mask) = (value as u16, mask as u16);
                self.types[depth] = Some((value, mask));
                if mask == u16::MAX && value < eth::MIN {
                    self.problem = self.problem.or(Some(KeyProblem::Ethertype(value)));
                }
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

    /// Members in any order; the last one counts.
    fn plain(&mut self, attr: &Attr) -> Parsed {
        if let [scalar] = attr.members
            && scalar.name.is_empty()
        {
            return self.member(scalar);
        }
        while !self.rest().starts_with(')') {
            let name = attrs::read_name(attr, self.until(b"=),"));
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

    /// Members in the order of the table, each of which may be missing; no comma stands at the end.
    pub(super) fn in_order(&mut self, members: &[Member]) -> Parsed {
        let mut some = false;
        for member in members {
            let before = self.at;
            if some && !self.eat(",") {
                break;
            }
            if self.eat(member.name) && self.eat("=") {
                self.member(member)?;
                some = true;
            } else {
                self.at = before;
            }
        }
        Ok(())
    }

    /// A value, perhaps with a mask.
    pub(super) fn member(&mut self, member: &Member) -> Parsed {
        let start = self.at;
        let (value, mask) = match member.kind {
            Kind::Decimal | Kind::Hexadecimal | Kind::Prefixed | Kind::Context => {
                self.number(if member.place.bytes > 8 { 16 } else { 8 })?
            }
            Kind::Ethernet => self.address("an Ethernet address", |t| {
                parse_eth(t).map(|(a, m)| (big_endian(&a), big_endian(&m)))
            })?,
            Kind::Ipv4 => self.address("an IPv4 address", |t| {
                let whole = t.split_once('/').is_none_or(|(_, mask)| mask.contains('.'));
                parse_ipv4(t).ok().filter(|_| whole).map(|(a, m)| (a.into(), m.into()))
            })?,
            Kind::Ipv6 => self.address("an IPv6 address", |t| {
                let whole = t.split_once('/').is_none_or(|(_, mask)| mask.contains(':'));
                let parsed = parse_ipv6(t).ok().filter(|_| whole);
                parsed.map(|(a, m)| (u128::from_be_bytes(a), u128::from_be_bytes(m)))
            })?,
            Kind::Frag => (self.frag()?, u128::MAX),
        };
        if member.checked && value & !member.place.bits != 0 {
            return self.fail_at(start, "a smaller number");
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
        let kind = match self.until(b",)") {
            "no" => FragKind::empty(),
            "first" => FragKind::ANY,
            "later" => FragKind::ANY | FragKind::LATER,
            _ => return self.fail_at(start, "no, first or later"),
        };
        Ok(kind.bits().into())
    }

    /// A number of at most `bytes` bytes, perhaps with a mask; spaces may stand before it.
    pub(super) fn number(&mut self, bytes: usize) -> Parsed<(u128, u128)> {
        let start = self.at;
        let text = self.until(b",)}");
        let (value, mask) = text.split_once('/').map_or((text, None), |(value, mask)| (value, Some(mask)));
        let number = |text: &str| parse_number(text.trim_start(), bytes);
        let Ok(value) = number(value) else { return self.fail_at(start, "a number") };
        let Ok(mask) = mask.map_or(Ok(u128::MAX), number) else { return self.fail_at(start, "a mask") };
        Ok((value, mask))
    }

    fn address(
        &mut self,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<(u128, u128)>,
    ) -> Parsed<(u128, u128)> {
        let start = self.at;
        let text = self.until(b",)");
        match parse(text) {
            Some(pair) => Ok(pair),
            None => self.fail_at(start, expected),
        }
    }

    fn has(&self, attr: &Attr) -> bool {
        attrs::PLAIN.iter().position(|a| a.name == attr.name).is_some_and(|i| self.seen.plain >> i & 1 != 0)
    }

    /// Puts the types where they belong, once it is known how deep the tags go. `whole` is the text of a packet, which has
    /// `eth(…)` if it has an Ethernet header; the text of a mask that does not look at addresses has none.
    fn finish(&mut self, whole: bool) {
        let tags = self.key.vlans.iter().take_while(|tag| tag.tci.get() != 0).count();
        for depth in 0..tags {
            let (tpid, mask) = self.types[depth].unwrap_or((eth::VLAN, u16::MAX));
            self.key.vlans[depth].tpid.set(tpid);
            self.mask.fields.vlans[depth].tpid.set(mask);
        }
        let ethernet = self.has(&attrs::ETH) || (!whole && self.has(&attrs::PACKET_TYPE));
        match self.types[tags] {
            // "0/0xffff" is how a mask says that there is no type.
            Some((0, mask)) => {
                self.key.dl_type.set(eth::NOT_ETH);
                self.mask.fields.dl_type.set(mask);
            }
            Some((dl_type, mask)) => {
                self.key.dl_type.set(dl_type);
                self.mask.fields.dl_type.set(mask);
                if !ethernet && tags == 0 && self.key.packet_type.get() == 0 {
                    self.key.packet_type.set(1 << 16 | u32::from(dl_type));
                }
            }
            None => self.key.dl_type.set(eth::NOT_ETH),
        }
        // A packet type says the type too.
        let packet_type = self.key.packet_type.get();
        if self.types[0].is_none() && packet_type != 0 {
            let known = [eth::IPV4, eth::IPV6, eth::ARP, eth::RARP, eth::MPLS, eth::MPLS_MCAST, eth::NSH];
            if packet_type >> 16 == 1 && known.contains(&(packet_type as u16)) {
                self.key.dl_type.set(packet_type as u16);
            }
            self.mask.fields.dl_type.set(0xffff);
        }
    }

    fn check(&self) -> Parsed {
        self.problem.map_or(Ok(()), |problem| Err(DpParseError::Key { problem, flow: self.text.into() }))
    }
}

fn big_endian(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))
}
