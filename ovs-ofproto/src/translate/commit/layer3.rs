//! IPv4, IPv6 and ARP headers.

use ovs_dpif::{Action as DpAction, SetField, SlowPath, WholeIp};
use ovs_flow::{FlowKey, U32};

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
                    self.commit_neighbour_extension();
                    self.commit_neighbour();
                }
            }
            0x0806 => self.commit_arp(),
            _ => {}
        }
    }

    fn commit_ipv4(&mut self) {
        let of = |key: &FlowKey| (key.nw_src, key.nw_dst, key.nw_tos, key.nw_ttl);
        if of(&self.flow) == of(&self.base) {
            return;
        }
        let writes = self.writes();
        let (flow, base, mask) = (&self.flow, &mut self.base, &mut self.mask.fields);
        if writes.whole {
            mask.nw_src.set(u32::MAX);
            mask.nw_dst.set(u32::MAX);
            (mask.nw_tos, mask.nw_ttl) = (0xff, 0xff);
        }
        let address = |new: U32, old: U32, bits: U32| {
            writes.of(new.get().to_be_bytes(), old.get().to_be_bytes(), bits.get().to_be_bytes())
        };
        let src = address(flow.nw_src, base.nw_src, mask.nw_src);
        let dst = address(flow.nw_dst, base.nw_dst, mask.nw_dst);
        let tos = writes.of(flow.nw_tos, base.nw_tos, mask.nw_tos);
        let ttl = writes.of(flow.nw_ttl, base.nw_ttl, mask.nw_ttl);
        let whole = writes.whole.then(|| facts(flow));
        self.out.push(DpAction::Set(SetField::Ipv4 { src, dst, tos, ttl, whole }));
        (base.nw_src, base.nw_dst) = (flow.nw_src, flow.nw_dst);
        (base.nw_tos, base.nw_ttl) = (flow.nw_tos, flow.nw_ttl);
    }

    fn commit_ipv6(&mut self) {
        let of = |key: &FlowKey| (key.ipv6_src, key.ipv6_dst, key.ipv6_label, key.nw_tos, key.nw_ttl);
        if of(&self.flow) == of(&self.base) {
            return;
        }
        let writes = self.writes();
        if writes.whole {
            let mask = &mut self.mask.fields;
            (mask.ipv6_src, mask.ipv6_dst) = ([0xff; 16], [0xff; 16]);
            mask.ipv6_label.set(u32::MAX);
            (mask.nw_tos, mask.nw_ttl) = (0xff, 0xff);
        }
        let (flow, base, mask) = (&self.flow, &mut self.base, &self.mask.fields);
        let src = writes.of(flow.ipv6_src, base.ipv6_src, mask.ipv6_src);
        let dst = writes.of(flow.ipv6_dst, base.ipv6_dst, mask.ipv6_dst);
        let label = writes.of(flow.ipv6_label.get(), base.ipv6_label.get(), mask.ipv6_label.get());
        let tclass = writes.of(flow.nw_tos, base.nw_tos, mask.nw_tos);
        let hlimit = writes.of(flow.nw_ttl, base.nw_ttl, mask.nw_ttl);
        let whole = writes.whole.then(|| facts(flow));
        self.out.push(DpAction::Set(SetField::Ipv6 { src, dst, label, tclass, hlimit, whole }));
        (base.ipv6_src, base.ipv6_dst) = (flow.ipv6_src, flow.ipv6_dst);
        base.ipv6_label = flow.ipv6_label;
        (base.nw_tos, base.nw_ttl) = (flow.nw_tos, flow.nw_ttl);
    }

    fn commit_arp(&mut self) {
        let (flow, base, mask) = (&self.flow, &self.base, &self.mask.fields);
        let address = |new: U32, old: U32, bits: U32| {
            masked(new.get().to_be_bytes(), old.get().to_be_bytes(), bits.get().to_be_bytes())
        };
        let sip = address(flow.nw_src, base.nw_src, mask.nw_src);
        let tip = address(flow.nw_dst, base.nw_dst, mask.nw_dst);
        // The key has the low byte of the operation; the high one is zero, and known with it.
        let bits = if mask.nw_proto == 0xff { u16::MAX } else { u16::from(mask.nw_proto) };
        let op = masked(u16::from(flow.nw_proto), u16::from(base.nw_proto), bits);
        let sha = masked(flow.arp_sha, base.arp_sha, mask.arp_sha);
        let tha = masked(flow.arp_tha, base.arp_tha, mask.arp_tha);
        let of = |key: &FlowKey| (key.nw_src, key.nw_dst, key.nw_proto, key.arp_sha, key.arp_tha);
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
        let of = |key: &FlowKey| (key.nd_target, key.arp_sha, key.arp_tha);
        if of(flow) != of(base) {
            self.out.push(DpAction::Set(SetField::Nd { target, sll, tll }));
            let flow = &self.flow;
            self.base.nd_target = flow.nd_target;
            (self.base.arp_sha, self.base.arp_tha) = (flow.arp_sha, flow.arp_tha);
            self.go_slow(SlowPath::Action);
        }
    }

    fn commit_neighbour_extension(&mut self) {
        if !matches!(self.base.tp_src.get(), 135 | 136) {
            return;
        }
        let (flow, base, mask) = (&self.flow, &self.base, &self.mask.fields);
        let reserved = masked(flow.nd_reserved.get(), base.nd_reserved.get(), mask.nd_reserved.get());
        let option = masked(flow.nd_options_type, base.nd_options_type, mask.nd_options_type);
        let of = |key: &FlowKey| (key.nd_reserved, key.nd_options_type);
        if of(flow) != of(base) {
            self.out.push(DpAction::Set(SetField::NdExtension { reserved, option }));
            let flow = &self.flow;
            (self.base.nd_reserved, self.base.nd_options_type) = (flow.nd_reserved, flow.nd_options_type);
            self.go_slow(SlowPath::Action);
        }
    }
}

/// What is told of a header that is written as a whole.
fn facts(flow: &FlowKey) -> WholeIp {
    WholeIp { proto: flow.nw_proto, frag: flow.nw_frag }
}

/// Whether there would be something to write to a network header.
fn differs(flow: &FlowKey, base: &FlowKey) -> bool {
    let of = |key: &FlowKey| {
        let addresses = (key.nw_src, key.nw_dst, key.ipv6_src, key.ipv6_dst, key.ipv6_label);
        (addresses, key.nw_tos, key.nw_ttl)
    };
    matches!(base.ethertype(), 0x0800 | 0x86dd) && of(flow) != of(base)
}
