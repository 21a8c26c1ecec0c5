//! IPv4, IPv6 and ARP headers.

use ovs_dpif::{Action as DpAction, SetField, SlowPath};

use super::masked;
use crate::trace::Tracer;
use crate::translate::context::Context;

impl<T: Tracer> Context<'_, T> {
    pub(super) fn commit_layer3(&mut self) {
        // Without a protocol there is no such header, or it was cut off; or it is hidden behind what was a label.
        if self.flow.nw_proto == 0 {
            let hidden = self.base.nw_proto != 0;
            if !hidden && self.flow.dl_type == self.base.dl_type && differs(&self.flow, &self.base) {
                self.mask.fields.nw_proto = 0xff;
            }
            return;
        }
        match self.base.ethertype() {
            0x0800 => self.commit_ipv4(),
            0x86dd => {
                self.commit_ipv6();
                if self.base.nw_proto == 58 {
                    self.commit_neighbour();
                }
            }
            0x0806 => self.commit_arp(),
            _ => {}
        }
    }

    fn commit_ipv4(&mut self) {
        let (flow, base, mask) = (&self.flow, &self.base, &self.mask.fields);
        let address = |new: ovs_flow::U32, old: ovs_flow::U32, bits: ovs_flow::U32| {
            masked(new.get().to_be_bytes(), old.get().to_be_bytes(), bits.get().to_be_bytes())
        };
        let src = address(flow.nw_src, base.nw_src, mask.nw_src);
        let dst = address(flow.nw_dst, base.nw_dst, mask.nw_dst);
        let tos = masked(flow.nw_tos, base.nw_tos, mask.nw_tos);
        let ttl = masked(flow.nw_ttl, base.nw_ttl, mask.nw_ttl);
        let of = |key: &ovs_flow::FlowKey| (key.nw_src, key.nw_dst, key.nw_tos, key.nw_ttl);
        if of(flow) != of(base) {
            self.out.push(DpAction::Set(SetField::Ipv4 { src, dst, tos, ttl }));
            let flow = &self.flow;
            (self.base.nw_src, self.base.nw_dst) = (flow.nw_src, flow.nw_dst);
            (self.base.nw_tos, self.base.nw_ttl) = (flow.nw_tos, flow.nw_ttl);
        }
    }

    fn commit_ipv6(&mut self) {
        let (flow, base, mask) = (&self.flow, &self.base, &self.mask.fields);
        let src = masked(flow.ipv6_src, base.ipv6_src, mask.ipv6_src);
        let dst = masked(flow.ipv6_dst, base.ipv6_dst, mask.ipv6_dst);
        let label = masked(flow.ipv6_label.get(), base.ipv6_label.get(), mask.ipv6_label.get());
        let tclass = masked(flow.nw_tos, base.nw_tos, mask.nw_tos);
        let hlimit = masked(flow.nw_ttl, base.nw_ttl, mask.nw_ttl);
        let of =
            |key: &ovs_flow::FlowKey| (key.ipv6_src, key.ipv6_dst, key.ipv6_label, key.nw_tos, key.nw_ttl);
        if of(flow) != of(base) {
            self.out.push(DpAction::Set(SetField::Ipv6 { src, dst, label, tclass, hlimit }));
            let flow = &self.flow;
            (self.base.ipv6_src, self.base.ipv6_dst) = (flow.ipv6_src, flow.ipv6_dst);
            self.base.ipv6_label = flow.ipv6_label;
            (self.base.nw_tos, self.base.nw_ttl) = (flow.nw_tos, flow.nw_ttl);
        }
    }

    fn commit_arp(&mut self) {
        let (flow, base, mask) = (&self.flow, &self.base, &self.mask.fields);
        let address = |new: ovs_flow::U32, old: ovs_flow::U32, bits: ovs_flow::U32| {
            masked(new.get().to_be_bytes(), old.get().to_be_bytes(), bits.get().to_be_bytes())
        };
        let sip = address(flow.nw_src, base.nw_src, mask.nw_src);
        let tip = address(flow.nw_dst, base.nw_dst, mask.nw_dst);
        // The key has the low byte of the operation; the high one is zero, and known with it.
        let bits = if mask.nw_proto == 0xff { u16::MAX } else { u16::from(mask.nw_proto) };
        let op = masked(u16::from(flow.nw_proto), u16::from(base.nw_proto), bits);
        let sha = masked(flow.arp_sha, base.arp_sha, mask.arp_sha);
        let tha = masked(flow.arp_tha, base.arp_tha, mask.arp_tha);
        let of = |key: &ovs_flow::FlowKey| (key.nw_src, key.nw_dst, key.nw_proto, key.arp_sha, key.arp_tha);
        if of(flow) != of(base) {
            self.out.push(DpAction::Set(SetField::Arp { sip, tip, op, sha, tha }));
            let flow = &self.flow;
            (self.base.nw_src, self.base.nw_dst) = (flow.nw_src, flow.nw_dst);
            self.base.nw_proto = flow.nw_proto;
            (self.base.arp_sha, self.base.arp_tha) = (flow.arp_sha, flow.arp_tha);
            self.go_slow(SlowPath::Action);
        }
    }

    fn commit_neighbour(&mut self) {
        if !matches!(self.base.tp_src.get(), 135 | 136) {
            return;
        }
        let (flow, base, mask) = (&self.flow, &self.base, &self.mask.fields);
        let target = masked(flow.nd_target, base.nd_target, mask.nd_target);
        let sll = masked(flow.arp_sha, base.arp_sha, mask.arp_sha);
        let tll = masked(flow.arp_tha, base.arp_tha, mask.arp_tha);
        let of = |key: &ovs_flow::FlowKey| (key.nd_target, key.arp_sha, key.arp_tha);
        if of(flow) != of(base) {
            self.out.push(DpAction::Set(SetField::Nd { target, sll, tll }));
            let flow = &self.flow;
            self.base.nd_target = flow.nd_target;
            (self.base.arp_sha, self.base.arp_tha) = (flow.arp_sha, flow.arp_tha);
            self.go_slow(SlowPath::Action);
        }
    }
}

/// Whether there would be something to write to a network header.
fn differs(flow: &ovs_flow::FlowKey, base: &ovs_flow::FlowKey) -> bool {
    let of = |key: &ovs_flow::FlowKey| {
        let addresses = (key.nw_src, key.nw_dst, key.ipv6_src, key.ipv6_dst, key.ipv6_label);
        (addresses, key.nw_tos, key.nw_ttl)
    };
    matches!(base.ethertype(), 0x0800 | 0x86dd) && of(flow) != of(base)
}
