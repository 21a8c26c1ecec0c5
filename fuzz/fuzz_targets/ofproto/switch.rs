//! A switch that is made in microseconds: one bridge, a few devices in memory, no threads, small limits.

use std::time::Duration;

use ovs_dpif::{NaiveDatapath, NaiveWorker};
use ovs_netdev::Registry;
use ovs_netdev::dummy::Dummies;
use ovs_ofproto::{
    BridgeConfig, DesiredState, FailMode, InterfaceConfig, Limits, PortConfig, Switch, SwitchConfig,
};

/// The bytes that may wait on a connection before its requests wait.
pub const OUTPUT: usize = 1 << 16;
const INPUT: usize = 1 << 17;

/// What a target needs of a switch.
pub struct Small {
    pub switch: Switch,
    pub worker: NaiveWorker,
    #[allow(dead_code, reason = "not every target gives packets to devices")]
    pub dummies: Dummies,
    pub now: Duration,
}

impl Small {
    /// A bridge `br0` with the ports `p1` to `pN`.
    pub fn new(ports: usize, mode: FailMode) -> Self {
        let dummies = Dummies::new();
        let mut registry = Registry::new();
        registry.register(Box::new(dummies.factory("dummy")));
        registry.register_as("internal", Box::new(dummies.factory("dummy-internal")));
        let dpif = NaiveDatapath::new("dp", "dummy", 1, 100);
        let worker = dpif.worker();
        let limits = Limits::default()
            .output_buffer(OUTPUT)
            .input_buffer(INPUT)
            .rules_per_table(1000)
            .masks_per_table(1000)
            .bundle_messages(1000)
            .effects(64);
        let mut switch = Switch::new(SwitchConfig::default().limits(limits), registry, Box::new(dpif));
        let mut bridge = BridgeConfig::new("br0").fail_mode(mode);
        bridge.mac_table_size = 64;
        for n in 1..=ports {
            let name = format!("p{n}");
            bridge = bridge.port(PortConfig::new(&name).interface(InterfaceConfig::new(&name, "dummy")));
        }
        let plan = switch.plan(&DesiredState::default().bridge(bridge));
        let now = Duration::from_secs(1);
        switch.apply(plan, now);
        Self { switch, worker, dummies, now }
    }

    /// Lets datapath and switch do what they have to do.
    pub fn turn(&mut self, times: usize) {
        for _ in 0..times {
            self.worker.run(self.now);
            self.switch.poll(self.now, 1000);
        }
    }
}
