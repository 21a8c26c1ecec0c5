//! The kinds of tunnels, and what tells the variants of one kind apart.

use ovs_packet::Offload;

/// How a tunnel wraps packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TunnelKind {
    /// GRE (RFC 2784, RFC 2890).
    Gre,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
    /// LISP (RFC 9300).
    Lisp,
    /// ERSPAN (draft-foschiano-erspan), versions II and III.
    Erspan,
    /// The same, under the name that it has over IPv6.
    Ip6Erspan,
    /// GRE, under the name that it has over IPv6.
    Ip6Gre,
    /// GTP-U (3GPP TS 29.281).
    Gtpu,
    /// Nothing but UDP (RFC 7510 for MPLS).
    Bareudp,
    /// IPv6 segment routing (RFC 8754).
    Srv6,
}

/// What is fixed about a kind.
struct Facts {
    name: &'static str,
    /// What the name of the datapath's port begins with.
    system_name: &'static str,
    /// The number in `tnl_push(…)`.
    number: u32,
    /// The UDP port that packets are sent to unless an interface says otherwise.
    port: Option<u16>,
}

const GRE: u8 = 47;

impl TunnelKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Gre,
        Self::Vxlan,
        Self::Geneve,
        Self::Lisp,
        Self::Erspan,
        Self::Ip6Erspan,
        Self::Ip6Gre,
        Self::Gtpu,
        Self::Bareudp,
        Self::Srv6,
    ];

    const fn facts(self) -> Facts {
        let (name, system_name, number, port) = match self {
            Self::Gre => ("gre", "gre_sys", 3, None),
            Self::Vxlan => ("vxlan", "vxlan_sys", 4, Some(4789)),
            Self::Geneve => ("geneve", "genev_sys", 5, Some(6081)),
            Self::Lisp => ("lisp", "lisp_sys", 105, Some(4341)),
            Self::Erspan => ("erspan", "erspan_sys", 107, None),
            Self::Ip6Erspan => ("ip6erspan", "ip6erspan_sys", 108, None),
            Self::Ip6Gre => ("ip6gre", "ip6gre_sys", 109, None),
            Self::Gtpu => ("gtpu", "gtpu_sys", 110, Some(2152)),
            Self::Bareudp => ("bareudp", "bareudp_sys", 111, Some(6635)),
            Self::Srv6 => ("srv6", "srv6_sys", 112, None),
        };
        Facts { name, system_name, number, port }
    }

    /// The `type` column of an interface.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What the name of the datapath's port begins with; with a UDP port, that follows behind an underscore.
    pub const fn system_name(self) -> &'static str {
        self.facts().system_name
    }

    /// The number under which `tnl_push(…)` prints it, by what the outer network header is.
    pub const fn number(self, ipv6: bool) -> u32 {
        match self {
            Self::Gre | Self::Ip6Gre if ipv6 => Self::Ip6Gre.facts().number,
            Self::Gre | Self::Ip6Gre => Self::Gre.facts().number,
            Self::Erspan | Self::Ip6Erspan if ipv6 => Self::Ip6Erspan.facts().number,
            Self::Erspan | Self::Ip6Erspan => Self::Erspan.facts().number,
            _ => self.facts().number,
        }
    }

    /// The UDP port that packets are sent to unless an interface says otherwise (IANA); `None` if there is no UDP header.
    pub const fn default_port(self) -> Option<u16> {
        self.facts().port
    }

    /// The IP protocols that its packets arrive as, where they are not UDP: of segment routing those of what is inside.
    pub const fn protocols(self) -> &'static [u8] {
        match self {
            Self::Gre | Self::Ip6Gre | Self::Erspan | Self::Ip6Erspan => &[GRE],
            Self::Srv6 => &[4, 41],
            _ => &[],
        }
    }

    /// Whether its packets are mirrored frames in GRE.
    pub const fn is_erspan(self) -> bool {
        matches!(self, Self::Erspan | Self::Ip6Erspan)
    }

    /// Whether it is GRE without anything further.
    pub const fn is_gre(self) -> bool {
        matches!(self, Self::Gre | Self::Ip6Gre)
    }

    /// What unfinished work inside of it is marked with; nothing if no device is known that does such work.
    pub(super) const fn offload(self) -> Offload {
        match self {
            Self::Vxlan => Offload::IN_VXLAN,
            Self::Geneve => Offload::IN_GENEVE,
            Self::Gre | Self::Ip6Gre => Offload::IN_GRE,
            _ => Offload::empty(),
        }
    }
}

/// A kind of tunnel with what its packets do not say of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct TunnelFormat {
    /// The kind.
    pub kind: TunnelKind,
    /// VXLAN: headers may have a policy group (draft-smith-vxlan-group-policy).
    pub policy: bool,
    /// VXLAN: headers may name a next protocol (draft-ietf-nvo3-vxlan-gpe).
    pub generic: bool,
    /// Bare UDP: the Ethernet type of what is inside; 0x0800 stands for both versions of IP.
    pub payload: u16,
}

impl TunnelFormat {
    /// Sets whether VXLAN headers may have a policy group.
    #[must_use]
    pub fn policy(mut self, policy: bool) -> Self {
        self.policy = policy;
        self
    }

    /// Sets whether VXLAN headers may name a next protocol.
    #[must_use]
    pub fn generic(mut self, generic: bool) -> Self {
        self.generic = generic;
        self
    }

    /// Sets the Ethernet type of what is inside of bare UDP.
    #[must_use]
    pub fn payload(mut self, ether_type: u16) -> Self {
        self.payload = ether_type;
        self
    }
}

impl From<TunnelKind> for TunnelFormat {
    /// Without extensions; bare UDP carries IP.
    fn from(kind: TunnelKind) -> Self {
        Self { kind, policy: false, generic: false, payload: 0x0800 }
    }
}
