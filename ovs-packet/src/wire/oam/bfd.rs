//! Bidirectional forwarding detection: control packets (RFC 5880 section 4).
//!
//! ```text
//!  0                   1                   2                   3
//! ├─────┼─────────┼───┼─┼─┼─┼─┼─┼─┼───────────────┼───────────────┤
//! │ver 1│  diag   │sta│P│F│C│A│D│M│  detect mult  │    length     │
//! │                       my discriminator                        │
//! │                      your discriminator                       │
//! │       desired min TX interval, µs; required min RX; required min echo RX       │
//! │ authentication, if A: type 1 │ length 1 │ key 1 │ …           │
//! └───────────────────────────────────────────────────────────────┘
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::field::view;
use super::super::list::{Item, Items, body, head};

view! {
    /// A BFD control packet with its authentication section.
    view BfdView, value BfdHeader, 24 bytes, header header_len, end header_len;
    /// Version (3 bits) and diagnostic (5).
    version_diagnostic set_version_diagnostic: u8 = 0 {
        /// Version: 1.
        version set_version: u8 = 5, 3;
        /// Why the session last left the up state: 0 none, 1 detection time expired, 3 neighbour said down, 7 administratively down …
        diagnostic set_diagnostic: u8 = 0, 5;
    };
    /// State (2 bits) and flags (6).
    state_flags set_state_flags: u8 = 1 {
        /// State: 0 administratively down, 1 down, 2 init, 3 up.
        state set_state: u8 = 6, 2;
        /// Poll.
        poll set_poll: bool = 5, 1;
        /// Final: the answer to a poll.
        is_final set_is_final: bool = 4, 1;
        /// The sender's BFD does not share fate with its control plane.
        independent set_independent: bool = 3, 1;
        /// There is an authentication section.
        has_authentication set_has_authentication: bool = 2, 1;
        /// Demand mode.
        demand set_demand: bool = 1, 1;
        /// Multipoint; always 0.
        multipoint set_multipoint: bool = 0, 1;
    };
    /// Detection time multiplier.
    multiplier set_multiplier: u8 = 2;
    /// Bytes of the packet.
    length set_length: u8 = 3;
    /// The sender's discriminator.
    my_discriminator set_my_discriminator: u32 = 4;
    /// The discriminator last heard from the receiver, or 0.
    your_discriminator set_your_discriminator: u32 = 8;
    /// Shortest interval at which the sender would like to send, in microseconds.
    desired_min_tx set_desired_min_tx: u32 = 12;
    /// Shortest interval that the sender supports for receiving, in microseconds.
    required_min_rx set_required_min_rx: u32 = 16;
    /// The same for echoes; 0 if it does not support them.
    required_min_echo_rx set_required_min_echo_rx: u32 = 20;
}

fn header_len(bytes: &[u8]) -> usize {
    usize::from(bytes[3])
}

/// An authentication section (RFC 5880 section 4.2 and following).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BfdAuthentication<'a> {
    /// Type: 1 password, 2 and 3 MD5, 4 and 5 SHA1.
    pub kind: u8,
    /// All behind type and length: key identifier, and what the type needs.
    pub data: &'a [u8],
}

impl<T: AsRef<[u8]>> BfdView<T> {
    /// The authentication section, as a list of none or one: the flag announces it.
    pub fn authentication(&self) -> Items<'_, BfdAuthentication<'_>> {
        Items::counted(self.variable(), Self::LEN, usize::from(self.has_authentication()))
    }
}

impl<'a> Item<'a> for BfdAuthentication<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let [kind, len] = head(bytes)?;
        let data = body(bytes, 2, usize::from(len))?;
        Ok(Some((Self { kind, data }, usize::from(len))))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend([self.kind, (self.data.len() + 2) as u8]);
        out.extend_from_slice(self.data);
    }
}
