//! A bridge as it is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddrV4;
use std::time::Duration;

use ovs_classifier::PrefixField;
use ovs_flow::{Subfield, VlanId};
use ovs_netdev::EtherAddr;
use ovs_openflow::VersionSet;

use super::{MirrorConfig, PortConfig};

/// A bridge: an OpenFlow switch of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgeConfig {
    /// Name; also that of its local port.
    pub name: String,
    /// Type of the datapath, as the `datapath_type` column has it; told back in the status.
    pub datapath_type: String,
    /// What it does while no controller is connected.
    pub fail_mode: FailMode,
    /// Ethernet address of the local port (`other_config:hwaddr`); `None` to choose one.
    pub mac: Option<EtherAddr>,
    /// Datapath identifier (`other_config:datapath-id`); `None` to derive it from the address.
    pub datapath_id: Option<u64>,
    /// Description that OpenFlow tells (`other_config:dp-desc`); `None` for the usual one.
    pub description: Option<String>,
    /// Serial number that OpenFlow tells (`other_config:dp-sn`); `None` for the usual one.
    pub serial: Option<String>,
    /// Controllers that it belongs to. Connecting to them is the embedder's business.
    pub controllers: Vec<ControllerConfig>,
    /// Controllers and managers that are reached through the bridge itself, whose traffic no rule may stop (in-band
    /// control).
    pub in_band: BTreeSet<SocketAddrV4>,
    /// The queue that this traffic takes on its way out (`other_config:in-band-queue`).
    pub in_band_queue: Option<u32>,
    /// OpenFlow versions that may be spoken (`protocols`); those that the switch does not speak are left out.
    pub protocols: VersionSet,
    /// Ports by name. The local port, named like the bridge, is added where it is missing.
    pub ports: BTreeMap<String, PortConfig>,
    /// Tables that differ from the default, by number.
    pub flow_tables: BTreeMap<u8, TableConfig>,
    /// How long a learned MAC address stays without traffic (`other_config:mac-aging-time`).
    pub mac_aging: Duration,
    /// How many MAC addresses are learned (`other_config:mac-table-size`).
    pub mac_table_size: usize,
    /// Whether frames to the addresses reserved by 802.1D are forwarded (`other_config:forward-bpdu`).
    pub forward_bpdu: bool,
    /// VLANs in which addresses are not learned, so that packets are flooded.
    pub flood_vlans: BTreeSet<VlanId>,
    /// Mirrors, by a key that stays a mirror's own while it lives (the identity of its row, for instance).
    pub mirrors: BTreeMap<String, MirrorConfig>,
    /// Everything of `other_config`, for what has no field of its own.
    pub other_config: BTreeMap<String, String>,
}

impl BridgeConfig {
    /// A bridge without ports and controllers, standalone.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets the datapath type.
    pub fn datapath_type(mut self, kind: impl Into<String>) -> Self {
        self.datapath_type = kind.into();
        self
    }

    /// Sets the fail mode.
    pub fn fail_mode(mut self, mode: FailMode) -> Self {
        self.fail_mode = mode;
        self
    }

    /// Sets the Ethernet address.
    pub fn mac(mut self, mac: Option<EtherAddr>) -> Self {
        self.mac = mac;
        self
    }

    /// Sets the datapath identifier.
    pub fn datapath_id(mut self, id: Option<u64>) -> Self {
        self.datapath_id = id;
        self
    }

    /// Sets the description.
    pub fn description(mut self, description: Option<String>) -> Self {
        self.description = description;
        self
    }

    /// Sets the serial number.
    pub fn serial(mut self, serial: Option<String>) -> Self {
        self.serial = serial;
        self
    }

    /// Adds a controller.
    pub fn controller(mut self, controller: ControllerConfig) -> Self {
        self.controllers.push(controller);
        self
    }

    /// Adds a controller or manager that is reached through the bridge itself.
    pub fn in_band(mut self, remote: SocketAddrV4) -> Self {
        self.in_band.insert(remote);
        self
    }

    /// Sets the queue that traffic with those takes.
    pub fn in_band_queue(mut self, queue: Option<u32>) -> Self {
        self.in_band_queue = queue;
        self
    }

    /// Sets the OpenFlow versions that may be spoken.
    pub fn protocols(mut self, versions: VersionSet) -> Self {
        self.protocols = versions;
        self
    }

    /// Adds a port, in place of one of the same name.
    pub fn port(mut self, port: PortConfig) -> Self {
        self.ports.insert(port.name.clone(), port);
        self
    }

    /// Configures a table.
    pub fn flow_table(mut self, table: u8, config: TableConfig) -> Self {
        self.flow_tables.insert(table, config);
        self
    }

    /// Sets the time after which a learned address is forgotten.
    pub fn mac_aging(mut self, aging: Duration) -> Self {
        self.mac_aging = aging;
        self
    }

    /// Sets how many addresses are learned.
    pub fn mac_table_size(mut self, size: usize) -> Self {
        self.mac_table_size = size;
        self
    }

    /// Sets whether frames to reserved addresses are forwarded.
    pub fn forward_bpdu(mut self, forward: bool) -> Self {
        self.forward_bpdu = forward;
        self
    }

    /// Sets the VLANs in which addresses are not learned.
    pub fn flood_vlans(mut self, vlans: impl IntoIterator<Item = VlanId>) -> Self {
        self.flood_vlans = vlans.into_iter().collect();
        self
    }

    /// Adds a mirror, in place of one of the same key.
    pub fn mirror(mut self, key: impl Into<String>, mirror: MirrorConfig) -> Self {
        self.mirrors.insert(key.into(), mirror);
        self
    }

    /// Sets the `other_config` map.
    pub fn other_config(mut self, map: BTreeMap<String, String>) -> Self {
        self.other_config = map;
        self
    }
}

impl Default for BridgeConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            datapath_type: String::new(),
            fail_mode: FailMode::default(),
            mac: None,
            datapath_id: None,
            description: None,
            serial: None,
            controllers: Vec::new(),
            in_band: BTreeSet::new(),
            in_band_queue: None,
            protocols: VersionSet::ALL,
            ports: BTreeMap::new(),
            flow_tables: BTreeMap::new(),
            mac_aging: Duration::from_mins(5),
            mac_table_size: 8192,
            forward_bpdu: false,
            flood_vlans: BTreeSet::new(),
            mirrors: BTreeMap::new(),
            other_config: BTreeMap::new(),
        }
    }
}

/// What a bridge does when it has controllers and none of them is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum FailMode {
    /// Act as an ordinary learning switch.
    #[default]
    Standalone,
    /// Keep to the rules there are.
    Secure,
}

/// A controller that a bridge belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ControllerConfig {
    /// Where it is, such as `tcp:127.0.0.1:6653`.
    pub target: String,
    /// Whether packet-ins and other asynchronous messages are sent to it at first.
    pub enable_async: bool,
    /// Longest silence before it is asked whether it is there; `None` for the default of 5 s.
    pub inactivity_probe: Option<Duration>,
}

impl ControllerConfig {
    /// A controller at `target`.
    pub fn new(target: impl Into<String>) -> Self {
        Self { target: target.into(), enable_async: true, inactivity_probe: None }
    }

    /// Sets whether it gets asynchronous messages.
    pub fn enable_async(mut self, enable: bool) -> Self {
        self.enable_async = enable;
        self
    }

    /// Sets the inactivity probe; zero for never.
    pub fn inactivity_probe(mut self, probe: Option<Duration>) -> Self {
        self.inactivity_probe = probe;
        self
    }
}

/// A table that differs from the default.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TableConfig {
    /// Name; `None` for `tableN`.
    pub name: Option<String>,
    /// The most flows that may be added by OpenFlow; `None` for the switch's limit.
    pub flow_limit: Option<usize>,
    /// Whether a full table makes room for new flows (`overflow_policy`).
    pub evict: bool,
    /// The fields whose values group flows that may be evicted (`groups`); the largest group gives way.
    pub groups: Vec<Subfield>,
    /// The fields that have a prefix trie (`prefixes`), so that packets far from every rule's address need few bits
    /// of their own in their megaflows' masks; `None` for [`PrefixField::DEFAULT`].
    pub prefixes: Option<Vec<PrefixField>>,
}

impl TableConfig {
    /// Sets the name.
    pub fn name(mut self, name: Option<String>) -> Self {
        self.name = name;
        self
    }

    /// Sets whether a full table makes room, and by which fields flows are grouped for that.
    pub fn evict(mut self, evict: bool, groups: impl IntoIterator<Item = Subfield>) -> Self {
        self.evict = evict;
        self.groups = groups.into_iter().collect();
        self
    }

    /// Sets the fields that have a prefix trie, in the order in which lookups ask them; a field given twice counts once.
    pub fn prefixes(mut self, fields: impl IntoIterator<Item = PrefixField>) -> Self {
        self.prefixes = Some(fields.into_iter().collect());
        self
    }

    /// Sets the flow limit.
    pub fn flow_limit(mut self, limit: Option<usize>) -> Self {
        self.flow_limit = limit;
        self
    }
}
