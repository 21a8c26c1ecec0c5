//! The OpenFlow switch: bridges, tables, translation, upcalls, learning, revalidation.
//!
//! ```text
//!   DesiredState ─▶ plan ─▶ apply ─────────────┐             ┌─▶ Status
//!   OpenFlow bytes ─▶ feed ─▶ agent ─▶ tables ─┤   Switch    ├─▶ OpenFlow bytes (take_output)
//!                                              │             │
//!      published snapshot ◀────────────────────┘             └─▶ Dpif: ports, megaflows, packet-outs
//!             │                                                        ▲
//!             ▼                                                        │
//!   worker: upcall ─▶ translate(snapshot, key) ─▶ megaflow       revalidate ◀─ what changed
//!                          └─▶ effects (learning, packet-ins) ─▶ Switch::poll
//! ```
//!
//! A `Switch` is polled: it starts no thread, reads no clock and touches no socket. Configuration goes in as a
//! `DesiredState`, what is to be done comes out as a `Plan`, and applying that is a step of its own. OpenFlow
//! connections are fed with bytes; bytes to be sent are taken. Each turn of the embedder has this order:
//! configuration and bytes in, `Switch::poll`, bytes out; the datapath's workers run beside it, as threads or by hand.
//!
//! ```
//! use std::time::Duration;
//!
//! use ovs_ofproto::ovs_dpif::NaiveDatapath;
//! use ovs_ofproto::ovs_netdev::{Registry, dummy::Dummies};
//! use ovs_ofproto::{BridgeConfig, DesiredState, InterfaceConfig, PortConfig, Switch, SwitchConfig};
//!
//! let dummies = Dummies::new();
//! let mut registry = Registry::new();
//! registry.register(Box::new(dummies.factory("dummy")));
//! registry.register_as("internal", Box::new(dummies.factory("internal")));
//!
//! let datapath = NaiveDatapath::new("ovs-dummy", "dummy", 1, 1000);
//! let mut worker = datapath.worker();
//! let mut switch = Switch::new(SwitchConfig::default(), registry, Box::new(datapath));
//!
//! let port = |name: &str| PortConfig::new(name).interface(InterfaceConfig::new(name, "dummy"));
//! let bridge = BridgeConfig::new("br0").port(port("p1")).port(port("p2"));
//! let plan = switch.plan(&DesiredState::default().bridge(bridge));
//! let now = Duration::from_secs(1);
//! switch.apply(plan, now);
//!
//! dummies.handle("p1").unwrap().receive(vec![2; 60]);
//! for _ in 0..4 {
//!     worker.run(now);
//!     switch.poll(now, 1000);
//! }
//! assert_eq!(dummies.handle("p2").unwrap().take_sent().len(), 1);
//! ```
//!
//! What it does: OpenFlow 1.0, 1.3 and 1.4 with Open vSwitch's extensions to 1.0; tables 0 to 253; all of `output`,
//! NORMAL with VLANs and learning, `controller`, `resubmit`, `goto_table`, writing and moving fields, VLAN tags, `dec_ttl`, the
//! stack, the action set; patch ports; bundles; barriers that wait until no worker executes old actions; traces to the letter
//! of the original. What it refuses, with the error that OpenFlow has for it: groups, meters, MPLS, `learn`, `ct`, and
//! the rest of `ovs-actions(7)`.
#![forbid(unsafe_code)]

mod bridge;
mod compact;
mod config;
mod desired;
mod error;
mod mac_learning;
mod packet_in;
mod plan;
mod recirc;
mod revalidate;
mod rule;
mod snapshot;
mod status;
mod switch;
mod table;
pub mod trace;
pub mod translate;
mod upcall;

pub use config::{Limits, SwitchConfig};
pub use desired::{
    BridgeConfig, ControllerConfig, DesiredState, FailMode, InterfaceConfig, PortConfig, TableConfig,
    VlanMode,
};
pub use error::{BridgeError, ConnectionError, InterfaceError};
pub use mac_learning::{MacEntry, MacStats};
pub use plan::{Applied, Plan, Step};
pub use snapshot::Snapshot;
pub use status::{BridgeStatus, InterfaceStatus, Status};
pub use switch::{Bridge, ConnId, ConnectionKind, Revalidation, Switch, SwitchEvent, TraceError, Turn};

pub use ovs_dpif;
pub use ovs_flow;
pub use ovs_netdev;
pub use ovs_openflow;
