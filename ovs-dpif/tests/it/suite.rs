//! What every datapath does.

use ovs_dpif::ovs_flow::DpPort;
use ovs_dpif::{DropReason, Event, Op, Verdict};

use crate::rig::{Factory, Rig, Script, frame, install, output};

#[test]
fn two_ports_forward() {
    Rig::each(|mut rig| {
        let (p1, p2) = (rig.port("p1", 1), rig.port("p2", 2));
        let script = Script::new(|upcall| install(upcall.key, [output(3 - upcall.key.in_port)]));
        rig.dpif.set_handler(std::sync::Arc::new(Factory(script.clone())));
        rig.settle();
        for n in 0..100 {
            p1.receive(frame(n));
        }
        p2.receive(frame(200));
        rig.settle();
        assert_eq!(p2.take_sent(), (0..100).map(frame).collect::<Vec<_>>());
        assert_eq!(p1.take_sent(), [frame(200)]);
        let stats = rig.dpif.stats();
        assert_eq!((stats.hit + stats.missed, stats.flows), (101, 2));
        // Each worker that has flows has the mask.
        assert!((1..=2).contains(&stats.masks));
        assert_eq!(script.log.lock().unwrap().misses.len(), 2);
    });
}

#[test]
fn without_a_handler_misses_are_dropped_by_name() {
    Rig::each(|mut rig| {
        let p1 = rig.port("p1", 1);
        p1.receive(frame(0));
        rig.settle();
        assert_eq!(rig.dropped(DropReason::Upcall), 1);
        assert_eq!(rig.dpif.stats().lost, 1);
    });
}

#[test]
fn a_removed_port_is_gone_and_its_name_free() {
    Rig::each(|mut rig| {
        let (p1, p2) = (rig.port("p1", 1), rig.port("p2", 2));
        let script = Script::new(|_| Verdict::Forward { actions: [output(2)].into(), install: None });
        rig.dpif.set_handler(std::sync::Arc::new(Factory(script)));
        rig.settle();
        rig.dpif.remove_port(DpPort(2)).unwrap();
        rig.settle();
        assert!(rig.events.iter().any(|event| matches!(event, Event::PortGone(DpPort(2)))));
        assert!(!p2.is_open());
        p1.receive(frame(0));
        rig.settle();
        assert_eq!(rig.dropped(DropReason::InvalidPort), 1);
        rig.port("p2", 2);
    });
}

#[test]
fn operations_complete() {
    Rig::each(|mut rig| {
        let ticket = rig.dpif.submit(Op::Sync).unwrap();
        rig.settle();
        assert!(
            rig.events.iter().any(|e| matches!(e, Event::Done { ticket: t, result: Ok(_) } if *t == ticket))
        );
    });
}
