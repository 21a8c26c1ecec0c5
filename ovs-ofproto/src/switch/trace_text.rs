//! Traces from text to text, as `ofproto/trace` takes and prints them.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_flow::text::{DpParseError, MatchError, NoNames, PortNames, parse_dp_key, parse_match};
use ovs_flow::{FlowKey, Metadata, OfPort, U16, VLAN_CFI};
use ovs_packet::Packet;

use super::Switch;
use crate::BridgeError;
use crate::trace::parse_state;

/// Why a trace could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// No such bridge.
    #[error("{0}: unknown bridge")]
    NoBridge(String),
    /// The flow's text makes no sense.
    #[error("Bad openflow flow syntax: {text}: {source}")]
    Flow {
        /// As written.
        text: String,
        /// What is wrong with it.
        source: MatchError,
    },
    /// The flow's text in datapath syntax makes no sense.
    #[error("Bad datapath flow syntax: {text}: {source}")]
    DatapathFlow {
        /// As written.
        text: String,
        /// What is wrong with it.
        source: DpParseError,
    },
    /// The flow came in by a port of the datapath that the bridge does not have.
    #[error("Invalid datapath flow")]
    NoPort,
    /// The flow came through a tunnel that no bridge has.
    #[error("no OpenFlow tunnel port for this packet")]
    NoTunnel,
    /// The packet is not written as hexadecimal digits.
    #[error("Trailing garbage in packet data")]
    Packet,
    /// Nothing behind the option.
    #[error("Missing argument for option --ct-next")]
    MissingState,
    /// A state of connections that cannot be.
    #[error("{0}")]
    State(String),
    /// An option that is not known.
    #[error("{0}: unknown option")]
    Option(String),
}

impl From<BridgeError> for TraceError {
    fn from(error: BridgeError) -> Self {
        Self::NoBridge(match error {
            BridgeError::NoBridge(name) => name,
            BridgeError::NoPort(port) => port.to_string(),
        })
    }
}

/// The names of a bridge's ports.
struct Names(BTreeMap<OfPort, String>);

impl PortNames for Names {
    fn name(&self, port: OfPort) -> Option<&str> {
        self.0.get(&port).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<OfPort> {
        self.0.iter().find(|(_, known)| *known == name).map(|(port, _)| *port)
    }
}

impl Switch {
    /// Traces a flow written in OpenFlow or datapath syntax, or a packet written as hexadecimal digits behind it.
    /// What else `ofproto/trace` takes (`-generate`) changes nothing in the result.
    pub fn trace_text(
        &mut self,
        bridge: &str,
        flow: &str,
        rest: &[&str],
        now: Duration,
    ) -> Result<String, TraceError> {
        self.now = self.now.max(now);
        self.publish();
        let mut key = self.parse_flow(bridge, flow)?;
        let (mut next, mut rest) = (Vec::new(), rest.iter());
        while let Some(argument) = rest.next() {
            match *argument {
                "--ct-next" => {
                    let state = rest.next().ok_or(TraceError::MissingState)?;
                    next.push(parse_state(state).map_err(TraceError::State)?);
                }
                "-generate" | "--generate" | "-consistent" | "--consistent" => {}
                option if option.starts_with('-') => return Err(TraceError::Option(option.to_owned())),
                packet => key = self.parse_packet(packet, &key)?,
            }
        }
        Ok(self.trace_tracked(bridge, &key, &next)?.to_string())
    }

    fn parse_flow(&self, bridge: &str, flow: &str) -> Result<FlowKey, TraceError> {
        let state = self.bridges.get(bridge).ok_or_else(|| TraceError::NoBridge(bridge.to_owned()))?;
        let text = || flow.to_owned();
        if flow.contains('(') && flow.starts_with(|c: char| c.is_ascii_lowercase()) && !flow.contains("),=") {
            if let Ok(mut key) = parse_dp_key(flow, &NoNames) {
                if key.tunnel.is_present() {
                    return self.tunnel_flow(&key).map(|(_, key)| key);
                }
                let port = state.ports.values().find(|port| port.dp_port == Some(key.dp_port()));
                key.in_port = u32::from(port.ok_or(TraceError::NoPort)?.number.0);
                return Ok(key);
            }
            if flow.starts_with("in_port(") || flow.starts_with("recirc_id(") {
                return parse_dp_key(flow, &NoNames)
                    .map_err(|source| TraceError::DatapathFlow { text: text(), source });
            }
        }
        let names = Names(state.ports.iter().map(|(number, port)| (*number, port.name.clone())).collect());
        let mut key =
            parse_match(flow, &names).map_err(|source| TraceError::Flow { text: text(), source })?.key;
        for tag in &mut key.vlans {
            if tag.tci.get() & VLAN_CFI != 0 && tag.tpid.get() == 0 {
                tag.tpid = U16::new(0x8100);
            }
        }
        Ok(key)
    }

    /// The bridge that a flow in datapath syntax enters by its port, or by its tunnel.
    ///
    /// # Errors
    /// If the text makes no sense, or no bridge has the port or the tunnel.
    pub fn bridge_of_flow(&mut self, flow: &str) -> Result<String, TraceError> {
        self.publish();
        let source = |source| TraceError::DatapathFlow { text: flow.to_owned(), source };
        let key = parse_dp_key(flow, &NoNames).map_err(source)?;
        if key.tunnel.is_present() {
            return self.tunnel_flow(&key).map(|(bridge, _)| bridge);
        }
        let found = self.by_dp.get(&key.dp_port()).ok_or(TraceError::NoPort)?;
        Ok(found.0.clone())
    }

    /// The bridge that a flow enters by a tunnel, and the flow as rules there see it.
    fn tunnel_flow(&self, key: &FlowKey) -> Result<(String, FlowKey), TraceError> {
        let found = self
            .world
            .tunnels
            .find(key.dp_port(), &key.tunnel, key.packet_type.get() == 0)
            .ok_or(TraceError::NoTunnel)?;
        let bridge = self.world.bridges.get(&found.0).ok_or(TraceError::NoTunnel)?;
        let mut key = *key;
        crate::tunnel::options_to_fields(&mut key.tunnel, &bridge.tlv_table);
        key.in_port = u32::from(found.1.0);
        Ok((bridge.name.to_string(), key))
    }

    /// The key of a packet, with the metadata of `key`.
    fn parse_packet(&self, digits: &str, key: &FlowKey) -> Result<FlowKey, TraceError> {
        let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let byte = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).ok().filter(|_| pair.len() == 2)?;
            u8::from_str_radix(text, 16).ok()
        };
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
        let bytes = bytes.ok_or(TraceError::Packet)?;
        let packet = Packet::detached(&bytes).map_err(|_| TraceError::Packet)?;
        let mut parsed = self.key_of(&packet, &Metadata::default());
        let words = ovs_flow::STAGE_ENDS[0];
        parsed.words_mut()[..words].copy_from_slice(&key.words()[..words]);
        parsed.packet_type.set(packet.facts().packet_type);
        Ok(parsed)
    }
}
