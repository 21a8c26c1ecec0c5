//! Changes of flows (OpenFlow 1.0, 5.3.3; 1.3, 7.3.4.1; `NXT_FLOW_MOD`).

use ovs_flow::{Match, OfPort, TableId};

use super::port::decode_port;
use crate::action::{self, Action};
use crate::header::{Put, Reader};
use crate::matching::{self, MatchForm};
use crate::{EncodeError, OfError, Protocol, Version};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FlowModCommand {
    /// Add one flow, or replace the one of equal match and priority.
    Add = 0,
    /// Change the actions of all flows that the match covers.
    Modify = 1,
    /// Change the actions of the one flow of equal match and priority.
    ModifyStrict = 2,
    /// Delete all flows that the match covers.
    Delete = 3,
    /// Delete the one flow of equal match and priority.
    DeleteStrict = 4,
}

impl FlowModCommand {
    const fn from_wire(n: u8) -> Option<Self> {
        Some(match n {
            0 => Self::Add,
            1 => Self::Modify,
            2 => Self::ModifyStrict,
            3 => Self::Delete,
            4 => Self::DeleteStrict,
            _ => return None,
        })
    }
}

bitflags::bitflags! {
    /// Flags of a flow, with the bits of OpenFlow 1.3.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct FlowModFlags: u16 {
        /// Report when the flow goes.
        const SEND_FLOW_REM = 1 << 0;
        /// Refuse if a flow of equal priority overlaps.
        const CHECK_OVERLAP = 1 << 1;
        /// Begin counting anew (implied when a 1.0 or 1.1 controller adds).
        const RESET_COUNTS = 1 << 2;
        /// Packets need not be counted.
        const NO_PKT_COUNTS = 1 << 3;
        /// Bytes need not be counted.
        const NO_BYT_COUNTS = 1 << 4;
    }
}

impl FlowModFlags {
    /// The flags that a version knows.
    const fn of_version(version: Version) -> Self {
        Self::from_bits_truncate(match version {
            Version::V10 | Version::V11 => 0x03,
            Version::V12 => 0x07,
            _ => 0x1f,
        })
    }

    /// From the wire of a version; `None` if it does not know some bit.
    pub(super) fn from_wire(version: Version, bits: u16) -> Option<Self> {
        Self::from_bits(bits).filter(|flags| Self::of_version(version).contains(*flags))
    }

    /// As a version writes them, without what it does not know.
    pub(super) const fn to_wire(self, version: Version) -> u16 {
        self.bits() & Self::of_version(version).bits()
    }
}

/// A change of flows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowMod {
    /// What to do.
    pub command: FlowModCommand,
    /// The table; [`TableId::ALL`] if the message names none (1.0) or all (deletions).
    pub table: TableId,
    /// Which packets.
    pub matching: Match,
    /// Before which other flows; more is earlier.
    pub priority: u16,
    /// Modify and delete: what the cookie of the flows must be …
    pub cookie: u64,
    /// … in these bits.
    pub cookie_mask: u64,
    /// The cookie of an added flow.
    pub new_cookie: u64,
    /// Whether modified flows get `new_cookie` too.
    pub modify_cookie: bool,
    /// Seconds without packets until the flow goes; 0 for never.
    pub idle_timeout: u16,
    /// Seconds until the flow goes; 0 for never.
    pub hard_timeout: u16,
    /// What eviction spares longest (from 1.4).
    pub importance: u16,
    /// A buffered packet to run through the new actions.
    pub buffer_id: Option<u32>,
    /// Delete: only flows that output here; [`OfPort::NONE`] for all.
    pub out_port: OfPort,
    /// Delete: only flows that use this group; [`FlowMod::ANY_GROUP`] for all.
    pub out_group: u32,
    /// Flags.
    pub flags: FlowModFlags,
    /// What to do with the packets; empty drops.
    pub actions: Vec<Action>,
}

impl FlowMod {
    /// No group in particular (`OFPG_ANY`).
    pub const ANY_GROUP: u32 = u32::MAX;
    /// The priority that the tools give if none is asked for (`OFP_DEFAULT_PRIORITY`).
    pub const DEFAULT_PRIORITY: u16 = 0x8000;

    /// A change of flows with this match in table 0, of default priority.
    pub fn new(command: FlowModCommand, matching: Match) -> Self {
        Self {
            command,
            table: TableId(0),
            matching,
            priority: Self::DEFAULT_PRIORITY,
            cookie: 0,
            cookie_mask: 0,
            new_cookie: 0,
            modify_cookie: false,
            idle_timeout: 0,
            hard_timeout: 0,
            importance: 0,
            buffer_id: None,
            out_port: OfPort::NONE,
            out_group: Self::ANY_GROUP,
            flags: FlowModFlags::empty(),
            actions: Vec::new(),
        }
    }

    /// Appends the body of `OFPT_FLOW_MOD`.
    pub(super) fn encode(&self, protocol: Protocol, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if protocol.version == Version::V10 {
            matching::encode_v10(&self.matching, out);
            out.u64(self.new_cookie);
            self.encode_v10_middle(protocol, out);
            return action::encode_actions(&self.actions, &self.matching, protocol.version, out);
        }
        let version = protocol.version;
        let is_add = self.command == FlowModCommand::Add;
        out.u64(if is_add { self.new_cookie } else { self.cookie & self.cookie_mask });
        out.u64(if is_add { 0 } else { self.cookie_mask });
        out.u8(self.wire_table().0);
        out.u8(self.command as u8);
        out.u16(self.idle_timeout);
        out.u16(self.hard_timeout);
        out.u16(self.priority);
        out.u32(self.buffer_id.unwrap_or(u32::MAX));
        out.u32(self.out_port.to_u32());
        out.u32(self.out_group);
        out.u16(self.flags.to_wire(version));
        out.u16(if version >= Version::V14 { self.importance } else { 0 });
        matching::encode_standard(&self.matching, version, out)?;
        action::encode_instructions(&self.actions, &self.matching, version, out)
    }

    /// From 1.1 on only deletions can be about all tables; where none is named, the first is meant.
    fn wire_table(&self) -> TableId {
        let deletes = matches!(self.command, FlowModCommand::Delete | FlowModCommand::DeleteStrict);
        if self.table == TableId::ALL && !deletes { TableId(0) } else { self.table }
    }

    /// Appends what follows the vendor header of `NXT_FLOW_MOD`.
    pub(super) fn encode_nxm(&self, protocol: Protocol, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.u64(self.new_cookie);
        self.encode_v10_middle(protocol, out);
        let at = out.len();
        out.zeros(8);
        let cookie = (self.command != FlowModCommand::Add).then_some((self.cookie, self.cookie_mask));
        let len = matching::encode_nxm(&self.matching, cookie, out)?;
        out.set_u16(at, len);
        action::encode_actions(&self.actions, &self.matching, protocol.version, out)
    }

    fn encode_v10_middle(&self, protocol: Protocol, out: &mut Vec<u8>) {
        let table = if protocol.table_id { u16::from(self.table.0) << 8 } else { 0 };
        out.u16(table | self.command as u16);
        out.u16(self.idle_timeout);
        out.u16(self.hard_timeout);
        out.u16(self.priority);
        out.u32(self.buffer_id.unwrap_or(u32::MAX));
        out.u16(self.out_port.0);
        out.u16(self.flags.to_wire(Version::V10));
    }

    /// From the body of `OFPT_FLOW_MOD`.
    pub(super) fn decode(protocol: Protocol, body: &[u8]) -> Result<Box<Self>, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        if protocol.version == Version::V10 {
            let mut this = Box::new(Self::new(FlowModCommand::Add, matching::decode_v10(&mut r)?));
            this.set_new_cookie(r.u64()?);
            this.decode_v10_middle(protocol, &mut r)?;
            this.actions = action::decode_actions(r.rest(), protocol.version)?;
            return Ok(this);
        }
        Self::decode_v11(protocol.version, &mut r)
    }

    fn decode_v11(version: Version, r: &mut Reader<'_>) -> Result<Box<Self>, OfError> {
        let mut this = Box::new(Self::new(FlowModCommand::Add, Match::default()));
        let (cookie, cookie_mask) = (r.u64()?, r.u64()?);
        this.table = TableId(r.u8()?);
        this.command = FlowModCommand::from_wire(r.u8()?).ok_or(OfError::FmfcBadCommand)?;
        this.idle_timeout = r.u16()?;
        this.hard_timeout = r.u16()?;
        this.priority = r.u16()?;
        this.buffer_id = Some(r.u32()?).filter(|id| *id != u32::MAX);
        this.out_port = decode_port(version, r)?;
        this.out_group = r.u32()?;
        let flags = r.u16()?;
        let importance = r.u16()?;
        this.importance = if version >= Version::V14 { importance } else { 0 };
        if this.command == FlowModCommand::Add {
            this.new_cookie = cookie;
        } else {
            // In 1.1 a modification of what is not there adds it, and that has no cookie.
            let new_cookie = if version == Version::V11 { 0 } else { u64::MAX };
            (this.cookie, this.cookie_mask, this.new_cookie) = (cookie, cookie_mask, new_cookie);
        }
        this.set_flags(version, flags)?;
        matching::decode_standard(r, MatchForm::Strict, &mut this.matching)?;
        this.check_match()?;
        this.actions = action::decode_instructions(r.rest(), version)?;
        Ok(this)
    }

    /// From what follows the vendor header of `NXT_FLOW_MOD`.
    pub(super) fn decode_nxm(protocol: Protocol, r: &mut Reader<'_>) -> Result<Box<Self>, OfError> {
        let mut this = Box::new(Self::new(FlowModCommand::Add, Match::default()));
        this.set_new_cookie(r.u64()?);
        this.decode_v10_middle(protocol, r)?;
        let len = usize::from(r.u16()?);
        r.skip(6)?;
        if let Some(cookie) = matching::decode_nxm(r, len, MatchForm::Strict, &mut this.matching)? {
            (this.cookie, this.cookie_mask) = cookie;
        }
        if this.command == FlowModCommand::Add && this.cookie_mask != 0 {
            return Err(OfError::NxBrcNxmInvalid);
        }
        this.check_match()?;
        this.actions = action::decode_actions(r.rest(), protocol.version)?;
        Ok(this)
    }

    fn check_match(&self) -> Result<(), OfError> {
        if self.matching.ct_addresses_fit() { Ok(()) } else { Err(OfError::BacMatchInconsistent) }
    }

    /// In 1.0 all ones mean that modified flows keep their cookies.
    fn set_new_cookie(&mut self, cookie: u64) {
        self.new_cookie = cookie;
        self.modify_cookie = cookie != u64::MAX;
    }

    fn decode_v10_middle(&mut self, protocol: Protocol, r: &mut Reader<'_>) -> Result<(), OfError> {
        let command = r.u16()?;
        self.table = if protocol.table_id { TableId((command >> 8) as u8) } else { TableId::ALL };
        let low = if protocol.table_id { command & 0xff } else { command };
        self.command =
            u8::try_from(low).ok().and_then(FlowModCommand::from_wire).ok_or(OfError::FmfcBadCommand)?;
        self.idle_timeout = r.u16()?;
        self.hard_timeout = r.u16()?;
        self.priority = r.u16()?;
        self.buffer_id = Some(r.u32()?).filter(|id| *id != u32::MAX);
        self.out_port = OfPort(r.u16()?);
        let flags = r.u16()?;
        if flags & EMERGENCY != 0 {
            // Emergency flows are not kept, so there is never room for one.
            return Err(OfError::FmfcTableFull);
        }
        self.set_flags(Version::V10, flags)
    }

    fn set_flags(&mut self, version: Version, bits: u16) -> Result<(), OfError> {
        self.flags = FlowModFlags::from_wire(version, bits).ok_or(OfError::FmfcBadFlags)?;
        if version < Version::V12 && self.command == FlowModCommand::Add {
            self.flags |= FlowModFlags::RESET_COUNTS;
        }
        Ok(())
    }
}

/// 1.0's `OFPFF_EMERG`.
const EMERGENCY: u16 = 4;
