//! The router: which device a packet leaves by, to which next hop, from which address.
//!
//! Routes and rules come from the system (whoever listens to it hands them over whole) and from the user. A lookup goes through
//! the rules by priority, each naming a table, as the system's own does (`ip-rule(8)`); in a table the longest prefix
//! wins, and of two equal ones that of the user.

mod prefix;
mod text;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use prefix::{ParsePrefixError, Prefix};

/// The table of ordinary routes.
pub const MAIN_TABLE: u32 = 254;
/// The table of what is this host itself.
pub const LOCAL_TABLE: u32 = 255;
/// The table that is asked last.
pub const DEFAULT_TABLE: u32 = 253;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Route {
    /// The table that it stands in.
    pub table: u32,
    /// Where it leads.
    pub prefix: Prefix,
    /// The packet mark that it is for.
    pub mark: u32,
    /// Of two otherwise equal ones the smaller one wins.
    pub metric: u32,
    /// The device.
    pub device: String,
    /// The next hop; `None` if the destination is a neighbour.
    pub gateway: Option<IpAddr>,
    /// The address that packets are to come from.
    pub source: Option<IpAddr>,
    /// Whether a user has added it; the others are the system's.
    pub user: bool,
    /// Whether it leads to this host itself.
    pub local: bool,
}

impl Route {
    /// A route of the main table, of the system, for unmarked packets.
    pub fn new(prefix: Prefix, device: impl Into<String>) -> Self {
        Self {
            table: MAIN_TABLE,
            prefix,
            mark: 0,
            metric: 0,
            device: device.into(),
            gateway: None,
            source: None,
            user: false,
            local: false,
        }
    }

    /// Sets the table.
    pub fn table(mut self, table: u32) -> Self {
        self.table = table;
        self
    }

    /// Sets the packet mark.
    pub fn mark(mut self, mark: u32) -> Self {
        self.mark = mark;
        self
    }

    /// Sets the metric.
    pub fn metric(mut self, metric: u32) -> Self {
        self.metric = metric;
        self
    }

    /// Sets the next hop.
    pub fn gateway(mut self, gateway: Option<IpAddr>) -> Self {
        self.gateway = gateway;
        self
    }

    /// Sets the address that packets come from.
    pub fn source(mut self, source: Option<IpAddr>) -> Self {
        self.source = source;
        self
    }

    /// Says that it leads to this host itself.
    pub fn local(mut self, local: bool) -> Self {
        self.local = local;
        self
    }

    /// Says that a user has added it.
    pub fn user(mut self, user: bool) -> Self {
        self.user = user;
        self
    }
}

/// A rule: which table is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct RoutingRule {
    /// Rules are gone through from the smallest on.
    pub priority: u32,
    /// Whether it is for IPv6.
    pub ipv6: bool,
    /// Where packets come from that it is for; `None` for everywhere.
    pub from: Option<Prefix>,
    /// Whether it is for the others instead.
    pub invert: bool,
    /// The table.
    pub table: u32,
    /// Whether a user has added it.
    pub user: bool,
}

impl RoutingRule {
    /// A rule for packets from everywhere.
    pub fn new(priority: u32, ipv6: bool, table: u32) -> Self {
        Self { priority, ipv6, from: None, invert: false, table, user: false }
    }

    /// Sets where packets come from.
    pub fn from(mut self, from: Option<Prefix>) -> Self {
        self.from = from;
        self
    }

    /// Says that it is for the packets that come from elsewhere.
    pub fn invert(mut self, invert: bool) -> Self {
        self.invert = invert;
        self
    }

    /// Says that a user has added it.
    pub fn user(mut self, user: bool) -> Self {
        self.user = user;
        self
    }

    fn applies(&self, ipv6: bool, source: Option<IpAddr>) -> bool {
        let from = match (&self.from, source) {
            (None, _) => true,
            (Some(prefix), Some(source)) => prefix.contains(source) != self.invert,
            // Who has no address yet comes from nowhere.
            (Some(_), None) => false,
        };
        self.ipv6 == ipv6 && from
    }
}

/// The rules that every system begins with.
fn default_rules() -> Vec<RoutingRule> {
    let tables = [(0, LOCAL_TABLE), (32766, MAIN_TABLE), (32767, DEFAULT_TABLE)];
    let of = |ipv6| tables.map(move |(priority, table)| RoutingRule::new(priority, ipv6, table));
    of(false).into_iter().chain(of(true)).collect()
}

/// Where a packet goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hop {
    /// The device that it leaves by.
    pub device: String,
    /// The next hop; `None` if the destination is a neighbour.
    pub gateway: Option<IpAddr>,
    /// The address that it comes from.
    pub source: IpAddr,
}

/// Why a route cannot be added. The texts are the original's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// The device is not there or has no address that packets could come from; or the route is there already.
    #[error("Error while inserting route.")]
    Refused,
    /// There is no such route of a user.
    #[error("Not found")]
    NotFound,
}

/// Routes, rules, and the addresses of devices. A value: nobody but its owner changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    system: Vec<Route>,
    user: Vec<Route>,
    rules: Vec<RoutingRule>,
    addresses: BTreeMap<String, Vec<Prefix>>,
}

impl Default for Router {
    fn default() -> Self {
        Self { system: Vec::new(), user: Vec::new(), rules: default_rules(), addresses: BTreeMap::new() }
    }
}

impl Router {
    /// Replaces what the system says. Without rules, those that every system begins with hold.
    pub fn set_system(&mut self, mut routes: Vec<Route>, mut rules: Vec<RoutingRule>) {
        routes.sort();
        self.system = routes;
        if rules.is_empty() {
            rules = default_rules();
        }
        rules.extend(self.rules.iter().filter(|rule| rule.user).cloned());
        rules.sort();
        self.rules = rules;
    }

    /// Replaces the addresses of all devices, each with the prefix of its network.
    pub fn set_addresses(&mut self, addresses: BTreeMap<String, Vec<Prefix>>) {
        self.addresses = addresses;
    }

    /// The addresses of a device, each with the prefix of its network.
    pub fn addresses(&self, device: &str) -> &[Prefix] {
        self.addresses.get(device).map_or(&[], Vec::as_slice)
    }

    /// Adds a route of a user; its source address is chosen now unless it says one.
    ///
    /// # Errors
    /// If it is there already, or no source address can be had.
    pub fn add(&mut self, mut route: Route) -> Result<(), RouteError> {
        route.user = true;
        let same = |known: &Route| {
            (known.table, known.prefix, known.mark) == (route.table, route.prefix, route.mark)
        };
        if self.user.iter().any(same) {
            return Err(RouteError::Refused);
        }
        let to = route.gateway.unwrap_or(route.prefix.address());
        match route.source {
            Some(source) if !self.has_address(&route.device, source) => return Err(RouteError::Refused),
            Some(_) => {}
            None => route.source = Some(self.source_for(&route.device, to).ok_or(RouteError::Refused)?),
        }
        self.user.push(route);
        self.user.sort();
        Ok(())
    }

    /// Removes a route of a user.
    ///
    /// # Errors
    /// If there is none.
    pub fn remove(&mut self, prefix: Prefix, mark: u32) -> Result<(), RouteError> {
        let at = self.user.iter().position(|route| (route.prefix, route.mark) == (prefix, mark));
        self.user.remove(at.ok_or(RouteError::NotFound)?);
        Ok(())
    }

    /// Adds a rule of a user.
    pub fn add_rule(&mut self, rule: RoutingRule) {
        let rule = rule.user(true);
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
            self.rules.sort();
        }
    }

    /// Removes the rules of users that have this priority; `false` if there is none.
    pub fn remove_rules(&mut self, priority: u32) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| !rule.user || rule.priority != priority);
        self.rules.len() != before
    }

    /// All rules, in order.
    pub fn rules(&self) -> &[RoutingRule] {
        &self.rules
    }

    /// All routes, those of IPv4 first.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        let mut all: Vec<&Route> = self.system.iter().chain(&self.user).collect();
        all.sort_by_key(|route| (route.prefix, route.mark, !route.user));
        all.into_iter()
    }

    /// Which way a marked packet goes; `source` is where it comes from, if that is settled, and must be an address of this host.
    pub fn lookup(&self, destination: IpAddr, source: Option<IpAddr>, mark: u32) -> Option<Hop> {
        if source.is_some_and(|source| !self.is_own(source)) {
            return None;
        }
        let ipv6 = destination.is_ipv6();
        let mut tables = self.rules.iter().filter(|rule| rule.applies(ipv6, source)).map(|rule| rule.table);
        let route = tables.find_map(|table| self.best(table, destination, mark))?;
        let to = route.gateway.unwrap_or(destination);
        let source = source.or(route.source).or_else(|| self.source_for(&route.device, to))?;
        Some(Hop { device: route.device.clone(), gateway: route.gateway, source })
    }

    fn best(&self, table: u32, destination: IpAddr, mark: u32) -> Option<&Route> {
        let fits =
            |route: &&Route| route.table == table && route.mark == mark && route.prefix.contains(destination);
        let all = self.system.iter().chain(&self.user).filter(fits);
        all.max_by_key(|route| (route.prefix.len(), route.user, std::cmp::Reverse(route.metric)))
    }

    fn has_address(&self, device: &str, address: IpAddr) -> bool {
        self.addresses(device).iter().any(|own| own.address() == address)
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.addresses.keys().any(|device| self.has_address(device, address))
    }

    /// The device's address in the network of `to`, the smallest such network, else its first of that family.
    fn source_for(&self, device: &str, to: IpAddr) -> Option<IpAddr> {
        let own = self.addresses(device).iter().filter(|own| own.address().is_ipv6() == to.is_ipv6());
        let near = own.clone().filter(|own| own.contains(to)).max_by_key(|own| own.len());
        near.or_else(|| own.clone().find(|own| !own.is_link_local())).map(Prefix::address)
    }

    /// The devices that routes name.
    pub(crate) fn devices(&self) -> std::collections::BTreeSet<&str> {
        self.system.iter().chain(&self.user).map(|route| route.device.as_str()).collect()
    }
}

#[cfg(test)]
mod tests;
