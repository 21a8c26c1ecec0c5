//! TCP, UDP and SCTP ports, ICMP type and code.

use ovs_dpif::{Action as DpAction, SetField, SlowPath};

use super::masked;
use crate::trace::Tracer;
use crate::translate::context::Context;

impl<T: Tracer> Context<'_, T> {
    pub(super) fn commit_layer4(&mut self) {
        let (flow, base, mask) = (&self.flow, &self.base, &self.mask.fields);
        let is_ip = matches!(base.ethertype(), 0x0800 | 0x86dd);
        if !is_ip || (flow.tp_src, flow.tp_dst) == (base.tp_src, base.tp_dst) {
            return;
        }
        let src = masked(flow.tp_src.get(), base.tp_src.get(), mask.tp_src.get());
        let dst = masked(flow.tp_dst.get(), base.tp_dst.get(), mask.tp_dst.get());
        let low =
            |part: ovs_dpif::Masked<u16>| ovs_dpif::Masked { value: part.value as u8, mask: part.mask as u8 };
        let set = match flow.nw_proto {
            6 => SetField::Tcp { src, dst },
            17 => SetField::Udp { src, dst },
            132 => SetField::Sctp { src, dst },
            1 | 58 => SetField::Icmp { kind: low(src), code: low(dst) },
            _ => return,
        };
        let by_hand = matches!(set, SetField::Icmp { .. });
        self.out.push(DpAction::Set(set));
        (self.base.tp_src, self.base.tp_dst) = (self.flow.tp_src, self.flow.tp_dst);
        if by_hand {
            self.go_slow(SlowPath::Action);
        }
    }
}
