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
//! | `view.options()`, `view.tlvs()`, `view.records()` … | [`Items`]: each a value, or an error with its offset |
//! | `view.checksum_ok(…)`, `view.fill_checksum(…)` | where there is a checksum |
//!
//! Flags and numbers that are parts of a word have accessors of their own, on view and value alike. The tables from which
//! these are made can be read at run time ([`Protocol`], [`FieldInfo`]); [`walk`] goes through a packet from header to header.
//!
//! | layer | protocols |
//! |---|---|
//! | link | Ethernet II, 802.3 with LLC and SNAP, VLAN tags, MPLS, ARP and RARP |
//! | Internet | IPv4 with options; IPv6 with hop-by-hop, destination, routing, segment routing, fragment, authentication and mobility headers |
//! | control | ICMP, ICMPv6, neighbour discovery with options, MLD 1 and 2, IGMP 1 to 3 |
//! | transport | TCP with options, UDP, SCTP with chunks |
//! | tunnels | VXLAN with GBP and GPE, Geneve with options, GRE, ERSPAN I to III, GTP-U, LISP, NSH |
//! | switches | BFD, CFM, LACP and marker, STP, RSTP and MSTP, LLDP |
//! | export (written) | NetFlow 5, sFlow 5, IPFIX: [`export`] |
//!
//! Values that no standard knows are kept as they are, so that what is parsed and written again loses nothing.
//!
//! # Panics
//!
//! None, on any bytes, once `new_checked` has accepted them: setters of length fields may make the payload shorter
//! or empty, never wrong memory. (A `T` whose `as_ref` gives other bytes at each call breaks that promise.)
//!
//! ```
//! use ovs_packet::wire::{EtherType, EthernetView, Ipv4View, UdpView};
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

pub(crate) mod announce;
pub(crate) mod bytes;
mod control;
pub mod export;
mod field;
mod ip;
mod link;
mod list;
mod lists;
mod numbers;
mod oam;
mod protocol;
mod transport;
mod tunnel;
mod walk;

pub use control::discovery::{NeighborOption, PrefixInformation};
pub use control::icmp::{IcmpHeader, IcmpMessage, IcmpView};
pub use control::icmpv6::{Icmpv6Header, Icmpv6Message, Icmpv6View};
pub use control::igmp::{
    IgmpHeader, IgmpQueryHeader, IgmpQueryView, IgmpRecord, IgmpReportHeader, IgmpReportView, IgmpView,
};
pub use control::mld::{
    MldHeader, MldQueryHeader, MldQueryView, MldRecord, MldReportHeader, MldReportView, MldView,
};
pub use control::neighbor::{
    NeighborHeader, NeighborView, RedirectHeader, RedirectView, RouterAdvertHeader, RouterAdvertView,
    RouterSolicitHeader, RouterSolicitView,
};
pub use field::{FieldInfo, FieldKind, FieldValue};
pub use ip::extension::{
    AuthenticationHeader, AuthenticationView, EspHeader, EspView, Extension, Extensions, FragmentHeader,
    FragmentView, Ipv6Option, Ipv6OptionsHeader, Ipv6OptionsView, MobilityHeader, MobilityView,
    RoutingHeader, RoutingView,
};
pub use ip::ipv4::{Ipv4Header, Ipv4Option, Ipv4View};
pub use ip::ipv6::{Ipv6Header, Ipv6View};
pub use ip::segment_routing::{SegmentRoutingHeader, SegmentRoutingView, SegmentTlv};
pub use link::arp::{ArpHeader, ArpView};
pub use link::ethernet::{
    EthernetHeader, EthernetView, LlcHeader, LlcView, SnapHeader, SnapView, VlanHeader, VlanView,
};
pub use link::mpls::{MplsHeader, MplsStack, MplsView};
pub use list::{Item, Items, ListError};
pub use numbers::{EtherType, IpProtocol};
pub use oam::bfd::{BfdAuthentication, BfdHeader, BfdView};
pub use oam::cfm::{
    CcmHeader, CcmView, CfmHeader, CfmTlv, CfmView, LinktraceHeader, LinktraceReplyHeader,
    LinktraceReplyView, LinktraceView, LoopbackHeader, LoopbackView,
};
pub use oam::lacp::{LacpHeader, LacpState, LacpView, MarkerHeader, MarkerView};
pub use oam::lldp::{LldpHeader, LldpTlv, LldpView};
pub use oam::stp::{
    BpduHeader, BpduView, BridgeUnitHeader, BridgeUnitView, MultipleTreeHeader, MultipleTreeView,
    TreeInstance,
};
pub use protocol::{Described, Extent, Header, Protocol};
pub use transport::sctp::{SctpChunk, SctpHeader, SctpView};
pub use transport::tcp::{SackBlocks, TcpFlags, TcpHeader, TcpOption, TcpView};
pub use transport::udp::{UdpHeader, UdpView};
pub use tunnel::erspan::{Erspan2Header, Erspan2View, Erspan3Header, Erspan3View};
pub use tunnel::geneve::{GeneveHeader, GeneveOption, GeneveView};
pub use tunnel::gre::{GreHeader, GreRoute, GreView};
pub use tunnel::gtpu::{GtpuExtension, GtpuExtensions, GtpuHeader, GtpuView};
pub use tunnel::lisp::{LispHeader, LispView};
pub use tunnel::nsh::{NshHeader, NshTlv, NshView};
pub use tunnel::vxlan::{VxlanHeader, VxlanView};
pub use walk::{Layer, MAX_LAYERS, Walk, WalkError, walk};

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
/// Returns the header's length with its options.
fn check(bytes: &[u8], least: usize, header_len: impl Fn(&[u8]) -> usize) -> Result<usize, WireError> {
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
    Ok(needed)
}
