//! IPv6 (RFC 8200 section 3).
//!
//! ```text
//!  0                   1                   2                   3
//! ├───────┼───────────────┼───────────────────────────────────────┤
//! │version│ traffic class │              flow label               │
//! │         payload length        │  next header  │   hop limit   │
//! │                    source address, 16 bytes                   │
//! │                 destination address, 16 bytes                 │
//! └───────────────────────────────────────────────────────────────┘
//! ```

use super::super::IpProtocol;
use super::super::field::{fixed, view};
use super::extension::Extensions;
use crate::checksum;

view! {
    /// An IPv6 header. The payload begins with the extension headers and ends where the payload length says.
    view Ipv6View, value Ipv6Header, 40 bytes, header fixed::<40>, end end;
    /// Version (4 bits), traffic class (8), flow label (20).
    version_class_label set_version_class_label: u32 = 0 {
        /// Version; 6, or this is something else.
        version set_version: u8 = 28, 4;
        /// Traffic class: DSCP (6 bits) and ECN (2).
        traffic_class set_traffic_class: u8 = 20, 8;
        /// Flow label.
        flow_label set_flow_label: u32 = 0, 20;
    };
    /// Bytes behind this header.
    payload_len set_payload_len: u16 = 4;
    /// What the payload begins with.
    next_header set_next_header: IpProtocol = 6;
    /// Hop limit.
    hop_limit set_hop_limit: u8 = 7;
    /// Source address.
    src set_src: [u8; 16] = 8;
    /// Destination address.
    dst set_dst: [u8; 16] = 24;
}

fn end(bytes: &[u8]) -> usize {
    40 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]))
}

impl<T: AsRef<[u8]>> Ipv6View<T> {
    /// The headers between this one and the transport header.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.next_header(), self.payload())
    }

    /// The sum of the pseudo header of an upper-layer packet of `len` bytes (RFC 8200 section 8.1), if no routing header
    /// changes the destination.
    pub fn pseudo(&self, protocol: IpProtocol, len: usize) -> checksum::Sum {
        checksum::pseudo_v6(self.src(), self.dst(), protocol, len as u32)
    }
}
