//! What a switch says of itself, as plain values.

use std::collections::BTreeMap;

use ovs_flow::OfPort;
use ovs_netdev::{Duplex, EtherAddr, Statistics};

/// The state of all bridges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Bridges by name.
    pub bridges: BTreeMap<String, BridgeStatus>,
}

/// The state of a bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgeStatus {
    /// Datapath identifier.
    pub datapath_id: u64,
    /// Ethernet address of the local port.
    pub mac: EtherAddr,
    /// Type of the datapath as it was asked for.
    pub datapath_type: String,
    /// Interfaces of all ports, by name.
    pub interfaces: BTreeMap<String, InterfaceStatus>,
    /// What mirrors have copied, by the keys of their configuration.
    pub mirrors: BTreeMap<String, MirrorStatus>,
    /// Whether it acts on its own because no controller is connected.
    pub fail_open: bool,
    /// Controllers whose connection is up.
    pub controllers_connected: usize,
}

/// What a mirror has copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MirrorStatus {
    /// Packets.
    pub tx_packets: u64,
    /// Their bytes, before they were cut to `snaplen`.
    pub tx_bytes: u64,
}

/// The state of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceStatus {
    /// The port that it belongs to.
    pub port: String,
    /// Type of the device as it was opened (`tap` for an `internal` one, for instance).
    pub kind: String,
    /// Options of the device as they were asked for.
    pub options: ovs_netdev::Options,
    /// OpenFlow port number; `None` if it could not be added (`-1` in the database).
    pub ofport: Option<OfPort>,
    /// Number in the datapath; `None` for a patch, and if it could not be added.
    pub dp_port: Option<ovs_flow::DpPort>,
    /// Why it could not be added or configured.
    pub error: Option<String>,
    /// Its Ethernet address.
    pub mac_in_use: Option<EtherAddr>,
    /// Whether it is administratively up.
    pub admin_up: Option<bool>,
    /// Whether it has carrier.
    pub link_up: Option<bool>,
    /// How often carrier has changed.
    pub link_resets: u64,
    /// Bits per second.
    pub link_speed: Option<u64>,
    /// Duplex mode.
    pub duplex: Option<Duplex>,
    /// MTU in bytes.
    pub mtu: Option<u32>,
    /// Interface index of the system.
    pub ifindex: Option<u32>,
    /// What its session of forwarding detection says (`bfd_status`), sorted by key; empty without one.
    pub bfd: Vec<(String, String)>,
    /// What it has counted.
    pub statistics: Statistics,
    /// Key-value pairs of the `status` column, sorted by key.
    pub details: Vec<(String, String)>,
}
