//! Counters of tables, and sums over flows.

use ovs_flow::TableId;

use super::oxs::{Oxs, known};
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
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if version >= Version::V15 {
            let (packets, bytes) = (known(self.packets), known(self.bytes));
            return Oxs { flows: Some(self.flows), packets, bytes, ..Oxs::default() }.encode(out);
        }
        out.u64(self.packets);
        out.u64(self.bytes);
        out.u32(self.flows);
        out.zeros(4);
        Ok(())
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        if version >= Version::V15 {
            let oxs = Oxs::decode(r)?;
            let count = |n: Option<u64>| n.unwrap_or(u64::MAX);
            let flows = oxs.flows.unwrap_or(u32::MAX);
            return Ok(Self { packets: count(oxs.packets), bytes: count(oxs.bytes), flows });
        }
        let this = Self { packets: r.u64()?, bytes: r.u64()?, flows: r.u32()? };
        r.skip(4)?;
        Ok(this)
    }
}

/// What a table can do, as the table statistics of 1.1 and 1.2 say it: bits of the standard's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TableAbilities {
    /// Fields that can be matched: in 1.1 bits of the match structure's wildcards, in 1.2 of OXM's numbers.
    pub matches: u64,
    /// Fields that can be left out, likewise.
    pub wildcards: u64,
    /// Actions of the action set.
    pub write_actions: u32,
    /// Actions that apply at once.
    pub apply_actions: u32,
    /// Fields that the action set can write (1.2).
    pub write_set_fields: u64,
    /// Fields that can be written at once (1.2).
    pub apply_set_fields: u64,
    /// Bits of metadata that can be matched (1.2).
    pub metadata_match: u64,
    /// Bits of metadata that can be written (1.2).
    pub metadata_write: u64,
    /// Instructions.
    pub instructions: u32,
    /// What happens to packets that miss.
    pub config: u32,
}

impl TableAbilities {
    fn encode(self, version: Version, out: &mut Vec<u8>) {
        if version == Version::V11 {
            out.u32(self.wildcards as u32);
            out.u32(self.matches as u32);
            out.u32(self.instructions);
            out.u32(self.write_actions);
            out.u32(self.apply_actions);
        } else {
            out.u64(self.matches);
            out.u64(self.wildcards);
            out.u32(self.write_actions);
            out.u32(self.apply_actions);
            out.u64(self.write_set_fields);
            out.u64(self.apply_set_fields);
            out.u64(self.metadata_match);
            out.u64(self.metadata_write);
            out.u32(self.instructions);
        }
        out.u32(self.config);
    }

    fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self::default();
        if version == Version::V11 {
            this.wildcards = r.u32()?.into();
            this.matches = r.u32()?.into();
            this.instructions = r.u32()?;
            (this.write_actions, this.apply_actions) = (r.u32()?, r.u32()?);
        } else {
            (this.matches, this.wildcards) = (r.u64()?, r.u64()?);
            (this.write_actions, this.apply_actions) = (r.u32()?, r.u32()?);
            (this.write_set_fields, this.apply_set_fields) = (r.u64()?, r.u64()?);
            (this.metadata_match, this.metadata_write) = (r.u64()?, r.u64()?);
            this.instructions = r.u32()?;
        }
        this.config = r.u32()?;
        Ok(this)
    }
}

/// A table's counters.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TableStats {
    /// Which.
    pub table: TableId,
    /// Its name (1.0 to 1.2).
    pub name: String,
    /// Which fields of 1.0's structure can be wildcarded (1.0).
    pub wildcards: u32,
    /// How many flows fit (1.0 to 1.2).
    pub max_entries: u32,
    /// What the table can do, as 1.1 and 1.2 say it among the counters.
    pub abilities: TableAbilities,
    /// Flows.
    pub active: u32,
    /// Packets that were looked up.
    pub lookups: u64,
    /// Packets that found a flow.
    pub matched: u64,
}

impl TableStats {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        out.u8(self.table.0);
        out.zeros(3);
        if matches!(version, Version::V11 | Version::V12) {
            out.zeros(4);
            out.text(&self.name, 32);
            self.abilities.encode(version, out);
            out.u32(self.max_entries);
        }
        if version == Version::V10 {
            out.text(&self.name, 32);
            out.u32(self.wildcards);
            out.u32(self.max_entries);
        }
        out.u32(self.active);
        out.u64(self.lookups);
        out.u64(self.matched);
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self { table: TableId(r.u8()?), ..Self::default() };
        r.skip(3)?;
        if matches!(version, Version::V11 | Version::V12) {
            r.skip(4)?;
            this.name = text_of(r.take(32)?);
            this.abilities = TableAbilities::decode(version, r)?;
            this.max_entries = r.u32()?;
        }
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
