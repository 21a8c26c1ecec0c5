//! Bridges, ports and bundles as translation sees them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ovs_classifier::{ClassifierReader, Version};
use ovs_dpif::Features;
use ovs_flow::{DpPort, OfPort, TableId};
use ovs_netdev::EtherAddr;
use ovs_openflow::PortConfig;

use super::{BundleSnap, MirrorSnap, Vlans};
use crate::bridge::InternalStats;
use crate::group::GroupIndex;
use crate::mac_learning::MacIndex;
use crate::meter::MeterIndex;
use crate::neighbor::NeighborIndex;
use crate::router::Router;
use crate::rule::Flow;
use crate::table::Miss;
use crate::translate::BfdFilter;
use crate::tunnel::{Ends, OptionTable, TunnelConfig, TunnelIndex};

/// A bridge of a switch, small and `Copy`. Numbers are not used again while a switch lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BridgeId(pub u32);

/// The configuration of all bridges of a datapath.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Counts configurations.
    pub generation: u64,
    /// The oldest version of the tables that goes with it.
    pub version: Version,
    pub bridges: BTreeMap<BridgeId, Arc<BridgeSnap>>,
    /// To which bridge and port a datapath's port belongs.
    pub ports: BTreeMap<DpPort, (BridgeId, OfPort)>,
    /// What translation makes use of in the datapath.
    pub features: Features,
    /// How many VLAN tags of a packet the datapath looks at.
    pub vlan_headers: usize,
    /// Megaflows match all of their packet.
    pub exact_megaflows: bool,
    /// Numbers of the timeout policies of the connection tracker's zones.
    pub zone_policies: Arc<BTreeMap<u16, u32>>,
    /// Whose tunnel a packet came by.
    pub tunnels: TunnelIndex,
    /// Where tunnels end.
    pub ends: Arc<Ends>,
    pub router: Arc<Router>,
    pub neighbors: Arc<NeighborIndex>,
    /// The least and the greatest source port of outer headers.
    pub source_ports: (u16, u16),
}

/// Lookup handles of a bridge's tables, by number; `None` for a table that never had a rule.
pub(crate) type TableReaders = [Option<ClassifierReader<Flow>>];

/// A bridge.
#[derive(Debug)]
pub(crate) struct BridgeSnap {
    pub id: BridgeId,
    pub name: Arc<str>,
    pub ports: BTreeMap<OfPort, PortSnap>,
    /// In the order in which floods go.
    pub bundles: Vec<BundleSnap>,
    /// In the order of their places.
    pub mirrors: Vec<MirrorSnap>,
    /// VLANs in which nothing is learned.
    pub flood_vlans: Option<Vlans>,
    pub tables: Arc<TableReaders>,
    /// Tables whose misses do not go the usual way.
    pub misses: BTreeMap<TableId, Miss>,
    pub groups: GroupIndex,
    pub meters: MeterIndex,
    pub macs: Arc<MacIndex>,
    pub forward_bpdu: bool,
    /// Whether a controller wants packets that miss a table (those before OpenFlow 1.3 do).
    pub miss_to_controller: bool,
    /// Counters of packets that no rule was for.
    pub internal: InternalStats,
    /// Fragments are dropped before any table.
    pub drop_fragments: bool,
    /// Fragments are matched with the ports of the first one.
    pub match_fragments: bool,
    /// Address of the device of the local port.
    pub local_mac: EtherAddr,
    /// The longest packet that it takes, in bytes behind the Ethernet header.
    pub local_mtu: Option<u32>,
    /// Its network addresses.
    pub local_addresses: Vec<IpAddr>,
    /// Geneve options that have fields.
    pub options: Arc<OptionTable>,
}

impl BridgeSnap {
    pub fn bundle_of(&self, port: OfPort) -> Option<(usize, &BundleSnap)> {
        let index = self.ports.get(&port)?.bundle?;
        self.bundles.get(index).map(|bundle| (index, bundle))
    }

    /// Whether packets of a VLAN are flooded whoever they are for.
    pub fn floods_vlan(&self, vid: u16) -> bool {
        self.flood_vlans.as_ref().is_some_and(|vlans| vlans.contains(vid))
    }
}

/// A port.
#[derive(Clone, Debug)]
pub(crate) struct PortSnap {
    /// The interface's name, for traces.
    pub name: Arc<str>,
    /// `None` for a patch.
    pub dp_port: Option<DpPort>,
    /// Whether packets that leave by it get anywhere.
    pub live: bool,
    /// Where a patch leads.
    pub peer: Option<(BridgeId, OfPort)>,
    /// What goes around packets that leave by it.
    pub tunnel: Option<Arc<TunnelConfig>>,
    /// Code points that its queues mark packets with; none if no queue does.
    pub dscp: Option<Arc<BTreeMap<u32, u8>>>,
    /// Index into the bridge's bundles.
    pub bundle: Option<usize>,
    pub config: PortConfig,
    /// Whether its link is up and gets packets through, as far as is known.
    pub may_enable: bool,
    /// What of its packets is for its session of forwarding detection, if it has one.
    pub bfd: Option<BfdFilter>,
}
