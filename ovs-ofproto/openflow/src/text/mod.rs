//! Text of actions and flows, both ways, as `ovs-ofctl` speaks it (`ovs-actions(7)`, `ovs-ofctl(8)`).
//!
//! ```
//! use ovs_openflow::text::{ActionsDisplay, NoNames, parse_actions, parse_flow_mod};
//! use ovs_openflow::FlowModCommand;
//!
//! let actions = parse_actions("mod_vlan_vid:5,resubmit(,1),normal", &NoNames)?;
//! assert_eq!(ActionsDisplay::new(&actions).to_string(), "mod_vlan_vid:5,resubmit(,1),NORMAL");
//! let change = parse_flow_mod(FlowModCommand::Add, "priority=9,tcp,tp_dst=80,actions=drop", &NoNames)?;
//! assert_eq!(change.priority, 9);
//! # Ok::<(), ovs_openflow::text::ParseError>(())
//! ```

mod action_parse;
mod action_values;
mod actions;
mod choose;
mod conntrack;
mod encap;
mod error;
mod flow;
mod flow_parse;
mod group;
mod learn;
mod meter;
mod print;

pub use action_parse::parse_actions;
pub use actions::ActionsDisplay;
pub use error::ParseError;
pub use flow::RuleDisplay;
pub use flow_parse::{parse_flow_mod, parse_flow_mods};
pub use group::{GroupDisplay, parse_group_mod, parse_group_mods};
pub use meter::{MeterDisplay, parse_meter_mod};
pub use ovs_flow::text::{NoNames, PortNames};
pub use print::print_message;
