//! Why options make no tunnel.

/// Why an interface's options make no tunnel. The text is what a user finds in `Interface.error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TunnelError {
    /// No other end, or none that is an address.
    #[error("{name}: {kind} type requires valid 'remote_ip' argument")]
    Remote {
        /// The interface.
        name: String,
        /// The tunnel's type.
        kind: &'static str,
    },
    /// The other end is a group.
    #[error("{name}: multicast remote_ip={address} not allowed")]
    Multicast {
        /// The interface.
        name: String,
        /// The other end.
        address: String,
    },
    /// The own end is to come from the flow, the other one is not.
    #[error("{name}: {kind} type requires 'remote_ip=flow' with 'local_ip=flow'")]
    LocalFlow {
        /// The interface.
        name: String,
        /// The tunnel's type.
        kind: &'static str,
    },
    /// One end is IPv4, the other IPv6.
    #[error("{name}: 'remote_ip' and 'local_ip' has to be of the same address family")]
    Families {
        /// The interface.
        name: String,
    },
    /// A `packet_type` that nobody knows.
    #[error("{name}: unknown packet_type '{value}'")]
    PacketType {
        /// The interface.
        name: String,
        /// What it says.
        value: String,
    },
    /// A `packet_type` that the tunnel cannot carry.
    #[error("{name}: {mode} configured on {what} tunnel that cannot carry {traffic} traffic")]
    Carries {
        /// The interface.
        name: String,
        /// The value of `packet_type`.
        mode: &'static str,
        /// The tunnel.
        what: &'static str,
        /// `L2` or `L3`.
        traffic: &'static str,
    },
    /// A field of ERSPAN that is out of range.
    #[error("{name}: invalid erspan {what}: {value}")]
    Erspan {
        /// The interface.
        name: String,
        /// The field.
        what: &'static str,
        /// What the option says.
        value: String,
    },
    /// What a bare UDP tunnel carries is no protocol.
    #[error("{name}: could not set configuration (Invalid argument)")]
    Payload {
        /// The interface.
        name: String,
    },
    /// An option of segment routing that makes no sense.
    #[error("{name}: bad srv6 '{option}'")]
    SegmentRouting {
        /// The interface.
        name: String,
        /// The option.
        option: &'static str,
    },
    /// Another interface of this datapath has the same ends and the same key.
    #[error("{name}: attempting to add tunnel port with same config as port '{other}'")]
    Duplicate {
        /// The interface.
        name: String,
        /// The one that was there before.
        other: String,
    },
}
