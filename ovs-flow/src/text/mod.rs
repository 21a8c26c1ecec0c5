//! Text of keys and matches, both ways: OpenFlow syntax and datapath syntax.
//!
//! OpenFlow syntax is what `ovs-ofctl` speaks (`tcp,in_port=1,nw_src=10.0.0.0/8`); datapath syntax is what
//! `dpctl/dump-flows` prints (`in_port(1),eth_type(0x0800),ipv4(src=10.0.0.0/255.0.0.0,frag=no)`).
//! Port names come from the caller, through [`PortNames`] and [`DpPortNames`].

pub(crate) mod addr;
mod datapath;
pub(crate) mod flags;
mod flow_parse;
pub(crate) mod frag;
mod list;
mod match_format;
mod match_parse;
pub(crate) mod number;
mod ports;

pub use datapath::{DpDisplay, DpParseError, KeyProblem, parse_dp_flow, parse_dp_key};
pub use flow_parse::{FlowError, parse_flow};
pub use match_format::{FlowDisplay, MatchDisplay};
pub use match_parse::{MatchError, Token, is_protocol, parse_field, parse_match, parse_protocol, tokens};
pub use ports::{DpPortNames, NoNames, PortNames, parse_of_port};
