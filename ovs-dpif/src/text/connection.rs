//! Connections, as `dpctl/dump-conntrack` prints them, and tuples, as `dpctl/flush-conntrack` takes them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ovs_packet::wire::IpProtocol;

use super::ct::label;
use crate::conntrack::{ConnectionView, ProtocolState, Tuple, TupleFilter};

/// A tuple: `src=10.0.0.1,dst=10.0.0.2,sport=1,dport=2`.
#[derive(Clone, Copy, Debug)]
pub struct DisplayTuple<'a>(pub &'a Tuple);

impl fmt::Display for DisplayTuple<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tuple = self.0;
        write!(f, "src={},dst={}", tuple.src_ip(), tuple.dst_ip())?;
        if tuple.is_icmp() {
            write!(f, ",id={},type={},code={}", tuple.src_port, tuple.icmp_type, tuple.icmp_code)
        } else {
            write!(f, ",sport={},dport={}", tuple.src_port, tuple.dst_port)
        }
    }
}

/// A connection.
#[derive(Clone, Copy, Debug)]
pub struct DisplayConnection<'a> {
    /// Which.
    pub view: &'a ConnectionView<'a>,
    /// With what is of interest to few (`-m`).
    pub more: bool,
    /// With its time to live (`-s`).
    pub times: bool,
}

impl fmt::Display for DisplayConnection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = self.view;
        protocol(f, view.orig)?;
        write!(f, ",orig=({}),reply=({})", DisplayTuple(view.orig), DisplayTuple(view.reply))?;
        if self.more {
            f.write_str(",id=0")?;
        }
        if view.orig.zone != 0 {
            write!(f, ",zone={}", view.orig.zone)?;
        }
        if self.more {
            f.write_str(",status=0")?;
        }
        if self.times {
            write!(f, ",timeout={}", view.left.as_secs())?;
        }
        if view.mark != 0 {
            write!(f, ",mark={}", view.mark)?;
        }
        if view.label != [0; 16] {
            write!(f, ",labels={:#x}", label(view.label))?;
        }
        if let ProtocolState::Tcp(peers) = &view.state {
            tcp(f, peers, self.more)?;
        }
        if let Some(helper) = view.helper {
            write!(f, ",helper={}", helper.name())?;
        }
        if let Some(parent) = view.parent {
            write!(f, ",parent=({})", DisplayTuple(parent))?;
        }
        Ok(())
    }
}

fn protocol(f: &mut fmt::Formatter<'_>, tuple: &Tuple) -> fmt::Result {
    match IpProtocol(tuple.proto) {
        IpProtocol::TCP => f.write_str("tcp"),
        IpProtocol::UDP => f.write_str("udp"),
        IpProtocol::SCTP => f.write_str("sctp"),
        IpProtocol::ICMP => f.write_str("icmp"),
        IpProtocol::ICMPV6 => f.write_str("icmpv6"),
        IpProtocol(number) => write!(f, "{number}"),
    }
}

fn tcp(f: &mut fmt::Formatter<'_>, peers: &[crate::conntrack::TcpPeer; 2], more: bool) -> fmt::Result {
    let [orig, reply] = peers;
    if !more {
        return write!(f, ",protoinfo=(state={})", orig.state.max(reply.state).name());
    }
    write!(f, ",protoinfo=(state_orig={},state_reply={}", orig.state.name(), reply.state.name())?;
    let scales = [orig, reply].map(|peer| peer.scale().unwrap_or(0));
    if scales != [0; 2] {
        write!(f, ",wscale_orig={},wscale_reply={}", scales[0], scales[1])?;
    }
    for (name, peer) in [("orig", orig), ("reply", reply)] {
        let flags = match (peer.scale(), peer.is_unknown()) {
            (Some(_), _) => "WINDOW_SCALE",
            (None, true) => "BE_LIBERAL",
            (None, false) => "0",
        };
        write!(f, ",flags_{name}={flags}")?;
    }
    f.write_str(")")
}

/// Why a text says of no tuple which is meant. Reads as the original's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseTupleError {
    /// A field without a value.
    #[error("field {0} missing value")]
    NoValue(String),
    /// A field that tuples do not have.
    #[error("invalid conntrack tuple field: {0}")]
    Unknown(String),
    /// A value that the field cannot have.
    #[error("failed to parse field {0}")]
    Value(String),
    /// An address of another version than the one before.
    #[error("the L3 protocol does not match {0}")]
    Version(String),
    /// A field of ICMP without that protocol before it.
    #[error("invalid L4 fields")]
    NotIcmp,
}

/// Reads which tuples are meant: `ct_nw_src=10.0.0.1,ct_nw_proto=17,ct_tp_dst=53`.
///
/// # Errors
///
/// [`ParseTupleError`] for the first field that is wrong.
pub fn parse_tuple(text: &str) -> Result<TupleFilter, ParseTupleError> {
    let mut filter = TupleFilter::default();
    for member in text.split(',').filter(|member| !member.is_empty()) {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        if value.is_empty() {
            return Err(ParseTupleError::NoValue(name.to_owned()));
        }
        field(&mut filter, name, value)?;
    }
    Ok(filter)
}

fn field(filter: &mut TupleFilter, name: &str, value: &str) -> Result<(), ParseTupleError> {
    fn number<T: FromStr>(name: &str, value: &str) -> Result<Option<T>, ParseTupleError> {
        value.parse().map(Some).map_err(|_| ParseTupleError::Value(name.to_owned()))
    }
    let is_icmp =
        filter.proto.is_some_and(|proto| [IpProtocol::ICMP, IpProtocol::ICMPV6].contains(&IpProtocol(proto)));
    match name {
        "ct_nw_src" | "ct_ipv6_src" => filter.src = Some(address(filter, name, value)?),
        "ct_nw_dst" | "ct_ipv6_dst" => filter.dst = Some(address(filter, name, value)?),
        "ct_nw_proto" => filter.proto = number(name, value)?,
        "ct_tp_dst" => filter.dst_port = number(name, value)?,
        "icmp_id" | "icmp_type" | "icmp_code" if !is_icmp => return Err(ParseTupleError::NotIcmp),
        "ct_tp_src" | "icmp_id" => filter.src_port = number(name, value)?,
        "icmp_type" => filter.icmp_type = number(name, value)?,
        "icmp_code" => filter.icmp_code = number(name, value)?,
        _ => return Err(ParseTupleError::Unknown(name.to_owned())),
    }
    Ok(())
}

/// An address of the version that the field's name says, which is that of the address before.
fn address(filter: &mut TupleFilter, name: &str, value: &str) -> Result<IpAddr, ParseTupleError> {
    let v6 = name.contains("ipv6");
    if filter.ipv6.is_some_and(|before| before != v6) {
        return Err(ParseTupleError::Version(value.to_owned()));
    }
    let address: IpAddr = value.parse().map_err(|_| ParseTupleError::Value(name.to_owned()))?;
    if address.is_ipv6() != v6 {
        return Err(ParseTupleError::Value(name.to_owned()));
    }
    filter.ipv6 = Some(v6);
    Ok(address)
}
