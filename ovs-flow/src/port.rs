//! Port numbers: two spaces that must never be mixed up.

use core::fmt;

/// A port of one bridge, as OpenFlow numbers it.
///
/// Kept in the 16-bit space of OpenFlow 1.0, in which Open vSwitch works inside whatever version a
/// controller speaks; later versions write reserved ports as `0xffff_0000 | number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OfPort(pub u16);

impl OfPort {
    /// First number that no port may have (OpenFlow 1.0 `OFPP_MAX`).
    pub const MAX: Self = Self(0xff00);
    /// The output port of the action set, unset (Open vSwitch extension `OFPP_UNSET`, OpenFlow 1.5).
    pub const UNSET: Self = Self(0xfff7);
    /// Where the packet came in.
    pub const IN_PORT: Self = Self(0xfff8);
    /// Submit to the first flow table (packet-out only).
    pub const TABLE: Self = Self(0xfff9);
    /// Process as an ordinary learning switch.
    pub const NORMAL: Self = Self(0xfffa);
    /// All ports but the one of entry and those that block flooding.
    pub const FLOOD: Self = Self(0xfffb);
    /// All ports but the one of entry.
    pub const ALL: Self = Self(0xfffc);
    /// Send to the controller.
    pub const CONTROLLER: Self = Self(0xfffd);
    /// The bridge's own network device.
    pub const LOCAL: Self = Self(0xfffe);
    /// No port; as a wildcard, any port (`OFPP_NONE`, `OFPP_ANY`).
    pub const NONE: Self = Self(0xffff);

    /// Whether a device can be behind this number (1 to 65279, or LOCAL).
    pub const fn is_physical(self) -> bool {
        (self.0 > 0 && self.0 < Self::MAX.0) || self.0 == Self::LOCAL.0
    }

    /// The number in OpenFlow 1.1 and later: reserved ports are moved to the top of 32 bits.
    pub const fn to_u32(self) -> u32 {
        if self.0 >= Self::MAX.0 { 0xffff_0000 | self.0 as u32 } else { self.0 as u32 }
    }

    /// From the 32-bit number of OpenFlow 1.1 and later; `None` between the two spaces.
    pub const fn from_u32(n: u32) -> Option<Self> {
        if n < Self::MAX.0 as u32 || n >= 0xffff_ff00 { Some(Self(n as u16)) } else { None }
    }

    /// The reserved name, as the tools write it, or `None` for an ordinary number.
    pub const fn reserved_name(self) -> Option<&'static str> {
        Some(match self {
            Self::UNSET => "UNSET",
            Self::IN_PORT => "IN_PORT",
            Self::TABLE => "TABLE",
            Self::NORMAL => "NORMAL",
            Self::FLOOD => "FLOOD",
            Self::ALL => "ALL",
            Self::CONTROLLER => "CONTROLLER",
            Self::LOCAL => "LOCAL",
            Self::NONE => "ANY",
            _ => return None,
        })
    }
}

impl fmt::Display for OfPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reserved_name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A port of one datapath, which all bridges of that datapath share. 0 is the datapath's local port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DpPort(pub u32);

impl DpPort {
    /// The datapath's own port.
    pub const LOCAL: Self = Self(0);
    /// No port (the packet came from nowhere, or goes nowhere).
    pub const NONE: Self = Self(u32::MAX);
}

impl fmt::Display for DpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An OpenFlow table's number. 0 to 253 are visible; 254 is the switch's own; 255 means all tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TableId(pub u8);

impl TableId {
    /// The switch's own table, hidden from controllers.
    pub const INTERNAL: Self = Self(254);
    /// Every table, where a request may name all.
    pub const ALL: Self = Self(255);
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A VLAN's number, 0 to 4095 (IEEE 802.1Q clause 9.6); 0 is "no VLAN", 4095 is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct VlanId(u16);

impl VlanId {
    /// The number, or `None` above 4095.
    pub const fn new(vid: u16) -> Option<Self> {
        if vid < 4096 { Some(Self(vid)) } else { None }
    }

    /// The 12 low bits of a tag control information field (host order).
    pub const fn from_tci(tci: u16) -> Self {
        Self(tci & 0x0fff)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A flow's identity in a datapath: 128 bits, from a keyed hash of its masked key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ufid(pub u128);

impl fmt::Display for Ufid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            (x >> 96) as u32,
            (x >> 80) as u16,
            (x >> 64) as u16,
            (x >> 48) as u16,
            x & 0xffff_ffff_ffff
        )
    }
}
