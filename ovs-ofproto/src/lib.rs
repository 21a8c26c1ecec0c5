#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod bfd;
mod bridge;
mod compact;
mod config;
mod desired;
mod error;
mod group;
mod mac_learning;
mod meter;
mod neighbor;
mod packet_in;
mod plan;
mod recirc;
mod revalidate;
pub mod router;
mod rule;
mod snapshot;
mod status;
mod switch;
mod table;
pub mod trace;
mod traffic;
pub mod translate;
mod tunnel;
mod upcall;
mod users;

pub use config::{Limits, SwitchConfig};
pub use desired::{
    BridgeConfig, ControllerConfig, DesiredState, FailMode, InterfaceConfig, MirrorConfig, MirrorOutput,
    PortConfig, PriorityTags, QosConfig, TableConfig, VlanMode, ZoneConfig, ZonesConfig,
};
pub use error::{BridgeError, ConnectionError, InterfaceError};
pub use mac_learning::{MacEntry, MacStats, StaticMacError};
pub use plan::{Applied, Plan, Step};
pub use snapshot::Snapshot;
pub use status::{BridgeStatus, InterfaceStatus, MirrorStatus, Status};
pub use switch::{Bridge, ConnId, ConnectionKind, InterfaceQos, Revalidation, Switch, SwitchEvent, Turn};
pub use tunnel::TunnelError;

pub use ovs_classifier;
pub use ovs_dpif;
pub use ovs_flow;
pub use ovs_netdev;
pub use ovs_openflow;
