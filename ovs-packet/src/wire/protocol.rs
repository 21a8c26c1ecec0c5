//! The protocols by name: one table, from which walking, building and checking derive.

use alloc::vec::Vec;

#[allow(clippy::wildcard_imports, reason = "the table names every header")]
use super::*;

/// A value of a header, as its table describes it.
pub trait Described: Default {
    /// Bytes of the header without options.
    const LEN: usize;
    /// The header's fields.
    const FIELDS: &'static [FieldInfo];

    /// How far header and payload go. Fails as the view's `new_checked` does.
    fn extent(bytes: &[u8]) -> Result<Extent, WireError>;

    /// Appends the header's bytes, without options.
    fn write(&self, out: &mut Vec<u8>);
}

/// A described header that is a [`Protocol`].
pub trait Header: Described {
    /// Which.
    const PROTOCOL: Protocol;
}

/// How far a header and its payload go, counted from the header's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Bytes of the header with its options: where the payload begins.
    pub header: usize,
    /// Where the payload ends.
    pub end: usize,
}

/// Makes the enumeration and what depends on the header's type.
macro_rules! protocols {
    ( $( $(#[$meta:meta])* $protocol:ident = $name:literal, $header:ident; )* ) => {
        /// A protocol whose headers we know.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Protocol {
            $( $(#[$meta])* $protocol, )*
        }

        impl Protocol {
            /// All of them.
            pub const ALL: &'static [Self] = &[ $( Self::$protocol, )* ];

            /// The name by which [`build`](crate::build) knows it.
            pub fn name(self) -> &'static str {
                match self { $( Self::$protocol => $name, )* }
            }

            /// Bytes of the header without options.
            #[expect(clippy::len_without_is_empty, reason = "the length of a header's fixed part")]
            pub fn len(self) -> usize {
                match self { $( Self::$protocol => $header::LEN, )* }
            }

            /// The header's fields.
            pub fn fields(self) -> &'static [FieldInfo] {
                match self { $( Self::$protocol => $header::FIELDS, )* }
            }

            /// How far the header and the payload go with which `bytes` begin. Fails unless the whole header is there.
            pub fn extent(self, bytes: &[u8]) -> Result<Extent, WireError> {
                match self { $( Self::$protocol => <$header as Described>::extent(bytes), )* }
            }
        }

        $( impl Header for $header {
            const PROTOCOL: Protocol = Protocol::$protocol;
        } )*
    };
}

protocols! {
    /// Ethernet.
    Ethernet = "eth", EthernetHeader;
    /// A VLAN tag.
    Vlan = "vlan", VlanHeader;
    /// LLC, without SNAP.
    Llc = "llc", LlcHeader;
    /// LLC with SNAP.
    Snap = "snap", SnapHeader;
    /// One MPLS label stack entry.
    Mpls = "mpls", MplsHeader;
    /// ARP or RARP.
    Arp = "arp", ArpHeader;
    /// IPv4.
    Ipv4 = "ipv4", Ipv4Header;
    /// IPv6.
    Ipv6 = "ipv6", Ipv6Header;
    /// IPv6 hop-by-hop or destination options.
    Ipv6Options = "ipv6opts", Ipv6OptionsHeader;
    /// An IPv6 routing header, but for segment routing.
    Routing = "routing", RoutingHeader;
    /// An IPv6 segment routing header.
    SegmentRouting = "srh", SegmentRoutingHeader;
    /// An IPv6 fragment header.
    Fragment = "frag", FragmentHeader;
    /// An authentication header.
    Authentication = "ah", AuthenticationHeader;
    /// An encapsulated security payload.
    Esp = "esp", EspHeader;
    /// An IPv6 mobility header.
    Mobility = "mobility", MobilityHeader;
    /// TCP.
    Tcp = "tcp", TcpHeader;
    /// UDP.
    Udp = "udp", UdpHeader;
    /// SCTP.
    Sctp = "sctp", SctpHeader;
    /// ICMP.
    Icmp = "icmp", IcmpHeader;
    /// ICMPv6, but for neighbour and listener discovery.
    Icmpv6 = "icmpv6", Icmpv6Header;
    /// A router solicitation.
    RouterSolicit = "rs", RouterSolicitHeader;
    /// A router advertisement.
    RouterAdvert = "ra", RouterAdvertHeader;
    /// A neighbour solicitation or advertisement.
    Neighbor = "nd", NeighborHeader;
    /// An `ICMPv6` redirect.
    Redirect = "redirect", RedirectHeader;
    /// A message of multicast listener discovery version 1.
    Mld = "mld", MldHeader;
    /// A query of multicast listener discovery version 2.
    MldQuery = "mldquery", MldQueryHeader;
    /// A report of multicast listener discovery version 2.
    MldReport = "mldreport", MldReportHeader;
    /// A message of IGMP version 1 or 2.
    Igmp = "igmp", IgmpHeader;
    /// A query of IGMP version 3.
    IgmpQuery = "igmpquery", IgmpQueryHeader;
    /// A report of IGMP version 3.
    IgmpReport = "igmpreport", IgmpReportHeader;
    /// The network service header.
    Nsh = "nsh", NshHeader;
    /// VXLAN.
    Vxlan = "vxlan", VxlanHeader;
    /// Geneve.
    Geneve = "geneve", GeneveHeader;
    /// GRE.
    Gre = "gre", GreHeader;
    /// ERSPAN version II.
    Erspan2 = "erspan2", Erspan2Header;
    /// ERSPAN version III.
    Erspan3 = "erspan3", Erspan3Header;
    /// GTP-U.
    Gtpu = "gtpu", GtpuHeader;
    /// LISP data.
    Lisp = "lisp", LispHeader;
    /// A BFD control packet.
    Bfd = "bfd", BfdHeader;
    /// Connectivity fault management, of other opcodes than the following.
    Cfm = "cfm", CfmHeader;
    /// A continuity check message.
    Ccm = "ccm", CcmHeader;
    /// A loopback message or reply.
    Loopback = "lbm", LoopbackHeader;
    /// A linktrace message.
    Linktrace = "ltm", LinktraceHeader;
    /// A linktrace reply.
    LinktraceReply = "ltr", LinktraceReplyHeader;
    /// A link aggregation control unit.
    Lacp = "lacp", LacpHeader;
    /// A marker unit.
    Marker = "marker", MarkerHeader;
    /// A spanning tree unit without more than type and version.
    Bpdu = "bpdu", BpduHeader;
    /// A spanning tree unit, plain or rapid.
    BridgeUnit = "stp", BridgeUnitHeader;
    /// What MSTP adds behind a rapid unit.
    MultipleTree = "mstp", MultipleTreeHeader;
    /// LLDP.
    Lldp = "lldp", LldpHeader;
}

impl Protocol {
    /// The field of that name.
    pub fn field(self, name: &str) -> Option<&'static FieldInfo> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// Reads every list that the header with which `bytes` begin has (options, TLVs, records) and counts the items.
    /// Fails with the first item that is wrong, or at offset 0 if the header itself is.
    pub fn check_lists(self, bytes: &[u8]) -> Result<usize, ListError> {
        lists::count(self, bytes)
    }
}
