//! TCP, UDP and SCTP ports, ICMP type and code.

use ovs_dpif::{Action as DpAction, Masked, SetField, SlowPath};

use crate::trace::Tracer;
use crate::translate::context::Context;

impl<T: Tracer> Context<'_, T> {
    pub(super) fn commit_layer4(&mut self) {
        let writes = self.writes();
        let (flow, base, mask) = (&self.flow, &self.base, &mut self.mask.fields);
        let is_ip = matches!(base.ethertype(), 0x0800 | 0x86dd);
        if !is_ip || (flow.tp_src, flow.tp_dst) == (base.tp_src, base.tp_dst) {
            return;
        }
        if writes.whole && matches!(flow.nw_proto, 6 | 17 | 132) {
            mask.tp_src.set(u16::MAX);
            mask.tp_dst.set(u16::MAX);
        }
        let src = writes.of(flow.tp_src.get(), base.tp_src.get(), mask.tp_src.get());
        let dst = writes.of(flow.tp_dst.get(), base.tp_dst.get(), mask.tp_dst.get());
        // Type and code are written as a whole.
        let kind = Masked::exact(flow.tp_src.get() as u8);
        let code = Masked::exact(flow.tp_dst.get() as u8);
        let set = match flow.nw_proto {
            6 => SetField::Tcp { src, dst },
            17 => SetField::Udp { src, dst },
            132 => SetField::Sctp { src, dst },
            1 => SetField::Icmp { kind, code },
            58 => SetField::Icmpv6 { kind, code },
            _ => return,
        };
        let by_hand = matches!(set, SetField::Icmp { .. } | SetField::Icmpv6 { .. });
        self.out.push(DpAction::Set(set));
        (self.base.tp_src, self.base.tp_dst) = (self.flow.tp_src, self.flow.tp_dst);
        if by_hand {
            // Type and code are bytes.
            let fields = &mut self.mask.fields;
            fields.tp_src.set(0xff);
            fields.tp_dst.set(0xff);
            self.go_slow(SlowPath::Action);
        }
    }
}
