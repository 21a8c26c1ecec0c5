//! Output to a tunnel: outer headers, the way to the other end, and on as a packet of the bridge that the way leads through.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ovs_dpif::{
    Action as DpAction, CheckPktLenAction, DropReason, PuntCookie, TnlPush, TooBigPunt, UserspaceAction,
};
use ovs_flow::{DpPort, FlowKey, OfPort, TunnelKey};
use ovs_netdev::EtherAddr;

use super::context::Context;
use super::encap::ETHERTYPES;
use super::tunnel_key::Outside;
use super::{Dep, Push, Solicit};
use crate::neighbor::neighbor_key;
use crate::snapshot::{BridgeId, BridgeSnap};
use crate::trace::Tracer;
use crate::tunnel::{Carries, Inner, Outer, Remote, TooBig, TunnelConfig, build, wrap};

const CONGESTION: u8 = 3;
const ECT_0: u8 = 2;
/// Bytes of an Ethernet header.
const ETHERNET: u16 = 14;

/// Ends of a tunnel for one packet; no source if the route says it.
struct Ends {
    src: Option<IpAddr>,
    dst: IpAddr,
}

/// The way to the other end.
struct Way<'s> {
    bridge: &'s BridgeSnap,
    local: DpPort,
    src: IpAddr,
    dst_mac: EtherAddr,
}

/// An address of outer headers, if there is one.
fn address(v4: u32, v6: [u8; 16]) -> Option<IpAddr> {
    let v6 = Ipv6Addr::from(v6);
    let v4: Option<IpAddr> = (v4 != 0).then(|| Ipv4Addr::from(v4).into());
    v4.or((!v6.is_unspecified()).then_some(v6.into()))
}

fn destination(tunnel: &TunnelKey) -> Option<IpAddr> {
    address(tunnel.dst.get(), tunnel.ipv6_dst)
}

impl<'s, T: Tracer> Context<'s, T> {
    /// Sends a packet through a tunnel.
    pub(super) fn output_tunnel(&mut self, number: OfPort, tunnel: &'s TunnelConfig, dp_port: DpPort) {
        let (tos, ttl) = self.tunnel_tos_ttl(tunnel);
        let own = destination(&self.original.tunnel);
        let Some(ends) = self.tunnel_ends(tunnel).filter(|ends| Some(ends.dst) != own) else {
            self.warn(|| "Not tunneling to our own address".into());
            return;
        };
        if let Some(mark) = tunnel.egress_mark {
            self.flow.pkt_mark = mark;
            self.mask.fields.pkt_mark = u32::MAX;
        }
        if !self.snapshot.world.features.tnl_push_pop {
            self.output_by_key(number, tunnel, dp_port, &Outside { src: ends.src, dst: ends.dst, tos, ttl });
            return;
        }
        self.commit();
        self.detail(|| "output to native tunnel".into());
        let Some(way) = self.way_to(&ends) else { return };
        let packet_type = self.packet_type_in(tunnel);
        let inner =
            Inner { packet_type, flow: &self.flow.tunnel, options: &self.bridge.options, dst: ends.dst };
        let Some(wrap) = wrap(tunnel, &inner) else {
            self.tunnel_drop(DropReason::TunnelHeader);
            self.warn(|| "native tunnel header build failed".into());
            return;
        };
        let outer = Outer {
            src_mac: way.bridge.local_mac.0,
            dst_mac: way.dst_mac.0,
            src: way.src,
            dst: ends.dst,
            tos,
            ttl,
            dont_fragment: tunnel.dont_fragment,
            wrap,
        };
        let push = TnlPush {
            port: dp_port,
            out_port: way.local,
            source_ports: self.snapshot.world.source_ports,
            sequence: tunnel.sequence.clone(),
            label: tunnel.label,
            ..TnlPush::new(tunnel.kind(), build(&outer))
        };
        let bare = self.bare(packet_type);
        self.go_on_outside((self.bridge.id, number), bare, push, outer.key(), &way, tunnel.too_big);
    }

    /// The type of what goes into a tunnel: of a frame that it cannot carry, that of what is in the frame.
    fn packet_type_in(&self, tunnel: &TunnelConfig) -> u32 {
        match self.flow.packet_type.get() {
            0 if tunnel.carries == Carries::Packets => ETHERTYPES | u32::from(self.flow.ethertype()),
            own => own,
        }
    }

    /// What makes the packet one of that type: tags and the Ethernet header come off for this output alone.
    fn bare(&mut self, packet_type: u32) -> Vec<DpAction> {
        if self.flow.packet_type.get() == packet_type {
            return Vec::new();
        }
        let (flow, base, mask) = (self.flow, self.base, self.mask);
        let actions = self.collect(|context| {
            context.flow.vlans = Default::default();
            context.commit();
            context.flow.packet_type.set(packet_type);
            (context.flow.dl_src, context.flow.dl_dst) = ([0; 6], [0; 6]);
            context.commit();
        });
        (self.flow, self.base, self.mask) = (flow, base, mask);
        if self.flow.vlans[0].tci.get() != 0 {
            // How many tags come off depends on there being any.
            self.mask.fields.vlans[0].tci.set(self.mask.fields.vlans[0].tci.get() | ovs_flow::VLAN_CFI);
        }
        actions
    }

    /// The ends that the interface or the flow names.
    fn tunnel_ends(&self, tunnel: &TunnelConfig) -> Option<Ends> {
        let flow = &self.flow.tunnel;
        let dst = match tunnel.remote {
            Remote::Fixed(address) => address,
            _ => destination(flow)?,
        };
        let src = match tunnel.local {
            Remote::Fixed(address) => Some(address),
            Remote::Flow => address(flow.src.get(), flow.ipv6_src),
            Remote::Any => None,
        };
        Some(Ends { src, dst })
    }

    /// Type of service and time to live of the outer header. Congestion that the packet has met stays told inside: outside it is
    /// a packet that can be marked, as with the original.
    fn tunnel_tos_ttl(&mut self, tunnel: &TunnelConfig) -> (u8, u8) {
        let is_ip = matches!(self.flow.ethertype(), 0x0800 | 0x86dd);
        let (flow, mask) = (&self.flow, &mut self.mask.fields);
        let mut tos = tunnel.tos.unwrap_or(0);
        let mut ttl = tunnel.ttl.unwrap_or(64);
        if is_ip {
            if tunnel.tos.is_none() {
                tos = flow.nw_tos & 0xfc;
                mask.nw_tos |= 0xfc;
            }
            if tunnel.ttl.is_none() {
                (ttl, mask.nw_ttl) = (flow.nw_ttl, 0xff);
            }
            mask.nw_tos |= 3;
            let ecn = flow.nw_tos & 3;
            tos |= if ecn == CONGESTION { ECT_0 } else { ecn };
        }
        (tos, ttl)
    }

    /// Finds device, source and neighbour; a neighbour that is not known is asked for.
    fn way_to(&mut self, ends: &Ends) -> Option<Way<'s>> {
        let world = &self.snapshot.world;
        let hop = world.router.lookup(ends.dst, ends.src, self.flow.pkt_mark);
        let found = hop.and_then(|hop| {
            let bridge = world.bridges.values().find(|bridge| *bridge.name == *hop.device)?;
            let local = bridge.ports.get(&OfPort::LOCAL)?.dp_port?;
            Some((hop, bridge, local))
        });
        let Some((hop, bridge, local)) = found else {
            self.tunnel_drop(DropReason::TunnelNoRoute);
            self.fail_softly(|| "native tunnel routing failed".into());
            return None;
        };
        let next = hop.gateway.unwrap_or(ends.dst);
        self.detail(|| format!("tunneling to {next} via {}", hop.device));
        self.depend(Dep::Bridge(bridge.id));
        self.depend(Dep::Neighbor(neighbor_key(&bridge.name, next)));
        let name = (Arc::clone(&bridge.name), next);
        let Some(dst_mac) = world.neighbors.get(&name).copied() else {
            let what = if next.is_ipv4() { "ARP" } else { "ND" };
            self.detail(|| {
                format!("neighbor cache miss for {next} on bridge {}, sending {what} request", hop.device)
            });
            self.push.push(Push::Solicit(Arc::new(Solicit {
                bridge: bridge.id,
                mac: bridge.local_mac,
                source: hop.source,
                target: next,
            })));
            self.tunnel_drop(DropReason::TunnelNoNeighbor);
            return None;
        };
        self.push.push(Push::Neighbor { device: Arc::clone(&bridge.name), address: next, learned: None });
        let (src, own, dst) = (hop.source, bridge.local_mac, ends.dst);
        self.detail(|| format!("tunneling from {own} {src} to {dst_mac} {dst}"));
        Some(Way { bridge, local, src, dst_mac })
    }

    /// Remembers why a packet that goes nowhere else is dropped.
    pub(super) fn tunnel_drop(&mut self, reason: DropReason) {
        self.dropped.get_or_insert(reason);
    }

    /// Translation goes on with the outer packet, from the local port of the bridge that the way leads through, and comes back.
    fn go_on_outside(
        &mut self,
        tunnel: (BridgeId, OfPort),
        bare: Vec<DpAction>,
        push: TnlPush,
        mut outer: FlowKey,
        way: &Way<'s>,
        too_big: TooBig,
    ) {
        if !self.may_go_on() {
            return;
        }
        let bytes = push.header.len() as u16;
        self.push.push(Push::Tunnel { port: tunnel, header: bytes, incoming: false });
        outer.in_port = u32::from(OfPort::LOCAL.0);
        outer.pkt_mark = self.flow.pkt_mark;
        outer.actset_output = u32::from(OfPort::UNSET.0);
        // Which bits of a header are looked at that we have just made says nothing of the packet inside.
        let before = (std::mem::take(&mut self.mask), self.base, self.last);
        let (was_mpls, conntracked) = (self.was_mpls, self.conntracked);
        (self.was_mpls, self.conntracked) = (false, false);
        (self.base, self.last) = (outer, true);
        let unwrapped = bare.len();
        let mut inner = self.collect(|context| {
            context.out.extend(bare);
            if let Some(max_len) = context.cut_in_tunnel.take() {
                context.out.push(DpAction::Trunc(max_len));
            }
            // Outside it is a packet as any other.
            let snaplen = context.snaplen.take();
            let before = context.out.len();
            context.out.push(DpAction::TnlPush(Box::new(push)));
            context.run_in(way.bridge, &outer);
            context.snaplen = snaplen;
            // What nobody takes outside needs no header.
            if context.out.len() == before + 1 {
                context.out.clear();
            }
        });
        (self.mask, self.base, self.last) = before;
        (self.was_mpls, self.conntracked) = (was_mpls, conntracked);
        self.push.push(Push::TunnelEnd { header: bytes });
        if inner.is_empty() {
            return;
        }
        if let Some(most) = way.most(bytes).filter(|_| too_big != TooBig::Send) {
            // An Ethernet header comes off at most.
            let most = if unwrapped == 0 { most } else { most.saturating_add(ETHERNET) };
            let greater = too_long(too_big, tunnel, most);
            let check = CheckPktLenAction { len: most, greater, less_equal: inner.into() };
            inner = vec![DpAction::CheckPktLen(check)];
        }
        if self.last {
            self.out.extend(inner);
        } else {
            self.push_copy(inner);
        }
    }
}

/// What becomes of a frame that is longer than `most` bytes.
fn too_long(too_big: TooBig, (bridge, port): (BridgeId, OfPort), most: u16) -> ovs_dpif::Actions {
    if too_big == TooBig::Icmp {
        let cookie = PuntCookie::TooBig(TooBigPunt { bridge: bridge.0, port: port.0, most });
        return [DpAction::Userspace(UserspaceAction { cookie, egress: None })].into();
    }
    DropReason::TunnelTooBig.drop_code().map(DpAction::Drop).into_iter().collect()
}

impl Way<'_> {
    /// The bytes of the longest packet that fits with so many bytes of headers, if the device's limit is known.
    fn most(&self, header: u16) -> Option<u16> {
        let most = u32::from(ETHERNET) + self.bridge.local_mtu?;
        Some(u16::try_from(most).unwrap_or(u16::MAX).saturating_sub(header))
    }
}
