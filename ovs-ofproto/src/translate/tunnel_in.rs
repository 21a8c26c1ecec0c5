//! Packets that came through a tunnel, and those that end in one: what is delivered to a bridge's local port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ovs_dpif::{Action as DpAction, DropReason};
use ovs_netdev::EtherAddr;

use super::Push;
use super::context::Context;
use crate::trace::Tracer;
use crate::tunnel::{Carries, Pop};

const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
const ARP_REPLY: u8 = 2;
const ICMPV6: u8 = 58;
const ND_ADVERT: u16 = 136;
const CONGESTION: u8 = 3;

/// What the outer header's congestion mark means for a packet (RFC 6040 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Congestion {
    /// Nothing, or it has the mark already.
    Nothing,
    /// It gets the mark.
    Mark,
    /// It could not tell anyone: it is dropped.
    Drop,
}

impl<T: Tracer> Context<'_, T> {
    /// Takes the outer header's congestion mark over; `false` if the packet is to be dropped.
    pub(super) fn take_congestion(&mut self) -> bool {
        let tunnel = &self.flow.tunnel;
        let is_ip = matches!(self.flow.ethertype(), 0x0800 | IPV6);
        if !tunnel.is_present() || tunnel.tos & 3 != CONGESTION || !is_ip {
            return true;
        }
        self.mask.fields.nw_tos |= 3;
        match congestion(tunnel.tos, self.flow.nw_tos) {
            Congestion::Nothing => true,
            Congestion::Mark => {
                self.may_differ = true;
                self.flow.nw_tos |= CONGESTION;
                true
            }
            Congestion::Drop => {
                self.tunnel_drop(DropReason::Congestion);
                false
            }
        }
    }

    /// A bare packet that came by a tunnel whose packets rules see as frames gets a header without addresses.
    pub(super) fn frame_of_tunnel(&mut self) {
        let kind = self.flow.packet_type.get();
        let port = self.bridge.ports.get(&self.flow.of_port());
        let tunnel = port.and_then(|port| port.tunnel.as_deref());
        if kind >> 16 == 1 && tunnel.is_some_and(|tunnel| tunnel.carries == Carries::Packets) {
            self.may_differ = true;
            self.flow.packet_type.set(0);
            self.flow.dl_type.set(kind as u16);
            (self.flow.dl_src, self.flow.dl_dst) = ([0; 6], [0; 6]);
            self.pending_encap = true;
        }
    }

    /// What goes to the local port: answers of neighbours are learned from, and what ends in a tunnel goes into that
    /// instead. `false` if the packet is to be sent out of the port after all.
    pub(super) fn end_tunnel(&mut self) -> bool {
        let world = &self.snapshot.world;
        if !world.features.tnl_push_pop || world.tunnels.is_empty() || self.bridge.local_addresses.is_empty()
        {
            return false;
        }
        self.mask.fields.dl_dst = [0xff; 6];
        match self.flow.ethertype() {
            ARP => self.snoop_arp(),
            IPV6 if self.is_advert() => self.snoop_advert(),
            0x0800 | IPV6 => {
                if let Some(pop) = world.ends.find(&self.flow, &mut self.mask, self.guard) {
                    let Pop { port, format, mirrored } = pop;
                    self.out.push(DpAction::TnlPop { port, format, mirrored });
                    return true;
                }
            }
            _ => {}
        }
        false
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.bridge.local_addresses.contains(&address)
    }

    fn snoop_arp(&mut self) {
        let mask = &mut self.mask.fields;
        // As with the original, addresses are looked at before what is said of them.
        mask.nw_src.set(u32::MAX);
        mask.nw_dst.set(u32::MAX);
        let address = |word: u32| IpAddr::from(Ipv4Addr::from(word));
        if !self.is_own(address(self.flow.nw_dst.get())) {
            return;
        }
        self.mask.fields.nw_proto = 0xff;
        if self.flow.nw_proto == ARP_REPLY {
            self.mask.fields.arp_sha = [0xff; 6];
            self.learn_neighbor(address(self.flow.nw_src.get()), self.flow.arp_sha);
        }
    }

    fn is_advert(&mut self) -> bool {
        self.mask.fields.nw_proto = 0xff;
        if self.flow.nw_proto != ICMPV6 {
            return false;
        }
        self.mask.fields.tp_src.set(u16::MAX);
        self.flow.tp_src.get() == ND_ADVERT
    }

    fn snoop_advert(&mut self) {
        let mask = &mut self.mask.fields;
        mask.tp_dst.set(u16::MAX);
        (mask.ipv6_src, mask.ipv6_dst, mask.nd_target) = ([0xff; 16], [0xff; 16], [0xff; 16]);
        mask.arp_tha = [0xff; 6];
        let flow = &self.flow;
        let target = IpAddr::from(Ipv6Addr::from(flow.nd_target));
        // Without the option, which the answer to a unicast question may lack, the frame says who it is.
        let mac = if flow.arp_tha == [0; 6] { flow.dl_src } else { flow.arp_tha };
        if flow.tp_dst.get() == 0 && self.is_own(Ipv6Addr::from(flow.ipv6_dst).into()) {
            self.learn_neighbor(target, mac);
        }
    }

    fn learn_neighbor(&mut self, address: IpAddr, mac: [u8; 6]) {
        if mac != [0; 6] && mac[0] & 1 == 0 {
            let device = Arc::clone(&self.bridge.name);
            self.push.push(Push::Neighbor { device, address, learned: Some(EtherAddr(mac)) });
        }
    }
}

/// What becomes of a packet with these types of service outside and inside.
fn congestion(outer: u8, inner: u8) -> Congestion {
    match (outer & 3, inner & 3) {
        (CONGESTION, 0) => Congestion::Drop,
        (CONGESTION, 1 | 2) => Congestion::Mark,
        _ => Congestion::Nothing,
    }
}
