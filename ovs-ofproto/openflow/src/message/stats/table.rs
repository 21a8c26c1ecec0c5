//! Counters of tables, and sums over flows.

use ovs_flow::TableId;

use crate::header::{Put, Reader, text_of};
use crate::{EncodeError, OfError, Version};

/// Sums over flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AggregateStats {
    /// Packets; all ones if not known.
    pub packets: u64,
    /// Bytes; all ones if not known.
    pub bytes: u64,
    /// Flows.
    pub flows: u32,
}

impl AggregateStats {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.u64(self.packets);
        out.u64(self.bytes);
        out.u32(self.flows);
        out.zeros(4);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let this = Self { packets: r.u64()?, bytes: r.u64()?, flows: r.u32()? };
        r.skip(4)?;
        Ok(this)
    }
}

/// A table's counters.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TableStats {
    /// Which.
    pub table: TableId,
    /// Its name (1.0).
    pub name: String,
    /// Which fields of 1.0's structure can be wildcarded (1.0).
    pub wildcards: u32,
    /// How many flows fit (1.0).
    pub max_entries: u32,
    /// Flows.
    pub active: u32,
    /// Packets that were looked up.
    pub lookups: u64,
    /// Packets that found a flow.
    pub matched: u64,
}

impl TableStats {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if matches!(version, Version::V11 | Version::V12) {
            return Err(EncodeError::Unsupported { what: "table statistics", version });
        }
        out.u8(self.table.0);
        out.zeros(3);
        if version == Version::V10 {
            out.text(&self.name, 32);
            out.u32(self.wildcards);
            out.u32(self.max_entries);
        }
        out.u32(self.active);
        out.u64(self.lookups);
        out.u64(self.matched);
        Ok(())
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        if matches!(version, Version::V11 | Version::V12) {
            return Err(OfError::BrcBadStat);
        }
        let mut this = Self { table: TableId(r.u8()?), ..Self::default() };
        r.skip(3)?;
        if version == Version::V10 {
            this.name = text_of(r.take(32)?);
            this.wildcards = r.u32()?;
            this.max_entries = r.u32()?;
        }
        this.active = r.u32()?;
        this.lookups = r.u64()?;
        this.matched = r.u64()?;
        Ok(this)
    }
}
