//! The shape of a row of the registry.

/// Everything that is known of one field.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Facts {
    /// The name that the tools print.
    pub name: &'static str,
    /// Another name that they accept, or empty.
    pub alias: &'static str,
    /// Bytes on the wire.
    pub size: u8,
    /// Where the bits lie in a flow key.
    pub place: Place,
    /// What masks a match may have.
    pub masking: Masking,
    /// How values are written.
    pub format: Format,
    /// What a match must already say before this field means something.
    pub prereq: Prereq,
    /// Whether actions may change it.
    pub writable: bool,
    /// What setting it does beyond copying its bits.
    pub setter: Setter,
    /// Whether an OpenFlow 1.0 match structure has it (exact match).
    pub of10: bool,
    /// Whether an OpenFlow 1.1 match structure has it.
    pub of11: bool,
    /// Numbers on the wire.
    pub headers: [Option<Header>; 3],
}

/// Where a field's bits lie: a container in the flow key, and the bits of it that are the field's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First byte of the container.
    pub offset: u16,
    /// Bytes of the container, at most 16.
    pub bytes: u8,
    /// Its byte order.
    pub order: Order,
    /// How far the field's lowest bit is above the container's.
    pub shift: u8,
    /// The field's bits, as they are in a value (right-aligned).
    pub bits: u128,
}

/// Byte order of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Big-endian.
    Network,
    /// As the machine has it.
    Native,
    /// Native 32-bit words, the most significant first: joined registers.
    NativeWords,
}

impl Place {
    /// A whole container in network order.
    pub(crate) const fn net(offset: usize, bytes: usize) -> Self {
        let bits = if bytes == 16 { u128::MAX } else { (1 << (bytes * 8)) - 1 };
        Self { offset: offset as u16, bytes: bytes as u8, order: Order::Network, shift: 0, bits }
    }

    /// A whole container in native order.
    pub(crate) const fn native(offset: usize, bytes: usize) -> Self {
        Self { order: Order::Native, ..Self::net(offset, bytes) }
    }

    /// `width` bits of this container, the lowest at `shift`.
    pub(crate) const fn part(self, shift: u8, width: u8) -> Self {
        Self { shift, bits: (1 << width) - 1, ..self }
    }

    /// The field's bits as they lie in the container.
    pub const fn container_bits(&self) -> u128 {
        self.bits << self.shift
    }

    /// How many bits a value can have.
    pub const fn width(&self) -> u32 {
        128 - self.bits.leading_zeros()
    }
}

/// What masks a field allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// All bits or none.
    Exact,
    /// Any bits.
    Bitwise,
}

/// How values of a field are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Decimal.
    Decimal,
    /// `0x…`.
    Hexadecimal,
    /// `00:23:20:00:00:01`.
    Ethernet,
    /// `10.0.0.1`.
    Ipv4,
    /// `fe80::1`.
    Ipv6,
    /// `+new-est`, `new|trk`.
    CtState,
    /// `no`, `yes`, `first`, `later`, `not_later`.
    Frag,
    /// `+oam`.
    TunFlags,
    /// `+syn-ack`, `syn|ack`.
    TcpFlags,
    /// A 16-bit port number or name.
    Port,
    /// A 32-bit port number or name.
    Port32,
    /// `(1,0x800)`.
    PacketType,
}

impl Format {
    /// The format's name in `ovs-fields(7)`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decimal => "decimal",
            Self::Hexadecimal => "hexadecimal",
            Self::Ethernet => "Ethernet",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::CtState => "ct state",
            Self::Frag => "frag",
            Self::TunFlags => "tunnel flags",
            Self::TcpFlags => "TCP flags",
            Self::Port => "OpenFlow 1.0 port",
            Self::Port32 => "OpenFlow 1.1+ port",
            Self::PacketType => "packet type",
        }
    }
}

/// What setting a field does beyond copying bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setter {
    /// Nothing.
    Plain,
    /// A tag becomes present; 0xffff means "no tag".
    DlVlan,
    /// The VLAN identifier of OXM: with the bit of presence inside, whose mask follows the match's.
    VlanVid,
    /// A tag becomes present.
    VlanPcp,
    /// A 32-bit port number is folded into 16 bits.
    Port32,
    /// The option becomes present.
    TunOption(u8),
}

/// What a match must already say before a field means something (`ovs-fields(7)`, "Prerequisites").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prereq {
    /// Nothing.
    None,
    /// `packet_type=(0,0)`, explicitly or by default.
    Ethernet,
    /// ARP or RARP.
    Arp,
    /// A VLAN tag.
    VlanVid,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// IPv4 or IPv6.
    Ip,
    /// MPLS, either type.
    Mpls,
    /// NSH.
    Nsh,
    /// A connection that the tracker could make sense of: `ct_state` says new, established, related, reply or
    /// translated, or tracked and not invalid.
    Ct,
    /// TCP over either IP.
    Tcp,
    /// UDP over either IP.
    Udp,
    /// SCTP over either IP.
    Sctp,
    /// ICMP over IPv4.
    Icmpv4,
    /// ICMP over IPv6.
    Icmpv6,
    /// Neighbour solicitation or advertisement.
    Nd,
    /// Neighbour solicitation.
    NdSolicit,
    /// Neighbour advertisement.
    NdAdvert,
}

impl Prereq {
    /// The prerequisite's name in `ovs-fields(7)`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ethernet => "Ethernet",
            Self::Arp => "ARP",
            Self::VlanVid => "VLAN VID",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::Ip => "IPv4/IPv6",
            Self::Mpls => "MPLS",
            Self::Nsh => "NSH",
            Self::Ct => "CT",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
            Self::Icmpv4 => "ICMPv4",
            Self::Icmpv6 => "ICMPv6",
            Self::Nd => "ND",
            Self::NdSolicit => "ND solicit",
            Self::NdAdvert => "ND advert",
        }
    }
}

/// The version of OpenFlow that standardised a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OfVersion {
    /// An extension of Open vSwitch, spoken in every version.
    Extension,
    /// 1.2.
    V12,
    /// 1.3.
    V13,
    /// 1.5.
    V15,
}

/// The experimenter of `NXOXM_ET_…`.
pub(super) const NICIRA: u32 = 0x0000_2320;
/// The experimenter of `NXOXM_NSH_…`.
pub(super) const NSH: u32 = 0x005a_d650;
/// The experimenter of `ONFOXM_ET_…`.
pub(super) const ONF: u32 = 0x4f4e_4600;

impl OfVersion {
    /// `1.3`, or `-` for extensions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Extension => "-",
            Self::V12 => "1.2",
            Self::V13 => "1.3",
            Self::V15 => "1.5",
        }
    }
}

/// A field's number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// `NXM_OF_IP_SRC`, `OXM_OF_IPV4_SRC` …
    pub name: &'static str,
    /// OXM class; 0xffff for experimenters.
    pub class: u16,
    /// 7 bits of number.
    pub number: u8,
    /// The experimenter of class 0xffff, else 0.
    pub experimenter: u32,
    /// Since when it may be used.
    pub since: OfVersion,
    /// The first version of Open vSwitch that has it, major and minor.
    pub ovs: (u8, u8),
    /// Whether the number is this project's own choice, because no public text names that of Open vSwitch.
    pub provisional: bool,
}

impl Facts {
    /// A row with usual facts: maskable, hexadecimal, writable, without prerequisites.
    pub(super) const fn row(name: &'static str, size: u8, place: Place) -> Self {
        Self {
            name,
            alias: "",
            size,
            place,
            masking: Masking::Bitwise,
            format: Format::Hexadecimal,
            prereq: Prereq::None,
            writable: true,
            setter: Setter::Plain,
            of10: false,
            of11: false,
            headers: [None; 3],
        }
    }

    pub(super) const fn aka(self, alias: &'static str) -> Self {
        Self { alias, ..self }
    }

    pub(super) const fn text(self, format: Format) -> Self {
        Self { format, ..self }
    }

    pub(super) const fn exact(self) -> Self {
        Self { masking: Masking::Exact, ..self }
    }

    pub(super) const fn needs(self, prereq: Prereq) -> Self {
        Self { prereq, ..self }
    }

    pub(super) const fn read_only(self) -> Self {
        Self { writable: false, ..self }
    }

    pub(super) const fn set_by(self, setter: Setter) -> Self {
        Self { setter, ..self }
    }

    /// In the match structures of OpenFlow 1.0 and 1.1.
    pub(super) const fn of10(self) -> Self {
        Self { of10: true, of11: true, ..self }
    }

    /// In the match structure of OpenFlow 1.1 only.
    pub(super) const fn of11(self) -> Self {
        Self { of11: true, ..self }
    }

    const fn header(mut self, header: Header) -> Self {
        let mut i = 0;
        while self.headers[i].is_some() {
            i += 1;
        }
        self.headers[i] = Some(header);
        self
    }

    /// A header of class `class`.
    pub(super) const fn wire(
        self,
        name: &'static str,
        class: u16,
        number: u8,
        since: OfVersion,
        ovs: (u8, u8),
    ) -> Self {
        self.header(Header { name, class, number, experimenter: 0, since, ovs, provisional: false })
    }

    /// A header of an experimenter.
    pub(super) const fn experimenter(
        self,
        name: &'static str,
        id: u32,
        number: u8,
        since: OfVersion,
        ovs: (u8, u8),
    ) -> Self {
        let provisional = false;
        self.header(Header { name, class: 0xffff, number, experimenter: id, since, ovs, provisional })
    }

    /// `NXM_OF_…`: class 0.
    pub(super) const fn nxm_of(self, name: &'static str, number: u8, ovs: (u8, u8)) -> Self {
        self.wire(name, 0x0000, number, OfVersion::Extension, ovs)
    }

    /// `NXM_NX_…`: class 1.
    pub(super) const fn nxm_nx(self, name: &'static str, number: u8, ovs: (u8, u8)) -> Self {
        self.wire(name, 0x0001, number, OfVersion::Extension, ovs)
    }

    /// `OXM_OF_…` of OpenFlow 1.2.
    pub(super) const fn oxm(self, name: &'static str, number: u8, ovs: (u8, u8)) -> Self {
        self.wire(name, 0x8000, number, OfVersion::V12, ovs)
    }

    /// `NXOXM_ET_…`.
    pub(super) const fn nx_et(self, name: &'static str, number: u8, ovs: (u8, u8)) -> Self {
        self.experimenter(name, NICIRA, number, OfVersion::Extension, ovs)
    }

    /// `NXOXM_NSH_…`.
    pub(super) const fn nsh(self, name: &'static str, number: u8, ovs: (u8, u8)) -> Self {
        self.experimenter(name, NSH, number, OfVersion::Extension, ovs)
    }

    /// The header last given has a number that is only ours.
    pub(super) const fn provisional(mut self) -> Self {
        let mut i = 0;
        while i < self.headers.len() {
            if let Some(header) = &mut self.headers[i] {
                header.provisional = true;
            }
            i += 1;
        }
        self
    }
}
