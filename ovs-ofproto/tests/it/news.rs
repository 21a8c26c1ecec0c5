//! What workers tell is acted on at once, and once more if the world has changed meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ovs_flow::OfPort;
use ovs_ofproto::FailMode;
use ovs_ofproto::ovs_openflow::Action;

use crate::client::flow;
use crate::world::{Below, World, bridge, frame, mac, state};

/// Counts how often it is woken.
#[derive(Debug, Default)]
struct Counter(AtomicUsize);

impl ovs_dpif::Waker for Counter {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_miss_on_a_worker_made_earlier_wakes_who_polls_the_switch() {
    let mut world = World::new(Below::Userspace { workers: 1 });
    let counter = Arc::new(Counter::default());
    world.switch.set_waker(Arc::clone(&counter) as Arc<dyn ovs_dpif::Waker>);
    world.apply(&state([bridge("br0", &["p1", "p2"])]));
    let before = counter.0.load(Ordering::Relaxed);
    world.send("p1", &frame(mac(2), mac(1)));
    assert!(counter.0.load(Ordering::Relaxed) > before, "the switch sleeps through what it is to learn");
}

#[test]
fn a_change_during_a_change_of_a_megaflow_is_not_forgotten() {
    let mut world = World::new(Below::Userspace { workers: 2 });
    world.apply(&state([bridge("br0", &["p1", "p2", "p3", "p4"]).fail_mode(FailMode::Secure)]));
    let output = |world: &mut World, port| {
        let one = flow("in_port=1", 10, vec![Action::output(OfPort(port))]);
        world.switch.bridge("br0").expect("bridge").flow_mod(&one).expect("taken");
        // The workers are not polled: what the switch asks of them stays under way.
        world.switch.poll(world.now, 10_000);
    };
    output(&mut world, 2);
    assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p2"]);
    output(&mut world, 3);
    output(&mut world, 4);
    world.settle();
    assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p4"]);
}
