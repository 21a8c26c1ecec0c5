//! Packets for the controller (OpenFlow 1.0, 5.4.1; 1.3, 7.4.1; `NXT_PACKET_IN`).

use ovs_flow::{Field, Match, OfPort, TableId};

use crate::header::{Put, Reader};
use crate::matching::{self, MatchForm};
use crate::{EncodeError, OfError, Version};

/// Why a packet goes to the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PacketInReason {
    /// No flow matched.
    NoMatch,
    /// A flow's action.
    Action,
    /// The time to live ran out.
    InvalidTtl,
    /// An action set's output (from 1.4).
    ActionSet,
    /// A group's bucket (from 1.4).
    Group,
    /// Implicit table-miss handling, internal.
    ImplicitMiss,
    /// A packet-out's action (from 1.4).
    PacketOut,
    /// A number that has no name.
    Unknown(u8),
}

impl PacketInReason {
    /// The number in the newest version.
    pub const fn wire(self) -> u8 {
        match self {
            Self::NoMatch | Self::ImplicitMiss => 0,
            Self::Action => 1,
            Self::InvalidTtl => 2,
            Self::ActionSet => 3,
            Self::Group => 4,
            Self::PacketOut => 5,
            Self::Unknown(n) => n,
        }
    }

    /// The number in a version: before 1.4 the kinds of action are not told apart.
    pub const fn wire_in(self, version: Version) -> u8 {
        match self {
            Self::ActionSet | Self::Group | Self::PacketOut if (version as u8) < Version::V14 as u8 => 1,
            other => other.wire(),
        }
    }

    /// From the number.
    pub const fn from_wire(n: u8) -> Self {
        match n {
            0 => Self::NoMatch,
            1 => Self::Action,
            2 => Self::InvalidTtl,
            3 => Self::ActionSet,
            4 => Self::Group,
            5 => Self::PacketOut,
            n => Self::Unknown(n),
        }
    }

    /// As the tools write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoMatch => "no_match",
            Self::ImplicitMiss => "",
            Self::Action => "action",
            Self::InvalidTtl => "invalid_ttl",
            Self::ActionSet => "action_set",
            Self::Group => "group",
            Self::PacketOut => "packet_out",
            Self::Unknown(_) => "unknown",
        }
    }

    /// From what the tools write.
    pub fn by_name(name: &str) -> Option<Self> {
        (0..6).map(Self::from_wire).find(|reason| reason.name() == name)
    }
}

/// A packet for the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PacketIn {
    /// Why.
    pub reason: PacketInReason,
    /// Where the switch keeps the packet, if it does.
    pub buffer_id: Option<u32>,
    /// Length of the packet before it was cut.
    pub total_len: u32,
    /// The table of the flow, 0 if there is none.
    pub table: TableId,
    /// The cookie of the flow; all ones if there is none.
    pub cookie: u64,
    /// Pipeline fields (port of entry, registers, metadata, tunnel); each is matched exactly or is zero.
    pub metadata: Match,
    /// The packet, possibly cut.
    pub data: Vec<u8>,
    /// `NXT_PACKET_IN2`: the bytes of the controller action.
    pub userdata: Vec<u8>,
    /// `NXT_PACKET_IN2` and `NXT_RESUME`: the state of a paused translation, for the switch that made it alone.
    pub continuation: Vec<u8>,
}

impl PacketIn {
    /// A whole packet that came in by `in_port`.
    pub fn new(reason: PacketInReason, in_port: OfPort, data: Vec<u8>) -> Self {
        let mut metadata = Match::default();
        Field::IN_PORT.set_match(&mut metadata, u128::from(in_port.0));
        Self {
            reason,
            buffer_id: None,
            total_len: data.len() as u32,
            table: TableId(0),
            cookie: u64::MAX,
            metadata,
            data,
            userdata: Vec::new(),
            continuation: Vec::new(),
        }
    }

    /// The port of entry.
    pub fn in_port(&self) -> OfPort {
        self.metadata.key.of_port()
    }

    fn wire_total_len(&self) -> u16 {
        u16::try_from(self.total_len).unwrap_or(u16::MAX)
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.u32(self.buffer_id.unwrap_or(u32::MAX));
        if version == Version::V10 {
            out.u16(self.wire_total_len());
            out.u16(self.in_port().0);
            out.u8(self.reason.wire_in(version));
            out.u8(0);
            out.extend_from_slice(&self.data);
            return Ok(());
        }
        if version == Version::V11 {
            // The logical port and the physical one.
            out.u32(self.in_port().to_u32());
            out.u32(self.in_port().to_u32());
        }
        out.u16(self.wire_total_len());
        out.u8(self.reason.wire_in(version));
        out.u8(self.table.0);
        if version == Version::V11 {
            out.extend_from_slice(&self.data);
            return Ok(());
        }
        if version >= Version::V13 {
            out.u64(self.cookie);
        }
        matching::encode_standard(&self.metadata, version, out)?;
        out.zeros(2);
        out.extend_from_slice(&self.data);
        Ok(())
    }

    /// Appends what follows the vendor header of `NXT_PACKET_IN`.
    pub(super) fn encode_nxt(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.u32(self.buffer_id.unwrap_or(u32::MAX));
        out.u16(self.wire_total_len());
        out.u8(self.reason.wire_in(version));
        out.u8(self.table.0);
        out.u64(self.cookie);
        let at = out.len();
        out.zeros(8);
        let len = matching::encode_nxm(&self.metadata, None, out)?;
        out.set_u16(at, len);
        out.zeros(2);
        out.extend_from_slice(&self.data);
        Ok(())
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let buffer_id = Some(r.u32()?).filter(|id| *id != u32::MAX);
        if version == Version::V11 {
            let in_port = super::port::decode_port(version, &mut r)?;
            r.skip(4)?;
            let total_len = u32::from(r.u16()?);
            let (reason, table) = (PacketInReason::from_wire(r.u8()?), TableId(r.u8()?));
            let this = Self::new(reason, in_port, r.rest().to_vec());
            return Ok(Self { buffer_id, total_len, table, ..this });
        }
        let total_len = u32::from(r.u16()?);
        if version == Version::V10 {
            let in_port = OfPort(r.u16()?);
            let reason = PacketInReason::from_wire(r.u8()?);
            r.skip(1)?;
            let this = Self::new(reason, in_port, r.rest().to_vec());
            return Ok(Self { buffer_id, total_len, ..this });
        }
        let mut this = Self::new(PacketInReason::from_wire(r.u8()?), OfPort(0), Vec::new());
        this.table = TableId(r.u8()?);
        (this.buffer_id, this.total_len) = (buffer_id, total_len);
        if version >= Version::V13 {
            this.cookie = r.u64()?;
        }
        this.metadata = Match::default();
        matching::decode_standard(&mut r, MatchForm::Pipeline, &mut this.metadata)?;
        r.skip(2)?;
        this.data = r.rest().to_vec();
        Ok(this)
    }

    pub(super) fn decode_nxt(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let buffer_id = Some(r.u32()?).filter(|id| *id != u32::MAX);
        let total_len = u32::from(r.u16()?);
        let mut this = Self::new(PacketInReason::from_wire(r.u8()?), OfPort(0), Vec::new());
        this.table = TableId(r.u8()?);
        this.cookie = r.u64()?;
        let len = usize::from(r.u16()?);
        r.skip(6)?;
        this.metadata = Match::default();
        matching::decode_nxm(r, len, MatchForm::Pipeline, &mut this.metadata)?;
        r.skip(2)?;
        (this.buffer_id, this.total_len) = (buffer_id, total_len);
        this.data = r.rest().to_vec();
        Ok(this)
    }
}
