//! Interfaces of tunnels: ports of the datapath that they share, and what there is to see of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use ovs_dpif::{PortRequest, TunnelKind};
use ovs_flow::{DpPort, OfPort, TunnelKey};
use ovs_netdev::{Status, TunnelPort};

use super::Switch;
use crate::bridge::{BridgeState, PortRecord};
use crate::tunnel::{Carries, Inner, Key, NO_OPTIONS, Remote, TunnelConfig, TunnelMatch, wrap};
use crate::{InterfaceConfig, InterfaceError, TunnelError};

impl Switch {
    /// Makes the datapath's port of a tunnel, unless another tunnel has it already.
    pub(super) fn add_tunnel(
        &mut self,
        wanted: &InterfaceConfig,
        kind: TunnelKind,
    ) -> Result<(Arc<TunnelConfig>, DpPort), InterfaceError> {
        let config = TunnelConfig::parse(&wanted.name, kind, &wanted.options)?;
        let name = config.system_name();
        let here = self.dpif.ports().into_iter().find(|port| port.name == name && port.kind == kind.name());
        if let Some(dp_port) = here.map(|port| port.number) {
            let same = |port: &&PortRecord| {
                let known = port.tunnel.as_deref().map(|known| TunnelMatch::of(known, dp_port));
                port.dp_port == Some(dp_port) && known == Some(TunnelMatch::of(&config, dp_port))
            };
            if let Some(other) = self.tunnel_ports().find(same) {
                let (name, other) = (wanted.name.clone(), other.name.clone());
                return Err(TunnelError::Duplicate { name, other }.into());
            }
            return Ok((Arc::new(config), dp_port));
        }
        let number = self.dummy_number(&name);
        let device = Box::new(TunnelPort::new(name, kind.name()));
        let added = self.dpif.add_port(PortRequest { device, number });
        let failed = |source| InterfaceError::Datapath { name: wanted.name.clone(), source };
        Ok((Arc::new(config), added.map_err(failed)?))
    }

    fn tunnel_ports(&self) -> impl Iterator<Item = &PortRecord> {
        self.bridges.values().flat_map(|bridge| bridge.ports.values()).filter(|port| port.tunnel.is_some())
    }

    /// Removes the datapath's ports of tunnels that no interface has any more. Not earlier, for an interface that changes goes and
    /// comes again.
    pub(super) fn drop_unused_tunnels(&mut self) {
        for port in self.dpif.ports() {
            if TunnelKind::from_name(port.kind).is_some()
                && !self.has_tunnel(port.number)
                && !self.by_dp.contains_key(&port.number)
                && let Err(error) = self.dpif.remove_port(port.number)
            {
                tracing::warn!(target: "ofproto", "could not remove port {} ({error})", port.name);
            }
        }
    }

    /// Whether a port of the datapath is still that of a tunnel.
    pub(super) fn has_tunnel(&self, dp_port: DpPort) -> bool {
        self.tunnel_ports().any(|port| port.dp_port == Some(dp_port))
    }

    /// What a tunnel says of itself: it is up, has an address of its own, and leads somewhere.
    pub(super) fn tunnel_status(&self, bridge: &str, record: &PortRecord) -> Status {
        let mut status = Status::default();
        status.mac = self.patch_mac(bridge, record);
        (status.admin_up, status.link_up) = (true, true);
        if let Some(tunnel) = record.tunnel.as_deref() {
            status.details = self.tunnel_way(tunnel).unwrap_or_default();
        }
        status
    }

    /// The device that a tunnel with a fixed end goes out by, and the longest packet that fits through it: bytes behind the
    /// Ethernet header of a frame, or of a bare packet. Options that flows ask for take their share of that.
    fn tunnel_way(&self, tunnel: &TunnelConfig) -> Option<Vec<(String, String)>> {
        let Remote::Fixed(dst) = tunnel.remote else { return None };
        let src = if let Remote::Fixed(src) = tunnel.local { Some(src) } else { None };
        let hop = self.net.router.lookup(dst, src, tunnel.egress_mark.unwrap_or(0))?;
        let under = self.bridges.get(&*hop.device)?;
        let mut details = vec![("tunnel_egress_iface".to_owned(), hop.device.clone())];
        let local = under.ports.get(&OfPort::LOCAL).and_then(|port| port.status.as_ref());
        let carrier = if local.is_some_and(|status| status.link_up) { "up" } else { "down" };
        details.push(("tunnel_egress_iface_carrier".to_owned(), carrier.to_owned()));
        if let (Some(mtu), Some(overhead)) = (under.local_mtu(), overhead(tunnel, dst)) {
            details.push(("tunnel_mtu".to_owned(), mtu.saturating_sub(overhead).to_string()));
        }
        Some(details)
    }

    /// The ports on which tunnels listen, as `tnl/ports/show` prints them; with `more`, which packets end in them.
    pub fn tunnel_ports_text(&mut self, more: bool) -> String {
        self.publish();
        let mut text = String::from("Listening ports:\n");
        let names: BTreeMap<DpPort, String> =
            self.dpif.ports().into_iter().map(|port| (port.number, port.name)).collect();
        let name = |port: DpPort| names.get(&port).map_or("", String::as_str);
        let ends = self.net.ends.list();
        // Writing to a string does not fail.
        if more {
            for end in ends {
                let _ = writeln!(text, "{}", end.describe(name(end.pop.port)));
            }
            return text;
        }
        let ports = |end: &crate::tunnel::End| [Some(end.pop.port), end.pop.mirrored];
        let mut seen: Vec<DpPort> = ends.iter().flat_map(ports).flatten().collect();
        seen.sort();
        seen.dedup();
        for port in seen {
            let users = self.tunnel_ports().filter(|record| record.dp_port == Some(port)).count();
            let _ = writeln!(text, "{} ({port}) ref_cnt={users}", name(port));
        }
        text
    }

    /// All tunnels, as `ofproto/list-tunnels` prints them.
    pub fn tunnels_text(&self) -> String {
        let mut text = String::new();
        for port in self.tunnel_ports() {
            let (Some(dp_port), Some(tunnel)) = (port.dp_port, &port.tunnel) else { continue };
            // Writing to a string does not fail.
            let _ = writeln!(text, "port {dp_port}: {} ({})", port.name, describe(tunnel, dp_port));
        }
        text
    }
}

fn end(end: Remote) -> String {
    match end {
        Remote::Any => "::".to_owned(),
        Remote::Flow => "flow".to_owned(),
        Remote::Fixed(IpAddr::V4(address)) => address.to_string(),
        Remote::Fixed(IpAddr::V6(address)) => address.to_string(),
    }
}

fn key(key: Key) -> String {
    match key {
        Key::Absent | Key::Fixed(0) => "0".to_owned(),
        Key::Flow => "flow".to_owned(),
        Key::Fixed(key) => format!("{key:#x}"),
    }
}

fn describe(tunnel: &TunnelConfig, dp_port: DpPort) -> String {
    let mut text = format!(
        "{}: {}->{}, key={}, {}, dp port={dp_port}",
        tunnel.kind().name(),
        end(tunnel.local),
        end(tunnel.remote),
        key(tunnel.in_key),
        tunnel.carries.name()
    );
    let number = |value: Option<u8>| value.map_or_else(|| "inherit".to_owned(), |value| value.to_string());
    // Writing to a string does not fail.
    if tunnel.out_key != tunnel.in_key {
        let out = if tunnel.out_key == Key::Absent { "none".to_owned() } else { key(tunnel.out_key) };
        let _ = write!(text, ", out_key={out}");
    }
    let _ = write!(text, ", ttl={}", number(tunnel.ttl));
    match tunnel.tos {
        None => text.push_str(", tos=inherit"),
        Some(0) => {}
        Some(tos) => {
            let _ = write!(text, ", tos={tos:#x}");
        }
    }
    if !tunnel.dont_fragment {
        text.push_str(", df=false");
    }
    if tunnel.csum {
        text.push_str(", csum=true");
    }
    text
}

/// Bytes by which packets get longer, between the underlay's Ethernet header and what hosts count as theirs.
fn overhead(tunnel: &TunnelConfig, dst: IpAddr) -> Option<u32> {
    const IPV4_PACKET: u32 = 1 << 16 | 0x0800;
    let bare = tunnel.carries == Carries::Packets;
    let ip = if dst.is_ipv4() { 20 } else { 40 };
    let packet_type = match tunnel.format.payload {
        _ if !bare => 0,
        0 => IPV4_PACKET,
        payload => 1 << 16 | u32::from(payload),
    };
    let inner = Inner { packet_type, flow: &TunnelKey::default(), options: &NO_OPTIONS, dst };
    let wrapped = wrap(tunnel, &inner)?;
    Some(ip + wrapped.bytes.len() as u32 + if bare { 0 } else { 14 })
}

impl BridgeState {
    /// The longest packet that the local port's device takes, in bytes behind the Ethernet header, if it says so.
    pub(super) fn local_mtu(&self) -> Option<u32> {
        let local = self.ports.get(&OfPort::LOCAL).and_then(|port| port.status.as_ref());
        local.map(|status| status.mtu).filter(|mtu| *mtu != 0)
    }

    /// The address of the local port's device, which is what the system answers to.
    pub(super) fn local_mac(&self) -> ovs_netdev::EtherAddr {
        let local = self.ports.get(&OfPort::LOCAL).and_then(|port| port.status.as_ref());
        local.map(|status| status.mac).filter(|mac| mac.0 != [0; 6]).unwrap_or_else(|| self.mac())
    }
}
