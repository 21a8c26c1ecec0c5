//! Why a packet goes to a controller, as the datapath's actions number it.

/// An action.
pub(crate) const ACTION: u8 = 1;
/// The time to live ran out.
pub(crate) const INVALID_TTL: u8 = 2;
/// The action set.
pub(crate) const ACTION_SET: u8 = 3;
/// A bucket of a group.
pub(crate) const GROUP: u8 = 4;
/// A packet-out.
pub(crate) const PACKET_OUT: u8 = 5;
/// The rule of priority 0 that matches everything (OpenFlow 1.3's table miss).
pub(crate) const EXPLICIT_MISS: u8 = 6;
/// No rule.
pub(crate) const IMPLICIT_MISS: u8 = 7;
