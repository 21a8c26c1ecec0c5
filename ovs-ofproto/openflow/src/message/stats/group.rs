//! Groups in answers: what they are, what they counted, what they can do.

use core::time::Duration;

use super::parts::{take_with_length, with_length};
use crate::header::{Put, Reader};
use crate::message::flow_removed::decode_duration;
use crate::message::group_mod::{
    Bucket, GroupType, Selection, decode_buckets, decode_v11, encode_buckets, encode_v11,
};
use crate::{EncodeError, OfError, Version};

/// What a group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDesc {
    /// Which.
    pub group: u32,
    /// How its buckets are used.
    pub kind: GroupType,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
    /// How it chooses.
    pub selection: Selection,
}

impl GroupDesc {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        with_length(out, |out| {
            out.u8(self.kind as u8);
            out.u8(0);
            out.u32(self.group);
            if (Version::V11..Version::V15).contains(&version) {
                return self.buckets.iter().try_for_each(|bucket| encode_v11(bucket, version, out));
            }
            let at = out.len();
            out.zeros(8);
            let start = out.len();
            encode_buckets(self.kind, &self.buckets, version, out)?;
            let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
            out.set_u16(at, len);
            self.selection.encode(version, out)
        })
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut r = take_with_length(r)?;
        let kind = GroupType::from_wire(r.u8()?)?;
        r.skip(1)?;
        let mut this = Self { group: r.u32()?, kind, buckets: Vec::new(), selection: Selection::default() };
        if (Version::V11..Version::V15).contains(&version) {
            while !r.is_empty() {
                this.buckets.push(decode_v11(&mut r, version)?);
            }
            return Ok(this);
        }
        let len = usize::from(r.u16()?);
        r.skip(6)?;
        this.buckets = decode_buckets(r.take(len)?, version)?;
        this.selection = Selection::decode(&mut r, false)?;
        Ok(this)
    }
}

/// What a group has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStats {
    /// Which.
    pub group: u32,
    /// Flows and groups that use it.
    pub references: u32,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// How long it has been there (from 1.3).
    pub duration: Option<Duration>,
    /// Packets and bytes of each bucket.
    pub buckets: Vec<(u64, u64)>,
}

impl GroupStats {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        with_length(out, |out| {
            out.zeros(2);
            out.u32(self.group);
            out.u32(self.references);
            out.zeros(4);
            out.u64(self.packets);
            out.u64(self.bytes);
            if has_duration(version) {
                let duration = self.duration.unwrap_or_default();
                out.u32(duration.as_secs() as u32);
                out.u32(duration.subsec_nanos());
            }
            for (packets, bytes) in &self.buckets {
                out.u64(*packets);
                out.u64(*bytes);
            }
            Ok(())
        })
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut r = take_with_length(r)?;
        r.skip(2)?;
        let (group, references) = (r.u32()?, r.u32()?);
        r.skip(4)?;
        let (packets, bytes) = (r.u64()?, r.u64()?);
        let duration = if has_duration(version) { Some(decode_duration(&mut r)?) } else { None };
        let mut buckets = Vec::new();
        while !r.is_empty() {
            buckets.push((r.u64()?, r.u64()?));
        }
        Ok(Self { group, references, packets, bytes, duration, buckets })
    }
}

/// 1.3 brought it; the extension for 1.0 was made after that.
fn has_duration(version: Version) -> bool {
    version >= Version::V13 || version == Version::V10
}

/// What groups can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct GroupFeatures {
    /// Bit `n` for [`GroupType`] `n`.
    pub types: u32,
    /// Bit 0 for weights, 1 for liveness, 2 for chains, 3 for checks of chains.
    pub capabilities: u32,
    /// How many of each type there can be.
    pub max_groups: [u32; 4],
    /// The actions of each type's buckets: bit `n` for the standard's action `n`.
    pub actions: [u32; 4],
}

impl GroupFeatures {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.u32(self.types);
        out.u32(self.capabilities);
        self.max_groups.into_iter().chain(self.actions).for_each(|n| out.u32(n));
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self { types: r.u32()?, capabilities: r.u32()?, ..Self::default() };
        for n in this.max_groups.iter_mut().chain(&mut this.actions) {
            *n = r.u32()?;
        }
        Ok(this)
    }
}
