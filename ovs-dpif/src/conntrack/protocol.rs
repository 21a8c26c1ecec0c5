//! The state machines of protocols, behind one door.

use ovs_packet::wire::IpProtocol;

use super::packet::{Parsed, Segment};
use super::tcp::{Strictness, Tcp, TcpPeer, Verdict, may_begin};
use super::timeout::Phase;
use super::tuple::Tuple;

/// What a connection has been doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Tcp(Tcp),
    /// A query was answered, or not.
    Icmp {
        answered: bool,
    },
    /// UDP, SCTP and all others.
    Other(Traffic),
}

/// Who has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// The one that began, once.
    First,
    /// The one that began, more than once.
    Single,
    /// Both.
    Both,
}

/// The kind of a connection's state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// ICMP and ICMPv6 queries.
    Icmp,
    /// UDP, SCTP and all others.
    Other,
}

/// What dumps tell of a connection's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolState {
    /// Both sides of a TCP connection, the one that began first.
    Tcp([TcpPeer; 2]),
    /// Nothing.
    Other,
}

impl Tuple {
    /// Which state machine it has.
    pub fn protocol(&self) -> Protocol {
        match IpProtocol(self.proto) {
            IpProtocol::TCP => Protocol::Tcp,
            _ if self.is_icmp() => Protocol::Icmp,
            _ => Protocol::Other,
        }
    }
}

/// Whether a packet may begin a connection.
pub(super) fn begins(parsed: &Parsed) -> bool {
    match (&parsed.segment, parsed.tuple.protocol()) {
        (Some(segment), _) => may_begin(segment),
        (None, Protocol::Tcp) => false,
        (None, Protocol::Icmp) => {
            matches!((parsed.tuple.ipv6, parsed.tuple.icmp_type), (false, 8 | 13 | 15) | (true, 128))
        }
        (None, Protocol::Other) => true,
    }
}

impl State {
    /// Of a connection that begins with this packet, and the phase that it is in.
    pub fn new(tuple: &Tuple, segment: Option<&Segment>) -> (Self, Phase) {
        match segment {
            Some(segment) => (Self::Tcp(Tcp::new(segment)), Phase::TcpSynSent),
            None if tuple.is_icmp() => (Self::Icmp { answered: false }, Phase::IcmpFirst),
            None => (Self::Other(Traffic::First), Phase::UdpFirst),
        }
    }

    /// Takes a packet of the original or reply direction.
    pub fn update(&mut self, segment: Option<&Segment>, reply: bool, strict: Strictness) -> Verdict {
        match (self, segment) {
            (Self::Tcp(tcp), Some(segment)) => tcp.update(segment, reply, strict),
            (Self::Tcp(_), None) => Verdict::Invalid,
            (Self::Icmp { answered }, _) => {
                *answered |= reply;
                if *answered {
                    Verdict::Valid(Some(Phase::IcmpReply))
                } else {
                    Verdict::StillNew(Phase::IcmpFirst)
                }
            }
            (Self::Other(traffic), _) => {
                if reply {
                    *traffic = Traffic::Both;
                } else if *traffic == Traffic::First {
                    *traffic = Traffic::Single;
                }
                match traffic {
                    Traffic::Both => Verdict::Valid(Some(Phase::UdpMultiple)),
                    _ => Verdict::StillNew(Phase::UdpSingle),
                }
            }
        }
    }

    /// What dumps tell.
    pub fn view(&self) -> ProtocolState {
        match self {
            Self::Tcp(tcp) => ProtocolState::Tcp(tcp.peers),
            Self::Icmp { .. } | Self::Other(_) => ProtocolState::Other,
        }
    }
}
