//! A bridge for an embedder: typed calls in place of messages.

use std::time::Duration;

use ovs_flow::{FlowKey, OfPort, VlanId};
use ovs_netdev::EtherAddr;
use ovs_openflow::{Action, FlowMod, FlowStats, OfError, PortDesc};

use super::Switch;
use super::agent::facts;
use crate::BridgeError;
use crate::bridge::{Criteria, PortRecord};
use crate::mac_learning::{MacEntry, MacStats, StaticMacError};
use crate::revalidate::Change;
use crate::trace::TraceReport;

/// A bridge of a switch, to ask and to change. What is changed here is as if a controller had done it.
#[derive(Debug)]
pub struct Bridge<'a> {
    switch: &'a mut Switch,
    name: String,
}

/// How the revalidator is doing (`upcall/show`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Revalidation {
    /// Megaflows now.
    pub flows: usize,
    /// Megaflows at the ends of sweeps, averaged so that the last one counts half.
    pub average: usize,
    /// The most at the end of a sweep.
    pub most: usize,
    /// The most that are kept; it adapts to how long sweeps take.
    pub limit: usize,
    /// How long the last sweep took on the switch's clock.
    pub sweep_duration: Duration,
    /// Megaflows that were translated again and stayed as they were.
    pub kept: u64,
    /// Megaflows that got other actions.
    pub modified: u64,
    /// Megaflows that were deleted, those that nobody used included.
    pub deleted: u64,
    /// Megaflows that were deleted because nobody used them.
    pub expired: u64,
    /// Dumps of flows show their identities alone.
    pub terse: bool,
}

impl Switch {
    /// A bridge by its name.
    pub fn bridge(&mut self, name: &str) -> Result<Bridge<'_>, BridgeError> {
        if !self.bridges.contains_key(name) {
            return Err(BridgeError::NoBridge(name.to_owned()));
        }
        Ok(Bridge { switch: self, name: name.to_owned() })
    }

    /// The names of all bridges, in order.
    pub fn bridge_names(&self) -> impl Iterator<Item = &str> {
        self.bridges.keys().map(String::as_str)
    }
}

impl Bridge<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes flows. It is in effect for all packets after the next [`Switch::poll`] and one turn of each worker.
    pub fn flow_mod(&mut self, change: &FlowMod) -> Result<(), OfError> {
        self.switch.apply_flow_mod(&self.name, change, ovs_openflow::Version::V10)
    }

    /// Runs a packet (from its Ethernet header on) through actions as if it had come in by a port.
    pub fn packet_out(&mut self, in_port: OfPort, actions: &[Action], data: &[u8]) -> Result<(), OfError> {
        self.switch.packet_out(&self.name, in_port, actions, data)
    }

    /// All flows, by table and order of insertion; with `hidden`, the switch's own too (their priorities are
    /// shown cut to 16 bits).
    pub fn flows(&mut self, hidden: bool) -> Vec<FlowStats> {
        self.switch.refresh_counters();
        let (version, now) = (self.switch.version, self.switch.now);
        let everything = ovs_flow::Match::default();
        let criteria = Criteria {
            table: ovs_flow::TableId::ALL,
            matching: &everything,
            strict: None,
            cookie: 0,
            cookie_mask: 0,
            out_port: OfPort::NONE,
            out_group: FlowMod::ANY_GROUP,
            hidden,
        };
        let Some(bridge) = self.switch.bridges.get_mut(&self.name) else { return Vec::new() };
        let rules = bridge.select(&criteria, version);
        let told = |rule: &ovs_classifier::RuleRef<crate::rule::Flow>| FlowStats {
            facts: facts(rule.value(), rule.priority(), now),
            matching: crate::rule::told_match(rule),
            actions: rule.value().actions.to_vec(),
        };
        rules.iter().map(told).collect()
    }

    /// How many flows there are.
    pub fn flow_count(&self) -> usize {
        self.switch.bridges.get(&self.name).map_or(0, |bridge| bridge.tables.total())
    }

    /// All ports as OpenFlow describes them, by number.
    pub fn ports(&self) -> Vec<PortDesc> {
        self.switch.port_descs(&self.name)
    }

    /// Known addresses, those seen (or, if static, put in) longest ago first.
    pub fn macs(&self) -> Vec<MacEntry> {
        let now = self.switch.now;
        self.switch.bridges.get(&self.name).map(|bridge| bridge.macs.list(now)).unwrap_or_default()
    }

    /// Learned addresses as `fdb/show` prints them.
    pub fn macs_text(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::from(" port  VLAN  MAC                Age\n");
        for MacEntry { vlan, mac, port, age, is_static } in self.macs() {
            let age = if is_static { "static".to_owned() } else { format!("{:>3}", age.as_secs()) };
            // A text that grows cannot fail.
            let _ = writeln!(text, "{:>5}  {vlan:>4}  {mac}  {age}", port.to_string());
        }
        text
    }

    /// Counters of learning.
    pub fn mac_stats(&self) -> MacStats {
        self.switch.bridges.get(&self.name).map(|bridge| bridge.macs.stats()).unwrap_or_default()
    }

    /// Learned addresses, and how many there may be.
    pub fn mac_count(&self) -> (usize, usize) {
        self.switch.bridges.get(&self.name).map_or((0, 0), |bridge| (bridge.macs.len(), bridge.macs.max()))
    }

    /// Counts learning from zero again.
    pub fn clear_mac_stats(&mut self) {
        if let Some(bridge) = self.switch.bridges.get_mut(&self.name) {
            bridge.macs.clear_stats();
        }
    }

    /// Counters of learning as `fdb/stats-show` prints them.
    pub fn mac_stats_text(&self) -> String {
        let (MacStats { learned, expired, evicted, moved }, (count, max)) =
            (self.mac_stats(), self.mac_count());
        let fixed = self.switch.bridges.get(&self.name).map_or(0, |bridge| bridge.macs.fixed());
        format!(
            "Statistics for bridge \"{}\":\n\
             \x20 Current/maximum MAC entries in the table: {count}/{max}\n\
             \x20 Current static MAC entries in the table : {fixed}\n\
             \x20 Total number of learned MAC entries     : {learned}\n\
             \x20 Total number of expired MAC entries     : {expired}\n\
             \x20 Total number of evicted MAC entries     : {evicted}\n\
             \x20 Total number of port moved MAC entries  : {moved}\n",
            self.name
        )
    }

    /// Puts an address behind an interface for good. Gives what was known of the address
    /// before, if that was something else.
    pub fn add_static_mac(
        &mut self,
        interface: &str,
        vlan: VlanId,
        mac: EtherAddr,
    ) -> Result<Option<MacEntry>, StaticMacError> {
        let now = self.switch.now;
        let bridge = self.switch.bridges.get_mut(&self.name).ok_or(StaticMacError::NoBridge)?;
        let number = bridge.port_named(interface).ok_or(StaticMacError::NoPort)?.number;
        // Of a port with several interfaces the first one stands for all.
        let same_port = |record: &&PortRecord| record.port == bridge.ports[&number].port;
        let first = bridge.ports.values().find(same_port).map_or(number, |record| record.number);
        let (before, changed) = bridge.macs.add_static(vlan.get(), mac.0, first, now)?;
        self.macs_changed(&changed);
        Ok(before.filter(|before| !before.is_static || before.port != first))
    }

    /// Takes a static address out; says whether there was one.
    pub fn remove_static_mac(&mut self, vlan: VlanId, mac: EtherAddr) -> bool {
        let Some(bridge) = self.switch.bridges.get_mut(&self.name) else { return false };
        let key = bridge.macs.remove_static(vlan.get(), mac.0);
        self.macs_changed(key.as_slice());
        key.is_some()
    }

    /// Forgets all learned addresses; says how many.
    pub fn flush_macs(&mut self) -> usize {
        let Some(bridge) = self.switch.bridges.get_mut(&self.name) else { return 0 };
        let gone = bridge.macs.flush(None);
        self.macs_changed(&gone);
        gone.len()
    }

    fn macs_changed(&mut self, keys: &[u64]) {
        let Some(id) = self.switch.bridges.get(&self.name).map(|bridge| bridge.id) else { return };
        for key in keys {
            self.switch.shared.count_mac_change();
            self.switch.revalidator.changes.note(Change::Mac { bridge: id, key: *key });
        }
    }

    /// What the bridge would do with a packet of this key; see [`Switch::trace`].
    pub fn trace(&mut self, key: &FlowKey) -> Result<TraceReport, BridgeError> {
        self.switch.trace(&self.name, key)
    }
}
