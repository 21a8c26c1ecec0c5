//! A flow has gone (OpenFlow 1.0, 5.4.3; 1.3, 7.4.2; `NXT_FLOW_REMOVED`).

use core::time::Duration;

use ovs_flow::{Match, TableId};

use super::stats::oxs::{Oxs, known};
use crate::header::{Put, Reader};
use crate::matching::{self, MatchForm};
use crate::{EncodeError, OfError, Version};

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlowRemovedReason {
    /// No packet for too long.
    IdleTimeout,
    /// Too old.
    HardTimeout,
    /// Deleted.
    Delete,
    /// Its group was deleted.
    GroupDelete,
    /// Its meter was deleted.
    MeterDelete,
    /// Evicted to make room.
    Eviction,
    /// A number that has no name.
    Unknown(u8),
}

impl FlowRemovedReason {
    /// The number.
    pub const fn wire(self) -> u8 {
        match self {
            Self::IdleTimeout => 0,
            Self::HardTimeout => 1,
            Self::Delete => 2,
            Self::GroupDelete => 3,
            Self::MeterDelete => 4,
            Self::Eviction => 5,
            Self::Unknown(n) => n,
        }
    }

    /// From the number.
    pub const fn from_wire(n: u8) -> Self {
        match n {
            0 => Self::IdleTimeout,
            1 => Self::HardTimeout,
            2 => Self::Delete,
            3 => Self::GroupDelete,
            4 => Self::MeterDelete,
            5 => Self::Eviction,
            n => Self::Unknown(n),
        }
    }
}

/// A flow has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowRemoved {
    /// Its match.
    pub matching: Match,
    /// Its cookie.
    pub cookie: u64,
    /// Its priority.
    pub priority: u16,
    /// Why it went.
    pub reason: FlowRemovedReason,
    /// Its table; [`TableId::ALL`] if the message does not say.
    pub table: TableId,
    /// How long it was there.
    pub duration: Duration,
    /// Its idle timeout, seconds.
    pub idle_timeout: u16,
    /// Its hard timeout, seconds (from 1.2).
    pub hard_timeout: u16,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

impl FlowRemoved {
    /// Of a flow with this match; numbers are zero.
    pub const fn new(matching: Match, reason: FlowRemovedReason) -> Self {
        Self {
            matching,
            cookie: 0,
            priority: 0,
            reason,
            table: TableId::ALL,
            duration: Duration::ZERO,
            idle_timeout: 0,
            hard_timeout: 0,
            packets: 0,
            bytes: 0,
        }
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if version == Version::V10 {
            matching::encode_v10(&self.matching, out);
            out.u64(self.cookie);
            out.u16(self.priority);
            out.u8(self.reason.wire().min(2));
            out.u8(0);
            out.u32(self.duration.as_secs() as u32);
            out.u32(self.duration.subsec_nanos());
            out.u16(self.idle_timeout);
            out.zeros(2);
            out.u64(self.packets);
            out.u64(self.bytes);
            return Ok(());
        }
        if version >= Version::V15 {
            return self.encode_v15(out);
        }
        // Deletion of a meter came with 1.4.
        let old = version < Version::V14 && self.reason == FlowRemovedReason::MeterDelete;
        let reason = if old { FlowRemovedReason::Delete } else { self.reason };
        out.u64(self.cookie);
        out.u16(self.priority);
        out.u8(reason.wire());
        out.u8(self.table.0);
        out.u32(self.duration.as_secs() as u32);
        out.u32(self.duration.subsec_nanos());
        out.u16(self.idle_timeout);
        out.u16(self.hard_timeout);
        out.u64(self.packets);
        out.u64(self.bytes);
        matching::encode_standard(&self.matching, version, out)
    }

    /// 1.5 has the counters as entries.
    fn encode_v15(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.u8(self.table.0);
        out.u8(self.reason.wire());
        out.u16(self.priority);
        out.u16(self.idle_timeout);
        out.u16(self.hard_timeout);
        out.u64(self.cookie);
        matching::encode_standard(&self.matching, Version::V15, out)?;
        let (packets, bytes) = (known(self.packets), known(self.bytes));
        Oxs { duration: Some(self.duration), packets, bytes, ..Oxs::default() }.encode(out)
    }

    fn decode_v15(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self::new(Match::default(), FlowRemovedReason::Delete);
        this.table = TableId(r.u8()?);
        this.reason = FlowRemovedReason::from_wire(r.u8()?);
        this.priority = r.u16()?;
        (this.idle_timeout, this.hard_timeout) = (r.u16()?, r.u16()?);
        this.cookie = r.u64()?;
        matching::decode_standard(r, MatchForm::Strict, &mut this.matching)?;
        let oxs = Oxs::decode(r)?;
        this.duration = oxs.duration.unwrap_or_default();
        this.packets = oxs.packets.unwrap_or(u64::MAX);
        this.bytes = oxs.bytes.unwrap_or(u64::MAX);
        r.finish()?;
        Ok(this)
    }

    pub(super) fn encode_nxm(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.u64(self.cookie);
        out.u16(self.priority);
        out.u8(self.reason.wire());
        // The table's number is one more here, so that zero can mean that nothing is said.
        out.u8(self.table.0.wrapping_add(1));
        out.u32(self.duration.as_secs() as u32);
        out.u32(self.duration.subsec_nanos());
        out.u16(self.idle_timeout);
        let at = out.len();
        out.zeros(2);
        out.u64(self.packets);
        out.u64(self.bytes);
        let len = matching::encode_nxm(&self.matching, None, out)?;
        out.set_u16(at, len);
        Ok(())
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        if version == Version::V10 {
            let mut this = Self::new(matching::decode_v10(&mut r)?, FlowRemovedReason::Delete);
            this.cookie = r.u64()?;
            this.priority = r.u16()?;
            this.reason = FlowRemovedReason::from_wire(r.u8()?);
            r.skip(1)?;
            this.duration = decode_duration(&mut r)?;
            this.idle_timeout = r.u16()?;
            r.skip(2)?;
            this.packets = r.u64()?;
            this.bytes = r.u64()?;
            r.finish()?;
            return Ok(this);
        }
        if version >= Version::V15 {
            return Self::decode_v15(&mut r);
        }
        let mut this = Self::new(Match::default(), FlowRemovedReason::Delete);
        this.cookie = r.u64()?;
        this.priority = r.u16()?;
        this.reason = FlowRemovedReason::from_wire(r.u8()?);
        this.table = TableId(r.u8()?);
        this.duration = decode_duration(&mut r)?;
        this.idle_timeout = r.u16()?;
        this.hard_timeout = r.u16()?;
        this.packets = r.u64()?;
        this.bytes = r.u64()?;
        matching::decode_standard(&mut r, MatchForm::Strict, &mut this.matching)?;
        r.finish()?;
        Ok(this)
    }

    pub(super) fn decode_nxm(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self::new(Match::default(), FlowRemovedReason::Delete);
        this.cookie = r.u64()?;
        this.priority = r.u16()?;
        this.reason = FlowRemovedReason::from_wire(r.u8()?);
        this.table = TableId(r.u8()?.wrapping_sub(1));
        this.duration = decode_duration(r)?;
        this.idle_timeout = r.u16()?;
        let len = usize::from(r.u16()?);
        this.packets = r.u64()?;
        this.bytes = r.u64()?;
        matching::decode_nxm(r, len, MatchForm::Strict, &mut this.matching)?;
        r.finish()?;
        Ok(this)
    }
}

/// Seconds and nanoseconds; more than a second of the latter counts as a second.
pub(super) fn decode_duration(r: &mut Reader<'_>) -> Result<Duration, OfError> {
    let (secs, nanos) = (r.u32()?, r.u32()?);
    Ok(Duration::new(u64::from(secs), nanos.min(999_999_999)))
}
