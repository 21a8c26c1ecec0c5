//! The settings of a `ct` action.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use crate::Masked;

/// Sends a packet through the connection tracker.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CtAction {
    /// A new connection is remembered.
    pub commit: bool,
    /// Like `commit`, and a connection that was begun from the other side is begun anew from this one.
    pub force: bool,
    /// Zone.
    pub zone: u16,
    /// What is written to the connection's mark.
    pub mark: Option<Masked<u32>>,
    /// What is written to the connection's label, network order.
    pub label: Option<Masked<[u8; 16]>>,
    /// Who reads the payload of a connection that is committed.
    pub helper: Option<Helper>,
    /// Name of the timeout policy of a connection that is committed.
    pub timeout: Option<Arc<str>>,
    /// Addresses are translated.
    pub nat: Option<NatAction>,
}

impl CtAction {
    /// Whether it writes nothing into a connection that is there.
    #[inline]
    pub(super) fn only_looks(&self) -> bool {
        !self.force && self.mark.is_none() && self.label.is_none()
    }

    /// Whether what it does is by chance, so that [`Conntrack::track`](super::Conntrack::track) looks at its random number.
    #[inline]
    pub fn needs_chance(&self) -> bool {
        match &self.nat {
            Some(NatAction::Source(range) | NatAction::Destination(range)) => {
                range.select == NatSelect::Random
            }
            Some(NatAction::Existing) | None => false,
        }
    }
}

/// Protocols that announce further connections in their payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Helper {
    /// File transfer protocol (RFC 959, RFC 2428).
    Ftp,
    /// Trivial file transfer protocol (RFC 1350).
    Tftp,
}

impl Helper {
    /// As actions and dumps write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Tftp => "tftp",
        }
    }
}

/// There is no helper of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such helper")]
pub struct UnknownHelper;

impl FromStr for Helper {
    type Err = UnknownHelper;

    fn from_str(name: &str) -> Result<Self, UnknownHelper> {
        [Self::Ftp, Self::Tftp].into_iter().find(|helper| helper.name() == name).ok_or(UnknownHelper)
    }
}

/// How addresses are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatAction {
    /// As the packet's connection says, if it says anything.
    Existing,
    /// A connection that is committed gets another source.
    Source(NatRange),
    /// A connection that is committed gets another destination.
    Destination(NatRange),
}

/// What an address and port are chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct NatRange {
    /// First and last address, of one version; none, and all zeros, keep the address and change the port if they must.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// First and last port.
    pub ports: Option<(u16, u16)>,
    /// How to choose.
    pub select: NatSelect,
    /// The same client gets the same address for all its connections.
    pub persistent: bool,
}

/// How addresses and ports of a range are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NatSelect {
    /// As [`Hash`](Self::Hash).
    #[default]
    Default,
    /// By a hash of the connection.
    Hash,
    /// By chance.
    Random,
}
