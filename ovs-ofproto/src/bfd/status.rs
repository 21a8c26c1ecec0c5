//! What a session says of itself.

use std::fmt;

/// State of a session (RFC 5880 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum BfdState {
    /// Held down by whoever runs it.
    AdminDown = 0,
    /// No sign of the neighbour.
    #[default]
    Down = 1,
    /// The neighbour is heard, and has not heard of this end.
    Init = 2,
    /// Packets go both ways.
    Up = 3,
}

impl BfdState {
    /// From two bits.
    pub fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }
}

impl fmt::Display for BfdState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminDown => "admin_down",
            Self::Down => "down",
            Self::Init => "init",
            Self::Up => "up",
        })
    }
}

/// Why a session last left the up state (RFC 5880 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Diagnostic(pub u8);

impl Diagnostic {
    /// Nothing happened.
    pub const NONE: Self = Self(0);
    /// Nothing was heard for too long.
    pub const TIME_EXPIRED: Self = Self(1);
    /// The neighbour says that the session is down.
    pub const NEIGHBOR_DOWN: Self = Self(3);
    /// The path is down.
    pub const PATH_DOWN: Self = Self(5);
    /// A path behind this end is down.
    pub const CONCATENATED_PATH_DOWN: Self = Self(6);
    /// Somebody holds it down.
    pub const ADMIN_DOWN: Self = Self(7);
    /// A path behind this end is down, the other way.
    pub const REVERSE_PATH_DOWN: Self = Self(8);

    /// Whether it says that packets do not get through although the session may be up.
    pub fn is_path_down(self) -> bool {
        [Self::PATH_DOWN, Self::CONCATENATED_PATH_DOWN, Self::REVERSE_PATH_DOWN].contains(&self)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "No Diagnostic",
            1 => "Control Detection Time Expired",
            2 => "Echo Function Failed",
            3 => "Neighbor Signaled Session Down",
            4 => "Forwarding Plane Reset",
            5 => "Path Down",
            6 => "Concatenated Path Down",
            7 => "Administratively Down",
            8 => "Reverse Concatenated Path Down",
            _ => "unknown",
        })
    }
}

/// A session at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BfdStatus {
    /// This end's state.
    pub state: BfdState,
    /// Whether packets are believed to get through.
    pub forwarding: bool,
    /// Why this end last left the up state.
    pub diagnostic: Diagnostic,
    /// The neighbour's state.
    pub remote_state: BfdState,
    /// Why the neighbour last left the up state.
    pub remote_diagnostic: Diagnostic,
    /// How often `forwarding` has changed.
    pub flaps: u64,
}

impl BfdStatus {
    /// The pairs of `Interface.bfd_status`, sorted by key.
    pub fn details(&self) -> Vec<(String, String)> {
        [
            ("diagnostic", self.diagnostic.to_string()),
            ("flap_count", self.flaps.to_string()),
            ("forwarding", self.forwarding.to_string()),
            ("remote_diagnostic", self.remote_diagnostic.to_string()),
            ("remote_state", self.remote_state.to_string()),
            ("state", self.state.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}
