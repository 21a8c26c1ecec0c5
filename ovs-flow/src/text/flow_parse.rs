//! Parsing the key of one packet in OpenFlow syntax, as `ofproto/trace` takes it: a match without wildcards, whose
//! fields come in an order in which each one exists when it is set.

use alloc::string::{String, ToString};

use super::match_parse::protocol;
use super::{PortNames, tokens};
use crate::field::{Field, ValueError};
use crate::{FlowKey, Match, OfPort, OptionMatch, PlaceError, Wide};

/// Why a text is no packet's key; the texts are those that users of the tools know. `column` counts bytes from the
/// text's beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// No field or protocol has this name.
    #[error("unknown field {name}")]
    UnknownField {
        /// The name as written.
        name: String,
        /// Where it begins.
        column: usize,
    },
    /// The value is not one of the field's.
    #[error("bad value for {name} ({source})")]
    Value {
        /// The field's name as written.
        name: String,
        /// What is wrong with the value.
        source: ValueError,
        /// Where the field begins.
        column: usize,
    },
    /// The value is several: it has a mask.
    #[error("bad value for {name} ({text}: wildcards not allowed here)")]
    Wildcards {
        /// The field's name as written.
        name: String,
        /// The value as written.
        text: String,
        /// Where the field begins.
        column: usize,
    },
    /// By what was said before it, the packet does not have the field.
    #[error("prerequisites not met for setting {name}")]
    Prerequisites {
        /// The field's name as written.
        name: String,
        /// Where the field begins.
        column: usize,
    },
    /// The field has a value that is not zero.
    #[error("field {name} set multiple times")]
    SetTwice {
        /// The field's name as written.
        name: String,
        /// Where the field begins.
        column: usize,
    },
    /// The option has no field, or its value is longer than the field.
    #[error("{source}")]
    Option {
        /// What is wrong.
        source: PlaceError,
        /// Where the field begins.
        column: usize,
    },
    /// A protocol's name behind another one, or behind a type.
    #[error("Ethernet type set multiple times")]
    TypeTwice {
        /// Where the protocol begins.
        column: usize,
    },
    /// A protocol's name although the number of the IP protocol is known.
    #[error("network protocol set multiple times")]
    ProtocolTwice {
        /// Where the protocol begins.
        column: usize,
    },
}

impl FlowError {
    /// Where in the text the trouble is, in bytes from its beginning.
    pub fn column(&self) -> usize {
        match self {
            Self::UnknownField { column, .. }
            | Self::Value { column, .. }
            | Self::Wildcards { column, .. }
            | Self::Prerequisites { column, .. }
            | Self::SetTwice { column, .. }
            | Self::Option { column, .. }
            | Self::TypeTwice { column }
            | Self::ProtocolTwice { column } => *column,
        }
    }
}

/// Parses a packet's key that consists of fields and protocols. A packet for which no port of entry is named, or port
/// 0, came from nowhere ([`OfPort::NONE`]).
///
/// ```
/// use ovs_flow::text::{NoNames, parse_flow};
///
/// let key = parse_flow("in_port=1,tcp,nw_dst=10.1.2.3,tcp_dst=80", &NoNames)?;
/// assert_eq!((key.in_port, key.tp_dst.get()), (1, 80));
/// let error = parse_flow("in_port=1,tcp_dst=80", &NoNames).unwrap_err();
/// assert_eq!(error.to_string(), "prerequisites not met for setting tcp_dst");
/// # Ok::<(), ovs_flow::text::FlowError>(())
/// ```
pub fn parse_flow(text: &str, ports: &impl PortNames) -> Result<FlowKey, FlowError> {
    let mut flow = Match::default();
    for token in tokens(text) {
        let (name, column) = (token.name, token.column);
        match protocol(name).filter(|_| name != "eth") {
            Some((dl_type, nw_proto)) => set_protocol(&mut flow, dl_type, nw_proto, column)?,
            None => set_field(&mut flow, name, token.value, column, ports)?,
        }
    }
    // That they have places was asked when they were set.
    let _ = ports.option_places().place(&mut flow);
    let mut key = flow.key;
    if key.in_port == 0 {
        key.in_port = u32::from(OfPort::NONE.0);
    }
    Ok(key)
}

fn set_protocol(flow: &mut Match, dl_type: u16, nw_proto: u8, column: usize) -> Result<(), FlowError> {
    if flow.key.dl_type.get() != 0 {
        return Err(FlowError::TypeTwice { column });
    }
    flow.key.dl_type.set(dl_type);
    if nw_proto != 0 {
        if flow.key.nw_proto != 0 {
            return Err(FlowError::ProtocolTwice { column });
        }
        flow.key.nw_proto = nw_proto;
    }
    Ok(())
}

fn set_field(
    flow: &mut Match,
    name: &str,
    text: &str,
    column: usize,
    ports: &impl PortNames,
) -> Result<(), FlowError> {
    let written = || name.to_string();
    // Only names count here, and not those that fields have on the wire.
    let named = Field::by_name(name).filter(|_| name.starts_with(|c: char| c.is_ascii_lowercase()));
    let field = named.ok_or_else(|| FlowError::UnknownField { name: written(), column })?;
    if !field.applies(&flow.key) {
        return Err(FlowError::Prerequisites { name: written(), column });
    }
    if field.option().is_none() && is_set(field, &flow.key) {
        return Err(FlowError::SetTwice { name: written(), column });
    }
    if let Some(n) = field.option() {
        return set_option(flow, n, text, column, ports);
    }
    let (value, mask) =
        field.parse(text, ports).map_err(|source| FlowError::Value { name: written(), source, column })?;
    if mask != field.full() {
        return Err(FlowError::Wildcards { name: written(), text: text.into(), column });
    }
    field.set_match(flow, value);
    Ok(())
}

fn set_option(
    flow: &mut Match,
    n: usize,
    text: &str,
    column: usize,
    ports: &impl PortNames,
) -> Result<(), FlowError> {
    let Some(field) = Field::tun_metadata(n) else { return Ok(()) };
    let name = || field.to_string();
    if flow.option(n).is_some_and(|option| !option.value.is_zero()) {
        return Err(FlowError::SetTwice { name: name(), column });
    }
    let (value, mask) =
        field.parse_wide(text, ports).map_err(|source| FlowError::Value { name: name(), source, column })?;
    if mask != Wide::MAX {
        return Err(FlowError::Wildcards { name: name(), text: text.into(), column });
    }
    let room = flow.set_option(OptionMatch::exact(n, OptionMatch::len_of(&value), value));
    room.map_err(|_| FlowError::Value { name: name(), source: ValueError::NoRoom { field }, column })?;
    let fits = match ports.option_places().len(n) {
        None => Err(PlaceError::Unmapped(field)),
        Some(len) if usize::from(value.bit_len()) > 8 * len => Err(PlaceError::TooLong(field)),
        Some(_) => Ok(()),
    };
    fits.map_err(|source| FlowError::Option { source, column })
}

/// Whether something was said of a field. A port of entry of 0 is said by nobody, whatever the form of the number.
fn is_set(field: Field, key: &FlowKey) -> bool {
    if [Field::IN_PORT, Field::IN_PORT_OXM].contains(&field) { key.in_port != 0 } else { field.get(key) != 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FlowDisplay, NoNames};

    /// What the original says of the same texts.
    #[test]
    fn what_is_no_key_is_refused_in_the_originals_words() {
        let refused = [
            ("ip,tp_dst=80/7", "prerequisites not met for setting tp_dst"),
            ("in_port=1,nw_dst=bad", "prerequisites not met for setting nw_dst"),
            ("nw_dst=1.2.3.4,ip", "prerequisites not met for setting nw_dst"),
            ("udp,tp_src=5", "prerequisites not met for setting tp_src"),
            ("packet_type=(1,0x800),dl_src=50:54:00:00:00:01", "prerequisites not met for setting dl_src"),
            ("ip,nw_dst=1.1.1.1,ip_dst=1.1.1.1", "field ip_dst set multiple times"),
            ("ip,dl_type=0x800", "field dl_type set multiple times"),
            ("tcp,nw_proto=6", "field nw_proto set multiple times"),
            ("dl_vlan=5,vlan_tci=6", "field vlan_tci set multiple times"),
            ("in_port=1,in_port_oxm=2", "field in_port_oxm set multiple times"),
            ("tcp,ip", "Ethernet type set multiple times"),
            ("packet_type=(1,0x800),nw_proto=6,tcp", "network protocol set multiple times"),
            ("priority=3,in_port=1", "unknown field priority"),
            ("in_port=1,eth", "unknown field eth"),
            ("NXM_OF_IN_PORT=1", "unknown field NXM_OF_IN_PORT"),
            ("in_port=bogus", "bad value for in_port (bogus: invalid or unknown port for in_port)"),
            ("in_port", "bad value for in_port (: invalid or unknown port for in_port)"),
            ("ip,ip_dst", "bad value for ip_dst (: invalid IP address)"),
            ("ip,nw_ttl=300", "bad value for nw_ttl (300: value too large for 1-byte field nw_ttl)"),
            ("reg0=1/1", "bad value for reg0 (1/1: wildcards not allowed here)"),
            ("metadata=*", "bad value for metadata (*: wildcards not allowed here)"),
            ("ct_state=+trk+new", "bad value for ct_state (+trk+new: wildcards not allowed here)"),
            ("ip,nw_frag=yes", "bad value for nw_frag (yes: wildcards not allowed here)"),
            ("tcp,tcp_flags=+syn", "bad value for tcp_flags (+syn: wildcards not allowed here)"),
        ];
        for (text, why) in refused {
            assert_eq!(parse_flow(text, &NoNames).unwrap_err().to_string(), why, "{text}");
        }
        assert_eq!(parse_flow("in_port=1, foo=2", &NoNames).unwrap_err().column(), 11);
    }

    #[test]
    fn keys_are_exact() {
        let taken = [
            ("ct_state=trk|new", "ct_state=new|trk,in_port=ANY,vlan_tci=0x0000,dl_src"),
            ("in_port=0", "in_port=ANY,vlan_tci=0x0000,dl_src"),
            ("dl_vlan_pcp=3,in_port=1", "in_port=1,dl_vlan=0,dl_vlan_pcp=3,vlan_tci1=0x0000,dl_src"),
            ("xxreg0=7,reg0=3,in_port=1", "reg0=0x3,reg3=0x7,in_port=1,vlan_tci=0x0000,dl_src"),
            ("in_port=1 ,ip nw_dst=1.1.1.1", "ip,in_port=1,vlan_tci=0x0000,dl_src"),
        ];
        for (text, begins) in taken {
            let key = parse_flow(text, &NoNames).unwrap();
            let shown = FlowDisplay { key: &key, ports: &NoNames }.to_string();
            assert!(shown.starts_with(begins), "{text}: {shown}");
        }
    }
}
