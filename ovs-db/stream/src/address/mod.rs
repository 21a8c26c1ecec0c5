//! The address syntax: what to connect to ([`Address`]) and what to listen on ([`PassiveAddress`]).
//!
//! | text | meaning |
//! |---|---|
//! | `tcp:HOST[:PORT]`, `ssl:HOST[:PORT]` | connect over TCP, TLS |
//! | `unix:FILE` | connect to a Unix domain socket |
//! | `ptcp:[PORT][:HOST]`, `pssl:[PORT][:HOST]` | listen on TCP, TLS; any IPv4 address unless HOST says otherwise |
//! | `punix:FILE` | listen on a Unix domain socket |
//!
//! HOST is an IPv4 address, an IPv6 address in brackets, or `localhost`. See `ovsdb(7)`, "Connection Methods".

mod host;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// What a connection is for, which decides the port that is meant when an address names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// OVSDB: port 6640.
    Ovsdb,
    /// OpenFlow: port 6653.
    OpenFlow,
    /// Anything else: a port must be given.
    Other,
}

impl Role {
    /// The port that the role has with IANA.
    pub const fn default_port(self) -> Option<u16> {
        match self {
            Role::Ovsdb => Some(6640),
            Role::OpenFlow => Some(6653),
            Role::Other => None,
        }
    }
}

/// Why an address is not one. Each message names the whole address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is no method (`tcp:` …) that this text begins with.
    #[error(
        "\"{0}\": not a connection method (use tcp: ssl: unix: to connect, ptcp: pssl: punix: to listen)"
    )]
    UnknownMethod(String),
    /// A method for listening stands where something to connect to is expected.
    #[error("\"{0}\": this listens, but something to connect to is needed (tcp: ssl: unix:)")]
    NotActive(String),
    /// A method for connecting stands where something to listen on is expected.
    #[error("\"{0}\": this connects, but something to listen on is needed (ptcp: pssl: punix:)")]
    NotPassive(String),
    /// `unix:` or `punix:` without a file name.
    #[error("\"{0}\": the file name is missing")]
    MissingFile(String),
    /// A Unix socket's name contains a NUL byte.
    #[error("{0:?}: the file name contains a NUL byte")]
    NulInFile(String),
    /// No host stands after `tcp:` or `ssl:`.
    #[error("\"{0}\": the host is missing")]
    MissingHost(String),
    /// The host is a name.
    #[error(
        "\"{0}\": host names are not resolved; give an IPv4 address, an IPv6 address in brackets, or localhost"
    )]
    HostName(String),
    /// The host begins with a bracket but holds no IPv6 address.
    #[error("\"{0}\": not an IPv6 address in brackets")]
    BadBrackets(String),
    /// The host is an IPv6 address without brackets, so that its end cannot be told from the port.
    #[error("\"{0}\": an IPv6 address must be in brackets")]
    BareIpv6(String),
    /// The scope of a link-local address is not an interface index.
    #[error("\"{0}\": the scope after % must be an interface index")]
    BadScope(String),
    /// The port is missing and the role has no default.
    #[error("\"{0}\": the port is missing")]
    MissingPort(String),
    /// The port is not a number from 0 (to listen) or 1 (to connect) to 65535.
    #[error("\"{0}\": not a port number")]
    BadPort(String),
}

/// What to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Address {
    /// `tcp:HOST:PORT`.
    Tcp(SocketAddr),
    /// `ssl:HOST:PORT`. Connecting needs the feature `tls`.
    Ssl(SocketAddr),
    /// `unix:FILE`. A relative name lies in the run directory that [`StreamConfig`](crate::StreamConfig) gives.
    Unix(PathBuf),
}

impl Address {
    /// Parses an address to connect to; `role` supplies the port if none is given.
    pub fn parse(text: &str, role: Role) -> Result<Self, AddressError> {
        match split(text)? {
            ("tcp", rest) => Ok(Address::Tcp(host::active(text, rest, role)?)),
            ("ssl", rest) => Ok(Address::Ssl(host::active(text, rest, role)?)),
            ("unix", rest) => Ok(Address::Unix(file(text, rest)?)),
            _ => Err(AddressError::NotActive(text.into())),
        }
    }

    /// Whether inactivity probes make sense by default: over a network, not over a local socket, which tells at
    /// once when its peer has gone.
    pub fn wants_probes(&self) -> bool {
        !matches!(self, Address::Unix(_))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(a) => write!(f, "tcp:{a}"),
            Address::Ssl(a) => write!(f, "ssl:{a}"),
            Address::Unix(p) => write!(f, "unix:{}", p.display()),
        }
    }
}

/// What to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PassiveAddress {
    /// `ptcp:[PORT][:HOST]`; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// `pssl:[PORT][:HOST]`. Listening needs the feature `tls`.
    Ssl(SocketAddr),
    /// `punix:FILE`. A relative name lies in the run directory that [`StreamConfig`](crate::StreamConfig) gives.
    Unix(PathBuf),
}

impl PassiveAddress {
    /// Parses an address to listen on; `role` supplies the port if none is given.
    pub fn parse(text: &str, role: Role) -> Result<Self, AddressError> {
        match split(text)? {
            ("ptcp", rest) => Ok(PassiveAddress::Tcp(host::passive(text, rest, role)?)),
            ("pssl", rest) => Ok(PassiveAddress::Ssl(host::passive(text, rest, role)?)),
            ("punix", rest) => Ok(PassiveAddress::Unix(file(text, rest)?)),
            _ => Err(AddressError::NotPassive(text.into())),
        }
    }

    /// The file of a `punix:` address.
    pub fn path(&self) -> Option<&Path> {
        match self {
            PassiveAddress::Unix(p) => Some(p),
            _ => None,
        }
    }
}

impl fmt::Display for PassiveAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, addr) = match self {
            PassiveAddress::Tcp(a) => ("ptcp", a),
            PassiveAddress::Ssl(a) => ("pssl", a),
            PassiveAddress::Unix(p) => return write!(f, "punix:{}", p.display()),
        };
        write!(f, "{method}:{}", addr.port())?;
        match addr {
            _ if addr.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ok(()),
            SocketAddr::V4(a) => write!(f, ":{}", a.ip()),
            SocketAddr::V6(a) if a.scope_id() != 0 => write!(f, ":[{}%{}]", a.ip(), a.scope_id()),
            SocketAddr::V6(a) => write!(f, ":[{}]", a.ip()),
        }
    }
}

/// Either kind, for places that take both (controllers, managers, `--remote`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Remote {
    /// Connect.
    Active(Address),
    /// Listen.
    Passive(PassiveAddress),
}

impl Remote {
    /// Parses an address of either kind; `role` supplies the port if none is given.
    pub fn parse(text: &str, role: Role) -> Result<Self, AddressError> {
        if split(text)?.0.starts_with('p') {
            PassiveAddress::parse(text, role).map(Remote::Passive)
        } else {
            Address::parse(text, role).map(Remote::Active)
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remote::Active(a) => a.fmt(f),
            Remote::Passive(a) => a.fmt(f),
        }
    }
}

const METHODS: [&str; 6] = ["tcp", "ssl", "unix", "ptcp", "pssl", "punix"];

/// Splits off the method; gives one of [`METHODS`] and the rest.
fn split(text: &str) -> Result<(&str, &str), AddressError> {
    match text.split_once(':') {
        Some((method, rest)) if METHODS.contains(&method) => Ok((method, rest)),
        _ => Err(AddressError::UnknownMethod(text.into())),
    }
}

fn file(text: &str, rest: &str) -> Result<PathBuf, AddressError> {
    if rest.is_empty() {
        Err(AddressError::MissingFile(text.into()))
    } else if rest.contains('\0') {
        Err(AddressError::NulInFile(text.into()))
    } else {
        Ok(PathBuf::from(rest))
    }
}
