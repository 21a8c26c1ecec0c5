//! Packets from one line of text, for tests, examples and tools.
//!
//! A description is a list of layers, outermost first, separated by ` / `. A layer is a name, words and `key=value` pairs;
//! what is left out has a default, lengths and checksums are computed.
//!
//! | layer | words and keys |
//! |---|---|
//! | `eth A > B` | addresses; `type=` if nothing known follows |
//! | `vlan N`, `svlan N` | VLAN identifier; `pcp=` |
//! | `mpls N` | label; `ttl=` `tc=` (the bottom bit is set if no further `mpls` follows) |
//! | `arp A > B` | IPv4 addresses; `op=` `sha=` `tha=` |
//! | `ipv4 A > B`, `ipv6 A > B` | addresses; `ttl=` `tos=` `id=` `proto=` |
//! | `tcp P > Q`, `udp P > Q`, `sctp P > Q` | ports; `flags=` `seq=` `ack=` for TCP |
//! | `icmp T C`, `icmpv6 T C` | type and code; `id=` `seq=` |
//! | `N` | that many bytes of payload, counting up from 0 |
//!
//! Numbers are decimal, or hexadecimal after `0x`.
//!
//! ```
//! use ovs_packet::build;
//!
//! let frame = build::frame("eth / vlan 5 / ipv4 10.0.0.1 > 10.0.0.2 ttl=9 / udp 1 > 53 / 10")?;
//! assert_eq!(frame.len(), 14 + 4 + 20 + 8 + 10);
//! assert_eq!(frame[12..18], [0x81, 0, 0, 5, 0x08, 0]);
//! # Ok::<(), build::BuildError>(())
//! ```

mod emit;
mod layer;

use alloc::vec::Vec;

/// Why a description makes no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No layer has that name.
    #[error("layer {layer}: unknown name")]
    UnknownLayer {
        /// Which layer, counted from 0.
        layer: usize,
    },
    /// A word or value cannot be read, is out of range, or belongs to another layer.
    #[error("layer {layer}: word {word} makes no sense there")]
    BadWord {
        /// Which layer, counted from 0.
        layer: usize,
        /// Which of its words, counted from 0 (the name).
        word: usize,
    },
    /// The packet would be longer than its length fields can say.
    #[error("layer {layer}: longer than 65535 bytes")]
    TooLong {
        /// Which layer, counted from 0.
        layer: usize,
    },
}

/// Makes the packet that `description` says.
pub fn frame(description: &str) -> Result<Vec<u8>, BuildError> {
    let layers = description
        .split(" / ")
        .enumerate()
        .map(|(index, text)| layer::parse(index, text))
        .collect::<Result<Vec<_>, _>>()?;
    emit::emit(&layers)
}
