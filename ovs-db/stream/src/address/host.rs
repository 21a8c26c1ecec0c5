//! Hosts and ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::{AddressError, Role};

/// An IP address with the scope that a link-local IPv6 address may need.
#[derive(Clone, Copy)]
struct Host {
    ip: IpAddr,
    scope: u32,
}

impl Host {
    fn with_port(self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V4(ip) => (ip, port).into(),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.scope).into(),
        }
    }
}

/// `HOST[:PORT]`.
pub(super) fn active(text: &str, rest: &str, role: Role) -> Result<SocketAddr, AddressError> {
    let (host, port) = if rest.starts_with('[') {
        let end = rest.find(']').ok_or_else(|| AddressError::BadBrackets(text.into()))?;
        match rest[end + 1..].strip_prefix(':') {
            Some(port) => (&rest[..=end], Some(port)),
            None if rest.len() == end + 1 => (rest, None),
            None => return Err(AddressError::BadBrackets(text.into())),
        }
    } else {
        match rest.split_once(':') {
            Some((_, port)) if port.contains(':') && rest.parse::<Ipv6Addr>().is_ok() => {
                return Err(AddressError::BareIpv6(text.into()));
            }
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        }
    };
    let host = parse_host(text, host)?;
    let port = match port {
        Some(p) => parse_port(text, p)?,
        None => role.default_port().ok_or_else(|| AddressError::MissingPort(text.into()))?,
    };
    if port == 0 { Err(AddressError::BadPort(text.into())) } else { Ok(host.with_port(port)) }
}

/// `[PORT][:HOST]`.
pub(super) fn passive(text: &str, rest: &str, role: Role) -> Result<SocketAddr, AddressError> {
    let (port, host) = match rest.split_once(':') {
        Some((port, host)) => (port, Some(host)),
        None => (rest, None),
    };
    let port = if port.is_empty() {
        role.default_port().ok_or_else(|| AddressError::MissingPort(text.into()))?
    } else {
        parse_port(text, port)?
    };
    let host = match host {
        Some(h) => parse_host(text, h)?,
        None => Host { ip: Ipv4Addr::UNSPECIFIED.into(), scope: 0 },
    };
    Ok(host.with_port(port))
}

fn parse_host(text: &str, host: &str) -> Result<Host, AddressError> {
    if host.is_empty() {
        return Err(AddressError::MissingHost(text.into()));
    }
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or_else(|| AddressError::BadBrackets(text.into()))?;
        let (ip, scope) = match inner.split_once('%') {
            Some((ip, scope)) => (ip, scope.parse().map_err(|_| AddressError::BadScope(text.into()))?),
            None => (inner, 0),
        };
        let ip: Ipv6Addr = ip.parse().map_err(|_| AddressError::BadBrackets(text.into()))?;
        return Ok(Host { ip: ip.into(), scope });
    }
    if host == "localhost" {
        return Ok(Host { ip: Ipv4Addr::LOCALHOST.into(), scope: 0 });
    }
    match host.parse::<IpAddr>() {
        Ok(ip @ IpAddr::V4(_)) => Ok(Host { ip, scope: 0 }),
        Ok(IpAddr::V6(_)) => Err(AddressError::BareIpv6(text.into())),
        Err(_) => Err(AddressError::HostName(text.into())),
    }
}

/// Digits only: a sign would be accepted by the standard parser.
fn parse_port(text: &str, port: &str) -> Result<u16, AddressError> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    port.parse().ok().filter(|_| digits).ok_or_else(|| AddressError::BadPort(text.into()))
}
