//! Meters (OpenFlow 1.3, 7.3.4.4 and 7.3.5.14).

use core::time::Duration;

use super::flow_removed::decode_duration;
use crate::OfError;
use crate::header::{Put, Reader};

bitflags::bitflags! {
    /// What a meter counts.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct MeterFlags: u16 {
        /// Rates are in kb/s.
        const KBPS = 1 << 0;
        /// Rates are in packets/s.
        const PKTPS = 1 << 1;
        /// Bursts have a size.
        const BURST = 1 << 2;
        /// Counters are kept.
        const STATS = 1 << 3;
    }
}

/// What happens to packets above a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BandKind {
    /// They are dropped.
    Drop,
    /// Their drop precedence is raised by this many levels.
    DscpRemark(u8),
}

/// A rate and what happens above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeterBand {
    /// What happens.
    pub kind: BandKind,
    /// Above what rate.
    pub rate: u32,
    /// How much more may come at once.
    pub burst: u32,
}

impl MeterBand {
    fn encode(self, out: &mut Vec<u8>) {
        let (kind, level) = match self.kind {
            BandKind::Drop => (1, 0),
            BandKind::DscpRemark(level) => (2, level),
        };
        out.u16(kind);
        out.u16(16);
        out.u32(self.rate);
        out.u32(self.burst);
        out.u8(level);
        out.zeros(3);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let (kind, len) = (r.u16()?, r.u16()?);
        let (rate, burst, level) = (r.u32()?, r.u32()?, r.u8()?);
        r.skip(3)?;
        let kind = match kind {
            1 => BandKind::Drop,
            2 => BandKind::DscpRemark(level),
            _ => return Err(OfError::MmfcBadBand),
        };
        if len == 16 { Ok(Self { kind, rate, burst }) } else { Err(OfError::BrcBadLen) }
    }
}

fn decode_bands(r: &mut Reader<'_>) -> Result<Vec<MeterBand>, OfError> {
    let mut bands = Vec::new();
    while !r.is_empty() {
        bands.push(MeterBand::decode(r)?);
    }
    Ok(bands)
}

/// A meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterConfig {
    /// Its number, from 1.
    pub meter: u32,
    /// What it counts.
    pub flags: MeterFlags,
    /// Its rates.
    pub bands: Vec<MeterBand>,
}

impl MeterConfig {
    /// The highest number that a meter can have (`OFPM_MAX`).
    pub const MAX: u32 = 0xffff_0000;
    /// The meter of packets for the slow path (`OFPM_SLOWPATH`).
    pub const SLOWPATH: u32 = 0xffff_fffd;
    /// The meter of packets for controllers (`OFPM_CONTROLLER`).
    pub const CONTROLLER: u32 = 0xffff_fffe;
    /// All meters (`OFPM_ALL`).
    pub const ALL: u32 = 0xffff_ffff;

    /// A meter without rates.
    pub const fn new(meter: u32) -> Self {
        Self { meter, flags: MeterFlags::empty(), bands: Vec::new() }
    }

    /// Appends an entry of an answer.
    pub(super) fn encode_entry(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.u16(0);
        out.u16(self.flags.bits());
        out.u32(self.meter);
        self.bands.iter().for_each(|band| band.encode(out));
        let len = (out.len() - start) as u16;
        out.set_u16(start, len);
    }

    pub(super) fn decode_entry(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let len = usize::from(r.u16()?);
        let mut r = Reader::new(r.take(len.checked_sub(2).ok_or(OfError::BrcBadLen)?)?, OfError::BrcBadLen);
        let flags = MeterFlags::from_bits_truncate(r.u16()?);
        Ok(Self { meter: r.u32()?, flags, bands: decode_bands(&mut r)? })
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum MeterModCommand {
    /// Add.
    Add = 0,
    /// Replace.
    Modify = 1,
    /// Delete.
    Delete = 2,
}

/// Change a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterMod {
    /// What to do.
    pub command: MeterModCommand,
    /// Which meter, and what it is to be.
    pub config: MeterConfig,
}

impl MeterMod {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.u16(self.command as u16);
        out.u16(self.config.flags.bits());
        out.u32(self.config.meter);
        self.config.bands.iter().for_each(|band| band.encode(out));
    }

    pub(super) fn decode(body: &[u8]) -> Result<Box<Self>, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let command = match r.u16()? {
            0 => MeterModCommand::Add,
            1 => MeterModCommand::Modify,
            2 => MeterModCommand::Delete,
            _ => return Err(OfError::MmfcBadCommand),
        };
        let bits = r.u16()?;
        let mut config = MeterConfig::new(r.u32()?);
        if command != MeterModCommand::Delete {
            config.flags = MeterFlags::from_bits(bits).ok_or(OfError::MmfcBadFlags)?;
            if config.flags.contains(MeterFlags::KBPS | MeterFlags::PKTPS) {
                return Err(OfError::MmfcBadFlags);
            }
            config.bands = decode_bands(&mut r)?;
        }
        Ok(Box::new(Self { command, config }))
    }
}

/// What a meter has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterStats {
    /// Which.
    pub meter: u32,
    /// Flows that use it.
    pub flows: u32,
    /// Packets that came.
    pub packets: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// How long it has been there.
    pub duration: Duration,
    /// Packets and bytes above each rate.
    pub bands: Vec<(u64, u64)>,
}

impl MeterStats {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.u32(self.meter);
        out.zeros(8);
        out.u32(self.flows);
        out.u64(self.packets);
        out.u64(self.bytes);
        out.u32(self.duration.as_secs() as u32);
        out.u32(self.duration.subsec_nanos());
        for (packets, bytes) in &self.bands {
            out.u64(*packets);
            out.u64(*bytes);
        }
        let len = (out.len() - start) as u16;
        out.set_u16(start + 4, len);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let (meter, len) = (r.u32()?, usize::from(r.u16()?));
        let mut r = Reader::new(r.take(len.checked_sub(6).ok_or(OfError::BrcBadLen)?)?, OfError::BrcBadLen);
        r.skip(6)?;
        let (flows, packets, bytes) = (r.u32()?, r.u64()?, r.u64()?);
        let duration = decode_duration(&mut r)?;
        let mut bands = Vec::new();
        while !r.is_empty() {
            bands.push((r.u64()?, r.u64()?));
        }
        Ok(Self { meter, flows, packets, bytes, duration, bands })
    }
}

/// What meters can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MeterFeatures {
    /// How many there can be.
    pub max_meters: u32,
    /// Bit `n` for the kind of band that the wire numbers `n`.
    pub band_types: u32,
    /// What they can count.
    pub capabilities: MeterFlags,
    /// How many bands each can have.
    pub max_bands: u8,
    /// How many colours there are.
    pub max_color: u8,
}

impl MeterFeatures {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.u32(self.max_meters);
        out.u32(self.band_types);
        out.u32(self.capabilities.bits().into());
        out.extend_from_slice(&[self.max_bands, self.max_color, 0, 0]);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let (max_meters, band_types) = (r.u32()?, r.u32()?);
        let capabilities = MeterFlags::from_bits_truncate(r.u32()? as u16);
        let (max_bands, max_color) = (r.u8()?, r.u8()?);
        r.skip(2)?;
        Ok(Self { max_meters, band_types, capabilities, max_bands, max_color })
    }
}
