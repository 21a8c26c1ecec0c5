//! Plans: making and applying them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Switch;
use crate::plan::{self, Present};
use crate::{Applied, DesiredState, InterfaceConfig, Plan, Step};

impl Switch {
    /// What has to be done to get to the wanted state. Changes nothing.
    pub fn plan(&self, wanted: &DesiredState) -> Plan {
        let numbers = self.ports.iter().map(|(key, record)| (key.clone(), record.number)).collect();
        plan::diff(Present { state: &self.state, numbers: &numbers }, wanted)
    }

    /// Does it. Interfaces that fail are told in the result and in the status, and are tried again by the
    /// next plan; the rest goes on.
    pub fn apply(&mut self, plan: Plan, now: Duration) -> Applied {
        let _ = now;
        let mut applied = Applied::default();
        for step in &plan.steps {
            self.apply_step(step, &plan, &mut applied);
        }
        self.state = plan.wanted;
        applied
    }

    fn apply_step(&mut self, step: &Step, plan: &Plan, applied: &mut Applied) {
        match step {
            Step::DeleteInterface { bridge, interface } => self.delete_interface(bridge, interface),
            Step::DeleteBridge { bridge } => self.remembered.retain(|key, _| key.0 != *bridge),
            Step::AddInterface { bridge, port, interface } => {
                if let Some(wanted) = find(plan, bridge, port, interface) {
                    let result = self.add_interface(bridge, port, wanted);
                    self.note(bridge, interface, result, applied);
                }
            }
            Step::ConfigureInterface { bridge, port, interface } => {
                if let Some(wanted) = find(plan, bridge, port, interface) {
                    let result = self.configure_interface(bridge, wanted);
                    self.note(bridge, interface, result, applied);
                }
            }
            Step::DeletePort { .. }
            | Step::AddBridge { .. }
            | Step::ConfigureBridge { .. }
            | Step::ConfigurePort { .. }
            | Step::ConfigureSwitch => {}
        }
    }

    fn note(
        &mut self,
        bridge: &str,
        interface: &str,
        result: Result<ovs_flow::OfPort, crate::InterfaceError>,
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

fn find<'a>(plan: &'a Plan, bridge: &str, port: &str, interface: &str) -> Option<&'a InterfaceConfig> {
    let ports: &BTreeMap<_, _> = &plan.wanted.bridges.get(bridge)?.ports;
    ports.get(port)?.interfaces.iter().find(|i| i.name == interface)
}
