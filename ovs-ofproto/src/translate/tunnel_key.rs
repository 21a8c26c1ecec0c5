//! Output to a tunnel of a datapath that puts its headers on by itself: it is told what they say.

use std::net::IpAddr;

use ovs_dpif::{Action as DpAction, SetField};
use ovs_flow::{DpPort, OfPort, TunnelFlags, TunnelKey};

use super::Push;
use super::context::Context;
use crate::trace::Tracer;
use crate::tunnel::{Key, TunnelConfig};

/// What outer headers say. Without a source the datapath's routes choose it.
pub(super) struct Outside {
    pub src: Option<IpAddr>,
    pub dst: IpAddr,
    pub tos: u8,
    pub ttl: u8,
}

impl<T: Tracer> Context<'_, T> {
    pub(super) fn output_by_key(
        &mut self,
        number: OfPort,
        tunnel: &TunnelConfig,
        dp_port: DpPort,
        outside: &Outside,
    ) {
        let key = key(&self.flow.tunnel, tunnel, outside);
        self.detail(|| "output to kernel tunnel".into());
        self.out.push(DpAction::Set(SetField::Tunnel(Box::new(key))));
        self.commit();
        self.push.push(Push::Tunnel { port: (self.bridge.id, number), header: 0, incoming: false });
        self.out.push(DpAction::Output(dp_port));
        self.push.push(Push::TunnelEnd { header: 0 });
    }
}

/// What the flow says, under what the interface says.
fn key(flow: &TunnelKey, tunnel: &TunnelConfig, outside: &Outside) -> TunnelKey {
    let mut key = *flow;
    (key.src, key.dst) = (0.into(), 0.into());
    (key.ipv6_src, key.ipv6_dst) = ([0; 16], [0; 16]);
    match outside.src {
        Some(IpAddr::V4(src)) => key.src.set(src.to_bits()),
        Some(IpAddr::V6(src)) => key.ipv6_src = src.octets(),
        None => {}
    }
    match outside.dst {
        IpAddr::V4(dst) => key.dst.set(dst.to_bits()),
        IpAddr::V6(dst) => key.ipv6_dst = dst.octets(),
    }
    if let Some(id) = tunnel.out_key.fixed() {
        key.id.set(id);
    }
    (key.tos, key.ttl) = (outside.tos, outside.ttl);
    key.tp_src.set(0);
    key.tp_dst.set(tunnel.dst_port);
    let mut flags = TunnelFlags::empty();
    flags.set(TunnelFlags::DONT_FRAGMENT, tunnel.dont_fragment);
    flags.set(TunnelFlags::CSUM, tunnel.csum);
    flags.set(TunnelFlags::KEY, tunnel.out_key != Key::Absent);
    key.flags = flags.bits();
    key
}
