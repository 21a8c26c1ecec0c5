//! Packets that are the switch's own affair, whatever the rules say.

use ovs_dpif::SlowPath;

use super::context::Context;
use crate::bfd;
use crate::trace::Tracer;

const IPV4: u16 = 0x0800;
const UDP: u8 = 17;

/// Which control packets a port's session takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BfdFilter {
    /// The Ethernet destination that they must have.
    pub dst: Option<[u8; 6]>,
    /// They must have come with tunnel key 0.
    pub keyless: bool,
}

impl<T: Tracer> Context<'_, T> {
    /// Whether the packet is for a session of forwarding detection on its port: rules do not see it then.
    pub(super) fn is_for_session(&mut self) -> bool {
        let port = self.bridge.ports.get(&self.flow.of_port());
        let Some(filter) = port.and_then(|port| port.bfd) else { return false };
        let (flow, mask) = (&self.flow, &mut self.mask.fields);
        if let Some(dst) = filter.dst {
            mask.dl_dst = [0xff; 6];
            if flow.dl_dst != dst {
                return false;
            }
        }
        if flow.ethertype() != IPV4 {
            return false;
        }
        mask.nw_proto = 0xff;
        if flow.nw_proto != UDP {
            return false;
        }
        mask.tp_dst.set(u16::MAX);
        if flow.tp_dst.get() != bfd::PORT {
            return false;
        }
        if filter.keyless {
            mask.tunnel.id.set(u64::MAX);
            if flow.tunnel.id.get() != 0 {
                return false;
            }
        }
        self.go_slow(SlowPath::Bfd);
        true
    }
}
