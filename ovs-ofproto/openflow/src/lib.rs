//! OpenFlow: typed messages, their bytes in each version, and the text of flows and actions.
//!
//! One set of types stands for what the versions write differently; a [`Protocol`] says which version and
//! which extensions a connection has agreed on. Nothing here does input or output or reads a clock.
//!
//! ```text
//!   bytes ──▶ framing ──▶ Message::decode ──▶ Message { FlowMod, PacketIn, StatsRequest … }
//!                               │ Rejected ──▶ the OpenFlow error to answer with
//!   bytes ◀── Message::encode ◀─┴── Message          text ◀──▶ FlowMod, [Action]
//! ```
//!
//! ```
//! use ovs_openflow::{Message, Protocol, Version};
//!
//! let protocol = Protocol::new(Version::V13);
//! let bytes = Message::BarrierRequest.encode(protocol, 7)?;
//! assert_eq!(bytes, [4, 20, 0, 8, 0, 0, 0, 7]);
//! assert_eq!(Message::decode(protocol, &bytes), Ok((7, Message::BarrierRequest)));
//! # Ok::<(), ovs_openflow::EncodeError>(())
//! ```
//!
//! What is spoken: 1.0 with Open vSwitch's NXM extensions, 1.3 and 1.4 ([`SUPPORTED`]). Of the others the numbers of errors,
//! types and structures are known where they are the same, but 1.1's matches and 1.5's flow statistics are not.
#![forbid(unsafe_code)]

pub mod action;
pub mod connection;
mod error;
mod header;
mod matching;
pub mod message;
pub mod text;
mod version;

pub use action::{Action, Mod, NO_BUFFER, SetField, SetForm, ToController};
pub use error::{ErrorCode, ErrorMsg, NX_VENDOR, ONF_VENDOR, OfError, WireError};
pub use header::{HEADER_LEN, Header};
pub use message::{
    AggregateStats, AsyncConfig, BundleAdd, BundleControl, BundleControlKind, BundleFlags, Capabilities,
    ConfigFlags, Dialect, Features, FlowFacts, FlowFilter, FlowFormat, FlowMod, FlowModCommand, FlowModFlags,
    FlowRemoved, FlowRemovedReason, FlowStats, FlowStatsEncoder, Hello, Message, PacketIn, PacketInReason,
    PacketOut, PortConfig, PortDesc, PortFeatures, PortMod, PortState, PortStats, PortStatus,
    PortStatusReason, QueueConfig, QueueProperty, QueueStats, Rejected, Role, RoleMsg, StatsReply,
    StatsReplyBody, StatsRequest, SwitchConfig, SwitchDesc, TableFeatures, TableMod, TableStats,
};
pub use ovs_flow;
pub use version::{PacketInFormat, Protocol, UnknownVersion, Version, VersionSet};

/// The versions in which everything of this crate can be said.
pub const SUPPORTED: VersionSet = VersionSet::NONE.with(Version::V10).with(Version::V13).with(Version::V14);

/// A message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The version has no words for it.
    #[error("{version} cannot say {what}")]
    Unsupported {
        /// What.
        what: &'static str,
        /// In which version.
        version: Version,
    },
    /// It would be longer than 65,535 bytes.
    #[error("message of more than 65535 bytes")]
    TooLong,
}
