//! What the system says of the network: routes, rules and addresses, by rtnetlink(7).
//!
//! A socket hears of every change; then all of it is asked for anew, for changes come in droves and seldom.

mod message;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ovs_ofproto::router::{LOCAL_TABLE, MAIN_TABLE, Prefix, Route, RoutingRule};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use message::{Attributes, Messages, request, u32_at};

/// Longest datagram that is read: the kernel's dumps come in pieces of at most this.
const BUFFER: usize = 64 << 10;
/// Notices of links, of addresses and routes of both families, and of rules of both.
const GROUPS: u32 = (libc::RTMGRP_LINK
    | libc::RTMGRP_IPV4_IFADDR
    | libc::RTMGRP_IPV6_IFADDR
    | libc::RTMGRP_IPV4_ROUTE
    | libc::RTMGRP_IPV6_ROUTE
    | libc::RTMGRP_IPV4_RULE) as u32
    | 1 << (RTNLGRP_IPV6_RULE - 1);
const RTNLGRP_IPV6_RULE: u32 = 19;
const FIB_RULE_INVERT: u32 = 2;
const FR_ACT_TO_TBL: u8 = 1;

/// Everything that the system says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Routes of all tables.
    pub routes: Vec<Route>,
    /// Rules.
    pub rules: Vec<RoutingRule>,
    /// Addresses by device.
    pub addresses: BTreeMap<String, Vec<Prefix>>,
}

/// Hears of changes, and asks.
#[derive(Debug)]
pub struct Listener {
    notices: OwnedFd,
    stale: bool,
}

impl Listener {
    /// One that has everything to learn.
    ///
    /// # Errors
    /// If the system has no such sockets.
    pub fn open() -> io::Result<Self> {
        Ok(Self { notices: socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, GROUPS)?, stale: true })
    }

    /// What to sleep on.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.notices.as_fd()
    }

    /// What the system says now, if that may have changed since the last call.
    pub fn poll(&mut self) -> Option<Network> {
        let mut buffer = vec![0; 4096];
        loop {
            match rustix::net::recv(&self.notices, &mut buffer[..], RecvFlags::empty()) {
                // More came than fitted: anything may have changed.
                Ok(_) | Err(rustix::io::Errno::NOBUFS) => self.stale = true,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
        }
        if !std::mem::take(&mut self.stale) {
            return None;
        }
        match ask_all() {
            Ok(network) => Some(network),
            Err(error) => {
                tracing::warn!(target: "route_table", "cannot read the system's routes: {error}");
                None
            }
        }
    }
}

fn socket(flags: SocketFlags, groups: u32) -> io::Result<OwnedFd> {
    // The default protocol, number 0, is NETLINK_ROUTE.
    let fd = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    rustix::net::bind(&fd, &SocketAddrNetlink::new(0, groups))?;
    Ok(fd)
}

fn ask_all() -> io::Result<Network> {
    let fd = socket(SocketFlags::CLOEXEC, 0)?;
    let mut names = BTreeMap::new();
    dump(&fd, libc::RTM_GETLINK, |body| {
        if let (Some(index), Some(name)) =
            (u32_at(body, 4), Attributes::after(body, 16).text(libc::IFLA_IFNAME))
        {
            names.insert(index, name);
        }
    })?;
    let mut network = Network::default();
    dump(&fd, libc::RTM_GETADDR, |body| {
        if let Some((device, prefix)) = address(body, &names) {
            network.addresses.entry(device).or_default().push(prefix);
        }
    })?;
    dump(&fd, libc::RTM_GETROUTE, |body| network.routes.extend(route(body, &names)))?;
    dump(&fd, libc::RTM_GETRULE, |body| network.rules.extend(rule(body)))?;
    Ok(network)
}

/// Asks for all of a kind.
fn dump(fd: &OwnedFd, kind: u16, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    rustix::net::send(fd, &request(kind), SendFlags::empty())?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let (len, _) = match rustix::net::recv(fd, &mut buffer[..], RecvFlags::empty()) {
            Ok(read) => read,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        for message in Messages(&buffer[..len]) {
            match i32::from(message.kind) {
                libc::NLMSG_DONE => return Ok(()),
                libc::NLMSG_ERROR => {
                    let code = u32_at(message.body, 0).unwrap_or(0) as i32;
                    return Err(io::Error::from_raw_os_error(code.wrapping_neg()));
                }
                _ => take(message.body),
            }
        }
    }
}

/// An `ifaddrmsg`: family, prefix length, flags, scope, index.
fn address(body: &[u8], names: &BTreeMap<u32, String>) -> Option<(String, Prefix)> {
    let attributes = Attributes::after(body, 8);
    // Of a link between two, this end is the local one.
    let own = attributes.address(libc::IFA_LOCAL).or_else(|| attributes.address(libc::IFA_ADDRESS))?;
    Some((names.get(&u32_at(body, 4)?)?.clone(), Prefix::new(own, *body.get(1)?)?))
}

/// An `rtmsg`: family, lengths of destination and source, type of service, table, protocol, scope, type, flags.
fn route(body: &[u8], names: &BTreeMap<u32, String>) -> Option<Route> {
    let &[family, len, _, _, table, _, _, kind, ..] = body else { return None };
    let local = kind == libc::RTN_LOCAL;
    if !local && kind != libc::RTN_UNICAST {
        return None;
    }
    let attributes = Attributes::after(body, 12);
    let everywhere: IpAddr = match i32::from(family) {
        libc::AF_INET => IpAddr::from([0; 4]),
        libc::AF_INET6 => IpAddr::from([0; 16]),
        _ => return None,
    };
    let prefix = Prefix::new(attributes.address(libc::RTA_DST).unwrap_or(everywhere), len)?;
    // Of several ways the first is taken: a `rtnexthop` has the index at 4 and attributes from 8 on.
    let ways = attributes.get(libc::RTA_MULTIPATH);
    let index = attributes.number(libc::RTA_OIF).or_else(|| u32_at(ways?, 4))?;
    let way = || Attributes::after(ways?, 8).address(libc::RTA_GATEWAY);
    let table = attributes.number(libc::RTA_TABLE).unwrap_or(table.into());
    Some(
        Route::new(prefix, names.get(&index)?)
            .table(if table == 0 { MAIN_TABLE } else { table })
            .metric(attributes.number(libc::RTA_PRIORITY).unwrap_or(0))
            .gateway(attributes.address(libc::RTA_GATEWAY).or_else(way))
            .source(attributes.address(libc::RTA_PREFSRC))
            .local(local && table == LOCAL_TABLE),
    )
}

/// A `fib_rule_hdr`: family, lengths of destination and source, type of service, table, two reserved, action, flags. Rules that
/// look at what is not known here (marks, devices, destinations) are none of ours.
fn rule(body: &[u8]) -> Option<RoutingRule> {
    const FRA_DST: u16 = 1;
    const FRA_SRC: u16 = 2;
    const FRA_IIFNAME: u16 = 3;
    const FRA_PRIORITY: u16 = 6;
    const FRA_FWMARK: u16 = 10;
    const FRA_TABLE: u16 = 15;
    const FRA_OIFNAME: u16 = 17;
    let &[family, _, len, _, table, _, _, action, ..] = body else { return None };
    let attributes = Attributes::after(body, 12);
    let strange = [FRA_DST, FRA_IIFNAME, FRA_FWMARK, FRA_OIFNAME];
    if action != FR_ACT_TO_TBL || strange.into_iter().any(|kind| attributes.get(kind).is_some()) {
        return None;
    }
    let ipv6 = match i32::from(family) {
        libc::AF_INET => false,
        libc::AF_INET6 => true,
        _ => return None,
    };
    let from = match attributes.address(FRA_SRC) {
        Some(address) => Some(Prefix::new(address, len)?),
        None => None,
    };
    let table = attributes.number(FRA_TABLE).unwrap_or(table.into());
    let rule = RoutingRule::new(attributes.number(FRA_PRIORITY).unwrap_or(0), ipv6, table);
    Some(rule.from(from).invert(u32_at(body, 8)? & FIB_RULE_INVERT != 0))
}
