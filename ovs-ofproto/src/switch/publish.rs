//! Making changes visible to workers: configuration as a whole, tables by version.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovs_flow::{OfPort, TableId};

use super::Switch;
use super::bundles::{bundles, mirrors};
use crate::bridge::BridgeState;
use crate::revalidate::Change;
use crate::router::Prefix;
use crate::snapshot::{BridgeId, BridgeSnap, PortSnap, Vlans, World};
use crate::table::Miss;
use crate::tunnel::TunnelMatch;

impl Switch {
    /// Makes all changes so far visible to workers. Answers from before are looked at again by the
    /// revalidator.
    pub(super) fn publish(&mut self) {
        if self.rules_changed {
            for bridge in self.bridges.values_mut() {
                bridge.tables.publish();
            }
        }
        let names_changed = self.net.changed || self.bridges.values().any(BridgeState::names_changed);
        if self.world_changed || names_changed {
            self.publish_world();
        }
        if self.rules_changed {
            self.shared.publish_version(self.version);
            self.version = self.version.next();
            self.rules_changed = false;
        }
        // Configurations are dropped here and not by the worker that happened to be the last to read them.
        self.retired.retain(|world| Arc::strong_count(world) > 1);
    }

    fn publish_world(&mut self) {
        let everything = std::mem::take(&mut self.world_changed);
        self.renew_net(everything);
        let mut world = World {
            generation: self.world.generation + 1,
            version: if self.rules_changed { self.version } else { self.shared.version() },
            features: self.features,
            vlan_headers: self.dpif.features().max_vlan_headers,
            exact_megaflows: self.upkeep.exact_megaflows,
            zone_policies: Arc::clone(&self.zone_policies),
            ends: Arc::clone(&self.net.ends),
            router: Arc::clone(&self.net.routes),
            neighbors: Arc::clone(&self.net.index),
            source_ports: self.net.source_ports,
            ..World::default()
        };
        for bridge in self.bridges.values_mut() {
            (bridge.groups.changed, bridge.meters.changed) = (false, false);
        }
        for bridge in self.bridges.values() {
            for port in bridge.ports.values() {
                let here = (bridge.id, port.number);
                match (port.dp_port, &port.tunnel) {
                    (Some(dp_port), Some(tunnel)) => {
                        world.tunnels.insert(TunnelMatch::of(tunnel, dp_port), here);
                    }
                    (Some(dp_port), None) => {
                        world.ports.insert(dp_port, here);
                    }
                    (None, _) => {}
                }
            }
            world.bridges.insert(bridge.id, Arc::new(self.bridge_snap(bridge)));
        }
        let world = Arc::new(world);
        self.shared.publish_world(Arc::clone(&world));
        self.retired.push_back(std::mem::replace(&mut self.world, world));
        if everything {
            self.revalidator.changes.note(Change::Everything);
        }
    }

    fn bridge_snap(&self, bridge: &BridgeState) -> BridgeSnap {
        let mut bundles = bundles(bridge);
        let mirrors = mirrors(bridge, &mut bundles);
        let bundle_of: BTreeMap<OfPort, usize> = bundles
            .iter()
            .enumerate()
            .flat_map(|(index, bundle)| bundle.members.iter().map(move |member| (*member, index)))
            .collect();
        let port = |record: &crate::bridge::PortRecord| PortSnap {
            name: record.name.as_str().into(),
            dp_port: record.dp_port,
            live: record.is_live(),
            tunnel: record.tunnel.clone(),
            peer: record.peer.as_deref().and_then(|peer| self.peer_of(&record.name, peer)),
            dscp: marks(bridge, &record.port),
            bundle: bundle_of.get(&record.number).copied(),
            config: record.of_config,
            may_enable: !record.is_stalled
                && record.status.as_ref().is_none_or(|status| status.admin_up && status.link_up),
            bfd: self.monitors.filter_of(&record.name),
        };
        let name = bridge.config.name.as_str();
        BridgeSnap {
            id: bridge.id,
            name: name.into(),
            ports: bridge.ports.iter().map(|(number, record)| (*number, port(record))).collect(),
            bundles,
            mirrors,
            flood_vlans: Vlans::some(bridge.config.flood_vlans.iter().map(|vid| vid.get())),
            tables: Arc::clone(bridge.tables.readers()),
            misses: misses(bridge),
            groups: Arc::clone(bridge.groups.index()),
            meters: Arc::clone(bridge.meters.index()),
            macs: Arc::clone(bridge.macs.index()),
            forward_bpdu: bridge.config.forward_bpdu,
            miss_to_controller: self.wants_misses(&bridge.config.name),
            internal: bridge.internal.clone(),
            drop_fragments: bridge.fragments == 1,
            match_fragments: bridge.fragments == 3,
            local_mac: bridge.local_mac(),
            local_mtu: bridge.local_mtu(),
            local_addresses: self.net.router.addresses(name).iter().map(Prefix::address).collect(),
            options: Arc::clone(&bridge.options),
        }
    }

    /// Where a patch leads: the peer must name it back.
    fn peer_of(&self, name: &str, peer: &str) -> Option<(BridgeId, OfPort)> {
        self.bridges.values().find_map(|bridge| {
            let record = bridge.port_named(peer)?;
            (record.peer.as_deref() == Some(name)).then_some((bridge.id, record.number))
        })
    }
}

/// The code points of a port's queues.
fn marks(bridge: &BridgeState, port: &str) -> Option<Arc<BTreeMap<u32, u8>>> {
    let qos = bridge.config.ports.get(port)?.qos.as_ref()?;
    (!qos.dscp.is_empty()).then(|| Arc::new(qos.dscp.clone()))
}

/// The tables whose misses do not go the usual way.
fn misses(bridge: &BridgeState) -> BTreeMap<TableId, Miss> {
    let set = bridge.table_settings.iter().filter(|(_, settings)| settings.miss != Miss::Default);
    set.map(|(table, settings)| (TableId(*table), settings.miss)).collect()
}
