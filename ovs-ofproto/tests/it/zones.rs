//! Zones of the connection tracker as the configuration has them.

use ovs_flow::text::NoNames;
use ovs_ofproto::ovs_dpif::conntrack::{Phase, TimeoutPolicy};
use ovs_ofproto::{FailMode, ZoneConfig, ZonesConfig};
use ovs_openflow::FlowModCommand;
use ovs_openflow::text::parse_flow_mod;

use crate::world::{Below, World, bridge, state};

fn timeouts(seconds: u32) -> ZoneConfig {
    let mut policy = TimeoutPolicy::default();
    policy.set(Phase::UdpFirst, seconds);
    ZoneConfig::default().timeouts(Some(policy))
}

#[test]
fn timeouts_go_into_commits_and_limits_into_the_tracker() {
    let mut world = World::new(Below::Userspace { workers: 1 });
    let br0 = || bridge("br0", &["p1"]).fail_mode(FailMode::Secure);
    let zones = ZonesConfig::default()
        .default_limit(Some(100))
        .zone(5, timeouts(7).limit(Some(3)))
        .zone(6, timeouts(7))
        .zone(7, timeouts(8));
    world.apply(&state([br0()]).zones(zones));
    let rule =
        "udp,actions=ct(commit,zone=5),ct(zone=5),ct(commit,zone=6),ct(commit,zone=7),ct(commit,zone=8)";
    let change = parse_flow_mod(FlowModCommand::Add, rule, &NoNames).unwrap();
    world.switch.bridge("br0").unwrap().flow_mod(&change).unwrap();
    let now = world.now;
    let trace = world.switch.trace_text("br0", "in_port=1,udp", &[], now).unwrap();
    // As the original numbers them: equal policies share one.
    let wanted = "ct(commit,zone=5,timeout=1),ct(zone=5),ct(commit,zone=6,timeout=1),ct(commit,zone=7,timeout=2),\
                  ct(commit,zone=8)\n";
    assert!(trace.contains(&format!("Datapath actions: {wanted}")), "{trace}");
    let tracker = world.switch.dpif().conntrack().unwrap().clone();
    assert_eq!((tracker.default_limit(), tracker.limit(5).limit, tracker.limit(6).limit), (100, 3, 100));
    world.apply(&state([br0()]).zones(ZonesConfig::default().zone(7, timeouts(8))));
    assert_eq!((tracker.default_limit(), tracker.limit(5).limit), (0, 0));
    let trace = world.switch.trace_text("br0", "in_port=1,udp", &[], now).unwrap();
    assert!(
        trace.contains("ct(commit,zone=5),ct(zone=5),ct(commit,zone=6),ct(commit,zone=7,timeout=2)"),
        "{trace}"
    );
}
