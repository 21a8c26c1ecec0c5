//! Addresses and counters of a MAC table, as they are told.

use std::time::Duration;

use ovs_flow::OfPort;
use ovs_netdev::EtherAddr;

/// An address whose port is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MacEntry {
    /// The VLAN, 0 for none.
    pub vlan: u16,
    /// The address.
    pub mac: EtherAddr,
    /// The port behind which it is.
    pub port: OfPort,
    /// Time since it was last seen.
    pub age: Duration,
    /// Whether it was put in by hand and stays until it is taken out.
    pub is_static: bool,
}

/// Counters of a MAC table (`fdb/stats-show`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MacStats {
    /// Addresses learned.
    pub learned: u64,
    /// Addresses forgotten because of their age.
    pub expired: u64,
    /// Addresses that had to go because the table was full.
    pub evicted: u64,
    /// Addresses that were seen behind another port than before.
    pub moved: u64,
}

/// Why a static address was not put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StaticMacError {
    /// No such bridge.
    #[error("no such bridge")]
    NoBridge,
    /// No port of that name.
    #[error("software error, odp port is present but no ofp port")]
    NoPort,
    /// The table has no room, and nothing in it may give way.
    #[error("the MAC table is full of static entries")]
    Full,
}
