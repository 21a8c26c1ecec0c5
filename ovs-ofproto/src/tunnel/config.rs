//! What the options of an interface say of its tunnel (`ovs-vswitchd.conf.db(5)`, "Tunnel Options").

use std::net::IpAddr;

use ovs_dpif::TunnelKind;
use ovs_netdev::Options;

/// Time to live of outer packets unless an interface says otherwise.
const DEFAULT_TTL: u8 = 64;

/// Why an interface's options make no tunnel. The text is what a user finds in `Interface.error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TunnelError {
    /// No other end, or none that is an address.
    #[error("{name}: {kind} type requires valid 'remote_ip' argument")]
    Remote {
        /// The interface.
        name: String,
        /// The tunnel's type.
        kind: &'static str,
    },
    /// An option that makes no sense.
    #[error("{name}: bad {kind} '{option}' argument {value}")]
    Option {
        /// The interface.
        name: String,
        /// The tunnel's type.
        kind: &'static str,
        /// The option.
        option: &'static str,
        /// What it says.
        value: String,
    },
    /// Another interface of this datapath has the same ends and the same key.
    #[error("{name}: attempting to add tunnel port with same config as port '{other}'")]
    Duplicate {
        /// The interface.
        name: String,
        /// The one that was there before.
        other: String,
    },
}

/// A tunnel's key in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// None: zero.
    Absent,
    /// That of the flow (`tun_id`).
    Flow,
    /// This one.
    Fixed(u64),
}

impl Key {
    /// The key if it is the same for all packets.
    pub fn fixed(self) -> Option<u64> {
        match self {
            Self::Absent => Some(0),
            Self::Flow => None,
            Self::Fixed(key) => Some(key),
        }
    }
}

/// An end of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Remote {
    /// Whatever the route says (of a tunnel's own end only).
    Any,
    /// What the flow says (`tun_src`, `tun_dst`).
    Flow,
    /// This address.
    Fixed(IpAddr),
}

/// A tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TunnelConfig {
    pub kind: TunnelKind,
    pub dst_port: u16,
    pub in_key: Key,
    pub out_key: Key,
    pub remote: Remote,
    pub local: Remote,
    /// `None` to inherit.
    pub tos: Option<u8>,
    /// `None` to inherit.
    pub ttl: Option<u8>,
    pub dont_fragment: bool,
    pub csum: bool,
    pub egress_mark: Option<u32>,
}

impl TunnelConfig {
    /// Reads the options of interface `name`; unknown ones say nothing, as in the original.
    pub fn parse(name: &str, kind: TunnelKind, options: &Options) -> Result<Self, TunnelError> {
        let reader = Reader { name, kind, options };
        let (key, is) = (reader.key("key")?, |option: &str| options.get(option).map(String::as_str));
        let remote = reader.address("remote_ip").filter(|remote| *remote != Remote::Any);
        let remote = remote.ok_or(TunnelError::Remote { name: name.to_owned(), kind: kind.name() })?;
        Ok(Self {
            kind,
            dst_port: reader.number("dst_port", 0xffff)?.map_or(kind.default_port(), |port| port as u16),
            in_key: reader.key("in_key")?.or(key).unwrap_or(Key::Absent),
            out_key: reader.key("out_key")?.or(key).unwrap_or(Key::Absent),
            remote,
            local: reader.address("local_ip").ok_or_else(|| reader.bad("local_ip"))?,
            tos: match is("tos") {
                Some("inherit") => None,
                _ => Some(reader.number("tos", 0xff)?.unwrap_or(0) as u8),
            },
            ttl: match is("ttl") {
                Some("inherit") => None,
                _ => Some(reader.number("ttl", 0xff)?.map_or(DEFAULT_TTL, |ttl| ttl as u8)),
            },
            dont_fragment: is("df_default") != Some("false"),
            csum: is("csum") == Some("true"),
            egress_mark: reader.number("egress_pkt_mark", u32::MAX.into())?.map(|mark| mark as u32),
        })
    }

    /// The name of the datapath's port, which all tunnels of the same type and port share.
    pub fn system_name(&self) -> String {
        format!("{}_{}", self.kind.system_name(), self.dst_port)
    }
}

struct Reader<'a> {
    name: &'a str,
    kind: TunnelKind,
    options: &'a Options,
}

impl Reader<'_> {
    fn bad(&self, option: &'static str) -> TunnelError {
        let value = self.options.get(option).cloned().unwrap_or_default();
        TunnelError::Option { name: self.name.to_owned(), kind: self.kind.name(), option, value }
    }

    fn number(&self, option: &'static str, most: u64) -> Result<Option<u64>, TunnelError> {
        let Some(text) = self.options.get(option) else { return Ok(None) };
        let number = number(text).filter(|number| *number <= most);
        number.map(Some).ok_or_else(|| self.bad(option))
    }

    fn key(&self, option: &'static str) -> Result<Option<Key>, TunnelError> {
        match self.options.get(option).map(String::as_str) {
            Some("flow") => Ok(Some(Key::Flow)),
            _ => Ok(self.number(option, u64::MAX)?.map(Key::Fixed)),
        }
    }

    /// `None` for what is no address.
    fn address(&self, option: &str) -> Option<Remote> {
        match self.options.get(option).map(String::as_str) {
            None => Some(Remote::Any),
            Some("flow") => Some(Remote::Flow),
            Some(text) => text.parse::<IpAddr>().ok().filter(|ip| !ip.is_unspecified()).map(Remote::Fixed),
        }
    }
}

/// A number as C reads it: decimal, or hexadecimal behind `0x`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
