//! NORMAL: an ordinary learning switch.

use ovs_flow::{OfPort, VLAN_CFI};

use super::context::Context;
use super::vlan::{self, Vlan};
use super::{Dep, Push};
use crate::VlanMode;
use crate::mac_learning::mac_key;
use crate::snapshot::BundleSnap;
use crate::trace::{NodeKind, Tracer};

const ARP: u16 = 0x0806;

/// Which bundle a packet came in by.
#[derive(Clone, Copy)]
enum Source<'s> {
    /// One of the bridge's.
    Bundle(usize, &'s BundleSnap),
    /// A controller: every VLAN, nothing is learned.
    Nowhere,
}

impl<'s, T: Tracer> Context<'s, T> {
    /// Forwards as an ordinary learning switch does.
    pub(super) fn normal(&mut self) {
        let fields = &mut self.mask.fields;
        (fields.dl_src, fields.dl_dst) = ([0xff; 6], [0xff; 6]);
        let tci = fields.vlans[0].tci.get();
        fields.vlans[0].tci.set(tci | VLAN_CFI | 0x0fff);
        let Some(source) = self.source() else {
            self.warn(|| "no input bundle, dropping".into());
            return;
        };
        if matches!(self.flow.dl_type.get(), 0x8100 | 0x88a8) && self.flow.vlans[0].tci.get() & VLAN_CFI == 0
        {
            self.warn(|| "dropping packet with partial VLAN tag received on port".into());
            return;
        }
        let tag = Vlan::of(self.flow.vlans[0]);
        if !self.admits_vlan(source, tag.vid) || !self.admits_address() {
            return;
        }
        let vlan = match source {
            Source::Bundle(_, bundle) => vlan::on_input(bundle, tag),
            Source::Nowhere => tag,
        };
        self.look_at_gratuitous_arp();
        self.learn(source, vlan.vid);
        self.forward(source, vlan);
    }

    fn source(&mut self) -> Option<Source<'s>> {
        let port = self.flow.of_port();
        if matches!(port, OfPort::NONE | OfPort::CONTROLLER) {
            return Some(Source::Nowhere);
        }
        let bridge = self.bridge;
        if !bridge.ports.contains_key(&port) {
            self.fail_softly(|| format!("received packet on unknown port {port}"));
        }
        bridge.bundle_of(port).map(|(index, bundle)| Source::Bundle(index, bundle))
    }

    fn admits_vlan(&mut self, source: Source<'_>, vid: u16) -> bool {
        let Source::Bundle(_, bundle) = source else { return true };
        if vlan::accepts(bundle, vid) {
            return true;
        }
        let name = &bundle.name;
        self.report(NodeKind::Error, || match bundle.mode {
            VlanMode::Access => format!(
                "dropping VLAN {vid} tagged packet received on port {name} configured as VLAN {} access port",
                bundle.vlan
            ),
            _ => format!(
                "dropping VLAN {vid} packet received on port {name} not configured for trunking VLAN {vid}"
            ),
        });
        self.warn(|| "disallowed VLAN VID for this input port, dropping".into());
        false
    }

    fn admits_address(&mut self) -> bool {
        let reserved = matches!(self.flow.dl_dst, [0x01, 0x80, 0xc2, 0, 0, 0..=0x0f]);
        if reserved && !self.bridge.forward_bpdu {
            self.detail(|| "packet has reserved destination MAC, dropping".into());
            return false;
        }
        true
    }

    /// Learning treats gratuitous ARP apart, so the bits that tell it are looked at.
    fn look_at_gratuitous_arp(&mut self) {
        if self.flow.dl_type.get() != ARP || self.flow.dl_dst != [0xff; 6] {
            return;
        }
        self.mask.fields.nw_proto = 0xff;
        if self.flow.nw_proto == 1 {
            self.mask.fields.nw_src.set(u32::MAX);
            self.mask.fields.nw_dst.set(u32::MAX);
        }
    }

    fn learn(&mut self, source: Source<'_>, vid: u16) {
        let mac = self.flow.dl_src;
        if let (Source::Bundle(_, bundle), 0) = (source, mac[0] & 1) {
            let port = bundle.members.first().copied().unwrap_or_default();
            self.push.push(Push::Learn { bridge: self.bridge.id, vlan: vid, mac, port });
        }
    }

    fn forward(&mut self, source: Source<'s>, vlan: Vlan) {
        let bridge = self.bridge;
        let destination = self.flow.dl_dst;
        let known = if destination[0] & 1 == 0 {
            self.depend(Dep::Mac(bridge.id, mac_key(vlan.vid, destination)));
            bridge.macs.get(vlan.vid, destination)
        } else {
            None
        };
        let Some(port) = known else {
            self.detail(|| "no learned MAC for destination, flooding".into());
            self.flood_vlan(source, vlan);
            return;
        };
        let came_from = match source {
            Source::Bundle(index, _) => Some(index),
            Source::Nowhere => None,
        };
        match bridge.bundle_of(port) {
            Some((index, _)) if Some(index) == came_from => {
                self.detail(|| "learned port is input port, dropping".into());
            }
            Some((_, bundle)) => {
                self.detail(|| "forwarding to learned port".into());
                self.output_bundle(source, bundle, vlan);
            }
            None => self.detail(|| "learned port is unknown, dropping".into()),
        }
    }

    fn flood_vlan(&mut self, source: Source<'s>, vlan: Vlan) {
        let bridge = self.bridge;
        for (index, bundle) in bridge.bundles.iter().enumerate() {
            let from_here = matches!(source, Source::Bundle(from, _) if from == index);
            if !from_here && bundle.floodable && bundle.includes_vlan(vlan.vid) {
                self.output_bundle(source, bundle, vlan);
            }
        }
    }

    fn output_bundle(&mut self, source: Source<'_>, bundle: &BundleSnap, vlan: Vlan) {
        let Some(port) = bundle.members.first().copied() else { return };
        let before = self.flow.vlans;
        // A priority tag on an access port says no VLAN: it does not stay behind the one that is put on.
        let access_in = matches!(source, Source::Bundle(_, from) if from.mode == VlanMode::Access);
        self.flow.vlans = vlan::on_output(bundle, vlan, before, access_in);
        self.output_port(port);
        self.flow.vlans = before;
    }
}
