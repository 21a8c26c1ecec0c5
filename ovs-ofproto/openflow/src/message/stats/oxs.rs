//! Counters of flows as 1.5 writes them: type-length-value entries (OpenFlow 1.5, 7.2.4).

use core::time::Duration;

use crate::header::{Put, Reader};
use crate::message::flow_removed::decode_duration;
use crate::{EncodeError, OfError};

/// Counters; `None` where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Oxs {
    pub(crate) duration: Option<Duration>,
    pub(crate) idle_time: Option<Duration>,
    pub(crate) flows: Option<u32>,
    pub(crate) packets: Option<u64>,
    pub(crate) bytes: Option<u64>,
}

const CLASS: u16 = 0x8002;

/// Numbers of the entries.
mod field {
    pub const DURATION: u8 = 0;
    pub const IDLE_TIME: u8 = 1;
    pub const FLOW_COUNT: u8 = 3;
    pub const PACKET_COUNT: u8 = 4;
    pub const BYTE_COUNT: u8 = 5;
}

fn head(field: u8, len: u8, out: &mut Vec<u8>) {
    out.u16(CLASS);
    out.extend_from_slice(&[field << 1, len]);
}

impl Oxs {
    /// Appends the structure, padded to eight bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.zeros(4);
        for (field, duration) in [(field::DURATION, self.duration), (field::IDLE_TIME, self.idle_time)] {
            if let Some(duration) = duration {
                head(field, 8, out);
                out.u32(duration.as_secs() as u32);
                out.u32(duration.subsec_nanos());
            }
        }
        if let Some(flows) = self.flows {
            head(field::FLOW_COUNT, 4, out);
            out.u32(flows);
        }
        for (field, count) in [(field::PACKET_COUNT, self.packets), (field::BYTE_COUNT, self.bytes)] {
            if let Some(count) = count {
                head(field, 8, out);
                out.u64(count);
            }
        }
        let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
        out.set_u16(start + 2, len);
        out.pad8(start);
        Ok(())
    }

    /// Reads the structure with its padding; entries that are not known are passed over.
    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        r.skip(2)?;
        let len = usize::from(r.u16()?);
        let body = r.take(len.checked_sub(4).ok_or(OfError::BrcBadLen)?)?;
        r.skip((8 - len % 8) % 8)?;
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let mut this = Self::default();
        while !r.is_empty() {
            let class = r.u16()?;
            let (field, len) = (r.u8()? >> 1, usize::from(r.u8()?));
            let mut p = Reader::new(r.take(len)?, OfError::BrcBadLen);
            match (class, field) {
                (CLASS, field::DURATION) => this.duration = Some(decode_duration(&mut p)?),
                (CLASS, field::IDLE_TIME) => this.idle_time = Some(decode_duration(&mut p)?),
                (CLASS, field::FLOW_COUNT) => this.flows = Some(p.u32()?),
                (CLASS, field::PACKET_COUNT) => this.packets = Some(p.u64()?),
                (CLASS, field::BYTE_COUNT) => this.bytes = Some(p.u64()?),
                _ => {}
            }
        }
        Ok(this)
    }
}

/// All ones mean that nothing is known.
pub(crate) fn known(count: u64) -> Option<u64> {
    Some(count).filter(|n| *n != u64::MAX)
}
