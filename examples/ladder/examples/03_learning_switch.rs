//! Step 3, a learning switch over three dummy ports. There is no thread, clock or socket in it: this program lets
//! frames arrive, and calls the worker and the switch in turn.
//!
//! `cargo run -p ladder --example 03_learning_switch`
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::time::Duration;

use ovs_dpif::text::DisplayFlow;
use ovs_dpif::{Budget, FlowCursor, UserspaceConfig, UserspaceDatapath};
use ovs_flow::text::NoNames;
use ovs_netdev::Registry;
use ovs_netdev::dummy::Dummies;
use ovs_ofproto::{BridgeConfig, DesiredState, InterfaceConfig, PortConfig, Switch, SwitchConfig};

/// Bits of work that the switch may do in one turn.
const BUDGET: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    // Devices are made by name: "internal" is the type of a bridge's own port.
    let dummies = Dummies::new();
    let mut registry = Registry::new();
    registry.register(Box::new(dummies.factory("dummy")));
    registry.register_as("internal", Box::new(dummies.factory("dummy-internal")));

    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    let mut worker = datapath.add_worker(None);
    let mut switch = Switch::new(SwitchConfig::default(), registry, Box::new(datapath));

    // What shall be is a value; the plan that leads there can be looked at before it is carried out.
    let port = |name: &str| PortConfig::new(name).interface(InterfaceConfig::new(name, "dummy"));
    let bridge = ["p1", "p2", "p3"].into_iter().map(port).fold(BridgeConfig::new("br0"), BridgeConfig::port);
    let plan = switch.plan(&DesiredState::default().bridge(bridge));
    print!("{plan}");
    switch.apply(plan, Duration::ZERO);

    let mut now = Duration::ZERO;
    for (text, port, destination, source) in [
        ("a host on p1 calls one that nobody knows", "p1", 2, 1),
        ("it answers on p2", "p2", 1, 2),
        ("the next frame goes straight there", "p1", 2, 1),
    ] {
        let device = dummies.handle(port).ok_or("no such device")?;
        device.receive(frame(destination, source));
        for _ in 0..4 {
            now += Duration::from_millis(100);
            worker.poll(now, Budget::default());
            switch.poll(now, BUDGET);
        }
        let sent = dummies.handles().into_iter().filter(|device| !device.take_sent().is_empty());
        let names: Vec<String> = sent.map(|device| device.name().to_owned()).collect();
        println!("{text}: sent by {}", names.join(" "));
    }
    println!("megaflows:");
    switch.dpif_mut().dump_flows(&mut FlowCursor::default(), 100, &mut |flow| {
        println!("    {}", DisplayFlow::new(&flow, now, &NoNames));
    });
    println!("packets that are not accounted for: {}", switch.dpif().ledger().imbalance());
    Ok(())
}

/// A frame between two hosts.
fn frame(destination: u8, source: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, destination, 2, 0, 0, 0, 0, source, 0x88, 0xb5];
    frame.resize(60, 0);
    frame
}
