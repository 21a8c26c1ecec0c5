//! A port as it is wanted, and the interfaces in it.

use std::collections::{BTreeMap, BTreeSet};

use ovs_dpif::Policing;
use ovs_flow::{OfPort, VlanId};
use ovs_netdev::{EtherAddr, Options};

use super::QosConfig;
use crate::bfd::BfdConfig;

/// A port of a bridge: what NORMAL sees as one way out. Usually one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortConfig {
    /// Name.
    pub name: String,
    /// How it treats VLANs; `None` to choose by `tag` and `trunks` as the original does.
    pub vlan_mode: Option<VlanMode>,
    /// The VLAN of untagged packets.
    pub tag: Option<VlanId>,
    /// The VLANs of tagged packets; empty for all.
    pub trunks: BTreeSet<VlanId>,
    /// The VLANs of customers that a [`VlanMode::Dot1qTunnel`] lets through; empty for all.
    pub cvlans: BTreeSet<VlanId>,
    /// The Ethernet type of the tag that a [`VlanMode::Dot1qTunnel`] puts on (`other_config:qinq-ethtype`): 0x88a8
    /// or 0x8100.
    pub service_tpid: u16,
    /// Tags that say no VLAN but a priority (`other_config:priority-tags`).
    pub priority_tags: PriorityTags,
    /// Packets do not go from one protected port to another.
    pub protected: bool,
    /// How what it sends is queued; `None` for no way in particular.
    pub qos: Option<QosConfig>,
    /// Interfaces, in order of their name.
    pub interfaces: Vec<InterfaceConfig>,
    /// Everything of `other_config`, for what has no field of its own.
    pub other_config: BTreeMap<String, String>,
}

impl PortConfig {
    /// A port without interfaces that carries all VLANs.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets how it treats VLANs.
    pub fn vlan_mode(mut self, mode: Option<VlanMode>) -> Self {
        self.vlan_mode = mode;
        self
    }

    /// Sets the VLAN of untagged packets.
    pub fn tag(mut self, tag: Option<VlanId>) -> Self {
        self.tag = tag;
        self
    }

    /// Sets the VLANs of tagged packets.
    pub fn trunks(mut self, trunks: impl IntoIterator<Item = VlanId>) -> Self {
        self.trunks = trunks.into_iter().collect();
        self
    }

    /// Sets the VLANs of customers.
    pub fn cvlans(mut self, vlans: impl IntoIterator<Item = VlanId>) -> Self {
        self.cvlans = vlans.into_iter().collect();
        self
    }

    /// Sets the Ethernet type of service tags.
    pub fn service_tpid(mut self, tpid: u16) -> Self {
        self.service_tpid = tpid;
        self
    }

    /// Sets whether it is protected.
    pub fn protected(mut self, protected: bool) -> Self {
        self.protected = protected;
        self
    }

    /// Sets when tags are used that say a priority alone.
    pub fn priority_tags(mut self, tags: PriorityTags) -> Self {
        self.priority_tags = tags;
        self
    }

    /// Sets how what it sends is queued.
    pub fn qos(mut self, qos: Option<QosConfig>) -> Self {
        self.qos = qos;
        self
    }

    /// Adds an interface.
    pub fn interface(mut self, interface: InterfaceConfig) -> Self {
        self.interfaces.push(interface);
        self
    }

    /// Sets the `other_config` map.
    pub fn other_config(mut self, map: BTreeMap<String, String>) -> Self {
        self.other_config = map;
        self
    }
}

impl Default for PortConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            vlan_mode: None,
            tag: None,
            trunks: BTreeSet::new(),
            cvlans: BTreeSet::new(),
            service_tpid: 0x88a8,
            priority_tags: PriorityTags::default(),
            protected: false,
            qos: None,
            interfaces: Vec::new(),
            other_config: BTreeMap::new(),
        }
    }
}

/// When packets of no VLAN leave with a tag that says their priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PriorityTags {
    /// Never: the tag is taken off.
    #[default]
    Never,
    /// If the priority is not zero.
    IfNonzero,
    /// Whenever they had a tag.
    Always,
}

/// How a port treats VLANs (`vlan_mode` column).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VlanMode {
    /// One VLAN, no tag on the wire.
    Access,
    /// Tagged packets of the trunk VLANs; untagged packets are in VLAN 0.
    Trunk,
    /// A trunk whose untagged packets are in VLAN `tag`; what leaves in that VLAN is tagged.
    NativeTagged,
    /// A trunk whose untagged packets are in VLAN `tag`; what leaves in that VLAN is not tagged.
    NativeUntagged,
    /// One service VLAN, whose tag is not on the wire: the tags there are customers', behind it.
    Dot1qTunnel,
}

/// An interface of a port: a device, or one end of a patch.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct InterfaceConfig {
    /// Name; also the device's.
    pub name: String,
    /// Type of the device, by its name in the registry; `patch` is the switch's own.
    pub kind: String,
    /// Options of the device (`peer` names the other end of a patch).
    pub options: Options,
    /// The OpenFlow port number that is wanted.
    pub ofport_request: Option<OfPort>,
    /// Ethernet address to be set on the device.
    pub mac: Option<EtherAddr>,
    /// MTU to be set on the device, in bytes.
    pub mtu_request: Option<u32>,
    /// Administrative state to be set on the device.
    pub admin_up: Option<bool>,
    /// How much it may receive.
    pub policing: Policing,
    /// The session of forwarding detection that runs on it.
    pub bfd: Option<BfdConfig>,
}

impl InterfaceConfig {
    /// An interface of device type `kind`.
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { name: name.into(), kind: kind.into(), ..Self::default() }
    }

    /// Sets an option of the device.
    pub fn option(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.insert(key.into(), value.into());
        self
    }

    /// Sets all options of the device.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Asks for an OpenFlow port number.
    pub fn ofport_request(mut self, number: Option<OfPort>) -> Self {
        self.ofport_request = number;
        self
    }

    /// Sets the Ethernet address.
    pub fn mac(mut self, mac: Option<EtherAddr>) -> Self {
        self.mac = mac;
        self
    }

    /// Sets the MTU.
    pub fn mtu_request(mut self, mtu: Option<u32>) -> Self {
        self.mtu_request = mtu;
        self
    }

    /// Sets the administrative state.
    pub fn admin_up(mut self, up: Option<bool>) -> Self {
        self.admin_up = up;
        self
    }

    /// Sets how much it may receive.
    pub fn policing(mut self, policing: Policing) -> Self {
        self.policing = policing;
        self
    }

    /// Sets the session of forwarding detection.
    pub fn bfd(mut self, bfd: Option<BfdConfig>) -> Self {
        self.bfd = bfd;
        self
    }
}
