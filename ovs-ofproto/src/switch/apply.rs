//! Plans: making and applying them.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_flow::{OfPort, TableId};

use super::Switch;
use crate::bridge::BridgeState;
use crate::plan::{self, Present};
use crate::revalidate::Change;
use crate::snapshot::BridgeId;
use crate::table::TABLES;
use crate::{Applied, BridgeConfig, DesiredState, InterfaceConfig, InterfaceError, Plan, PortConfig, Step};

impl Switch {
    /// What has to be done to get to the wanted state. Changes nothing.
    pub fn plan(&self, wanted: &DesiredState) -> Plan {
        let numbers = self
            .bridges
            .iter()
            .flat_map(|(name, bridge)| {
                bridge.ports.values().map(|port| ((name.clone(), port.name.clone()), port.number))
            })
            .collect();
        plan::diff(Present { state: &self.state, numbers: &numbers }, wanted)
    }

    /// Does it. Interfaces that fail are told in the result and in the status, and are tried again by the
    /// next plan; the rest goes on.
    pub fn apply(&mut self, plan: Plan, now: Duration) -> Applied {
        self.now = self.now.max(now);
        let mut applied = Applied::default();
        for step in &plan.steps {
            self.apply_step(step, &plan, &mut applied);
        }
        self.drop_unused_tunnels();
        self.state = plan.wanted;
        let wanted = |key: &(String, String)| self.state.bridges.contains_key(&key.0);
        self.errors.retain(|key, _| wanted(key));
        self.qos_errors.retain(|(bridge, name), _| {
            self.bridges.get(bridge).is_some_and(|bridge| bridge.port_named(name).is_some())
        });
        self.check_in_band();
        self.publish();
        applied
    }

    fn apply_step(&mut self, step: &Step, plan: &Plan, applied: &mut Applied) {
        match step {
            Step::DeleteInterface { bridge, interface } => self.delete_interface(bridge, interface),
            Step::DeletePort { .. } => self.world_changed = true,
            Step::DeleteBridge { bridge } => self.delete_bridge(bridge),
            Step::AddBridge { bridge } => self.add_bridge(bridge),
            Step::ConfigureBridge { bridge } => {
                if let Some(wanted) = plan.wanted.bridges.get(bridge) {
                    self.configure_bridge(wanted);
                }
            }
            Step::AddInterface { bridge, port, interface } => {
                if let Some(wanted) = find(plan, bridge, port, interface) {
                    let result = self.add_interface(bridge, port, wanted);
                    if let Ok(number) = result {
                        self.tell_port_added(bridge, number);
                    }
                    self.note(bridge, interface, result, applied);
                    self.configure_qos_of(plan, bridge, port);
                }
            }
            Step::ConfigureInterface { bridge, port, interface } => {
                if let Some(wanted) = find(plan, bridge, port, interface) {
                    let result = self.configure_interface(bridge, port, wanted);
                    self.note(bridge, interface, result, applied);
                    self.configure_qos_of(plan, bridge, port);
                }
            }
            Step::ConfigurePort { bridge, port } => {
                let wanted = plan.wanted.bridges.get(bridge).and_then(|bridge| bridge.ports.get(port));
                if let Some(wanted) = wanted {
                    self.configure_port(bridge, wanted);
                    self.configure_qos(bridge, wanted);
                }
                self.world_changed = true;
            }
            Step::ConfigureSwitch => self.configure_zones(&plan.wanted.zones),
        }
    }

    /// [`Switch::configure_qos`] for the port that an interface was added to or changed in.
    fn configure_qos_of(&mut self, plan: &Plan, bridge: &str, port: &str) {
        let wanted = plan.wanted.bridges.get(bridge).and_then(|bridge| bridge.ports.get(port));
        if let Some(wanted) = wanted {
            self.configure_qos(bridge, wanted);
        }
    }

    fn add_bridge(&mut self, name: &str) {
        let id = BridgeId(self.next_bridge);
        self.next_bridge += 1;
        let config = BridgeConfig::new(name);
        let domain = &self.shared.domain;
        let bridge = BridgeState::new(id, config, domain, &self.config.limits, self.config.seed);
        self.bridges.insert(name.to_owned(), bridge);
        self.change_rules(name, BridgeState::add_internal_rules);
        self.world_changed = true;
    }

    fn delete_bridge(&mut self, name: &str) {
        self.close_connections_of(name);
        let gone = self.bridges.remove(name);
        self.retire_meters(
            gone.into_iter().flat_map(|bridge| bridge.meters.iter().cloned().collect::<Vec<_>>()),
        );
        self.world_changed = true;
    }

    /// Gives a bridge its settings; its ports have steps of their own.
    fn configure_bridge(&mut self, wanted: &BridgeConfig) {
        let Some(bridge) = self.bridges.get_mut(&wanted.name) else { return };
        let ports = std::mem::take(&mut bridge.config.ports);
        let old = std::mem::replace(&mut bridge.config, BridgeConfig { ports, ..wanted.clone() });
        let tables = (0..TABLES as u8).map(TableId);
        if old.flow_tables != bridge.config.flow_tables {
            self.change_rules(&wanted.name, |bridge, round| {
                tables.clone().for_each(|table| bridge.configure_prefixes(table, round));
            });
        }
        let Some(bridge) = self.bridges.get_mut(&wanted.name) else { return };
        tables.for_each(|table| bridge.configure_eviction(table, self.version));
        let id = bridge.id;
        for name in bridge.mirrors.configure(&wanted.mirrors) {
            tracing::warn!(
                target: "bridge",
                "bridge {}: maximum of 32 port mirrors reached, cannot create {name}",
                wanted.name
            );
        }
        let mut gone = bridge.macs.configure(wanted.mac_table_size, wanted.mac_aging);
        gone.extend(bridge.macs.set_flood_vlans(&wanted.flood_vlans));
        for key in gone {
            self.shared.count_mac_change();
            self.revalidator.changes.note(Change::Mac { bridge: id, key });
        }
        self.world_changed = true;
        self.fail_mode_configured(&old, wanted);
    }

    /// Gives a port its settings. What was learned by a port whose VLANs or protection change is forgotten.
    fn configure_port(&mut self, bridge: &str, wanted: &PortConfig) {
        let Some(state) = self.bridges.get_mut(bridge) else { return };
        let old = state.config.ports.insert(wanted.name.clone(), wanted.clone());
        if old.is_none_or(|old| switching(&old) == switching(wanted)) {
            return;
        }
        let numbers = state.ports.values().filter(|record| record.port == wanted.name);
        let numbers: Vec<OfPort> = numbers.map(|record| record.number).collect();
        for key in numbers.into_iter().flat_map(|number| state.macs.flush(Some(number))) {
            self.shared.count_mac_change();
            self.revalidator.changes.note(Change::Mac { bridge: state.id, key });
        }
    }

    fn note(
        &mut self,
        bridge: &str,
        interface: &str,
        result: Result<OfPort, InterfaceError>,
        applied: &mut Applied,
    ) {
        let key = (bridge.to_owned(), interface.to_owned());
        match &result {
            Ok(_) => self.errors.remove(&key),
            Err(error) => self.errors.insert(key.clone(), error.to_string()),
        };
        applied.interfaces.insert(key, result);
    }
}

/// What of a port decides how NORMAL treats it.
fn switching(port: &PortConfig) -> PortConfig {
    PortConfig { interfaces: Vec::new(), other_config: BTreeMap::new(), qos: None, ..port.clone() }
}

fn find<'a>(plan: &'a Plan, bridge: &str, port: &str, interface: &str) -> Option<&'a InterfaceConfig> {
    let port = plan.wanted.bridges.get(bridge)?.ports.get(port)?;
    port.interfaces.iter().find(|i| i.name == interface)
}
