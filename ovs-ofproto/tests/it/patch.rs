//! Patch ports: a packet goes on in the peer's bridge.

use std::time::Duration;

use ovs_ofproto::{FailMode, InterfaceConfig, PortConfig};

use crate::client::flow;
use crate::world::{BELOW, Below, World, bridge, frame, mac, state};
use ovs_flow::OfPort;
use ovs_ofproto::ovs_openflow::Action;

fn patch(name: &str, peer: &str) -> PortConfig {
    PortConfig::new(name).interface(InterfaceConfig::new(name, "patch").option("peer", peer))
}

#[test]
fn two_bridges_are_one_network() {
    for below in BELOW {
        let mut world = World::new(below);
        let br0 = bridge("br0", &["p1"]).port(patch("to1", "to0"));
        let br1 = bridge("br1", &["q1", "q2"]).port(patch("to0", "to1"));
        world.apply(&state([br0, br1]));
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "br1", "q1", "q2"], "{below:?}");
        assert_eq!(world.leaves_by("q1", &frame(mac(1), mac(2))), ["p1"], "{below:?}");
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["q1"], "{below:?}");
        world.pass(Duration::from_secs(1));
        let status = world.switch.status();
        let counters = &status.bridges["br0"].interfaces["to1"].statistics;
        assert_eq!((counters.tx_packets, counters.rx_packets), (Some(2), Some(1)), "{below:?}");
    }
}

#[test]
fn a_loop_of_patches_ends() {
    let mut world = World::new(Below::Naive);
    let br0 =
        bridge("br0", &["p1"]).port(patch("a0", "a1")).port(patch("b0", "b1")).fail_mode(FailMode::Secure);
    let br1 = bridge("br1", &[]).port(patch("a1", "a0")).port(patch("b1", "b0")).fail_mode(FailMode::Secure);
    world.apply(&state([br0, br1]));
    for name in ["br0", "br1"] {
        let flood = flow("", 1, vec![Action::output(OfPort::FLOOD)]);
        world.switch.bridge(name).expect("bridge").flow_mod(&flood).expect("taken");
    }
    world.settle();
    let mut key = ovs_flow::FlowKey::default();
    key.in_port = 1;
    let report = world.switch.trace("br0", &key).expect("bridge");
    assert!(report.result.error.is_some() && report.result.actions.is_empty(), "{:?}", report.result.error);
    world.send("p1", &frame(mac(2), mac(1)));
    assert_eq!(world.switch.dpif().ledger().imbalance(), 0);
}
