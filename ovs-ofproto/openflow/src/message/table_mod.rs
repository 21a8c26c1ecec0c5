//! Changes of tables, and what they are (OpenFlow 1.1, A.3.4.3; 1.4, 7.3.4.2, 7.3.5.17 and 7.4.6).

use ovs_flow::TableId;

use super::port::property;
use crate::header::{Put, Reader};
use crate::{OfError, Version};

/// Levels at which a table tells how full it is, in per cent of it being vacant (from 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Vacancy {
    /// Below this it says so.
    pub down: u8,
    /// Above this it says so.
    pub up: u8,
    /// How vacant it is.
    pub current: u8,
}

/// Change a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TableMod {
    /// Which; [`TableId::ALL`] for all.
    pub table: TableId,
    /// The configuration as the version has it: what happens to packets that miss (1.1, 1.2), nothing (1.3),
    /// eviction and vacancy events (from 1.4).
    pub config: u32,
    /// What decides which flow is evicted (from 1.4): bit 0 other things, 1 importance, 2 lifetime.
    pub eviction: Option<u32>,
    /// When it tells how full it is (from 1.4).
    pub vacancy: Option<Vacancy>,
}

/// Properties of tables.
mod table_property {
    pub const EVICTION: u16 = 2;
    pub const VACANCY: u16 = 3;
}

/// Flows go to make room (`OFPTC_EVICTION`).
const EVICTION: u32 = 1 << 2;
/// The table tells how full it is (`OFPTC_VACANCY_EVENTS`).
const VACANCY_EVENTS: u32 = 1 << 3;

impl TableMod {
    /// Flows may be evicted (from 1.4).
    pub const EVICTION: u32 = EVICTION;
    /// The table tells how full it is (from 1.4).
    pub const VACANCY_EVENTS: u32 = VACANCY_EVENTS;

    /// A table of this configuration.
    pub const fn new(table: TableId, config: u32) -> Self {
        Self { table, config, eviction: None, vacancy: None }
    }

    pub(super) fn encode(self, version: Version, out: &mut Vec<u8>) {
        out.u8(self.table.0);
        out.zeros(3);
        out.u32(self.config);
        if version >= Version::V14 {
            put_properties(self.eviction, self.vacancy, out);
        }
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let table = TableId(r.u8()?);
        r.skip(3)?;
        let config = r.u32()?;
        let known = if version >= Version::V14 { EVICTION | VACANCY_EVENTS } else { 3 };
        if config & !known != 0 {
            return Err(OfError::TmfcBadConfig);
        }
        let mut this = Self::new(table, config);
        if version < Version::V14 {
            r.finish()?;
            return Ok(this);
        }
        (this.eviction, this.vacancy) = take_properties(&mut r)?;
        if let Some(vacancy) = this.vacancy
            && (vacancy.down > vacancy.up || vacancy.up > 100)
        {
            return Err(OfError::BpcBadValue);
        }
        Ok(this)
    }
}

fn put_properties(eviction: Option<u32>, vacancy: Option<Vacancy>, out: &mut Vec<u8>) {
    if let Some(flags) = eviction {
        out.u16(table_property::EVICTION);
        out.u16(8);
        out.u32(flags);
    }
    if let Some(vacancy) = vacancy {
        out.u16(table_property::VACANCY);
        out.u16(8);
        out.extend_from_slice(&[vacancy.down, vacancy.up, vacancy.current, 0]);
    }
}

fn take_properties(r: &mut Reader<'_>) -> Result<(Option<u32>, Option<Vacancy>), OfError> {
    let (mut eviction, mut vacancy) = (None, None);
    while !r.is_empty() {
        let (kind, mut p) = property(r)?;
        match kind {
            table_property::EVICTION => eviction = Some(p.u32()?),
            table_property::VACANCY => {
                vacancy = Some(Vacancy { down: p.u8()?, up: p.u8()?, current: p.u8()? });
            }
            _ => return Err(OfError::BpcBadType),
        }
    }
    Ok((eviction, vacancy))
}

/// What a table is (from 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableDesc {
    /// Which.
    pub table: TableId,
    /// [`TableMod::EVICTION`] and [`TableMod::VACANCY_EVENTS`].
    pub config: u32,
    /// As [`TableMod::eviction`].
    pub eviction: Option<u32>,
    /// When it tells how full it is, and how full that is.
    pub vacancy: Option<Vacancy>,
}

impl TableDesc {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.u16(0);
        out.u8(self.table.0);
        out.zeros(1);
        out.u32(self.config);
        put_properties(self.eviction, self.vacancy, out);
        let len = (out.len() - start) as u16;
        out.set_u16(start, len);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let len = usize::from(r.u16()?);
        let mut r = Reader::new(r.take(len.checked_sub(2).ok_or(OfError::BrcBadLen)?)?, OfError::BrcBadLen);
        let table = TableId(r.u8()?);
        r.skip(1)?;
        let config = r.u32()?;
        let (eviction, vacancy) = take_properties(&mut r)?;
        Ok(Self { table, config, eviction, vacancy })
    }
}

/// A table has become full, or has room again (from 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableStatus {
    /// Whether there is room again.
    pub room: bool,
    /// What the table is now.
    pub desc: TableDesc,
}

impl TableStatus {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.u8(if self.room { 4 } else { 3 });
        out.zeros(7);
        self.desc.encode(out);
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let room = match r.u8()? {
            3 => false,
            4 => true,
            _ => return Err(OfError::BpcBadValue),
        };
        r.skip(7)?;
        let desc = TableDesc::decode(&mut r)?;
        r.finish()?;
        Ok(Self { room, desc })
    }
}
