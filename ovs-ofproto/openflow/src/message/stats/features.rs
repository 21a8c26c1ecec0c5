//! What tables can do (OpenFlow 1.3, 7.3.5.5).

use ovs_flow::TableId;

use super::parts::{take_with_length, with_length};
use crate::header::{Put, Reader, text_of};
use crate::{EncodeError, OfError};

/// What a table can do, for packets that find a flow; a miss is the same here.
///
/// Instructions and actions are numbers of the standard; fields are OXM headers, with the mask bit where
/// they can be masked.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TableFeatures {
    /// Which.
    pub table: TableId,
    /// Its name.
    pub name: String,
    /// Bits of metadata that can be matched.
    pub metadata_match: u64,
    /// Bits of metadata that can be written.
    pub metadata_write: u64,
    /// Configuration.
    pub config: u32,
    /// How many flows fit.
    pub max_entries: u32,
    /// Instructions.
    pub instructions: Vec<u16>,
    /// Tables that can follow.
    pub next_tables: Vec<TableId>,
    /// Actions of the action set.
    pub write_actions: Vec<u16>,
    /// Actions that apply at once.
    pub apply_actions: Vec<u16>,
    /// Fields that can be matched, by their OXM headers; behind one of class 0xffff comes its experimenter.
    pub matches: Vec<u32>,
    /// Fields that can be left out.
    pub wildcards: Vec<u32>,
    /// Fields that the action set can write.
    pub write_set_fields: Vec<u32>,
    /// Fields that can be written at once.
    pub apply_set_fields: Vec<u32>,
}

/// The first of the two types of each property; the second, for misses, is one more.
mod kind {
    pub const INSTRUCTIONS: u16 = 0;
    pub const NEXT_TABLES: u16 = 2;
    pub const WRITE_ACTIONS: u16 = 4;
    pub const APPLY_ACTIONS: u16 = 6;
    pub const MATCH: u16 = 8;
    pub const WILDCARDS: u16 = 10;
    pub const WRITE_SETFIELD: u16 = 12;
    pub const APPLY_SETFIELD: u16 = 14;
}

fn put(out: &mut Vec<u8>, kind: u16, body: &[u8]) -> Result<(), EncodeError> {
    let start = out.len();
    out.u16(kind);
    out.u16(u16::try_from(body.len() + 4).map_err(|_| EncodeError::TooLong)?);
    out.extend_from_slice(body);
    out.pad8(start);
    Ok(())
}

/// Instructions and actions are listed as type and length.
fn ids(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|id| [id.to_be_bytes(), [0, 4]]).flatten().collect()
}

fn headers(list: &[u32]) -> Vec<u8> {
    list.iter().flat_map(|header| header.to_be_bytes()).collect()
}

impl TableFeatures {
    /// A table that can do nothing.
    pub fn new(table: TableId, name: impl Into<String>) -> Self {
        Self { table, name: name.into(), ..Self::default() }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        with_length(out, |out| {
            out.u8(self.table.0);
            out.zeros(5);
            out.text(&self.name, 32);
            out.u64(self.metadata_match);
            out.u64(self.metadata_write);
            out.u32(self.config);
            out.u32(self.max_entries);
            let tables: Vec<u8> = self.next_tables.iter().map(|t| t.0).collect();
            for (kind, body) in [
                (kind::INSTRUCTIONS, ids(&self.instructions)),
                (kind::NEXT_TABLES, tables),
                (kind::WRITE_ACTIONS, ids(&self.write_actions)),
                (kind::APPLY_ACTIONS, ids(&self.apply_actions)),
            ] {
                put(out, kind, &body)?;
                put(out, kind + 1, &body)?;
            }
            put(out, kind::MATCH, &headers(&self.matches))?;
            put(out, kind::WILDCARDS, &headers(&self.wildcards))?;
            for (kind, fields) in [
                (kind::WRITE_SETFIELD, &self.write_set_fields),
                (kind::APPLY_SETFIELD, &self.apply_set_fields),
            ] {
                put(out, kind, &headers(fields))?;
                put(out, kind + 1, &headers(fields))?;
            }
            Ok(())
        })
    }

    /// Properties for misses and of experimenters are passed over.
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut r = take_with_length(r)?;
        let mut this = Self { table: TableId(r.u8()?), ..Self::default() };
        r.skip(5)?;
        this.name = text_of(r.take(32)?);
        this.metadata_match = r.u64()?;
        this.metadata_write = r.u64()?;
        this.config = r.u32()?;
        this.max_entries = r.u32()?;
        while !r.is_empty() {
            let (kind, mut p) = crate::message::port::property(&mut r)?;
            let p = &mut p;
            match kind {
                kind::INSTRUCTIONS => this.instructions = take_ids(p)?,
                kind::NEXT_TABLES => this.next_tables = p.rest().iter().map(|t| TableId(*t)).collect(),
                kind::WRITE_ACTIONS => this.write_actions = take_ids(p)?,
                kind::APPLY_ACTIONS => this.apply_actions = take_ids(p)?,
                kind::MATCH => this.matches = super::many(p, |p: &mut Reader<'_>| p.u32())?,
                kind::WILDCARDS => this.wildcards = super::many(p, |p: &mut Reader<'_>| p.u32())?,
                kind::WRITE_SETFIELD => this.write_set_fields = super::many(p, |p: &mut Reader<'_>| p.u32())?,
                kind::APPLY_SETFIELD => this.apply_set_fields = super::many(p, |p: &mut Reader<'_>| p.u32())?,
                _ => {}
            }
        }
        Ok(this)
    }
}

/// Types; each entry says how long it is.
fn take_ids(p: &mut Reader<'_>) -> Result<Vec<u16>, OfError> {
    super::many(p, |p| {
        let (id, len) = (p.u16()?, usize::from(p.u16()?));
        p.skip(len.checked_sub(4).ok_or(OfError::BpcBadLen)?)?;
        Ok(id)
    })
}
