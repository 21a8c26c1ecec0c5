//! Several switches in one process: the same under any seed, each with its own clock, and gone when dropped.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_flow::text::NoNames;
use ovs_ofproto::SwitchConfig;
use ovs_ofproto::ovs_netdev::ovs_packet::pcap::Writer;
use ovs_openflow::FlowModCommand;
use ovs_openflow::text::parse_flow_mod;

use crate::world::{BELOW, Below, World, bridge, frame, mac, state, tagged, udp};

const PORTS: [&str; 4] = ["p1", "p2", "p3", "p4"];

/// The next number of a sequence that is the same in every run.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Rules, learning, ageing and changes of rules under 2,000 packets; what each device sent, as pcap files.
fn scenario(below: Below, seed: u64) -> BTreeMap<String, Vec<u8>> {
    let mut world = World::with(below, SwitchConfig::default().seed(seed));
    world.apply(&state([bridge("br0", &PORTS)]));
    let mut files: BTreeMap<String, Writer<Vec<u8>>> = BTreeMap::new();
    let mut draw = 42;
    for step in 0..2000_u64 {
        if step % 400 == 100 {
            let text =
                format!("priority={},udp,nw_dst=10.0.{}.0/24,actions=dec_ttl,output:2", step, step % 7);
            let change = parse_flow_mod(FlowModCommand::Add, &text, &NoNames).unwrap();
            world.switch.bridge("br0").unwrap().flow_mod(&change).unwrap();
            world.settle();
        }
        let (from, to) = (mac((next(&mut draw) % 12) as u8), mac((next(&mut draw) % 12) as u8));
        let bytes = match next(&mut draw) % 3 {
            0 => frame(to, from),
            1 => tagged(to, from, (next(&mut draw) % 4) as u16),
            _ => udp(to, from, [10, 0, (next(&mut draw) % 7) as u8, 1], 80, 64),
        };
        let port = PORTS[(next(&mut draw) % 4) as usize];
        for (name, sent) in world.send(port, &bytes) {
            let file = files.entry(name).or_insert_with(|| Writer::new(Vec::new()).unwrap());
            file.write(world.now.as_nanos() as u64, &sent).unwrap();
        }
        world.now += Duration::from_millis(next(&mut draw) % 500);
    }
    assert_eq!(world.switch.dpif().ledger().imbalance(), 0);
    files.into_iter().map(|(name, file)| (name, file.into_inner())).collect()
}

#[test]
fn seeds_show_nowhere_in_what_is_sent() {
    for below in BELOW {
        let first = scenario(below, 1);
        assert!(first.values().map(Vec::len).sum::<usize>() > 100_000);
        assert!(first == scenario(below, 0x5eed_5eed_5eed_5eed), "{below:?}: the files differ");
    }
}

#[test]
fn switches_with_different_clocks_live_in_one_process() {
    let mut worlds = [1_u64, 5000].map(|start| {
        let mut world = World::new(Below::Userspace { workers: 1 });
        world.now = Duration::from_secs(start);
        world.apply(&state([bridge("br0", &["p1", "p2", "p3"])]));
        world
    });
    for world in &mut worlds {
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "p2", "p3"]);
        assert_eq!(world.leaves_by("p2", &frame(mac(1), mac(2))), ["p1"]);
    }
    // Time passes for one of them alone: it forgets, the other one does not.
    let [first, second] = &mut worlds;
    first.pass(Duration::from_secs(301));
    assert_eq!(first.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "p2", "p3"]);
    assert_eq!(second.leaves_by("p1", &frame(mac(2), mac(1))), ["p2"]);
}

#[test]
fn a_dropped_switch_leaves_no_device() {
    for below in BELOW {
        let mut world = World::new(below);
        world.apply(&state([bridge("br0", &["p1", "p2"])]));
        world.leaves_by("p1", &frame(mac(2), mac(1)));
        let dummies = world.dummies.clone();
        assert_eq!(dummies.handles().len(), 3, "{below:?}");
        drop(world);
        assert!(dummies.handles().is_empty(), "{below:?}");
    }
}
