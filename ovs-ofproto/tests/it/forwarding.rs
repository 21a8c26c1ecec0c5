//! An ordinary learning switch, without any rule but its own.

use std::time::Duration;

use ovs_flow::VlanId;
use ovs_ofproto::VlanMode;

use crate::world::{BELOW, World, bridge, frame, mac, port, state, tagged};

#[test]
fn learns_and_forwards() {
    for below in BELOW {
        let mut world = World::new(below);
        world.apply(&state([bridge("br0", &["p1", "p2", "p3"])]));
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "p2", "p3"], "{below:?}: flooded");
        assert_eq!(world.leaves_by("p2", &frame(mac(1), mac(2))), ["p1"], "{below:?}: learned");
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p2"], "{below:?}: no longer flooded");
        assert_eq!(
            world.leaves_by("p1", &frame(mac(1), mac(9))),
            Vec::<String>::new(),
            "{below:?}: own port"
        );
        // The host behind p2 moves to p3: what was installed for it is put right.
        assert_eq!(world.leaves_by("p3", &frame(mac(1), mac(2))), ["p1"]);
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p3"], "{below:?}: moved");
        assert_eq!(world.leaves_by("p1", &frame([1, 0x80, 0xc2, 0, 0, 0], mac(1))), Vec::<String>::new());
        let ledger = world.switch.dpif().ledger();
        assert_eq!(ledger.imbalance(), 0, "{below:?}: {ledger:?}");
    }
}

#[test]
fn learned_addresses_age() {
    for below in BELOW {
        let mut world = World::new(below);
        world.apply(&state([bridge("br0", &["p1", "p2", "p3"]).mac_aging(Duration::from_secs(20))]));
        world.send("p2", &frame(mac(1), mac(2)));
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p2"]);
        world.pass(Duration::from_secs(30));
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "p2", "p3"], "{below:?}");
    }
}

#[test]
fn vlans_are_kept_apart() {
    let vlan = |n| VlanId::new(n);
    for below in BELOW {
        let mut world = World::new(below);
        let br0 = bridge("br0", &["trunk"])
            .port(port("a10").tag(vlan(10)))
            .port(port("b10").tag(vlan(10)))
            .port(port("c20").tag(vlan(20)))
            .port(port("nt").vlan_mode(Some(VlanMode::NativeTagged)).tag(vlan(10)))
            .port(port("nu").vlan_mode(Some(VlanMode::NativeUntagged)).tag(vlan(10)))
            .port(port("t20").trunks(vlan(20)));
        world.apply(&state([br0]));
        let plain = frame(mac(2), mac(1));
        let in_10 = tagged(mac(2), mac(1), 10);
        let sent = world.send("a10", &plain);
        let expected = [("b10", &plain), ("br0", &in_10), ("nt", &in_10), ("nu", &plain), ("trunk", &in_10)];
        let expected: Vec<_> =
            expected.into_iter().map(|(name, frame)| (name.to_owned(), frame.clone())).collect();
        assert_eq!(sent, expected, "{below:?}");
        assert_eq!(
            world.leaves_by("c20", &in_10),
            Vec::<String>::new(),
            "{below:?}: tagged on an access port"
        );
        assert_eq!(world.leaves_by("t20", &in_10), Vec::<String>::new(), "{below:?}: not trunked");
        assert_eq!(world.leaves_by("t20", &tagged(mac(7), mac(6), 20)), ["br0", "c20", "nt", "nu", "trunk"]);
        // Learned in VLAN 10 only.
        assert_eq!(world.leaves_by("trunk", &tagged(mac(1), mac(8), 10)), ["a10"]);
        assert_eq!(world.leaves_by("trunk", &tagged(mac(1), mac(8), 20)), ["br0", "c20", "nt", "nu", "t20"]);
    }
}
