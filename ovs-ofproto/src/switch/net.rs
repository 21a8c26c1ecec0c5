//! What tunnels need to know of the network: routes, addresses, neighbours.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ovs_flow::OfPort;
use ovs_netdev::EtherAddr;
use ovs_openflow::{Action, OfError};

use super::Switch;
use super::solicit::question;
use crate::neighbor::{NeighborIndex, Neighbors, neighbor_key};
use crate::revalidate::Change;
use crate::router::{Prefix, Route, RouteError, Router, RoutingRule};
use crate::translate::Solicit;
use crate::tunnel::{End, Ends, Ports, transports};

/// Source ports of outer headers unless somebody says otherwise (RFC 6335 leaves those from 49152 on to anyone; these are what
/// Linux gives to its own sockets).
const SOURCE_PORTS: (u16, u16) = (32768, 61000);

/// See the module's head.
#[derive(Debug)]
pub(super) struct Net {
    pub router: Router,
    pub neighbors: Neighbors,
    pub source_ports: (u16, u16),
    /// Neighbours are not as they were published.
    pub changed: bool,
    /// What was published.
    pub routes: Arc<Router>,
    pub index: Arc<NeighborIndex>,
    pub ends: Arc<Ends>,
}

impl Default for Net {
    fn default() -> Self {
        Self {
            router: Router::default(),
            neighbors: Neighbors::default(),
            source_ports: SOURCE_PORTS,
            changed: false,
            routes: Arc::default(),
            index: Arc::default(),
            ends: Arc::default(),
        }
    }
}

impl Switch {
    /// The routes that tunnels go by.
    pub fn router(&self) -> &Router {
        &self.net.router
    }

    /// Takes over what the system says of the network: routes and rules, and the addresses of devices.
    pub fn set_network(
        &mut self,
        routes: Vec<Route>,
        rules: Vec<RoutingRule>,
        addresses: BTreeMap<String, Vec<Prefix>>,
    ) {
        let before = self.net.router.clone();
        self.net.router.set_system(routes, rules);
        self.net.router.set_addresses(addresses);
        self.world_changed |= before != self.net.router;
    }

    /// Adds a route.
    ///
    /// # Errors
    /// As [`Router::add`] has them.
    pub fn add_route(&mut self, route: Route) -> Result<(), RouteError> {
        self.net.router.add(route)?;
        self.world_changed = true;
        Ok(())
    }

    /// Removes a route that was added by [`Switch::add_route`].
    ///
    /// # Errors
    /// If there is none.
    pub fn remove_route(&mut self, prefix: Prefix, mark: u32) -> Result<(), RouteError> {
        self.net.router.remove(prefix, mark)?;
        self.world_changed = true;
        Ok(())
    }

    /// Adds a routing rule.
    pub fn add_routing_rule(&mut self, rule: RoutingRule) {
        self.net.router.add_rule(rule);
        self.world_changed = true;
    }

    /// Removes the routing rules that were added with this priority; `false` if there is none.
    pub fn remove_routing_rules(&mut self, priority: u32) -> bool {
        let removed = self.net.router.remove_rules(priority);
        self.world_changed |= removed;
        removed
    }

    /// All neighbours: device, address, Ethernet address.
    pub fn neighbors(&self) -> impl Iterator<Item = (&str, IpAddr, EtherAddr)> {
        self.net.neighbors.iter()
    }

    /// Makes a neighbour known; it ages as one that was learned.
    pub fn set_neighbor(&mut self, device: &str, address: IpAddr, mac: EtherAddr, now: Duration) {
        self.now = self.now.max(now);
        self.learn_neighbor(device, address, mac);
    }

    /// Forgets all neighbours.
    pub fn flush_neighbors(&mut self) {
        let gone = self.net.neighbors.flush();
        self.note_neighbors(&gone);
    }

    /// How long a neighbour stays that nobody uses.
    pub fn neighbor_aging(&self) -> Duration {
        self.net.neighbors.aging
    }

    /// Sets how long a neighbour stays that nobody uses, from its next use on.
    pub fn set_neighbor_aging(&mut self, aging: Duration) {
        self.net.neighbors.aging = aging;
    }

    /// The least and the greatest UDP source port of outer headers.
    pub fn tunnel_source_ports(&self) -> (u16, u16) {
        self.net.source_ports
    }

    /// Sets the least and the greatest UDP source port of outer headers.
    pub fn set_tunnel_source_ports(&mut self, least: u16, most: u16) {
        self.world_changed |= self.net.source_ports != (least, most);
        self.net.source_ports = (least, most);
    }

    pub(super) fn learn_neighbor(&mut self, device: &str, address: IpAddr, mac: EtherAddr) {
        if self.net.neighbors.learn(device, address, mac, self.now) {
            self.note_neighbors(&[neighbor_key(device, address)]);
        }
    }

    pub(super) fn expire_neighbors(&mut self) {
        let gone = self.net.neighbors.expire(self.now);
        self.note_neighbors(&gone);
    }

    fn note_neighbors(&mut self, keys: &[u64]) {
        self.net.changed |= !keys.is_empty();
        for key in keys {
            self.revalidator.changes.note(Change::Neighbor(*key));
        }
    }

    /// Asks for a neighbour, unless that was done just now.
    pub(super) fn solicit(&mut self, asked: &Solicit) {
        let Some(name) = self.bridge_by_id(asked.bridge).map(|bridge| bridge.config.name.clone()) else {
            return;
        };
        if !self.net.neighbors.may_ask(&name, asked.target, self.now) {
            return;
        }
        let Some(frame) = question(asked) else { return };
        let through = [Action::Output { port: OfPort::TABLE, max_len: 0 }];
        let sent: Result<(), OfError> = self.packet_out(&name, OfPort::LOCAL, &through, &frame);
        if let Err(error) = sent {
            tracing::debug!(target: "ofproto", "{name}: cannot ask for {}: {error:?}", asked.target);
        }
    }

    /// Brings what workers read of the network up to date; `everything` if more than neighbours may have changed.
    pub(super) fn renew_net(&mut self, everything: bool) {
        if std::mem::take(&mut self.net.changed) {
            self.net.index = Arc::new(self.net.neighbors.index());
        }
        if everything {
            if *self.net.routes != self.net.router {
                self.net.routes = Arc::new(self.net.router.clone());
            }
            let ends = self.find_ends();
            if *self.net.ends.list() != ends {
                self.net.ends = Arc::new(Ends::new(ends, &self.shared.domain));
            }
        }
    }

    /// Every address of a bridge that a route leads through, under every port of a tunnel.
    fn find_ends(&self) -> BTreeSet<End> {
        let devices = self.net.router.devices();
        let mut tunnels = Ports::new();
        for port in self.bridges.values().flat_map(|bridge| bridge.ports.values()) {
            let (Some(dp_port), Some(tunnel)) = (port.dp_port, &port.tunnel) else { continue };
            let (format, _) = tunnels.entry(dp_port).or_insert((tunnel.format, tunnel.dst_port));
            *format = format
                .policy(format.policy || tunnel.format.policy)
                .generic(format.generic || tunnel.format.generic);
        }
        let mut ends = BTreeSet::new();
        for (name, bridge) in self.bridges.iter().filter(|(name, _)| devices.contains(name.as_str())) {
            let mac = bridge.local_mac().0;
            for address in self.net.router.addresses(name).iter().map(Prefix::address) {
                let ending = transports(&tunnels, address.is_ipv6());
                ends.extend(ending.into_iter().map(|(transport, pop)| End { mac, address, transport, pop }));
            }
        }
        ends
    }
}
