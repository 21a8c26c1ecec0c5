//! Groups (OpenFlow 1.1, A.3.4.2; 1.5, 7.3.4.3; Open vSwitch's `NXT_GROUP_MOD`).

use ovs_flow::field::nxm;
use ovs_flow::{Field, Match, OfPort};

use super::port::property;
use crate::action::{self, Action};
use crate::header::{Put, Reader, text_of};
use crate::matching::field_version;
use crate::{EncodeError, OfError, Version};

/// How a group's buckets are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum GroupType {
    /// All of them.
    #[default]
    All = 0,
    /// One, chosen by the packet.
    Select = 1,
    /// The only one.
    Indirect = 2,
    /// The first that is live.
    FastFailover = 3,
}

impl GroupType {
    /// Each of them, by number.
    pub const ALL: [Self; 4] = [Self::All, Self::Select, Self::Indirect, Self::FastFailover];

    /// As the tools write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Select => "select",
            Self::Indirect => "indirect",
            Self::FastFailover => "ff",
        }
    }

    pub(super) fn from_wire(n: u8) -> Result<Self, OfError> {
        Self::ALL.get(usize::from(n)).copied().ok_or(OfError::GmfcBadType)
    }
}

/// A set of actions of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Its number; `None` where the version has none, or it is to be given one.
    pub id: Option<u32>,
    /// Its share of the packets in a select group.
    pub weight: u16,
    /// It is live if this port is; [`OfPort::NONE`] for none.
    pub watch_port: OfPort,
    /// It is live if this group is; [`GroupMod::ANY`] for none.
    pub watch_group: u32,
    /// Its actions.
    pub actions: Vec<Action>,
}

impl Bucket {
    /// The highest number that a bucket can have.
    pub const MAX_ID: u32 = 0xffff_ff00;

    /// A bucket without number, weight or anything to watch.
    pub const fn new(actions: Vec<Action>) -> Self {
        Self { id: None, weight: 0, watch_port: OfPort::NONE, watch_group: GroupMod::ANY, actions }
    }

    const fn watches(&self) -> bool {
        self.watch_port.0 != OfPort::NONE.0 || self.watch_group != GroupMod::ANY
    }
}

/// How a select group chooses (`OFPGPT_EXPERIMENTER`, Netronome's extension); an empty method is left to the switch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Selection {
    /// `hash` or `dp_hash`; at most 15 bytes.
    pub method: String,
    /// What the method needs beside.
    pub param: u64,
    /// The fields that are hashed, and which of their bits.
    pub fields: Vec<(Field, u128)>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum GroupModCommand {
    /// Add a group.
    Add = 0,
    /// Replace its type and buckets.
    Modify = 1,
    /// Delete it, and the flows that use it.
    Delete = 2,
    /// Put buckets in (from 1.5).
    InsertBucket = 3,
    /// Take buckets away (from 1.5).
    RemoveBucket = 5,
    /// Add or replace (extension).
    AddOrModify = 0x8000,
}

impl GroupModCommand {
    fn from_wire(n: u16, buckets: bool) -> Option<Self> {
        Some(match n {
            0 => Self::Add,
            1 => Self::Modify,
            2 => Self::Delete,
            3 if buckets => Self::InsertBucket,
            5 if buckets => Self::RemoveBucket,
            0x8000 => Self::AddOrModify,
            _ => return None,
        })
    }
}

/// Change a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMod {
    /// What to do.
    pub command: GroupModCommand,
    /// Which group; for a deletion also [`GroupMod::ALL`].
    pub group: u32,
    /// How its buckets are used.
    pub kind: GroupType,
    /// Where buckets are put in, or which are taken away: a number, [`GroupMod::BUCKET_FIRST`],
    /// [`GroupMod::BUCKET_LAST`] or [`GroupMod::BUCKET_ALL`].
    pub command_bucket: u32,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
    /// How it chooses.
    pub selection: Selection,
}

/// The vendor of the property that says how a group chooses, and its number there.
const NTR_VENDOR: u32 = 0x154d;
const NTR_SELECTION: u32 = 1;
const EXPERIMENTER: u16 = 0xffff;

impl GroupMod {
    /// The highest number that a group can have (`OFPG_MAX`).
    pub const MAX: u32 = 0xffff_ff00;
    /// All groups (`OFPG_ALL`).
    pub const ALL: u32 = 0xffff_fffc;
    /// No group in particular (`OFPG_ANY`).
    pub const ANY: u32 = 0xffff_ffff;
    /// The first bucket (`OFPG_BUCKET_FIRST`).
    pub const BUCKET_FIRST: u32 = 0xffff_fffd;
    /// The last bucket (`OFPG_BUCKET_LAST`).
    pub const BUCKET_LAST: u32 = 0xffff_fffe;
    /// All buckets (`OFPG_BUCKET_ALL`).
    pub const BUCKET_ALL: u32 = 0xffff_ffff;

    /// A change of this group, which has no buckets.
    pub fn new(command: GroupModCommand, group: u32) -> Self {
        Self {
            command,
            group,
            kind: GroupType::All,
            command_bucket: Self::BUCKET_ALL,
            buckets: Vec::new(),
            selection: Selection::default(),
        }
    }

    /// Whether the wire has the form of 1.5, which Open vSwitch's extension has in every version.
    const fn is_new_form(version: Version, extension: bool) -> bool {
        extension || version as u8 >= Version::V15 as u8
    }

    pub(super) fn encode(
        &self,
        version: Version,
        extension: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        out.u16(self.command as u16);
        out.u8(self.kind as u8);
        out.u8(0);
        out.u32(self.group);
        if !Self::is_new_form(version, extension) {
            if matches!(self.command, GroupModCommand::InsertBucket | GroupModCommand::RemoveBucket) {
                return Err(EncodeError::Unsupported { what: "a change of buckets", version });
            }
            return self.buckets.iter().try_for_each(|bucket| encode_v11(bucket, version, out));
        }
        let at = out.len();
        out.zeros(4);
        out.u32(self.command_bucket);
        let start = out.len();
        encode_buckets(self.kind, &self.buckets, version, out)?;
        let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
        out.set_u16(at, len);
        self.selection.encode(version, out)
    }

    pub(super) fn decode(
        version: Version,
        extension: bool,
        r: &mut Reader<'_>,
    ) -> Result<Box<Self>, OfError> {
        let new_form = Self::is_new_form(version, extension);
        let command = GroupModCommand::from_wire(r.u16()?, new_form).ok_or(OfError::GmfcBadCommand)?;
        let kind = r.u8()?;
        r.skip(1)?;
        let mut this = Box::new(Self::new(command, r.u32()?));
        if new_form {
            let len = usize::from(r.u16()?);
            r.skip(2)?;
            this.command_bucket = r.u32()?;
            this.buckets = decode_buckets(r.take(len)?, version)?;
            this.selection = Selection::decode(r, true)?;
        } else {
            while !r.is_empty() {
                this.buckets.push(decode_v11(r, version)?);
            }
        }
        if command == GroupModCommand::Delete && this.group == Self::ALL {
            return Ok(this);
        }
        if this.group > Self::MAX {
            return Err(OfError::GmfcInvalidGroup);
        }
        this.kind = GroupType::from_wire(kind)?;
        this.check()?;
        Ok(this)
    }

    /// What each type asks of its buckets.
    fn check(&self) -> Result<(), OfError> {
        let whole = matches!(
            self.command,
            GroupModCommand::Add | GroupModCommand::Modify | GroupModCommand::AddOrModify
        );
        if self.kind == GroupType::Indirect && whole && self.buckets.len() != 1 {
            return Err(OfError::GmfcInvalidGroup);
        }
        if !whole {
            // What is put in is judged by the type that the message says, whatever the group's is.
            let watches = self.buckets.iter().any(Bucket::watches);
            let refuses = matches!(self.kind, GroupType::All | GroupType::Indirect);
            return if watches && refuses { Err(OfError::GmfcWatchUnsupported) } else { Ok(()) };
        }
        for bucket in &self.buckets {
            if bucket.weight != 0 && self.kind != GroupType::Select {
                return Err(OfError::GmfcInvalidGroup);
            }
            match self.kind {
                GroupType::All | GroupType::Indirect if bucket.watches() => {
                    return Err(OfError::GmfcWatchUnsupported);
                }
                GroupType::FastFailover if !bucket.watches() => return Err(OfError::GmfcInvalidGroup),
                _ => {}
            }
        }
        Ok(())
    }
}

pub(super) fn encode_v11(bucket: &Bucket, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    out.u16(0);
    out.u16(bucket.weight);
    out.u32(bucket.watch_port.to_u32());
    out.u32(bucket.watch_group);
    out.zeros(4);
    action::encode_actions(&bucket.actions, &Match::default(), version, out)?;
    let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
    out.set_u16(start, len);
    Ok(())
}

pub(super) fn decode_v11(r: &mut Reader<'_>, version: Version) -> Result<Bucket, OfError> {
    let len = usize::from(r.u16()?);
    let body = len.checked_sub(2).filter(|body| *body <= r.len()).ok_or(OfError::GmfcBadBucket)?;
    let mut r = Reader::new(r.take(body)?, OfError::GmfcBadBucket);
    let mut bucket = Bucket::new(Vec::new());
    bucket.weight = r.u16()?;
    bucket.watch_port = OfPort::from_u32(r.u32()?).ok_or(OfError::GmfcBadWatch)?;
    bucket.watch_group = r.u32()?;
    r.skip(4)?;
    bucket.actions = action::decode_actions(r.rest(), version)?;
    Ok(bucket)
}

/// Properties of 1.5's buckets.
mod bucket_property {
    pub const WEIGHT: u16 = 0;
    pub const WATCH_PORT: u16 = 1;
    pub const WATCH_GROUP: u16 = 2;
}

/// Appends buckets in 1.5's form. Those without a number get the lowest ones that are free.
pub(super) fn encode_buckets(
    kind: GroupType,
    buckets: &[Bucket],
    version: Version,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut taken: Vec<u32> = buckets.iter().filter_map(|bucket| bucket.id).collect();
    taken.sort_unstable();
    let (mut next, mut taken) = (0_u32, taken.into_iter().peekable());
    for bucket in buckets {
        let id = bucket.id.unwrap_or_else(|| {
            while taken.peek().is_some_and(|id| *id <= next) {
                next += u32::from(taken.next() == Some(next));
            }
            next += 1;
            next - 1
        });
        encode_v15(kind, bucket, id, version, out)?;
    }
    Ok(())
}

fn encode_v15(
    kind: GroupType,
    bucket: &Bucket,
    id: u32,
    version: Version,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.zeros(4);
    out.u32(id);
    action::encode_actions(&bucket.actions, &Match::default(), version, out)?;
    let actions = u16::try_from(out.len() - start - 8).map_err(|_| EncodeError::TooLong)?;
    if bucket.weight != 0 || kind == GroupType::Select {
        out.u16(bucket_property::WEIGHT);
        out.u16(8);
        out.u16(bucket.weight);
        out.zeros(2);
    }
    if bucket.watch_port != OfPort::NONE {
        out.u16(bucket_property::WATCH_PORT);
        out.u16(8);
        out.u32(bucket.watch_port.to_u32());
    }
    if bucket.watch_group != GroupMod::ANY {
        out.u16(bucket_property::WATCH_GROUP);
        out.u16(8);
        out.u32(bucket.watch_group);
    }
    let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
    out.set_u16(start, len);
    out.set_u16(start + 2, actions);
    Ok(())
}

/// From bytes that hold nothing but buckets in 1.5's form.
pub(super) fn decode_buckets(bytes: &[u8], version: Version) -> Result<Vec<Bucket>, OfError> {
    let mut r = Reader::new(bytes, OfError::GmfcBadBucket);
    let mut buckets = Vec::new();
    while !r.is_empty() {
        buckets.push(decode_v15(&mut r, version)?);
    }
    let mut ids: Vec<Option<u32>> = buckets.iter().map(|bucket| bucket.id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(OfError::GmfcBucketExists);
    }
    Ok(buckets)
}

fn decode_v15(r: &mut Reader<'_>, version: Version) -> Result<Bucket, OfError> {
    let len = usize::from(r.u16()?);
    let body = len.checked_sub(2).filter(|body| *body <= r.len()).ok_or(OfError::GmfcBadBucket)?;
    let mut r = Reader::new(r.take(body)?, OfError::GmfcBadBucket);
    let actions = usize::from(r.u16()?);
    let id = r.u32()?;
    if id > Bucket::MAX_ID {
        return Err(OfError::GmfcBadBucket);
    }
    let mut bucket = Bucket::new(action::decode_actions(r.take(actions)?, version)?);
    bucket.id = Some(id);
    while !r.is_empty() {
        let (kind, mut p) = property(&mut r)?;
        match kind {
            bucket_property::WEIGHT => bucket.weight = p.u16()?,
            bucket_property::WATCH_PORT => {
                bucket.watch_port = OfPort::from_u32(p.u32()?).ok_or(OfError::GmfcBadWatch)?;
            }
            bucket_property::WATCH_GROUP => bucket.watch_group = p.u32()?,
            _ => return Err(OfError::BpcBadType),
        }
    }
    Ok(bucket)
}

impl Selection {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.method.is_empty() {
            return Ok(());
        }
        let start = out.len();
        out.u16(EXPERIMENTER);
        out.u16(0);
        out.u32(NTR_VENDOR);
        out.u32(NTR_SELECTION);
        out.zeros(4);
        out.text(&self.method, 16);
        out.u64(self.param);
        for (field, mask) in &self.fields {
            if let Some(header) = field.header(field_version(version)) {
                let size = usize::from(field.facts().size);
                nxm::put_header(header, size, false, out);
                out.extend_from_slice(&mask.to_be_bytes()[16 - size..]);
            }
        }
        let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
        out.set_u16(start + 2, len);
        out.pad8(start);
        Ok(())
    }

    /// From the properties of a group. Fields go with the method `hash` alone.
    pub(super) fn decode(r: &mut Reader<'_>, strict: bool) -> Result<Self, OfError> {
        let mut this = Self::default();
        while !r.is_empty() {
            let (kind, mut p) = property(r)?;
            if kind != EXPERIMENTER {
                return Err(OfError::BpcBadType);
            }
            match (p.u32()?, p.u32()?) {
                (NTR_VENDOR, NTR_SELECTION) => {}
                (NTR_VENDOR, _) => return Err(OfError::BpcBadExpType),
                _ => return Err(OfError::BpcBadExperimenter),
            }
            p.skip(4)?;
            let method = p.take(16)?;
            if strict && !method.contains(&0) {
                return Err(OfError::BpcBadValue);
            }
            this.method = text_of(method);
            this.param = p.u64()?;
            while !p.is_empty() {
                let entry = nxm::pull_entry(p.peek()).map_err(|_| OfError::BmcBadField)?;
                p.skip(entry.len)?;
                this.fields.push((entry.field, entry.value));
            }
            if strict && !matches!(&this.method[..], "" | "hash" | "dp_hash") {
                return Err(OfError::BpcBadValue);
            }
        }
        Ok(this)
    }
}
