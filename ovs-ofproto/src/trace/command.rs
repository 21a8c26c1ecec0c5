//! What `ofproto/trace` and `ofproto/trace-packet-out` are given, taken apart.

use ovs_flow::text::{DpParseError, DpPortNames, FlowError, parse_dp_key};
use ovs_flow::{CtState, DpPort};
use ovs_openflow::text::{NoNames, ParseError, parse_actions};
use ovs_openflow::{Action, OfError};

use super::parse_state;
use crate::BridgeError;

/// The most bytes of payload that a packet is generated with.
const MAX_PAYLOAD: u32 = 64_000;
/// The shortest Ethernet header.
const ETHERNET: usize = 14;

/// Why a trace could not be made; the texts are the original's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// No such bridge.
    #[error("{0}: unknown bridge")]
    NoBridge(String),
    /// A flow in datapath syntax, and no datapath of the name before it.
    #[error("Cannot find the datapath")]
    NoDatapath,
    /// The flow's text makes no sense.
    #[error("Bad openflow flow syntax: {text}: {source}")]
    Flow {
        /// As written.
        text: String,
        /// What is wrong with it.
        source: FlowError,
    },
    /// The flow's text in datapath syntax makes no sense.
    #[error("{source}{}", if *alone { " (or the bridge name was omitted)" } else { "" })]
    DatapathFlow {
        /// What is wrong with it.
        source: DpParseError,
        /// Nothing stands before it, which would be right for a flow in datapath syntax alone.
        alone: bool,
    },
    /// The flow came in by a port of the datapath that no bridge has.
    #[error("no OpenFlow port for datapath port {0}")]
    NoPort(u32),
    /// The flow came through a tunnel that no bridge has.
    #[error("no OpenFlow tunnel port for this packet")]
    NoTunnel,
    /// The flow's Geneve options are not understood.
    #[error("Failed to parse Geneve options")]
    Options,
    /// The flow came again, and nobody waits for it.
    #[error("no recirculation data for recirc_id {0:#x}")]
    NotWaiting(u32),
    /// The packet is not written as hexadecimal digits.
    #[error("Trailing garbage in packet data")]
    Packet,
    /// The packet ends in its Ethernet header.
    #[error("Packet data too short for Ethernet")]
    TooShort,
    /// The packet is longer than the switch can hold.
    #[error("Packet data too long")]
    TooLong,
    /// Nothing behind an option.
    #[error("Missing argument for option {0}")]
    MissingArgument(&'static str),
    /// More payload than a packet holds.
    #[error("{0}: too much L7 data")]
    TooMuchPayload(String),
    /// A state of connections that cannot be.
    #[error("{0}")]
    State(String),
    /// An option that is not known.
    #[error("{0}: unknown option")]
    Option(String),
    /// Too few words, or a packet beside `--generate`.
    #[error("Syntax error")]
    Syntax,
    /// More words than there are things to say.
    #[error("too many arguments")]
    TooManyArguments,
    /// The actions of a packet-out make no sense.
    #[error("{}", said_of(.0))]
    Actions(ParseError),
    /// An instruction, which no packet-out has.
    #[error("{0} instruction not allowed here")]
    Instruction(&'static str),
    /// The actions of a packet-out are refused.
    #[error("Bad actions: {0}")]
    BadActions(OfError),
}

/// What the original says of actions: a port that is none it tells in words of its own.
fn said_of(error: &ParseError) -> String {
    match error {
        ParseError::Argument { name, text, .. } if name == "output" => {
            format!("{text}: output to unknown port")
        }
        ParseError::Argument { name, text, .. } if name == "resubmit" => {
            format!("{text}: resubmit to unknown table")
        }
        error => error.to_string(),
    }
}

impl From<BridgeError> for TraceError {
    fn from(error: BridgeError) -> Self {
        Self::NoBridge(match error {
            BridgeError::NoBridge(name) => name,
            BridgeError::NoPort(port) => port.to_string(),
        })
    }
}

/// Where a traced packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceTarget<'a> {
    /// The datapath of this name, or the only one.
    Datapath(Option<&'a str>),
    /// The bridge of this name.
    Bridge(&'a str),
}

/// A command, taken apart; what is in it has not been looked up yet.
///
/// ```
/// use ovs_ofproto::trace::{TraceCommand, TraceTarget};
///
/// let command = TraceCommand::parse(&["--names", "br0", "in_port=1", "--ct-next", "trk,est"], false)?;
/// assert_eq!(command.target(), TraceTarget::Bridge("br0"));
/// let command = TraceCommand::parse(&["in_port(1),eth()"], false)?;
/// assert_eq!(command.target(), TraceTarget::Datapath(None));
/// # Ok::<(), ovs_ofproto::trace::TraceError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TraceCommand {
    /// The datapath or bridge, and the flow.
    words: Vec<String>,
    /// The packet's bytes, if they were given.
    pub(crate) packet: Option<Vec<u8>>,
    /// A packet is to be made, with this payload or so many bytes.
    pub(crate) generate: Option<Payload>,
    /// What the connection tracker is assumed to say, in turn.
    pub(crate) next: Vec<CtState>,
    /// Ports are shown by name.
    pub(crate) names: bool,
    /// Actions that do not fit the packet are refused.
    pub(crate) consistent: bool,
    /// What is to be done with the packet in place of looking it up.
    pub(crate) actions: Option<Vec<Action>>,
}

/// What a generated packet carries.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Length(usize),
    Bytes(Vec<u8>),
}

impl TraceCommand {
    /// Takes the words of a command apart. With `packet_out`, the last one is a list of actions.
    ///
    /// # Errors
    /// What is wrong with the actions, with the options or with the number of words. The flow is looked at when it is
    /// traced.
    pub fn parse(args: &[&str], packet_out: bool) -> Result<Self, TraceError> {
        let mut command = Self::default();
        let mut args = args;
        if let (true, Some((last, rest))) = (packet_out, args.split_last()) {
            (command.actions, args) = (Some(actions(last)?), rest);
        }
        let (mut generate, mut payload) = (false, Payload::Length(ovs_flow::PAYLOAD));
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = |name| args.next().ok_or(TraceError::MissingArgument(name));
            match *arg {
                "-generate" | "--generate" => generate = true,
                "-consistent" | "--consistent" if packet_out => command.consistent = true,
                "--names" => command.names = true,
                "--no-names" => command.names = false,
                "--l7" => payload = Payload::Bytes(bytes(value("--l7")?).ok_or(TraceError::Packet)?),
                "--l7-len" => payload = Payload::Length(length(value("--l7-len")?)?),
                "--ct-next" => {
                    let state = parse_state(value("--ct-next")?).map_err(TraceError::State)?;
                    command.next.push(state);
                }
                option if option.starts_with('-') => return Err(TraceError::Option(option.to_owned())),
                _ if command.words.len() == 3 => return Err(TraceError::TooManyArguments),
                word => command.words.push(word.to_owned()),
            }
        }
        command.generate = generate.then_some(payload);
        command.take_packet()?;
        Ok(command)
    }

    /// The last word is a packet if it can be one and is not the only one, or if nothing else can stand there.
    fn take_packet(&mut self) -> Result<(), TraceError> {
        let Some(last) = self.words.last() else { return Err(TraceError::Syntax) };
        if self.words.len() == 3 && self.generate.is_some() {
            return Err(TraceError::Syntax);
        }
        let packet = packet(last);
        match (self.words.len(), packet) {
            (3, packet) => self.packet = Some(packet?),
            (2, Ok(packet)) if self.generate.is_none() => self.packet = Some(packet),
            _ => return Ok(()),
        }
        self.words.pop();
        Ok(())
    }

    /// Where the packet comes from: two words are a datapath and a flow in its syntax, or a bridge and a flow; one word
    /// is a flow in datapath syntax.
    pub fn target(&self) -> TraceTarget<'_> {
        match &self.words[..] {
            [name, flow] if parse_dp_key(flow, &AnyName).is_ok() => TraceTarget::Datapath(Some(name)),
            [name, _] => TraceTarget::Bridge(name),
            _ => TraceTarget::Datapath(None),
        }
    }

    /// The flow as written.
    pub(crate) fn flow(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }

    /// Reads the flow in datapath syntax.
    pub(crate) fn datapath_flow(&self, ports: &impl DpPortNames) -> Result<ovs_flow::FlowKey, TraceError> {
        let alone = self.words.len() == 1;
        parse_dp_key(self.flow(), ports).map_err(|source| TraceError::DatapathFlow { source, alone })
    }
}

/// Every name is one of a port.
struct AnyName;

impl DpPortNames for AnyName {
    fn name(&self, _: DpPort) -> Option<&str> {
        None
    }

    fn number(&self, _: &str) -> Option<DpPort> {
        Some(DpPort(0))
    }
}

/// What a packet-out can have done with its packet.
fn actions(text: &str) -> Result<Vec<Action>, TraceError> {
    let instruction = |action: &Action| match action {
        Action::ClearActions => Some("clear_actions"),
        Action::WriteActions(_) => Some("write_actions"),
        Action::WriteMetadata { .. } => Some("write_metadata"),
        Action::GotoTable(_) => Some("goto_table"),
        _ => None,
    };
    let actions = parse_actions(text, &NoNames).map_err(TraceError::Actions)?;
    match actions.iter().find_map(instruction) {
        Some(name) => Err(TraceError::Instruction(name)),
        None => Ok(actions),
    }
}

/// Bytes from hexadecimal digits, between which there may be blanks.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok().filter(|_| pair.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    };
    digits.chunks(2).map(byte).collect()
}

fn packet(digits: &str) -> Result<Vec<u8>, TraceError> {
    let bytes = bytes(digits).ok_or(TraceError::Packet)?;
    if bytes.len() < ETHERNET { Err(TraceError::TooShort) } else { Ok(bytes) }
}

/// A length as the original reads it: what is no number is none.
fn length(text: &str) -> Result<usize, TraceError> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number = if end == 0 { 0 } else { digits[..end].parse::<u32>().unwrap_or(u32::MAX) };
    if negative && number != 0 || number > MAX_PAYLOAD {
        return Err(TraceError::TooMuchPayload(text.to_owned()));
    }
    Ok(number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(args: &[&str], packet_out: bool) -> String {
        TraceCommand::parse(args, packet_out).unwrap_err().to_string()
    }

    #[test]
    fn options_may_stand_anywhere_before_the_actions() {
        let command = TraceCommand::parse(&["br0", "-consistent", "in_port=1", "output:2"], true).unwrap();
        assert!(command.consistent);
        assert_eq!((command.flow(), command.actions.as_ref().map(Vec::len)), ("in_port=1", Some(1)));
        assert_eq!(refused(&["br0", "in_port=1", "-consistent"], true), "unknown action -consistent");
        assert_eq!(
            refused(&["br0", "in_port=1", "goto_table:2"], true),
            "goto_table instruction not allowed here"
        );
        assert_eq!(refused(&["br0", "in_port=1", "output:zz"], true), "zz: output to unknown port");
        assert_eq!(refused(&["br0", "in_port=1", "-consistent"], false), "-consistent: unknown option");
        assert_eq!(refused(&["--names"], false), "Syntax error");
        assert_eq!(refused(&["br0", "in_port=1", "--l7"], false), "Missing argument for option --l7");
        assert_eq!(refused(&["br0", "in_port=1", "--l7-len", "64001"], false), "64001: too much L7 data");
        assert_eq!(refused(&["br0", "in_port=1", "--l7-len", "-1"], false), "-1: too much L7 data");
        assert!(TraceCommand::parse(&["br0", "in_port=1", "--l7-len", "abc"], false).is_ok());
    }

    #[test]
    fn packets_are_the_last_word() {
        let hex = "5054 00000001 505400000002 1234";
        let command = TraceCommand::parse(&["br0", "in_port=1", hex], false).unwrap();
        assert_eq!(command.packet.as_ref().map(Vec::len), Some(14));
        let command = TraceCommand::parse(&["in_port(1)", hex], false).unwrap();
        assert_eq!((command.target(), command.packet.is_some()), (TraceTarget::Datapath(None), true));
        assert_eq!(refused(&["br0", "in_port=1", "zz"], false), "Trailing garbage in packet data");
        assert_eq!(refused(&["br0", "in_port=1", ""], false), "Packet data too short for Ethernet");
        assert_eq!(refused(&["br0", "in_port=1", "-generate", hex], false), "Syntax error");
        assert_eq!(refused(&["br0", "in_port=1", "a", "b"], false), "too many arguments");
    }
}
