//! A bridge, from the control side: its ports, tables, learned addresses.

mod eviction;
mod expire;
mod flow_mod;
mod group_mod;
mod identity;
mod internal;
mod learned;
mod mirrors;
mod options;
mod ports;
mod prefixes;
mod select;
mod support;

pub(crate) use flow_mod::{Gone, Round, RuleEvent, Undo};
pub(crate) use identity::datapath_id_of;
pub(crate) use internal::InternalStats;
pub(crate) use mirrors::Mirrors;
pub(crate) use ports::{PortCounters, PortRecord};
pub(crate) use select::Criteria;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ovs_classifier::rcu::Domain;
use ovs_flow::{Match, OfPort};
use ovs_netdev::EtherAddr;

use crate::group::Groups;
use crate::mac_learning::MacTable;
use crate::meter::Meters;
use crate::snapshot::BridgeId;
use crate::table::{TableSettings, Tables};
use crate::tunnel::OptionTable;
use crate::{BridgeConfig, Limits};

/// Hidden rules by which a bridge is controlled over the network that it is a part of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct InBand {
    /// Priorities and matches.
    pub rules: Vec<(i32, Match)>,
    /// The queue that their packets take.
    pub queue: Option<u32>,
}

impl InBand {
    /// None stand any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A bridge.
#[derive(Debug)]
pub(crate) struct BridgeState {
    pub id: BridgeId,
    pub config: BridgeConfig,
    pub tables: Tables,
    pub groups: Groups,
    pub meters: Meters,
    pub macs: MacTable,
    pub learned: learned::Learned,
    pub mirrors: Mirrors,
    pub table_settings: BTreeMap<u8, TableSettings>,
    /// Geneve options that have fields.
    pub options: Arc<OptionTable>,
    /// Somebody has flow monitors.
    pub watched: bool,
    pub ports: BTreeMap<OfPort, PortRecord>,
    /// Numbers that names had before: a name that comes back gets its number again.
    pub remembered: BTreeMap<String, OfPort>,
    /// An address for a bridge whose local port has none of its own.
    pub fallback_mac: EtherAddr,
    /// Since when no controller has been connected, if there should be one.
    pub alone_since: Option<Duration>,
    /// Whether the rule stands that makes it an ordinary switch while controllers are away.
    pub fail_open: bool,
    /// The rules of in-band control that stand.
    pub in_band: InBand,
    /// Fragments: 0 normal, 1 drop, 3 match.
    pub fragments: u16,
    /// Counters of packets that no rule was for.
    pub internal: InternalStats,
    /// Ports that it ever had.
    pub added: u64,
    /// Of the present primary controller.
    pub generation: Option<u64>,
}

impl BridgeState {
    pub fn new(id: BridgeId, config: BridgeConfig, domain: &Domain, limits: &Limits, seed: u64) -> Self {
        let seeds = [seed ^ u64::from(id.0), seed.rotate_left(32) ^ 0x6d61_6373];
        let [.., c, d, e] =
            (seed ^ u64::from(id.0).rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        Self {
            id,
            tables: Tables::new(domain, limits, seeds),
            groups: Groups::default(),
            meters: Meters::default(),
            macs: MacTable::new(config.mac_table_size, config.mac_aging, seeds),
            learned: learned::Learned::default(),
            mirrors: Mirrors::default(),
            table_settings: BTreeMap::new(),
            options: Arc::default(),
            watched: false,
            ports: BTreeMap::new(),
            remembered: BTreeMap::new(),
            // Locally administered, from Nicira's range as the original's random ones are.
            fallback_mac: EtherAddr([0x02, 0x23, 0x20, c, d, e]),
            alone_since: None,
            fail_open: false,
            in_band: InBand::default(),
            fragments: 0,
            internal: InternalStats::default(),
            added: 0,
            generation: None,
            config,
        }
    }

    /// Whether groups or meters are not as the snapshot has them.
    pub fn names_changed(&self) -> bool {
        self.groups.changed || self.meters.changed
    }

    /// Whether some table tells how full it is.
    pub fn watches_vacancy(&self) -> bool {
        self.table_settings.values().any(|settings| settings.vacancy.is_some())
    }

    pub fn port_named(&self, interface: &str) -> Option<&PortRecord> {
        self.ports.values().find(|port| port.name == interface)
    }
}
