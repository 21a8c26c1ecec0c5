//! The tables of the schema `Open_vSwitch` 8.8.0.
// Made by ovs_db::codegen; not to be edited.

mod autoattach;
mod bridge;
mod ct_timeout_policy;
mod ct_zone;
mod controller;
mod datapath;
mod flow_sample_collector_set;
mod flow_table;
mod ipfix;
mod interface;
mod manager;
mod mirror;
mod netflow;
mod open_vswitch;
mod port;
mod qos;
mod queue;
mod ssl;
mod sflow;

pub use autoattach::AutoAttach;
pub use bridge::Bridge;
pub use ct_timeout_policy::CtTimeoutPolicy;
pub use ct_zone::CtZone;
pub use controller::Controller;
pub use datapath::Datapath;
pub use flow_sample_collector_set::FlowSampleCollectorSet;
pub use flow_table::FlowTable;
pub use ipfix::Ipfix;
pub use interface::Interface;
pub use manager::Manager;
pub use mirror::Mirror;
pub use netflow::NetFlow;
pub use open_vswitch::OpenVSwitch;
pub use port::Port;
pub use qos::QoS;
pub use queue::Queue;
pub use ssl::Ssl;
pub use sflow::SFlow;

/// The database's name.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
pub const DATABASE: &str = "Open_vSwitch";
/// The schema's version.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
pub const VERSION: &str = "8.8.0";
