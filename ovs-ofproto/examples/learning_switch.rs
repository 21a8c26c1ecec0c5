//! A learning switch over three dummy ports, polled by hand: no thread, no clock, no socket.
//!
//! ```text
//! cargo run -p ovs-ofproto --example learning_switch
//! ```

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use ovs_ofproto::ovs_dpif::{Budget, UserspaceConfig, UserspaceDatapath, Worker};
use ovs_ofproto::ovs_netdev::{Registry, dummy::Dummies};
use ovs_ofproto::{BridgeConfig, DesiredState, InterfaceConfig, PortConfig, Switch, SwitchConfig};

/// One turn of everything, as often as it takes for a packet to get through.
fn run(switch: &mut Switch, worker: &mut Worker, now: Duration) {
    for _ in 0..8 {
        worker.poll(now, Budget::default());
        switch.poll(now, 1000);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let dummies = Dummies::new();
    let mut registry = Registry::new();
    registry.register(Box::new(dummies.factory("dummy")));
    registry.register_as("internal", Box::new(dummies.factory("internal")));

    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    let mut worker = datapath.add_worker(None);
    let mut switch = Switch::new(SwitchConfig::default(), registry, Box::new(datapath));

    let port = |name: &str| PortConfig::new(name).interface(InterfaceConfig::new(name, "dummy"));
    let bridge = BridgeConfig::new("br0").port(port("p1")).port(port("p2")).port(port("p3"));
    let plan = switch.plan(&DesiredState::default().bridge(bridge));
    write!(out, "the plan:\n{plan}")?;
    let now = Duration::from_secs(1);
    switch.apply(plan, now);

    let frame = |to: u8, from: u8| [[2, 0, 0, 0, 0, to], [2, 0, 0, 0, 0, from]].concat();
    for (device, to, from) in [("p1", 2, 1), ("p2", 1, 2), ("p1", 2, 1)] {
        let mut bytes = frame(to, from);
        bytes.extend([0x88, 0xb5]);
        bytes.resize(60, 0);
        dummies.handle(device).ok_or("no such device")?.receive(bytes);
        run(&mut switch, &mut worker, now);
        let left: Vec<String> = dummies
            .handles()
            .iter()
            .flat_map(|handle| handle.take_sent().into_iter().map(|_| handle.name().to_owned()))
            .collect();
        writeln!(out, "from host {from} to host {to}, in by {device}: out by {}", left.join(", "))?;
    }
    write!(out, "what it has learned:\n{}", switch.fdb_text("br0", now))?;
    Ok(())
}
