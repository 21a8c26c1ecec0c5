//! Limits of reassembly are the datapath's, whichever worker holds what, and what is held goes when its time is over.

use std::sync::Arc;
use std::time::Duration;

use ovs_dpif::fragments::FragmentLimitError;
use ovs_dpif::ovs_flow::DpPort;
use ovs_dpif::ovs_flow::text::NoNames;
use ovs_dpif::ovs_packet::build;
use ovs_dpif::ovs_packet::fragment::Family;
use ovs_dpif::text::parse_actions;
use ovs_dpif::{Action, Actions, DropReason, Verdict};

use crate::rig::{Factory, Rig, Script};

/// The first of two pieces.
fn piece(id: u16) -> Vec<u8> {
    build::frame(&format!("eth / ipv4 10.0.0.1 > 10.0.0.2 mf=1 id={id} / udp 1 > 2 / 1400")).unwrap()
}

#[test]
fn settings_hold_for_all_workers_together() {
    Rig::each(|mut rig| {
        let ports = ["p1", "p2", "p3"].map(|name| rig.port(name, name[1..].parse().unwrap()));
        let out = rig.port("p9", 9);
        let mut actions = parse_actions("ct", &NoNames).unwrap();
        actions.push(Action::Output(DpPort(9)));
        let actions: Actions = actions.into();
        let script = Script::new(move |_| Verdict::Forward { actions: actions.clone(), install: None });
        rig.dpif.set_handler(Arc::new(Factory(script)));
        rig.settle();
        let fragments = rig.dpif.fragments().unwrap().clone();
        assert_eq!((fragments.most(), fragments.least(Family::V6)), (1000, 1280));
        assert_eq!(fragments.set_most(5001), Err(FragmentLimitError::TooMany));
        assert_eq!(fragments.set_least(Family::V4, 399), Err(FragmentLimitError::TooSmall));
        fragments.set_most(2).unwrap();
        // From one port each: the third finds no room, wherever the others are, and is invalid to the tracker.
        for (id, port) in ports.iter().enumerate() {
            port.receive(piece(id as u16));
            rig.settle();
        }
        let status = fragments.status();
        assert_eq!((status.held, status.v4.accepted, fragments.datagrams().len()), (2, 2, 2));
        assert_eq!(out.take_sent().len(), 1);
        // Nothing needs to come for them to go.
        rig.now += Duration::from_secs(16);
        rig.settle();
        let status = fragments.status();
        assert_eq!((status.held, status.v4.expired, rig.dropped(DropReason::FragmentTimeout)), (0, 2, 2));
        fragments.set_enabled(Family::V4, false);
        ports[0].receive(piece(7));
        rig.settle();
        assert_eq!((fragments.status().held, out.take_sent().len()), (0, 1));
    });
}
