//! Protocol versions, and what a connection has agreed on beside the version.

use core::fmt;
use core::str::FromStr;

/// An OpenFlow wire protocol version, ordered by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Version {
    /// OpenFlow 1.0 (wire number 1).
    V10 = 1,
    /// OpenFlow 1.1 (wire number 2).
    V11 = 2,
    /// OpenFlow 1.2 (wire number 3).
    V12 = 3,
    /// OpenFlow 1.3 (wire number 4).
    V13 = 4,
    /// OpenFlow 1.4 (wire number 5).
    V14 = 5,
    /// OpenFlow 1.5 (wire number 6).
    V15 = 6,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 6] = [Self::V10, Self::V11, Self::V12, Self::V13, Self::V14, Self::V15];

    /// The number in the header's first byte.
    pub const fn wire(self) -> u8 {
        self as u8
    }

    /// From the header's first byte.
    pub const fn from_wire(n: u8) -> Option<Self> {
        Some(match n {
            1 => Self::V10,
            2 => Self::V11,
            3 => Self::V12,
            4 => Self::V13,
            5 => Self::V14,
            6 => Self::V15,
            _ => return None,
        })
    }

    /// As the `protocols` column and `-O` write it: `OpenFlow13`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V10 => "OpenFlow10",
            Self::V11 => "OpenFlow11",
            Self::V12 => "OpenFlow12",
            Self::V13 => "OpenFlow13",
            Self::V14 => "OpenFlow14",
            Self::V15 => "OpenFlow15",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A version's name was not one of `OpenFlow10` … `OpenFlow15` (or `OpenFlow1.0` …).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: unknown OpenFlow version (expected OpenFlow10 to OpenFlow15)")]
pub struct UnknownVersion(pub String);

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let digits: String = text
            .get(8..)
            .filter(|_| text.get(..8).is_some_and(|p| p.eq_ignore_ascii_case("OpenFlow")))
            .map(|rest| rest.chars().filter(|c| *c != '.').collect())
            .unwrap_or_default();
        Self::ALL.into_iter().find(|v| v.name()[8..] == digits).ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

/// A set of versions, as a hello's bitmap has it: bit `n` for wire number `n` (OpenFlow 1.3.1, 7.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionSet(u32);

impl VersionSet {
    /// No version at all.
    pub const NONE: Self = Self(0);
    /// 1.0 to 1.5.
    pub const ALL: Self = Self(0x7e);

    /// From a bitmap's first word; bits of versions that nobody here knows are dropped.
    pub const fn from_bitmap(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The bitmap's first word.
    pub const fn bitmap(self) -> u32 {
        self.0
    }

    /// This set and one version more.
    pub const fn with(self, version: Version) -> Self {
        Self(self.0 | 1 << version.wire())
    }

    /// Every version up to `version`: what a hello without a bitmap offers.
    pub const fn up_to(version: Version) -> Self {
        Self(((2 << version.wire()) - 1) & Self::ALL.0)
    }

    /// Whether the set has `version`.
    pub const fn contains(self, version: Version) -> bool {
        self.0 >> version.wire() & 1 == 1
    }

    /// What is in both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The newest version of the set.
    pub fn newest(self) -> Option<Version> {
        Version::ALL.into_iter().rev().find(|v| self.contains(*v))
    }

    /// The oldest version of the set.
    pub fn oldest(self) -> Option<Version> {
        Version::ALL.into_iter().find(|v| self.contains(*v))
    }
}

impl FromIterator<Version> for VersionSet {
    fn from_iter<I: IntoIterator<Item = Version>>(versions: I) -> Self {
        versions.into_iter().fold(Self::NONE, Self::with)
    }
}

/// In which form asynchronous packets go to the controller (`NXT_SET_PACKET_IN_FORMAT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum PacketInFormat {
    /// As the version's standard has it.
    #[default]
    Standard,
    /// `NXT_PACKET_IN`: with table, cookie and pipeline fields in every version.
    Nxt,
    /// `NXT_PACKET_IN2`: properties, user data, continuations.
    Nxt2,
}

/// All that decides how a message is written: the version and the extensions that were switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Protocol {
    /// The negotiated version.
    pub version: Version,
    /// In 1.0: flows are written in NXM form (`NXT_SET_FLOW_FORMAT`); later versions always use OXM.
    pub nxm: bool,
    /// In 1.0: the command of a flow's change carries the table in its high byte (`NXT_FLOW_MOD_TABLE_ID`).
    pub table_id: bool,
    /// How packet-ins are written.
    pub packet_in: PacketInFormat,
}

impl Protocol {
    /// Plain `version`, no extension switched on.
    pub const fn new(version: Version) -> Self {
        Self { version, nxm: false, table_id: false, packet_in: PacketInFormat::Standard }
    }

    /// With the NXM flow format on or off.
    pub const fn with_nxm(self, nxm: bool) -> Self {
        Self { nxm, ..self }
    }

    /// With tables in the commands of flow changes or without.
    pub const fn with_table_id(self, table_id: bool) -> Self {
        Self { table_id, ..self }
    }

    /// With this form of packet-ins.
    pub const fn with_packet_in(self, packet_in: PacketInFormat) -> Self {
        Self { packet_in, ..self }
    }
}

impl From<Version> for Protocol {
    fn from(version: Version) -> Self {
        Self::new(version)
    }
}
