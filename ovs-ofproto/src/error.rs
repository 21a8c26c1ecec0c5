//! What can go wrong on the control side, by operation.

use ovs_dpif::{DpifError, PortConfigError};
use ovs_flow::OfPort;
use ovs_netdev::OpenError;

/// Why an interface could not be added or changed. The text is what a user finds in `Interface.error`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterfaceError {
    /// The device could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The datapath refused the port.
    #[error("could not add network device {name} to ofproto ({source})")]
    Datapath {
        /// The interface.
        name: String,
        /// What the datapath said.
        source: DpifError,
    },
    /// The device was added and then refused its settings.
    #[error(transparent)]
    Configure(#[from] PortConfigError),
    /// The bridge has no OpenFlow port number left.
    #[error("could not add network device {name} to ofproto (no port number is free)")]
    NoNumber {
        /// The interface.
        name: String,
    },
    /// The interface's name is used by another one.
    #[error("could not add network device {name} to ofproto (File exists)")]
    Duplicate {
        /// The interface.
        name: String,
    },
    /// Its options make no tunnel.
    #[error(transparent)]
    Tunnel(#[from] crate::TunnelError),
    /// A patch without the option `peer`, or with itself as the peer.
    #[error("{name}: patch type requires valid 'peer' argument")]
    PatchPeer {
        /// The interface.
        name: String,
    },
}

/// Why a bridge could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// No bridge has the name.
    #[error("no bridge named {0}")]
    NoBridge(String),
    /// No port has the number.
    #[error("no port {0}")]
    NoPort(OfPort),
}

/// Why a connection could not be opened or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// No bridge has the name.
    #[error("no bridge named {0}")]
    NoBridge(String),
    /// The switch has as many connections as it may have.
    #[error("too many OpenFlow connections (limit {limit})")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The connection is closed.
    #[error("no such connection")]
    Closed,
}
