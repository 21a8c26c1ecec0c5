//! Which Geneve options the fields `tun_metadata0` to `tun_metadata63` stand for (`NXT_TLV_TABLE_MOD` and its kin).

use crate::OfError;
use crate::header::{Put, Reader};

/// One option and its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlvMap {
    /// The option's class.
    pub class: u16,
    /// Its type.
    pub kind: u8,
    /// Bytes of its value: a multiple of 4, at most 124.
    pub len: u8,
    /// Which field.
    pub index: u16,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum TlvTableCommand {
    /// Add these.
    Add = 0,
    /// Take these away.
    Delete = 1,
    /// Take all away.
    Clear = 2,
}

/// Change the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlvTableMod {
    /// What to do.
    pub command: TlvTableCommand,
    /// With which.
    pub maps: Vec<TlvMap>,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlvTable {
    /// Bytes that all options together can have.
    pub max_option_space: u32,
    /// How many options there can be.
    pub max_fields: u16,
    /// Those that there are.
    pub maps: Vec<TlvMap>,
}

fn put_maps(maps: &[TlvMap], out: &mut Vec<u8>) {
    for map in maps {
        out.u16(map.class);
        out.extend_from_slice(&[map.kind, map.len]);
        out.u16(map.index);
        out.zeros(2);
    }
}

fn take_maps(r: &mut Reader<'_>) -> Result<Vec<TlvMap>, OfError> {
    let mut maps = Vec::new();
    while !r.is_empty() {
        let map = TlvMap { class: r.u16()?, kind: r.u8()?, len: r.u8()?, index: r.u16()? };
        r.skip(2)?;
        if !map.len.is_multiple_of(4) || map.len > TlvMap::MAX_LEN {
            return Err(OfError::NxTtmfcBadOptLen);
        }
        if map.index >= TlvMap::FIELDS {
            return Err(OfError::NxTtmfcBadFieldIdx);
        }
        maps.push(map);
    }
    Ok(maps)
}

impl TlvMap {
    /// Bytes of the longest option.
    pub const MAX_LEN: u8 = 124;
    /// How many fields there are.
    pub const FIELDS: u16 = 64;
}

impl TlvTableMod {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.u16(self.command as u16);
        out.zeros(6);
        put_maps(&self.maps, out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let command = match r.u16()? {
            0 => TlvTableCommand::Add,
            1 => TlvTableCommand::Delete,
            2 => TlvTableCommand::Clear,
            _ => return Err(OfError::NxTtmfcBadCommand),
        };
        r.skip(6)?;
        Ok(Self { command, maps: take_maps(r)? })
    }
}

impl TlvTable {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.u32(self.max_option_space);
        out.u16(self.max_fields);
        out.zeros(10);
        put_maps(&self.maps, out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let (max_option_space, max_fields) = (r.u32()?, r.u16()?);
        r.skip(10)?;
        Ok(Self { max_option_space, max_fields, maps: take_maps(r)? })
    }
}
