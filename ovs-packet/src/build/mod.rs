//! Packets from one line of text, for tests, examples and tools; and the same from values.
//!
//! A description is a list of layers, outermost first, separated by ` / `. A layer is a name, words and `key=value` pairs.
//! Every [field](crate::wire::FieldInfo) of every [`Protocol`] is a key; what is left out has a default, and lengths,
//! counts, checksums, and what says which layer follows are computed unless they are given.
//!
//! | layer | words | further keys |
//! |---|---|---|
//! | `eth A > B` | addresses | `type=` |
//! | `vlan N`, `svlan N` | VLAN identifier | |
//! | `mpls N`, `llc`, `snap` | label | `tc=` |
//! | `arp A > B`, `rarp A > B` | IPv4 addresses | `op=` `sha=` `tha=` |
//! | `ipv4 A > B` | addresses | `proto=` `df=` `mf=`, options `ra=` `opt=KIND:HEX` |
//! | `ipv6 A > B` | addresses | `ttl=` `tos=` `id=` (flow label) `proto=` |
//! | `hopopts`, `dstopts` | | options `ra=` `jumbo=` `opt=KIND:HEX` |
//! | `routing`, `frag`, `ah`, `esp`, `mobility` | | `more=` `hex=` |
//! | `srh` | | `seg=ADDRESS` (the last of the path first) `tlv=KIND:HEX` |
//! | `tcp P > Q` | ports | `seq=` `ack=`, options `mss=` `ws=` `sackok=1` `sack=A-B` `ts=VALUE:ECHO` `opt=KIND:HEX` |
//! | `udp P > Q` | ports; the destination's is the next layer's by default | |
//! | `sctp P > Q` | ports | `chunk=KIND:HEX` |
//! | `icmp T C`, `icmpv6 T C` | type and code | `id=` `seq=` `mtu=` `gateway=` `pointer=` |
//! | `rs`, `ra`, `ns A`, `na A`, `redirect A B` | addresses | options `slla=` `tlla=` `prefix=ADDRESS-LEN` `mtu=` `rdnss=` `redirected=HEX` `opt=KIND:HEX` |
//! | `mld T A`, `mldquery A`, `mldreport` | type, group | `source=` `record=KIND,GROUP,SOURCE…` |
//! | `igmp T A`, `igmpquery A`, `igmpreport` | type, group | `source=` `record=KIND,GROUP,SOURCE…` |
//! | `nsh SPI SI` | path and index | `context=HEX` (type 1) or `tlv=CLASS:KIND:HEX` (type 2) |
//! | `vxlan N`, `vxlangpe N`, `geneve N` | network identifier | `gbp=`; `opt=CLASS:KIND:HEX` |
//! | `gre` | | `csum=1` `key=` `seq=` `ack=` `route=FAMILY:HEX` |
//! | `erspan2 S`, `erspan3 S` | session | `platform=HEX` |
//! | `gtpu N` | tunnel | `seq=` `npdu=` `ext=KIND:HEX` |
//! | `lisp N` | instance | |
//! | `bfd A > B` | discriminators | `auth=KIND:HEX` |
//! | `cfm`, `ccm`, `lbm N`, `lbr N`, `ltm N`, `ltr N` | transaction | `tlv=KIND:HEX` |
//! | `lacp`, `marker`, `bpdu`, `stp`, `rstp`, `mstp` | | |
//! | `lldp` | | `chassis=KIND:HEX` `port=KIND:HEX` `ttl=` `name=TEXT` `description=TEXT` `caps=` `tlv=KIND:HEX` |
//! | `N`, `payload TEXT`, `hex DIGITS` | that many bytes counting up from 0; these bytes | |
//!
//! Numbers are decimal, or hexadecimal after `0x`. `hex=DIGITS` appends bytes to any header, behind its options.
//!
//! ```
//! use ovs_packet::build;
//!
//! let frame = build::frame("eth / vlan 5 / ipv4 10.0.0.1 > 10.0.0.2 ttl=9 / udp 1 > 53 / 10")?;
//! assert_eq!(frame.len(), 14 + 4 + 20 + 8 + 10);
//! assert_eq!(frame[12..18], [0x81, 0, 0, 5, 0x08, 0]);
//!
//! let error = build::frame("eth / vlan 5000").unwrap_err();
//! assert_eq!(error.to_string(), "column 12: expected a number up to 4095");
//! # Ok::<(), build::BuildError>(())
//! ```
//!
//! The same from values:
//!
//! ```
//! use ovs_packet::build::{Builder, Layer};
//! use ovs_packet::wire::{EthernetHeader, Ipv4Header, TcpHeader, TcpOption};
//!
//! let frame = Builder::new()
//!     .layer(Layer::of(&EthernetHeader::default()))
//!     .layer(Layer::of(&Ipv4Header { version_ihl: 0x45, ttl: 9, ..Ipv4Header::default() }))
//!     .layer(Layer::of(&TcpHeader { dst_port: 80, ..TcpHeader::default() }).item(&TcpOption::MaxSegmentSize(1460)))
//!     .payload(b"hello")
//!     .build()?;
//! assert_eq!(frame.len(), 14 + 20 + 24 + 5);
//! # Ok::<(), ovs_packet::build::BuildError>(())
//! ```

mod fill;
mod layer;
mod options;
mod syntax;
mod text;
mod value;

use alloc::vec::Vec;
use core::str::FromStr;

pub use layer::Layer;

use crate::wire::Protocol;

/// Most layers of a description.
pub const MAX_LAYERS: usize = 256;

/// Why a description makes no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No layer has that name.
    #[error("column {column}: no layer has this name")]
    UnknownLayer {
        /// Where the name begins, counted in characters from 1.
        column: usize,
    },
    /// A word or key that the layer does not have.
    #[error("column {column}: {} has no such word or key", .protocol.map_or("payload", Protocol::name))]
    UnknownWord {
        /// Where it begins, counted in characters from 1.
        column: usize,
        /// The layer's protocol; none for payload.
        protocol: Option<Protocol>,
    },
    /// A value that cannot be read or is out of range.
    #[error("column {column}: expected {expected}")]
    BadValue {
        /// Where it begins, counted in characters from 1.
        column: usize,
        /// What should stand there.
        expected: Expected,
    },
    /// More than [`MAX_LAYERS`].
    #[error("column {column}: more than {MAX_LAYERS} layers")]
    TooMany {
        /// Where the one too many begins, counted in characters from 1.
        column: usize,
    },
    /// A layer, or the packet, would be longer than its length field can say.
    #[error("layer {layer}: longer than its length field can say")]
    TooLong {
        /// Which layer, counted from 0.
        layer: usize,
    },
}

/// What should have stood where a value could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Expected {
    /// A number.
    #[error("a number up to {0}")]
    Number(u64),
    /// An Ethernet address.
    #[error("an Ethernet address, as 02:00:00:00:00:01")]
    Ethernet,
    /// An IPv4 address.
    #[error("an IPv4 address")]
    Ipv4,
    /// An IPv6 address.
    #[error("an IPv6 address")]
    Ipv6,
    /// Some bytes.
    #[error("{0} bytes as hexadecimal digits")]
    Bytes(usize),
    /// Any bytes.
    #[error("an even number of hexadecimal digits")]
    Hex,
    /// Another form.
    #[error("{0}")]
    Form(&'static str),
}

/// Makes the packet that `description` says.
pub fn frame(description: &str) -> Result<Vec<u8>, BuildError> {
    description.parse::<Builder>()?.build()
}

/// A packet that is being put together, layer by layer from the outermost.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    layers: Vec<Layer>,
}

impl Builder {
    /// No layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more layer inside.
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// With these bytes inside.
    pub fn payload(self, bytes: &[u8]) -> Self {
        self.layer(Layer::payload(bytes))
    }

    /// The layers so far.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The packet.
    pub fn build(&self) -> Result<Vec<u8>, BuildError> {
        fill::packet(&self.layers)
    }
}

impl FromStr for Builder {
    type Err = BuildError;

    fn from_str(description: &str) -> Result<Self, BuildError> {
        Ok(Self { layers: text::layers(description)? })
    }
}
