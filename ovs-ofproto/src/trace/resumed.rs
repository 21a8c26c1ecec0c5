//! Packets that come again in a trace, and what is assumed of those that went through the connection tracker.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ovs_flow::{CtState, FlowKey};
use ovs_openflow::action::{AddressRange, Nat, NatFlags};

/// What the tracker is assumed to have said and done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tracked {
    /// `ct_state` of the packet.
    pub state: CtState,
    /// Whether that is what is assumed where nothing is asked for.
    pub by_default: bool,
    /// Addresses and ports before and after their translation.
    pub translated: Option<(String, String)>,
}

impl Tracked {
    /// The state as `--ct-next` takes it: `est|trk`.
    pub fn state_text(&self) -> String {
        StateText(self.state).to_string()
    }

    /// Assumes a state, by default `trk|new`; the first address and port of a range are taken for the packet's.
    pub(crate) fn assume(key: &mut FlowKey, asked: Option<CtState>, nat: Option<&Nat>) -> Self {
        let state = asked.unwrap_or(CtState::TRK | CtState::NEW);
        key.ct_state = state.bits();
        let translated = nat.map(|nat| translate(key, nat));
        Self { state, by_default: asked.is_none(), translated }
    }
}

fn translate(key: &mut FlowKey, nat: &Nat) -> (String, String) {
    let source = nat.flags.contains(NatFlags::SRC);
    let Some(range) = nat.addresses.filter(|_| nat.flags.intersects(NatFlags::SRC | NatFlags::DST)) else {
        return (String::new(), String::new());
    };
    let before = Tuple { key, range }.to_string();
    match range {
        AddressRange::V4(first, _) => {
            let address = if source { &mut key.nw_src } else { &mut key.nw_dst };
            address.set(first.into());
        }
        AddressRange::V6(first, _) => {
            let address = if source { &mut key.ipv6_src } else { &mut key.ipv6_dst };
            *address = first.octets();
        }
    }
    if let Some((first, _)) = nat.ports {
        let port = if source { &mut key.tp_src } else { &mut key.tp_dst };
        port.set(first);
    }
    (before, Tuple { key, range }.to_string())
}

struct Tuple<'a> {
    key: &'a FlowKey,
    range: AddressRange,
}

impl fmt::Display for Tuple<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, range } = self;
        let (source, destination) = (key.tp_src.get(), key.tp_dst.get());
        match range {
            AddressRange::V4(..) => {
                let (src, dst) = (Ipv4Addr::from(key.nw_src.get()), Ipv4Addr::from(key.nw_dst.get()));
                write!(f, "nw_src={src},tp_src={source},nw_dst={dst},tp_dst={destination}")
            }
            AddressRange::V6(..) => {
                let (src, dst) = (Ipv6Addr::from(key.ipv6_src), Ipv6Addr::from(key.ipv6_dst));
                write!(f, "ipv6_src=[{src}],tp_src={source},ipv6_dst=[{dst}],tp_dst={destination}")
            }
        }
    }
}

impl fmt::Display for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(" - resume conntrack with ")?;
        if self.by_default {
            f.write_str("default ct_state=trk|new (use --ct-next to customize)")?;
        } else {
            write!(f, "ct_state={}", StateText(self.state))?;
        }
        if let Some((before, after)) = &self.translated {
            write!(
                f,
                "\nReplacing src/dst IP/ports to simulate NAT:\n Initial flow: {before}\n Modified flow: {after}"
            )?;
        }
        Ok(())
    }
}

/// Names by bit.
const NAMES: [&str; 8] = ["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];

/// `est|trk`.
struct StateText(CtState);

impl fmt::Display for StateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            (0..8).filter(|bit| self.0.bits() >> bit & 1 != 0).map(|bit| NAMES[bit]).collect();
        f.write_str(if names.is_empty() { "0" } else { "" })?;
        f.write_str(&names.join("|"))
    }
}

/// Reads the argument of `--ct-next`: names between commas or blanks.
///
/// # Errors
///
/// The original's text, which names each rule that the state breaks in a line of its own.
pub(crate) fn parse_state(text: &str) -> Result<CtState, String> {
    let mut bits = 0;
    for name in text.split([',', ' ']).filter(|name| !name.is_empty()) {
        let bit = NAMES.iter().position(|known| *known == name);
        bits |= 1 << bit.ok_or_else(|| format!("{name}: unknown connection tracking state flag"))?;
    }
    let state = CtState::from_bits_retain(bits);
    let has = |wanted| state.contains(wanted);
    let mut broken = Vec::new();
    if bits != 0 && !has(CtState::TRK) {
        broken.push("If \"trk\" is unset, no other flags are set");
    }
    if has(CtState::INV) && bits & !(CtState::TRK | CtState::INV).bits() != 0 {
        broken.push("when \"inv\" is set, only \"trk\" may also be set");
    }
    if has(CtState::NEW | CtState::EST) {
        broken.push("\"new\" and \"est\" are mutually exclusive");
    }
    if has(CtState::NEW | CtState::RPL) {
        broken.push("\"new\" and \"rpy\" are mutually exclusive");
    }
    if broken.is_empty() {
        return Ok(state);
    }
    let line = |rule: &&str| format!("{}: invalid connection state: {rule}", StateText(state));
    Err(broken.iter().map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_like_the_original_reads_them() {
        assert_eq!(parse_state("trk, new").unwrap(), CtState::TRK | CtState::NEW);
        assert_eq!(parse_state("").unwrap(), CtState::empty());
        assert_eq!(parse_state("new,foo").unwrap_err(), "foo: unknown connection tracking state flag");
        assert_eq!(
            parse_state("trk,new,rpl,inv").unwrap_err(),
            "new|rpl|inv|trk: invalid connection state: when \"inv\" is set, only \"trk\" may also be set\n\
             new|rpl|inv|trk: invalid connection state: \"new\" and \"rpy\" are mutually exclusive"
        );
    }
}
