//! `NXT_PACKET_IN2`: a packet-in made of properties.

use ovs_flow::{Match, OfPort, TableId};

use super::packet_in::{PacketIn, PacketInReason};
use super::port::property;
use crate::header::{Put, Reader};
use crate::matching::{self, MatchForm};
use crate::{EncodeError, OfError, Version};

const PACKET: u16 = 0;
const FULL_LEN: u16 = 1;
const BUFFER_ID: u16 = 2;
const TABLE_ID: u16 = 3;
const COOKIE: u16 = 4;
const REASON: u16 = 5;
const METADATA: u16 = 6;
const USERDATA: u16 = 7;
const CONTINUATION: u16 = 8;

/// Appends a property whose bytes `body` writes, padded to eight.
pub(super) fn put(
    out: &mut Vec<u8>,
    kind: u16,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.u16(kind);
    out.u16(0);
    body(out)?;
    let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
    out.set_u16(start + 2, len);
    out.pad8(start);
    Ok(())
}

impl PacketIn {
    /// Appends what follows the vendor header.
    pub(super) fn encode_nxt2(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        put(out, PACKET, |out| {
            out.extend_from_slice(&self.data);
            Ok(())
        })?;
        if self.total_len as usize > self.data.len() {
            put(out, FULL_LEN, |out| {
                out.u32(self.total_len);
                Ok(())
            })?;
        }
        if let Some(id) = self.buffer_id {
            put(out, BUFFER_ID, |out| {
                out.u32(id);
                Ok(())
            })?;
        }
        put(out, TABLE_ID, |out| {
            out.u8(self.table.0);
            Ok(())
        })?;
        if self.cookie != u64::MAX {
            put(out, COOKIE, |out| {
                out.zeros(4);
                out.u64(self.cookie);
                Ok(())
            })?;
        }
        put(out, REASON, |out| {
            out.u8(self.reason.wire());
            Ok(())
        })?;
        put(out, METADATA, |out| {
            matching::encode_oxm_raw(&self.metadata, version, out);
            Ok(())
        })?;
        if !self.userdata.is_empty() {
            put(out, USERDATA, |out| {
                out.extend_from_slice(&self.userdata);
                Ok(())
            })?;
        }
        if !self.continuation.is_empty() {
            put(out, CONTINUATION, |out| {
                out.zeros(4);
                out.extend_from_slice(&self.continuation);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// From what follows the vendor header. Properties that are not known are refused.
    pub(super) fn decode_nxt2(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self::new(PacketInReason::NoMatch, OfPort(0), Vec::new());
        this.metadata = Match::default();
        let mut full_len = None;
        while !r.is_empty() {
            let (kind, mut p) = property(r)?;
            match kind {
                PACKET => this.data = p.rest().to_vec(),
                FULL_LEN => full_len = Some(p.u32()?),
                BUFFER_ID => this.buffer_id = Some(p.u32()?),
                TABLE_ID => this.table = TableId(p.u8()?),
                COOKIE => {
                    p.skip(4)?;
                    this.cookie = p.u64()?;
                }
                REASON => this.reason = PacketInReason::from_wire(p.u8()?),
                METADATA => {
                    matching::decode_oxm_raw(p.rest(), MatchForm::Pipeline, &mut this.metadata)?;
                }
                // Its bytes are properties themselves, behind four bytes that align them.
                CONTINUATION => {
                    p.skip(4)?;
                    this.continuation = p.rest().to_vec();
                }
                USERDATA => this.userdata = p.rest().to_vec(),
                _ => return Err(OfError::BpcBadType),
            }
        }
        this.total_len = full_len.unwrap_or(this.data.len() as u32).max(this.data.len() as u32);
        Ok(this)
    }
}
