#![doc = include_str!("../README.md")]
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
