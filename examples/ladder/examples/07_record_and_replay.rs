//! Step 7, a record that is replayed: one switch records what its port p1 receives; a second switch, whose p1 is that
//! file, sends the same packets by the same ports.
//!
//! `cargo run -p ladder --example 07_record_and_replay`
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use ovs_dpif::{Budget, UserspaceConfig, UserspaceDatapath};
use ovs_netdev::dummy::Dummies;
use ovs_netdev::{Registry, pcap::PcapFactory};
use ovs_ofproto::{BridgeConfig, DesiredState, InterfaceConfig, PortConfig, Switch, SwitchConfig};

/// Bits of work that the switch may do in one turn.
const BUDGET: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("replay-{}.pcap", std::process::id()));
    let frames: Vec<Vec<u8>> = (0..100_u8).map(|which| frame(which, 60 + 7 * usize::from(which))).collect();
    // Options of any device: what it receives goes into a file, too.
    let first = run(InterfaceConfig::new("p1", "dummy").option("record-rx", text(&file)), &frames)?;
    let second = run(InterfaceConfig::new("p1", "pcap").option("rxq_pcap", text(&file)), &[])?;
    println!("first: {} packets sent by p2, {} by p3", first[0].len(), first[1].len());
    println!("second: the same: {}", first == second);
    Ok(std::fs::remove_file(&file)?)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// What a new switch sends by p2 and p3 of what comes by p1, where `frames` arrive if it is a dummy.
fn run(p1: InterfaceConfig, frames: &[Vec<u8>]) -> Result<[Vec<Vec<u8>>; 2], Box<dyn Error>> {
    let dummies = Dummies::new();
    let mut registry = Registry::new();
    registry.register(Box::new(dummies.factory("dummy")));
    registry.register(Box::new(PcapFactory));
    registry.register_as("internal", Box::new(dummies.factory("dummy-internal")));
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    let mut worker = datapath.add_worker(None);
    let mut switch = Switch::new(SwitchConfig::default(), registry, Box::new(datapath));

    let mut bridge = BridgeConfig::new("br0");
    let others = ["p2", "p3"].map(|name| InterfaceConfig::new(name, "dummy"));
    for interface in std::iter::once(p1).chain(others) {
        bridge = bridge.port(PortConfig::new(interface.name.clone()).interface(interface));
    }
    let plan = switch.plan(&DesiredState::default().bridge(bridge));
    switch.apply(plan, Duration::ZERO);
    if let Some(p1) = dummies.handle("p1") {
        for frame in frames {
            p1.receive(frame.clone());
        }
    }
    for turn in 1..20 {
        let now = Duration::from_millis(10 * turn);
        worker.poll(now, Budget::default());
        switch.poll(now, BUDGET);
    }
    let sent = |name| dummies.handle(name).map(|port| port.take_sent()).ok_or("no such device");
    Ok([sent("p2")?, sent("p3")?])
}

/// A frame of `len` bytes from a host that moves about, to one that nobody knows.
fn frame(which: u8, len: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 1, which, 2, 0, 0, 0, 0, which % 5, 0x88, 0xb5];
    frame.resize(len, which);
    frame
}
