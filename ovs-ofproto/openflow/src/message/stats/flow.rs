//! Flows and what they counted.

use core::time::Duration;

use ovs_flow::{Match, OfPort, TableId};

use super::oxs::{Oxs, known};
use super::parts::{Parts, take_with_length, with_length};
use super::{Dialect, StatsKind};
use crate::action::{self, Action};
use crate::header::{Put, Reader};
use crate::matching::{self, MatchForm};
use crate::message::flow_mod::FlowModFlags;
use crate::message::flow_removed::decode_duration;
use crate::message::port::{decode_port, encode_port};
use crate::{EncodeError, FlowMod, OfError, Protocol, Version};

/// Which flows a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowFilter {
    /// Only flows that this match covers.
    pub matching: Match,
    /// Only of this table; [`TableId::ALL`] for all.
    pub table: TableId,
    /// Only those that output here; [`OfPort::NONE`] for all.
    pub out_port: OfPort,
    /// Only those that use this group; [`FlowMod::ANY_GROUP`] for all.
    pub out_group: u32,
    /// Only those whose cookie is this …
    pub cookie: u64,
    /// … in these bits.
    pub cookie_mask: u64,
}

impl Default for FlowFilter {
    /// All flows.
    fn default() -> Self {
        Self {
            matching: Match::default(),
            table: TableId::ALL,
            out_port: OfPort::NONE,
            out_group: FlowMod::ANY_GROUP,
            cookie: 0,
            cookie_mask: 0,
        }
    }
}

impl FlowFilter {
    pub(super) fn encode(
        &self,
        version: Version,
        dialect: Dialect,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        if dialect == Dialect::Nicira {
            out.u16(self.out_port.0);
            let at = out.len();
            out.u16(0);
            out.u8(self.table.0);
            out.zeros(3);
            let cookie = Some((self.cookie, self.cookie_mask));
            let len = matching::encode_nxm(&self.matching, cookie, out)?;
            out.set_u16(at, len);
            return Ok(());
        }
        if version == Version::V10 {
            matching::encode_v10(&self.matching, out);
            out.u8(self.table.0);
            out.zeros(1);
            out.u16(self.out_port.0);
            return Ok(());
        }
        out.u8(self.table.0);
        out.zeros(3);
        encode_port(version, self.out_port, out);
        out.u32(self.out_group);
        out.zeros(4);
        out.u64(self.cookie & self.cookie_mask);
        out.u64(self.cookie_mask);
        matching::encode_standard(&self.matching, version, out)
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Box<Self>, OfError> {
        let mut this = Box::<Self>::default();
        if version == Version::V10 {
            this.matching = matching::decode_v10(r)?;
            this.table = TableId(r.u8()?);
            r.skip(1)?;
            this.out_port = OfPort(r.u16()?);
            return Ok(this);
        }
        this.table = TableId(r.u8()?);
        r.skip(3)?;
        this.out_port = decode_port(version, r)?;
        this.out_group = r.u32()?;
        r.skip(4)?;
        (this.cookie, this.cookie_mask) = (r.u64()?, r.u64()?);
        matching::decode_standard(r, MatchForm::Strict, &mut this.matching)?;
        Ok(this)
    }

    pub(super) fn decode_nx(r: &mut Reader<'_>) -> Result<Box<Self>, OfError> {
        let mut this = Box::<Self>::default();
        this.out_port = OfPort(r.u16()?);
        let len = usize::from(r.u16()?);
        this.table = TableId(r.u8()?);
        r.skip(3)?;
        if let Some(cookie) = matching::decode_nxm(r, len, MatchForm::Strict, &mut this.matching)? {
            (this.cookie, this.cookie_mask) = cookie;
        }
        Ok(this)
    }
}

/// What is said of a flow beside its match and its actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FlowFacts {
    /// Table.
    pub table: TableId,
    /// Priority.
    pub priority: u16,
    /// Cookie.
    pub cookie: u64,
    /// Age.
    pub duration: Duration,
    /// Idle timeout, seconds, 0 for none.
    pub idle_timeout: u16,
    /// Hard timeout, seconds, 0 for none.
    pub hard_timeout: u16,
    /// Seconds since the last packet (extension).
    pub idle_age: Option<u16>,
    /// Seconds since the last change (extension).
    pub hard_age: Option<u16>,
    /// Importance (from 1.4).
    pub importance: u16,
    /// Flags (from 1.3).
    pub flags: FlowModFlags,
    /// Packets; all ones if not known.
    pub packets: u64,
    /// Bytes; all ones if not known.
    pub bytes: u64,
}

/// A flow in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowStats {
    /// Numbers.
    pub facts: FlowFacts,
    /// Match.
    pub matching: Match,
    /// Actions.
    pub actions: Vec<Action>,
}

/// Ages are one more on the wire, so that zero can mean that nothing is known.
const fn age_to_wire(age: Option<u16>) -> u16 {
    match age {
        Some(age) => age.saturating_add(1),
        None => 0,
    }
}

/// Appends one flow.
pub(super) fn encode_entry(
    version: Version,
    dialect: Dialect,
    facts: &FlowFacts,
    matching: &Match,
    actions: &[Action],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    if version >= Version::V15 && dialect == Dialect::Standard {
        return encode_v15(facts, matching, actions, out);
    }
    with_length(out, |out| {
        out.u8(facts.table.0);
        out.zeros(1);
        if dialect == Dialect::Nicira {
            return encode_nx(version, facts, matching, actions, out);
        }
        if version == Version::V10 {
            matching::encode_v10(matching, out);
        }
        out.u32(facts.duration.as_secs() as u32);
        out.u32(facts.duration.subsec_nanos());
        out.u16(facts.priority);
        out.u16(facts.idle_timeout);
        out.u16(facts.hard_timeout);
        if version == Version::V10 {
            out.zeros(6);
        } else {
            out.u16(if version >= Version::V13 { facts.flags.to_wire(version) } else { 0 });
            out.u16(if version >= Version::V14 { facts.importance } else { 0 });
            out.zeros(2);
        }
        out.u64(facts.cookie);
        out.u64(facts.packets);
        out.u64(facts.bytes);
        if version == Version::V10 {
            return action::encode_actions(actions, matching, version, out);
        }
        matching::encode_standard(matching, version, out)?;
        action::encode_instructions(actions, matching, version, out)
    })
}

/// 1.5's description of a flow, with its counters as entries.
fn encode_v15(
    facts: &FlowFacts,
    matching: &Match,
    actions: &[Action],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    const VERSION: Version = Version::V15;
    with_length(out, |out| {
        out.zeros(2);
        out.u8(facts.table.0);
        out.zeros(1);
        out.u16(facts.priority);
        out.u16(facts.idle_timeout);
        out.u16(facts.hard_timeout);
        out.u16(facts.flags.to_wire(VERSION));
        out.u16(facts.importance);
        out.u64(facts.cookie);
        matching::encode_standard(matching, VERSION, out)?;
        let oxs = Oxs {
            duration: Some(facts.duration),
            idle_time: facts.idle_age.map(|age| Duration::from_secs(age.into())),
            flows: None,
            packets: known(facts.packets),
            bytes: known(facts.bytes),
        };
        oxs.encode(out)?;
        action::encode_instructions(actions, matching, VERSION, out)
    })
}

fn encode_nx(
    version: Version,
    facts: &FlowFacts,
    matching: &Match,
    actions: &[Action],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.u32(facts.duration.as_secs() as u32);
    out.u32(facts.duration.subsec_nanos());
    out.u16(facts.priority);
    out.u16(facts.idle_timeout);
    out.u16(facts.hard_timeout);
    let at = out.len();
    out.u16(0);
    out.u16(age_to_wire(facts.idle_age));
    out.u16(age_to_wire(facts.hard_age));
    out.u64(facts.cookie);
    out.u64(facts.packets);
    out.u64(facts.bytes);
    let len = matching::encode_nxm(matching, None, out)?;
    out.set_u16(at, len);
    action::encode_actions(actions, matching, version, out)
}

impl FlowStats {
    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut r = take_with_length(r)?;
        let r = &mut r;
        if version >= Version::V15 {
            return Self::decode_v15(r);
        }
        let mut facts = FlowFacts { table: TableId(r.u8()?), ..FlowFacts::default() };
        r.skip(1)?;
        let mut matching = if version == Version::V10 { matching::decode_v10(r)? } else { Match::default() };
        facts.duration = decode_duration(r)?;
        facts.priority = r.u16()?;
        facts.idle_timeout = r.u16()?;
        facts.hard_timeout = r.u16()?;
        if version == Version::V10 {
            r.skip(6)?;
        } else {
            let (flags, importance) = (r.u16()?, r.u16()?);
            facts.flags = if version >= Version::V13 {
                FlowModFlags::from_bits_truncate(flags)
            } else {
                FlowModFlags::empty()
            };
            facts.importance = if version >= Version::V14 { importance } else { 0 };
            r.skip(2)?;
        }
        facts.cookie = r.u64()?;
        facts.packets = r.u64()?;
        facts.bytes = r.u64()?;
        let actions = if version == Version::V10 {
            action::decode_actions(r.rest(), version)?
        } else {
            matching::decode_standard(r, MatchForm::Strict, &mut matching)?;
            action::decode_instructions(r.rest(), version)?
        };
        Ok(Self { facts, matching, actions })
    }

    fn decode_v15(r: &mut Reader<'_>) -> Result<Self, OfError> {
        const VERSION: Version = Version::V15;
        r.skip(2)?;
        let mut facts = FlowFacts { table: TableId(r.u8()?), ..FlowFacts::default() };
        r.skip(1)?;
        facts.priority = r.u16()?;
        (facts.idle_timeout, facts.hard_timeout) = (r.u16()?, r.u16()?);
        facts.flags = FlowModFlags::from_bits_truncate(r.u16()?);
        facts.importance = r.u16()?;
        facts.cookie = r.u64()?;
        let mut matching = Match::default();
        matching::decode_standard(r, MatchForm::Strict, &mut matching)?;
        let oxs = Oxs::decode(r)?;
        facts.duration = oxs.duration.unwrap_or_default();
        facts.idle_age = oxs.idle_time.map(|age| u16::try_from(age.as_secs()).unwrap_or(u16::MAX));
        facts.packets = oxs.packets.unwrap_or(u64::MAX);
        facts.bytes = oxs.bytes.unwrap_or(u64::MAX);
        let actions = action::decode_instructions(r.rest(), VERSION)?;
        Ok(Self { facts, matching, actions })
    }

    pub(super) fn decode_nx(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut r = take_with_length(r)?;
        let r = &mut r;
        let mut facts = FlowFacts { table: TableId(r.u8()?), ..FlowFacts::default() };
        r.skip(1)?;
        facts.duration = decode_duration(r)?;
        facts.priority = r.u16()?;
        facts.idle_timeout = r.u16()?;
        facts.hard_timeout = r.u16()?;
        let len = usize::from(r.u16()?);
        facts.idle_age = r.u16()?.checked_sub(1);
        facts.hard_age = r.u16()?.checked_sub(1);
        facts.cookie = r.u64()?;
        facts.packets = r.u64()?;
        facts.bytes = r.u64()?;
        let mut matching = Match::default();
        matching::decode_nxm(r, len, MatchForm::Strict, &mut matching)?;
        let actions = action::decode_actions(r.rest(), version)?;
        Ok(Self { facts, matching, actions })
    }
}

/// Writes an answer flow by flow, so that a table of any size can be told without a copy of it.
///
/// ```
/// use ovs_openflow::{Dialect, FlowFacts, FlowStatsEncoder, Protocol, Version};
///
/// let mut answer = FlowStatsEncoder::new(Protocol::new(Version::V13), Dialect::Standard, 7);
/// answer.push(&FlowFacts::default(), &ovs_flow::Match::default(), &[]).unwrap();
/// let bytes = answer.finish();
/// assert_eq!(bytes[1], 19); // OFPT_MULTIPART_REPLY
/// ```
#[derive(Clone, Debug)]
pub struct FlowStatsEncoder {
    version: Version,
    dialect: Dialect,
    parts: Parts,
}

impl FlowStatsEncoder {
    /// An answer to the request with this transaction, put in the same words.
    pub fn new(protocol: Protocol, dialect: Dialect, xid: u32) -> Self {
        let parts = Parts::new(protocol, StatsKind::flow(dialect), xid);
        Self { version: protocol.version, dialect, parts }
    }

    /// Appends one flow, beginning another message if it does not fit. After an error the answer is as
    /// it was before, so the caller may leave the flow out.
    pub fn push(
        &mut self,
        facts: &FlowFacts,
        matching: &Match,
        actions: &[Action],
    ) -> Result<(), EncodeError> {
        let (version, dialect) = (self.version, self.dialect);
        self.parts.push(|out| encode_entry(version, dialect, facts, matching, actions, out))
    }

    /// How many bytes [`FlowStatsEncoder::take_complete`] would give.
    pub fn complete_len(&self) -> usize {
        self.parts.complete_len()
    }

    /// The messages that are complete, to be sent already.
    pub fn take_complete(&mut self) -> Vec<u8> {
        self.parts.take_complete()
    }

    /// The rest of the answer; the last message says that none follows.
    pub fn finish(self) -> Vec<u8> {
        self.parts.finish()
    }
}
