//! NORMAL: an ordinary learning switch.

use ovs_flow::{OfPort, VLAN_CFI};
use ovs_netdev::EtherAddr;

use super::bundle_vlan::{self, Vlans};
use super::context::Context;
use super::vlan::EXACT;
use super::{Dep, Push};
use crate::VlanMode;
use crate::mac_learning::mac_key;
use crate::snapshot::BundleSnap;
use crate::trace::Tracer;

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
        let tags = Vlans::of(self.flow.vlans);
        let vlans = match source {
            Source::Bundle(_, bundle) => {
                if !self.admits_vlan(bundle, tags.vid()) {
                    return;
                }
                bundle_vlan::on_input(bundle, tags)
            }
            Source::Nowhere => tags,
        };
        if !self.admits_address() {
            return;
        }
        self.look_at_gratuitous_arp();
        self.learn(source, vlans.vid());
        self.forward(source, vlans);
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

    fn admits_vlan(&mut self, bundle: &BundleSnap, vid: u16) -> bool {
        if bundle.mirrors.out {
            self.warn(|| "input port is mirror output port, dropping".into());
            return false;
        }
        if !self.accepts_vlan(bundle, vid) {
            self.warn(|| "disallowed VLAN VID for this input port, dropping".into());
            return false;
        }
        true
    }

    fn admits_address(&mut self) -> bool {
        if is_reserved(self.flow.dl_dst) && !self.bridge.forward_bpdu {
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
        if let (Source::Bundle(_, bundle), 0, false) = (source, mac[0] & 1, self.bridge.floods_vlan(vid)) {
            let port = bundle.members.first().copied().unwrap_or_default();
            if T::ACTIVE && !self.dry && !self.knows(vid, mac, port) {
                let (name, address) = (&bundle.name, EtherAddr(mac));
                self.detail(|| format!("learned that {address} is on port {name} in VLAN {vid}"));
            }
            self.push.push(Push::Learn { bridge: self.bridge.id, vlan: vid, mac, port });
        }
    }

    /// Whether an address is known to be behind a port, be it by this packet.
    fn knows(&self, vid: u16, mac: [u8; 6], port: OfPort) -> bool {
        self.bridge.macs.get(vid, mac) == Some(port) || self.just_learned(vid, mac) == Some(port)
    }

    /// Where an address is by what a trace has learned of its packet so far: the original learns at once.
    fn just_learned(&self, vid: u16, address: [u8; 6]) -> Option<OfPort> {
        let here = (self.bridge.id, vid, address);
        let learned = |push: &Push| match *push {
            Push::Learn { bridge, vlan, mac, port } if (bridge, vlan, mac) == here => Some(port),
            _ => None,
        };
        if T::ACTIVE && !self.dry { self.push.iter().rev().find_map(learned) } else { None }
    }

    /// Where an address is, as far as is known.
    fn known(&mut self, vid: u16, mac: [u8; 6]) -> Option<OfPort> {
        if mac[0] & 1 == 1 || self.bridge.floods_vlan(vid) {
            return None;
        }
        self.depend(Dep::Mac(self.bridge.id, mac_key(vid, mac)));
        self.bridge.macs.get(vid, mac).or_else(|| self.just_learned(vid, mac))
    }

    fn forward(&mut self, source: Source<'s>, vlans: Vlans) {
        let Some(port) = self.known(vlans.vid(), self.flow.dl_dst) else {
            self.detail(|| "no learned MAC for destination, flooding".into());
            self.flood_vlan(source, vlans);
            return;
        };
        let came_from = match source {
            Source::Bundle(index, _) => Some(index),
            Source::Nowhere => None,
        };
        match self.bridge.bundle_of(port) {
            Some((_, bundle)) if bundle.mirrors.out => {
                self.warn(|| "learned port is a mirror port, dropping".into());
            }
            Some((index, _)) if Some(index) == came_from => {
                self.detail(|| "learned port is input port, dropping".into());
            }
            Some((_, bundle)) => {
                self.detail(|| "forwarding to learned port".into());
                self.output_bundle(bundle, vlans);
            }
            None => self.detail(|| "learned port is unknown, dropping".into()),
        }
    }

    fn flood_vlan(&mut self, source: Source<'s>, vlans: Vlans) {
        let bridge = self.bridge;
        for (index, bundle) in bridge.bundles.iter().enumerate() {
            let from_here = matches!(source, Source::Bundle(from, _) if from == index);
            let takes = bundle.floodable && !bundle.mirrors.out && bundle.includes_vlans(vlans.vids());
            if !from_here && takes {
                self.output_bundle(bundle, vlans);
            }
        }
    }

    /// Sends a packet of some VLANs out of a bundle, with the tags that they have there.
    pub(super) fn output_bundle(&mut self, bundle: &BundleSnap, vlans: Vlans) {
        let Some(port) = bundle.members.first().copied() else { return };
        if bundle.cvlans.is_some() && bundle.mode == VlanMode::Dot1qTunnel {
            self.mask.fields.vlans[1] = EXACT;
        }
        let before = self.flow.vlans;
        self.flow.vlans = bundle_vlan::on_output(bundle, vlans, before);
        self.output_port_of_many(port);
        self.flow.vlans = before;
    }
}

/// Whether an address is for switches and not for what is behind them: those of 802.1D, and of other protocols that
/// networks use among their parts.
pub(super) fn is_reserved(mac: [u8; 6]) -> bool {
    match mac {
        [0x01, 0x80, 0xc2, 0x00, 0x00, last] => last <= 0x0f,
        // Discovery and automatic protection of Extreme's.
        [0x00, 0xe0, 0x2b, 0x00, 0x00, last] => matches!(last, 0x00 | 0x04 | 0x06),
        // Cisco's: discovery, trunking, spanning trees, fault management, inter-switch links.
        [0x01, 0x00, 0x0c, 0xcc, 0xcc, last] => last & 0xf0 == 0xc0,
        [0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd] | [0x01, 0x00, 0x0c, 0x00, 0x00, 0x00] => true,
        _ => false,
    }
}
