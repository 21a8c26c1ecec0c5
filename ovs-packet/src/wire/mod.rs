//! Wire views: what the bytes of each protocol mean.
//!
//! Each protocol has a **view**, an accessor over borrowed bytes that allocates and copies nothing, and a **value**,
//! a plain struct of the same fields. The names are the same everywhere:
//!
//! | view | |
//! |---|---|
//! | `View::new_checked(bytes)` | fails unless the whole header, with its options, is there |
//! | `view.FIELD()`, `view.set_FIELD(value)` | numbers in host order, addresses as byte arrays |
//! | `view.header_len()`, `view.header()`, `view.payload()`, `view.payload_mut()` | |
//! | `Header::parse(&view)`, `header.emit(&mut view)`, `header.to_bytes()` | all fields at once |
//!
//! Values that no standard knows are kept as they are, so that what is parsed and written again loses nothing.
//!
//! # Panics
//!
//! None, on any bytes, once `new_checked` has accepted them: setters of length fields may make the payload shorter
//! or empty, never wrong memory. (A `T` whose `as_ref` gives other bytes at each call breaks that promise.)
//!
//! ```
//! use ovs_packet::wire::{EthernetView, EtherType, Ipv4View, UdpView};
//!
//! # let bytes: Vec<u8> = [&[0; 12][..], &[8, 0, 0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
//! #     &[0, 1, 0, 53, 0, 10, 0, 0, b'h', b'i', 0, 0]].concat();
//! let ethernet = EthernetView::new_checked(&bytes[..])?;
//! assert_eq!(ethernet.ether_type(), EtherType::IPV4);
//! let ip = Ipv4View::new_checked(ethernet.payload())?;
//! let udp = UdpView::new_checked(ip.payload())?;
//! assert_eq!((ip.dst(), udp.dst_port(), udp.payload()), ([10, 0, 0, 2], 53, &b"hi"[..]));
//! # Ok::<(), ovs_packet::wire::WireError>(())
//! ```

mod arp;
pub(crate) mod bytes;
mod ethernet;
mod field;
mod icmp;
mod igmp;
mod ipv4;
mod ipv6;
mod mpls;
mod neighbor;
mod numbers;
mod sctp;
mod tcp;
mod tunnel;
mod udp;

pub use arp::{ArpHeader, ArpView};
pub use ethernet::{
    EthernetHeader, EthernetView, LlcHeader, LlcView, SnapHeader, SnapView, VlanHeader, VlanView,
};
pub use icmp::{IcmpHeader, IcmpView};
pub use igmp::{IgmpHeader, IgmpView};
pub use ipv4::{Ipv4Header, Ipv4Option, Ipv4Options, Ipv4View};
pub use ipv6::{
    Extension, Extensions, FragmentHeader, FragmentView, Ipv6Header, Ipv6View, RoutingHeader, RoutingView,
};
pub use mpls::{MplsHeader, MplsView};
pub use neighbor::{NeighborHeader, NeighborOption, NeighborOptions, NeighborView};
pub use numbers::{EtherType, IpProtocol};
pub use sctp::{SctpChunk, SctpChunks, SctpHeader, SctpView};
pub use tcp::{TcpFlags, TcpHeader, TcpOption, TcpOptions, TcpView};
pub use tunnel::{GeneveHeader, GeneveView, GreHeader, GreView, VxlanHeader, VxlanView};
pub use udp::{UdpHeader, UdpView};

/// Why bytes do not begin with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end before the header does.
    #[error("header truncated: {needed} bytes needed, {len} there")]
    Truncated {
        /// Bytes of the header.
        needed: usize,
        /// Bytes that there were.
        len: usize,
    },
    /// The header says that it is shorter than its own fixed part.
    #[error("header claims {claimed} bytes, its fixed part has {least}")]
    BadLength {
        /// Its claim.
        claimed: usize,
        /// Bytes of the fixed part.
        least: usize,
    },
}

/// Checks that `bytes` hold a header with a fixed part of `least` bytes.
fn check(bytes: &[u8], least: usize, header_len: impl Fn(&[u8]) -> usize) -> Result<(), WireError> {
    let len = bytes.len();
    if len < least {
        return Err(WireError::Truncated { needed: least, len });
    }
    let needed = header_len(bytes);
    if needed < least {
        return Err(WireError::BadLength { claimed: needed, least });
    }
    if needed > len {
        return Err(WireError::Truncated { needed, len });
    }
    Ok(())
}
