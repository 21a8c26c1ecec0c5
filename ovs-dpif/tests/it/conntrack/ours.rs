//! Our datapath, with the pipelines on it.

use std::time::Duration;

use ovs_dpif::Verdict;
use ovs_dpif::conntrack::{CtCursor, CtFilter};
use ovs_dpif::ovs_netdev::dummy::DummyHandle;
use ovs_dpif::text::DisplayConnection;

use super::pipelines::actions;
use crate::rig::{Factory, Rig, Script};

pub struct Ours {
    pub rig: Rig,
    ports: [DummyHandle; 2],
}

impl Ours {
    pub fn new(mut rig: Rig) -> Self {
        let ports = [rig.port("p1", 1), rig.port("p2", 2)];
        let script =
            Script::new(|upcall| Verdict::Forward { actions: actions(upcall.key).into(), install: None });
        rig.dpif.set_handler(std::sync::Arc::new(Factory(script)));
        rig.settle();
        Self { rig, ports }
    }

    /// Gives it packets by a port; returns what comes out of the other one.
    pub fn through(&mut self, port: usize, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        for frame in frames {
            self.ports[port - 1].receive(frame.clone());
            self.rig.settle();
        }
        assert!(self.ports[port - 1].take_sent().is_empty());
        self.ports[2 - port].take_sent()
    }

    /// The same, but the packets come together.
    pub fn together(&mut self, port: usize, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        for frame in frames {
            assert!(self.ports[port - 1].receive(frame.clone()));
        }
        self.rig.settle();
        assert!(self.ports[port - 1].take_sent().is_empty());
        self.ports[2 - port].take_sent()
    }

    pub fn pass(&mut self, time: Duration) {
        self.rig.now += time;
        self.rig.settle();
    }

    /// The connections of a zone as `dpctl/dump-conntrack -m -s` prints them, in order.
    pub fn dump(&self, zone: u16) -> Vec<String> {
        let mut lines = Vec::new();
        let conntrack = self.rig.dpif.conntrack().unwrap();
        let mut cursor = CtCursor::default();
        let filter = CtFilter::of_zone(zone);
        while conntrack.dump(&mut cursor, &filter, self.rig.now, &mut |view| {
            lines.push(DisplayConnection { view: &view, more: true, times: true }.to_string());
        }) {}
        lines.sort();
        lines
    }
}
