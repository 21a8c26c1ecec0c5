//! The pure difference of two states.

use std::collections::BTreeMap;

use ovs_flow::OfPort;

use super::{Plan, Step};
use crate::{BridgeConfig, DesiredState, InterfaceConfig, PortConfig};

/// What is: the state that was last applied, and the numbers of the interfaces that could be added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present<'a> {
    pub state: &'a DesiredState,
    /// By name of bridge and interface.
    pub numbers: &'a BTreeMap<(String, String), OfPort>,
}

impl Present<'_> {
    fn number(&self, bridge: &str, interface: &str) -> Option<OfPort> {
        self.numbers.get(&(bridge.to_owned(), interface.to_owned())).copied()
    }
}

/// Adds to each bridge the local port that it lacks.
pub(crate) fn normalize(wanted: &DesiredState) -> DesiredState {
    let mut state = wanted.clone();
    for (name, bridge) in &mut state.bridges {
        if !bridge.ports.values().any(|port| port.interfaces.iter().any(|i| i.name == *name)) {
            let interface = InterfaceConfig::new(name.clone(), "internal");
            bridge.ports.insert(name.clone(), PortConfig::new(name.clone()).interface(interface));
        }
    }
    state
}

/// The steps from `present` to `wanted`.
pub(crate) fn diff(present: Present<'_>, wanted: &DesiredState) -> Plan {
    let wanted = normalize(wanted);
    let mut steps = Vec::new();
    deletions(present, &wanted, &mut steps);
    for name in present.state.bridges.keys().filter(|name| !wanted.bridges.contains_key(*name)) {
        steps.push(Step::DeleteBridge { bridge: name.clone() });
    }
    for (name, bridge) in &wanted.bridges {
        let old = present.state.bridges.get(name);
        if old.is_none() {
            steps.push(Step::AddBridge { bridge: name.clone() });
        }
        if old.is_none_or(|old| !same_settings(old, bridge)) {
            steps.push(Step::ConfigureBridge { bridge: name.clone() });
        }
    }
    additions(present, &wanted, true, &mut steps);
    additions(present, &wanted, false, &mut steps);
    for (name, bridge) in &wanted.bridges {
        let old = present.state.bridges.get(name);
        port_settings(name, old, bridge, &mut steps);
    }
    let global = |state: &DesiredState| (state.max_idle, state.flow_limit, state.zones.clone());
    if global(present.state) != global(&wanted) {
        steps.push(Step::ConfigureSwitch);
    }
    Plan { steps, wanted }
}

/// Whether two bridges agree in all but their ports.
fn same_settings(a: &BridgeConfig, b: &BridgeConfig) -> bool {
    let without_ports = |bridge: &BridgeConfig| BridgeConfig { ports: BTreeMap::new(), ..bridge.clone() };
    without_ports(a) == without_ports(b)
}

fn interfaces(bridge: &BridgeConfig) -> impl Iterator<Item = (&PortConfig, &InterfaceConfig)> {
    bridge.ports.values().flat_map(|port| port.interfaces.iter().map(move |interface| (port, interface)))
}

fn find<'a>(bridge: &'a BridgeConfig, interface: &str) -> Option<(&'a PortConfig, &'a InterfaceConfig)> {
    interfaces(bridge).find(|(_, i)| i.name == interface)
}

/// Whether an interface that is there can stay for what is wanted of it.
fn can_stay(present: Present<'_>, bridge: &str, old: &InterfaceConfig, new: &InterfaceConfig) -> bool {
    let number = present.number(bridge, &old.name);
    let renumber = new.ofport_request.is_some() && new.ofport_request != number;
    // What DPDK's devices receive into is laid out by their MTU when they are opened.
    let resized = old.kind == "dpdk" && old.mtu_request != new.mtu_request;
    old.kind == new.kind && (old.options == new.options || old.kind == "patch") && !renumber && !resized
}

fn deletions(present: Present<'_>, wanted: &DesiredState, steps: &mut Vec<Step>) {
    for (name, old) in &present.state.bridges {
        let new = wanted.bridges.get(name);
        for (_, interface) in interfaces(old) {
            if present.number(name, &interface.name).is_none() {
                continue;
            }
            let stays = new.and_then(|new| find(new, &interface.name));
            if stays.is_none_or(|(_, wanted)| !can_stay(present, name, interface, wanted)) {
                steps.push(Step::DeleteInterface { bridge: name.clone(), interface: interface.name.clone() });
            }
        }
        for port in old.ports.keys().filter(|port| new.is_some_and(|new| !new.ports.contains_key(*port))) {
            steps.push(Step::DeletePort { bridge: name.clone(), port: port.clone() });
        }
    }
}

/// Interfaces that are not there, or that were deleted to come back differently.
fn additions(present: Present<'_>, wanted: &DesiredState, requested: bool, steps: &mut Vec<Step>) {
    for (name, bridge) in &wanted.bridges {
        let old = present.state.bridges.get(name);
        for (port, interface) in interfaces(bridge) {
            if interface.ofport_request.is_some() != requested {
                continue;
            }
            let before = old.and_then(|old| find(old, &interface.name)).map(|(_, i)| i);
            let there = present.number(name, &interface.name).is_some();
            let names = (name.clone(), port.name.clone(), interface.name.clone());
            let (bridge, port, named) = names;
            match before {
                Some(before) if there && can_stay(present, name, before, interface) => {
                    if before != interface {
                        steps.push(Step::ConfigureInterface { bridge, port, interface: named });
                    }
                }
                _ => steps.push(Step::AddInterface { bridge, port, interface: named }),
            }
        }
    }
}

fn port_settings(name: &str, old: Option<&BridgeConfig>, new: &BridgeConfig, steps: &mut Vec<Step>) {
    for port in new.ports.values() {
        if old.and_then(|old| old.ports.get(&port.name)) != Some(port) {
            steps.push(Step::ConfigurePort { bridge: name.to_owned(), port: port.name.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_laid_out_by_its_mtu_is_opened_again_for_another() {
        let wanted = |kind: &str, mtu| {
            let interface = InterfaceConfig::new("p1", kind).mtu_request(mtu);
            let port = PortConfig::new("p1").interface(interface);
            normalize(&DesiredState::default().bridge(BridgeConfig::new("br0").port(port)))
        };
        let number = |name: &str, number| (("br0".to_owned(), name.to_owned()), OfPort(number));
        let numbers = BTreeMap::from([number("p1", 1), number("br0", 0xfffe)]);
        for (kind, again) in [("dpdk", true), ("system", false)] {
            let before = wanted(kind, None);
            let steps = diff(Present { state: &before, numbers: &numbers }, &wanted(kind, Some(9000))).steps;
            let texts: Vec<String> = steps.iter().map(ToString::to_string).collect();
            let opened = texts.iter().any(|step| step == "br0: add interface p1 to port p1");
            assert_eq!(opened, again, "{texts:?}");
            assert_eq!(texts.iter().any(|step| step == "br0: delete interface p1"), again);
        }
    }
}
