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

pub use action::{Action, Mod, NO_BUFFER, SetField, SetForm, SetOption, ToController};
pub use error::{ErrorCode, ErrorMsg, NX_VENDOR, ONF_VENDOR, OfError, WireError};
pub use header::{HEADER_LEN, Header};
pub use message::*;
pub use ovs_flow;
pub use version::{PacketInFormat, Protocol, UnknownVersion, Version, VersionSet};

/// The versions that this crate speaks: all of them. A switch offers those that it has the behaviour for.
pub const SPOKEN: VersionSet = VersionSet::ALL;

/// The versions in which ovs-ofproto answers everything that it is asked.
pub const SUPPORTED: VersionSet = VersionSet::ALL;

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
