//! Meters: of flows, and of what goes to controllers.

use ovs_dpif::{Action as DpAction, MeterId, SampleAction};
use ovs_openflow::MeterConfig;

use super::Dep;
use super::context::Context;
use crate::trace::Tracer;

impl<T: Tracer> Context<'_, T> {
    /// `meter`: what it drops goes nowhere.
    pub(super) fn meter(&mut self, meter: u32) {
        let found = self.find_meter(meter);
        self.out.extend(found.map(DpAction::Meter));
    }

    /// A packet for a controller, behind the meter that was asked for, or behind the bridge's for controllers. The meter
    /// drops that copy alone.
    pub(super) fn metered(&mut self, asked: u32, action: DpAction) -> DpAction {
        let meter = self.find_meter(asked).or_else(|| self.find_meter(MeterConfig::CONTROLLER));
        behind(meter, action)
    }

    /// The datapath's number of a meter.
    pub(super) fn find_meter(&mut self, meter: u32) -> Option<MeterId> {
        let bridge = self.bridge;
        if meter == 0 {
            return None;
        }
        self.depend(Dep::Meter(bridge.id, meter));
        bridge.meters.get(&meter).copied()
    }
}

/// An action behind a meter, on a copy of the packet.
pub(super) fn behind(meter: Option<MeterId>, action: DpAction) -> DpAction {
    match meter {
        None => action,
        Some(meter) => DpAction::Sample(SampleAction {
            probability: u32::MAX,
            actions: [DpAction::Meter(meter), action].into(),
        }),
    }
}
