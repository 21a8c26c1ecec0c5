//! Which statistics, as the versions number them.

use super::Dialect;
use crate::error::{NX_VENDOR, ONF_VENDOR};
use crate::header::{Put, Reader};
use crate::{OfError, Version};

/// Which statistics, as the wire numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatsKind {
    /// Of the standard.
    Std(u16),
    /// Of Open vSwitch.
    Nx(u32),
    /// Of the ONF.
    Onf(u32),
}

impl StatsKind {
    pub(crate) const DESC: Self = Self::Std(0);
    pub(crate) const FLOW: Self = Self::Std(1);
    pub(crate) const AGGREGATE: Self = Self::Std(2);
    pub(crate) const TABLE: Self = Self::Std(3);
    pub(crate) const PORT: Self = Self::Std(4);
    pub(crate) const QUEUE: Self = Self::Std(5);
    pub(crate) const GROUP: Self = Self::Std(6);
    pub(crate) const GROUP_DESC: Self = Self::Std(7);
    pub(crate) const GROUP_FEATURES: Self = Self::Std(8);
    pub(crate) const METER: Self = Self::Std(9);
    pub(crate) const METER_CONFIG: Self = Self::Std(10);
    pub(crate) const METER_FEATURES: Self = Self::Std(11);
    pub(crate) const TABLE_FEATURES: Self = Self::Std(12);
    pub(crate) const PORT_DESC: Self = Self::Std(13);
    pub(crate) const TABLE_DESC: Self = Self::Std(14);
    pub(crate) const QUEUE_DESC: Self = Self::Std(15);
    pub(crate) const FLOW_MONITOR: Self = Self::Std(16);
    pub(crate) const NX_FLOW: Self = Self::Nx(0);
    pub(crate) const NX_AGGREGATE: Self = Self::Nx(1);
    pub(crate) const NX_FLOW_MONITOR: Self = Self::Nx(2);
    pub(crate) const NX_IPFIX_BRIDGE: Self = Self::Nx(3);
    pub(crate) const NX_IPFIX_FLOW: Self = Self::Nx(4);
    pub(crate) const NX_GROUP: Self = Self::Nx(7);
    pub(crate) const NX_GROUP_DESC: Self = Self::Nx(8);
    pub(crate) const NX_GROUP_FEATURES: Self = Self::Nx(9);
    pub(crate) const ONF_FLOW_MONITOR: Self = Self::Onf(1870);

    pub(crate) const fn flow(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Standard => Self::FLOW,
            Dialect::Nicira => Self::NX_FLOW,
        }
    }

    pub(crate) const fn aggregate(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Standard => Self::AGGREGATE,
            Dialect::Nicira => Self::NX_AGGREGATE,
        }
    }

    /// Groups came with 1.1, what they can do with 1.2; versions before have it by an extension.
    pub(crate) const fn for_group(standard: Self, version: Version) -> Self {
        match (version, standard) {
            (Version::V10, Self::GROUP) => Self::NX_GROUP,
            (Version::V10, Self::GROUP_DESC) => Self::NX_GROUP_DESC,
            (Version::V10 | Version::V11, Self::GROUP_FEATURES) => Self::NX_GROUP_FEATURES,
            _ => standard,
        }
    }

    pub(crate) const fn flow_monitor(version: Version) -> Self {
        match version {
            Version::V10 | Version::V11 | Version::V12 => Self::NX_FLOW_MONITOR,
            Version::V13 => Self::ONF_FLOW_MONITOR,
            Version::V14 | Version::V15 => Self::FLOW_MONITOR,
        }
    }

    /// The kind under which this one is decoded: an extension's number is that of the standard's twin.
    pub(crate) const fn twin(self) -> Self {
        match self {
            Self::NX_GROUP => Self::GROUP,
            Self::NX_GROUP_DESC => Self::GROUP_DESC,
            Self::NX_GROUP_FEATURES => Self::GROUP_FEATURES,
            Self::NX_FLOW_MONITOR | Self::ONF_FLOW_MONITOR => Self::FLOW_MONITOR,
            other => other,
        }
    }

    /// Whether a version has it.
    pub(crate) fn is_of(self, version: Version) -> bool {
        match self {
            Self::Std(0..=5) | Self::PORT_DESC | Self::Nx(3..=4) => true,
            Self::Std(6..=7) => version >= Version::V11,
            Self::GROUP_FEATURES => version >= Version::V12,
            Self::Std(9..=12) => version >= Version::V13,
            Self::Std(14..=16) => version >= Version::V14,
            Self::NX_FLOW_MONITOR => version <= Version::V12,
            Self::Nx(0..=1 | 7..=8) => version == Version::V10,
            Self::NX_GROUP_FEATURES => version <= Version::V11,
            Self::ONF_FLOW_MONITOR => version == Version::V13,
            Self::Std(_) | Self::Nx(_) | Self::Onf(_) => false,
        }
    }

    /// The error for a kind that a version does not have.
    pub(crate) const fn unknown(self) -> OfError {
        match self {
            Self::Std(_) => OfError::BrcBadStat,
            Self::Nx(_) | Self::Onf(_) => OfError::BrcBadSubtype,
        }
    }

    pub(crate) fn encode(self, version: Version, flags: u16, out: &mut Vec<u8>) {
        out.u16(match self {
            Self::Std(kind) => kind,
            Self::Nx(_) | Self::Onf(_) => 0xffff,
        });
        out.u16(flags);
        if version > Version::V10 {
            out.zeros(4);
        }
        let (vendor, subtype) = match self {
            Self::Std(_) => return,
            Self::Nx(subtype) => (NX_VENDOR, subtype),
            Self::Onf(subtype) => (ONF_VENDOR, subtype),
        };
        out.u32(vendor);
        out.u32(subtype);
        if version == Version::V10 {
            out.zeros(4);
        }
    }

    /// The kind and the flags.
    pub(crate) fn decode(version: Version, r: &mut Reader<'_>) -> Result<(Self, u16), OfError> {
        let (kind, flags) = (r.u16()?, r.u16()?);
        if version > Version::V10 {
            r.skip(4)?;
        }
        if kind != 0xffff {
            return Ok((Self::Std(kind), flags));
        }
        let (vendor, subtype) = (r.u32()?, r.u32()?);
        let kind = match vendor {
            NX_VENDOR => Self::Nx(subtype),
            ONF_VENDOR => Self::Onf(subtype),
            _ => return Err(OfError::BrcBadVendor),
        };
        if version == Version::V10 {
            r.skip(4)?;
        }
        Ok((kind, flags))
    }
}
