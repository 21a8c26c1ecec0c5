//! Mirrors: copies of packets that come in or go out.
//!
//! A packet is copied as it is at the moment, just before the first table or just after its output. It goes to one
//! destination once, which also ends the loops that mirrors of mirrors make.

use std::sync::Arc;

use ovs_flow::{OfPort, VLAN_CFI};

use super::Push;
use super::bundle_vlan::{self, Vlans};
use super::context::Context;
use super::normal::is_reserved;
use crate::snapshot::{BundleSnap, MirrorSnap, MirrorTo};
use crate::trace::Tracer;

impl<T: Tracer> Context<'_, T> {
    /// A packet has come in.
    pub(super) fn mirror_input(&mut self) {
        if let Some((_, bundle)) = self.bridge.bundle_of(self.flow.of_port()) {
            self.mirror(bundle, bundle.mirrors.src);
        }
    }

    /// A packet has gone out by a port.
    pub(super) fn mirror_output(&mut self, port: OfPort) {
        if let Some((_, bundle)) = self.bridge.bundle_of(port) {
            self.mirror(bundle, bundle.mirrors.dst);
        }
    }

    /// Copies the packet to those of a set of mirrors that want it and have not got it yet.
    fn mirror(&mut self, bundle: &BundleSnap, candidates: u32) {
        if self.bridge.mirrors.is_empty() {
            return;
        }
        let tags = Vlans::of(self.flow.vlans);
        if !self.accepts_vlan(bundle, tags.vid()) {
            return;
        }
        if candidates & !self.mirrored == 0 {
            return;
        }
        let vlans = bundle_vlan::on_input(bundle, tags);
        let bridge = self.bridge;
        for mirror in &bridge.mirrors {
            // Serving one mirror may have served others.
            if candidates & !self.mirrored & mirror.bit != 0 && self.selects(mirror, vlans.vid()) {
                self.mirrored |= mirror.same_output;
                self.push.push(Push::Rule(Arc::clone(&mirror.stats)));
                let outer = std::mem::replace(&mut self.snaplen, mirror.snaplen);
                self.copy_to(mirror.output, vlans);
                self.snaplen = outer;
            }
        }
    }

    fn selects(&mut self, mirror: &MirrorSnap, vid: u16) -> bool {
        if let Some(wanted) = &mirror.vlans {
            let tci = &mut self.mask.fields.vlans[0].tci;
            tci.set(tci.get() | VLAN_CFI | 0x0fff);
            if !wanted.contains(vid) {
                return false;
            }
        }
        let Some(filter) = &mirror.filter else { return true };
        for (looked_at, bits) in self.mask.fields.words_mut().iter_mut().zip(filter.mask.words()) {
            *looked_at |= bits;
        }
        filter.matches(&self.flow)
    }

    fn copy_to(&mut self, output: MirrorTo, vlans: Vlans) {
        let bridge = self.bridge;
        match output {
            MirrorTo::Bundle(index) => {
                if let Some(bundle) = bridge.bundles.get(index) {
                    self.output_bundle(bundle, vlans);
                }
            }
            // What other switches would take for themselves stays out of their VLAN; and what came by it stays, too.
            MirrorTo::Vlan(vid) if vlans.vid() != vid && !is_reserved(self.flow.dl_dst) => {
                let mut vlans = vlans;
                vlans.0[0].vid = vid;
                for bundle in &bridge.bundles {
                    if !bundle.mirrors.out && bundle.includes_vlans(vlans.vids()) {
                        self.output_bundle(bundle, vlans);
                    }
                }
            }
            MirrorTo::Vlan(_) => {}
        }
    }
}
