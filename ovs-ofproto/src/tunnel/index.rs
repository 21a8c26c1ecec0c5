//! Whose tunnel a packet came by.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ovs_flow::{DpPort, OfPort, TunnelKey};

use super::{Carries, Key, Remote, TunnelConfig};
use crate::snapshot::BridgeId;

/// What packets of a tunnel have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TunnelMatch {
    pub dp_port: DpPort,
    /// `None` for whatever key they have.
    pub key: Option<u64>,
    /// Where they come from.
    pub remote: Remote,
    /// Where they go to.
    pub local: Remote,
    pub carries: Carries,
}

impl TunnelMatch {
    /// Of the packets that come by a tunnel.
    pub fn of(config: &TunnelConfig, dp_port: DpPort) -> Self {
        let key = if config.in_key == Key::Flow { None } else { config.in_key.fixed() };
        Self { dp_port, key, remote: config.remote, local: config.local, carries: config.carries }
    }
}

/// All tunnels of a datapath.
#[derive(Debug, Default)]
pub(crate) struct TunnelIndex {
    tunnels: BTreeMap<TunnelMatch, (BridgeId, OfPort)>,
}

impl TunnelIndex {
    pub fn is_empty(&self) -> bool {
        self.tunnels.is_empty()
    }

    pub fn insert(&mut self, what: TunnelMatch, port: (BridgeId, OfPort)) {
        self.tunnels.insert(what, port);
    }

    /// The port that a packet came by: a fixed key goes before one of the flow, then a fixed other end, then an own end that is
    /// fixed, then one that is not said. It must carry what came: a frame or a bare packet.
    pub fn find(&self, dp_port: DpPort, tunnel: &TunnelKey, is_frame: bool) -> Option<(BridgeId, OfPort)> {
        let carries = [if is_frame { Carries::Frames } else { Carries::Packets }, Carries::Any];
        let (src, dst) = addresses(tunnel);
        for key in [Some(tunnel.id.get()), None] {
            for remote in [Remote::Fixed(src), Remote::Flow] {
                for local in [Remote::Fixed(dst), Remote::Any, Remote::Flow] {
                    let tunnels = carries.map(|carries| TunnelMatch { dp_port, key, remote, local, carries });
                    if let Some(found) = tunnels.iter().find_map(|tunnel| self.tunnels.get(tunnel)) {
                        return Some(*found);
                    }
                }
            }
        }
        None
    }
}

/// Source and destination of outer headers.
pub(crate) fn addresses(tunnel: &TunnelKey) -> (IpAddr, IpAddr) {
    if tunnel.dst.get() != 0 {
        (Ipv4Addr::from(tunnel.src.get()).into(), Ipv4Addr::from(tunnel.dst.get()).into())
    } else {
        (Ipv6Addr::from(tunnel.ipv6_src).into(), Ipv6Addr::from(tunnel.ipv6_dst).into())
    }
}
