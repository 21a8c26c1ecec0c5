//! Watching flows: requests and updates, in the words of Open vSwitch (1.0 to 1.2), of the ONF (1.3) and of 1.4.

use ovs_flow::{Match, OfPort, TableId};

use super::parts::{take_with_length, with_length};
use crate::action::{self, Action};
use crate::header::{Put, Reader};
use crate::matching::{self, MatchForm};
use crate::message::flow_removed::FlowRemovedReason;
use crate::message::port::{decode_port, encode_port};
use crate::{EncodeError, FlowMod, OfError, Version};

bitflags::bitflags! {
    /// What is told of the flows, with the bits of OpenFlow 1.4.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct MonitorFlags: u16 {
        /// Those that are there at first.
        const INITIAL = 1 << 0;
        /// Those that come.
        const ADD = 1 << 1;
        /// Those that go.
        const REMOVED = 1 << 2;
        /// Those that change.
        const MODIFY = 1 << 3;
        /// With their actions.
        const INSTRUCTIONS = 1 << 4;
        /// The connection's own changes as others', not in short (from 1.4).
        const NO_ABBREV = 1 << 5;
        /// The connection's own changes alone (1.4); as others' (extension).
        const ONLY_OWN = 1 << 6;
    }
}

/// What becomes of a monitor (1.4); older versions only add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum MonitorCommand {
    /// Add.
    #[default]
    Add = 0,
    /// Replace.
    Modify = 1,
    /// Delete.
    Delete = 2,
}

/// Watch flows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonitorRequest {
    /// The monitor's number on this connection.
    pub id: u32,
    /// What becomes of it.
    pub command: MonitorCommand,
    /// What is told.
    pub flags: MonitorFlags,
    /// Only flows that output here; [`OfPort::NONE`] for all.
    pub out_port: OfPort,
    /// Only flows that use this group; [`FlowMod::ANY_GROUP`] for all (from 1.4).
    pub out_group: u32,
    /// Only of this table; [`TableId::ALL`] for all.
    pub table: TableId,
    /// Only flows that this match covers.
    pub matching: Match,
}

/// The extension's only bit that 1.4 has elsewhere: own changes are told like others'.
const NX_OWN: u16 = 1 << 5;

/// Whether a version has the form of 1.4. The ONF's for 1.3 is Open vSwitch's, with 1.3's ports and matches.
fn is_new(version: Version) -> bool {
    version >= Version::V14
}

impl MonitorRequest {
    /// Watch all flows.
    pub fn new(id: u32, flags: MonitorFlags) -> Self {
        Self {
            id,
            command: MonitorCommand::Add,
            flags,
            out_port: OfPort::NONE,
            out_group: FlowMod::ANY_GROUP,
            table: TableId::ALL,
            matching: Match::default(),
        }
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.u32(self.id);
        if is_new(version) {
            encode_port(version, self.out_port, out);
            out.u32(self.out_group);
            out.u16(self.flags.bits());
            out.u8(self.table.0);
            out.u8(self.command as u8);
            return matching::encode_standard(&self.matching, version, out);
        }
        let own = if self.flags.contains(MonitorFlags::ONLY_OWN) { NX_OWN } else { 0 };
        out.u16(self.flags.bits() & 0x1f | own);
        if version == Version::V13 {
            let at = out.len();
            out.u16(0);
            encode_port(version, self.out_port, out);
            out.u8(self.table.0);
            out.zeros(3);
            let len = encode_counted(&self.matching, version, out)?;
            out.set_u16(at, len);
            return Ok(());
        }
        out.u16(self.out_port.0);
        let at = out.len();
        out.zeros(2);
        out.u8(self.table.0);
        out.zeros(5);
        let len = matching::encode_nxm(&self.matching, None, out)?;
        out.set_u16(at, len);
        Ok(())
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self::new(r.u32()?, MonitorFlags::empty());
        if is_new(version) {
            this.out_port = decode_port(version, r)?;
            this.out_group = r.u32()?;
            this.flags = MonitorFlags::from_bits(r.u16()?).ok_or(OfError::MofcBadFlags)?;
            this.table = TableId(r.u8()?);
            this.command = match r.u8()? {
                0 => MonitorCommand::Add,
                1 => MonitorCommand::Modify,
                2 => MonitorCommand::Delete,
                _ => return Err(OfError::MofcBadCommand),
            };
            matching::decode_standard(r, MatchForm::Strict, &mut this.matching)?;
        } else {
            let bits = r.u16()?;
            this.flags = MonitorFlags::from_bits_truncate(bits & 0x1f);
            this.flags.set(MonitorFlags::ONLY_OWN, bits & NX_OWN != 0);
            if bits & !0x3f != 0 {
                return Err(OfError::MofcBadFlags);
            }
            if version == Version::V13 {
                r.skip(2)?;
                this.out_port = decode_port(version, r)?;
                this.table = TableId(r.u8()?);
                r.zeros(3, OfError::NxBrcMustBeZero)?;
                matching::decode_standard(r, MatchForm::Strict, &mut this.matching)?;
            } else {
                this.out_port = OfPort(r.u16()?);
                let len = usize::from(r.u16()?);
                this.table = TableId(r.u8()?);
                r.zeros(5, OfError::NxBrcMustBeZero)?;
                matching::decode_nxm(r, len, MatchForm::Strict, &mut this.matching)?;
            }
        }
        let events = MonitorFlags::INITIAL | MonitorFlags::ADD | MonitorFlags::REMOVED | MonitorFlags::MODIFY;
        if !this.flags.intersects(events) && this.command != MonitorCommand::Delete {
            return Err(OfError::MofcBadFlags);
        }
        Ok(this)
    }
}

/// Appends a match in the version's form; gives its length without padding.
fn encode_counted(m: &Match, version: Version, out: &mut Vec<u8>) -> Result<u16, EncodeError> {
    let start = out.len();
    matching::encode_standard(m, version, out)?;
    // Its own header says how long it is.
    Ok(out.get(start + 2..start + 4).map_or(0, |len| u16::from_be_bytes([len[0], len[1]])))
}

/// What happened to a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowEvent {
    /// It was there at first (from 1.4; told as an addition before).
    Initial,
    /// It came.
    Added,
    /// It went.
    Removed(FlowRemovedReason),
    /// It changed.
    Modified,
}

/// What is told of watched flows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowUpdate {
    /// Of one flow.
    Full(Box<FlowUpdateFull>),
    /// A change that the connection itself asked for, by its transaction.
    Abbrev(u32),
    /// Too much to tell; nothing more until it is resumed (from 1.4; an own message before).
    Paused,
    /// Telling goes on.
    Resumed,
}

/// Of one flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowUpdateFull {
    /// What happened.
    pub event: FlowEvent,
    /// Its table.
    pub table: TableId,
    /// Its priority.
    pub priority: u16,
    /// Its idle timeout, seconds.
    pub idle_timeout: u16,
    /// Its hard timeout, seconds.
    pub hard_timeout: u16,
    /// Its cookie.
    pub cookie: u64,
    /// Its match.
    pub matching: Match,
    /// Its actions, if they were asked for.
    pub actions: Vec<Action>,
}

impl FlowUpdateFull {
    /// The event's number, and why the flow went.
    fn wire_event(&self, new: bool) -> (u16, u8) {
        match (self.event, new) {
            (FlowEvent::Initial, true) | (FlowEvent::Initial | FlowEvent::Added, false) => (0, 0),
            (FlowEvent::Added, true) => (1, 0),
            (FlowEvent::Removed(reason), new) => (if new { 2 } else { 1 }, reason.wire()),
            (FlowEvent::Modified, new) => (if new { 3 } else { 2 }, 0),
        }
    }

    fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let new = is_new(version);
        let (event, reason) = self.wire_event(new);
        out.u16(event);
        if new {
            out.u8(self.table.0);
            out.u8(reason);
            out.u16(self.idle_timeout);
            out.u16(self.hard_timeout);
            out.u16(self.priority);
            out.zeros(4);
            out.u64(self.cookie);
            matching::encode_standard(&self.matching, version, out)?;
            return action::encode_instructions(&self.actions, &self.matching, version, out);
        }
        out.u16(reason.into());
        out.u16(self.priority);
        out.u16(self.idle_timeout);
        out.u16(self.hard_timeout);
        let at = out.len();
        out.zeros(2);
        out.u8(self.table.0);
        out.zeros(1);
        out.u64(self.cookie);
        if version == Version::V13 {
            let len = encode_counted(&self.matching, version, out)?;
            out.set_u16(at, len);
            return action::encode_instructions(&self.actions, &self.matching, version, out);
        }
        let len = matching::encode_nxm(&self.matching, None, out)?;
        out.set_u16(at, len);
        action::encode_actions(&self.actions, &self.matching, version, out)
    }

    fn decode(version: Version, event: u16, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let new = is_new(version);
        let mut this = Self {
            event: FlowEvent::Initial,
            table: TableId(0),
            priority: 0,
            idle_timeout: 0,
            hard_timeout: 0,
            cookie: 0,
            matching: Match::default(),
            actions: Vec::new(),
        };
        let reason;
        if new {
            this.table = TableId(r.u8()?);
            reason = r.u8()?;
            (this.idle_timeout, this.hard_timeout, this.priority) = (r.u16()?, r.u16()?, r.u16()?);
            r.skip(4)?;
            this.cookie = r.u64()?;
            matching::decode_standard(r, MatchForm::Strict, &mut this.matching)?;
            this.actions = action::decode_instructions(r.rest(), version)?;
        } else {
            reason = r.u16()? as u8;
            (this.priority, this.idle_timeout, this.hard_timeout) = (r.u16()?, r.u16()?, r.u16()?);
            let len = usize::from(r.u16()?);
            this.table = TableId(r.u8()?);
            r.skip(1)?;
            this.cookie = r.u64()?;
            if version == Version::V13 {
                matching::decode_standard(r, MatchForm::Strict, &mut this.matching)?;
                this.actions = action::decode_instructions(r.rest(), version)?;
            } else {
                matching::decode_nxm(r, len, MatchForm::Strict, &mut this.matching)?;
                this.actions = action::decode_actions(r.rest(), version)?;
            }
        }
        this.event = match if new { event } else { event + 1 } {
            0 => FlowEvent::Initial,
            1 => FlowEvent::Added,
            2 => FlowEvent::Removed(FlowRemovedReason::from_wire(reason)),
            _ => FlowEvent::Modified,
        };
        Ok(this)
    }
}

impl FlowUpdate {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let new = is_new(version);
        with_length(out, |out| {
            match self {
                Self::Full(full) => return full.encode(version, out),
                Self::Abbrev(xid) => {
                    out.u16(if new { 4 } else { 3 });
                    out.u32(*xid);
                }
                Self::Paused | Self::Resumed if !new => {
                    return Err(EncodeError::Unsupported { what: "a pause among updates", version });
                }
                Self::Paused | Self::Resumed => {
                    out.u16(if *self == Self::Paused { 5 } else { 6 });
                    out.zeros(4);
                }
            }
            Ok(())
        })
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut r = take_with_length(r)?;
        let event = r.u16()?;
        let update = match (is_new(version), event) {
            (true, 0..=3) | (false, 0..=2) => {
                Self::Full(Box::new(FlowUpdateFull::decode(version, event, &mut r)?))
            }
            (true, 4) | (false, 3) => Self::Abbrev(r.u32()?),
            (true, 5) => {
                r.skip(4)?;
                Self::Paused
            }
            (true, 6) => {
                r.skip(4)?;
                Self::Resumed
            }
            _ => return Err(OfError::NxBrcFmBadEvent),
        };
        r.finish()?;
        Ok(update)
    }
}
