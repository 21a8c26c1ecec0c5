//! Flows that make flows: `learn`.
//!
//! ```text
//!   spec:  0 (2) │ source │ dst (2) │ bits (11)      dst 0 match, 1 load, 2 output
//!          source 0: header, first bit     source 1: value, in whole 16-bit words
//!          dst 0, 1: header, first bit     dst 2: nothing
//! ```

use ovs_flow::{Subfield, TableId, Wide};

use super::kinds::nx;
use super::set_field::{pull_field, put_header, subfield, writable};
use super::wire::put_nx;
use crate::header::{Put, Reader};
use crate::{EncodeError, FlowMod, OfError};

bitflags::bitflags! {
    /// What becomes of learned flows.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct LearnFlags: u16 {
        /// Report when a learned flow goes.
        const SEND_FLOW_REM = 1 << 0;
        /// With the last flow that learns, the learned ones go.
        const DELETE_LEARNED = 1 << 1;
    }
}

/// Where a learned flow's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnSrc {
    /// The packet.
    Field(Subfield),
    /// Always this: as many bits as the spec has.
    Value(Wide),
}

/// What a learned flow does with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnDst {
    /// Match it.
    Match(Subfield),
    /// Write it.
    Load(Subfield),
    /// Send to the port of this number.
    Output,
}

/// One part of the learned flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LearnSpec {
    /// How many bits; those of source and destination.
    pub bits: u16,
    /// Where the value comes from.
    pub src: LearnSrc,
    /// What is done with it.
    pub dst: LearnDst,
}

/// Add or change a flow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Learn {
    /// Idle timeout of the learned flow, seconds.
    pub idle_timeout: u16,
    /// Hard timeout, seconds.
    pub hard_timeout: u16,
    /// Idle timeout after a FIN or RST, seconds; 0 for the ordinary one.
    pub fin_idle_timeout: u16,
    /// Hard timeout after a FIN or RST, seconds; 0 for the ordinary one.
    pub fin_hard_timeout: u16,
    /// Priority.
    pub priority: u16,
    /// Cookie.
    pub cookie: u64,
    /// Table.
    pub table: TableId,
    /// What becomes of it.
    pub flags: LearnFlags,
    /// How many flows of this cookie and table may be there; 0 for any number.
    pub limit: u32,
    /// A bit that gets 1 if the flow was learned, 0 if the limit was in the way.
    pub result_dst: Option<Subfield>,
    /// Match and actions of the learned flow.
    pub specs: Vec<LearnSpec>,
}

impl Default for Learn {
    /// Table 1, default priority, nothing to match.
    fn default() -> Self {
        Self {
            idle_timeout: 0,
            hard_timeout: 0,
            fin_idle_timeout: 0,
            fin_hard_timeout: 0,
            priority: FlowMod::DEFAULT_PRIORITY,
            cookie: 0,
            table: TableId(1),
            flags: LearnFlags::empty(),
            limit: 0,
            result_dst: None,
            specs: Vec::new(),
        }
    }
}

const WRITE_RESULT: u16 = 1 << 2;
const BITS: u16 = 0x7ff;
const DST_SHIFT: u16 = 11;
const SRC_IMMEDIATE: u16 = 1 << 13;

impl Learn {
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let second = self.limit != 0 || self.result_dst.is_some();
        put_nx(out, if second { nx::LEARN2 } else { nx::LEARN }, |out| {
            out.u16(self.idle_timeout);
            out.u16(self.hard_timeout);
            out.u16(self.priority);
            out.u64(self.cookie);
            let write_result = if self.result_dst.is_some() { WRITE_RESULT } else { 0 };
            out.u16(self.flags.bits() | write_result);
            out.u8(self.table.0);
            out.zeros(1);
            out.u16(self.fin_idle_timeout);
            out.u16(self.fin_hard_timeout);
            if second {
                out.u32(self.limit);
                out.u16(self.result_dst.map_or(0, |dst| dst.start()));
                out.zeros(2);
                if let Some(dst) = self.result_dst {
                    put_header(dst.field(), out);
                }
            }
            for spec in &self.specs {
                spec.encode(out);
            }
        });
        if out.len() - start > usize::from(u16::MAX) { Err(EncodeError::TooLong) } else { Ok(()) }
    }

    pub(super) fn decode(kind: u16, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self { idle_timeout: r.u16()?, hard_timeout: r.u16()?, ..Self::default() };
        this.priority = r.u16()?;
        this.cookie = r.u64()?;
        let bits = r.u16()?;
        this.table = TableId(r.u8()?);
        r.zeros(1, OfError::BacBadArgument)?;
        (this.fin_idle_timeout, this.fin_hard_timeout) = (r.u16()?, r.u16()?);
        let known = if kind == nx::LEARN2 { bits & !WRITE_RESULT } else { bits };
        this.flags = LearnFlags::from_bits(known).ok_or(OfError::BacBadArgument)?;
        if this.table == TableId::ALL {
            return Err(OfError::BacBadArgument);
        }
        if kind == nx::LEARN2 {
            this.limit = r.u32()?;
            let start = r.u16()?;
            r.zeros(2, OfError::BacBadArgument)?;
            if bits & WRITE_RESULT != 0 {
                this.result_dst = Some(writable(subfield(pull_field(r)?, start, 1)?)?);
            } else if start != 0 {
                return Err(OfError::BacBadArgument);
            }
        }
        this.specs = take_specs(r)?;
        Ok(this)
    }
}

/// Reads specs to the end or to a zero, behind which all must be zero.
fn take_specs(r: &mut Reader<'_>) -> Result<Vec<LearnSpec>, OfError> {
    let mut specs = Vec::new();
    while r.len() >= 2 {
        let head = r.u16()?;
        if head == 0 {
            break;
        }
        specs.push(LearnSpec::decode(head, r)?);
    }
    r.zeros(r.len(), OfError::NxBacMustBeZero)?;
    Ok(specs)
}

impl LearnSpec {
    fn encode(&self, out: &mut Vec<u8>) {
        let source = if matches!(self.src, LearnSrc::Value(_)) { SRC_IMMEDIATE } else { 0 };
        let dst = match self.dst {
            LearnDst::Match(_) => 0,
            LearnDst::Load(_) => 1,
            LearnDst::Output => 2,
        };
        out.u16(source | dst << DST_SHIFT | self.bits & BITS);
        let place = |sub: Subfield, out: &mut Vec<u8>| {
            put_header(sub.field(), out);
            out.u16(sub.start());
        };
        match self.src {
            LearnSrc::Field(src) => place(src, out),
            LearnSrc::Value(value) => {
                let len = usize::from(self.bits.div_ceil(16)) * 2;
                out.extend_from_slice(&value.to_be_bytes()[Wide::BYTES.saturating_sub(len)..]);
            }
        }
        match self.dst {
            LearnDst::Match(dst) | LearnDst::Load(dst) => place(dst, out),
            LearnDst::Output => {}
        }
    }

    fn decode(head: u16, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let bits = head & BITS;
        let (immediate, dst) = (head & SRC_IMMEDIATE != 0, head >> DST_SHIFT & 3);
        // Two bits are reserved, and a port comes from a field alone.
        if head >> 14 != 0 || dst > 2 || dst == 2 && immediate {
            return Err(OfError::BacBadArgument);
        }
        let place = |r: &mut Reader<'_>| {
            let field = pull_field(r)?;
            subfield(field, r.u16()?, bits)
        };
        let src = if immediate { LearnSrc::Value(take_value(r, bits)?) } else { LearnSrc::Field(place(r)?) };
        let dst = match dst {
            0 => LearnDst::Match(place(r)?),
            1 => LearnDst::Load(writable(place(r)?)?),
            _ => LearnDst::Output,
        };
        Ok(Self { bits, src, dst })
    }
}

/// A value of so many bits, in whole words of sixteen.
fn take_value(r: &mut Reader<'_>, bits: u16) -> Result<Wide, OfError> {
    let bytes = r.take(usize::from(bits.div_ceil(16)) * 2)?;
    let value = Wide::from_be_bytes(bytes);
    let lost = bytes.len().saturating_sub(Wide::BYTES);
    let fits = value.bit_len() <= bits && bytes[..lost].iter().all(|byte| *byte == 0);
    if fits { Ok(value) } else { Err(OfError::BacBadArgument) }
}
