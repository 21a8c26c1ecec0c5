//! What is left to do with a paused packet: the continuation property of `NXT_PACKET_IN2` and `NXT_RESUME`.
//!
//! To a controller these are bytes that it gives back. They are properties themselves, as Open vSwitch writes them:
//!
//! ```text
//!   0               16              32
//!   ├─ kind ────────┼─ length ──────┼─ body … ─ zeros up to a multiple of eight ─┤
//! ```

use ovs_flow::{Match, TableId};

use super::packet_in2::put;
use super::port::property;
use crate::action::{decode_actions, decode_instructions, encode_actions, encode_instructions};
use crate::header::{Put, Reader};
use crate::{Action, EncodeError, OfError, Version};

const BRIDGE: u16 = 0x8000;
const STACK: u16 = 0x8001;
const MIRRORS: u16 = 0x8002;
const CONNTRACKED: u16 = 0x8003;
const TABLE_ID: u16 = 0x8004;
const COOKIE: u16 = 0x8005;
const ACTIONS: u16 = 0x8006;
const ACTION_SET: u16 = 0x8007;
const DP_PORT: u16 = 0x8008;
/// An instruction among the actions. Open vSwitch writes these as actions, and cannot read what it wrote.
const INSTRUCTION: u16 = 0x8040;
/// Values on a stack.
const MAX_STACK: usize = 4096;

/// What is left to do with a paused packet.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Continuation {
    /// Which bridge it was in.
    pub bridge: [u8; 16],
    /// The stack, its top first; each value is 1 to 16 bytes, the most significant first.
    pub stack: Vec<Vec<u8>>,
    /// Mirrors that it went to, one bit each.
    pub mirrors: u32,
    /// Whether the connection tracker has seen it.
    pub conntracked: bool,
    /// What is left of the rules that it met.
    pub steps: Vec<ContinuationStep>,
    /// The action set.
    pub action_set: Vec<Action>,
    /// The datapath port that it came in by.
    pub dp_port: u32,
}

/// A part of what is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContinuationStep {
    /// What follows is of a rule in this table, with this cookie.
    From {
        /// The table.
        table: TableId,
        /// The cookie; all ones for none.
        cookie: u64,
    },
    /// An action.
    Action(Action),
}

impl Continuation {
    /// As bytes, with actions as `version` writes them.
    ///
    /// # Errors
    /// An action that the version does not have; more bytes than a property can have.
    pub fn encode(&self, version: Version) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        let out = &mut bytes;
        let raw = |out: &mut Vec<u8>, kind, body: &[u8]| {
            put(out, kind, |out| {
                out.extend_from_slice(body);
                Ok(())
            })
        };
        raw(out, BRIDGE, &self.bridge)?;
        for value in &self.stack {
            raw(out, STACK, value)?;
        }
        if self.mirrors != 0 {
            raw(out, MIRRORS, &self.mirrors.to_be_bytes())?;
        }
        if self.conntracked {
            raw(out, CONNTRACKED, &[])?;
        }
        self.encode_steps(version, out)?;
        if !self.action_set.is_empty() {
            put_actions(out, ACTION_SET, &self.action_set, version)?;
        }
        raw(out, DP_PORT, &self.dp_port.to_be_bytes())?;
        Ok(bytes)
    }

    fn encode_steps(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let mut list: Vec<Action> = Vec::new();
        let flush = |list: &mut Vec<Action>, out: &mut Vec<u8>| {
            let list = std::mem::take(list);
            if list.is_empty() { Ok(()) } else { put_actions(out, ACTIONS, &list, version) }
        };
        for step in &self.steps {
            match step {
                ContinuationStep::Action(action) if action.is_instruction() => {
                    flush(&mut list, out)?;
                    put(out, INSTRUCTION, |out| {
                        out.zeros(4);
                        encode_instructions(std::slice::from_ref(action), &Match::default(), version, out)
                    })?;
                }
                ContinuationStep::Action(action) => list.push(action.clone()),
                ContinuationStep::From { table, cookie } => {
                    flush(&mut list, out)?;
                    put(out, TABLE_ID, |out| {
                        out.u8(table.0);
                        Ok(())
                    })?;
                    put(out, COOKIE, |out| {
                        out.zeros(4);
                        out.u64(*cookie);
                        Ok(())
                    })?;
                }
            }
        }
        flush(&mut list, out)
    }

    /// From bytes, with actions as `version` writes them.
    ///
    /// # Errors
    /// Those of properties and of actions.
    pub fn decode(bytes: &[u8], version: Version) -> Result<Self, OfError> {
        let mut r = Reader::new(bytes, OfError::BpcBadLen);
        let mut this = Self::default();
        let mut table = TableId(0);
        while !r.is_empty() {
            let (kind, mut p) = property(&mut r)?;
            match kind {
                BRIDGE => this.bridge = p.rest().try_into().map_err(|_| OfError::BpcBadLen)?,
                STACK => {
                    let value = p.rest();
                    if !(1..=16).contains(&value.len()) || this.stack.len() >= MAX_STACK {
                        return Err(OfError::BpcBadLen);
                    }
                    this.stack.push(value.to_vec());
                }
                MIRRORS => this.mirrors = p.u32()?,
                CONNTRACKED => this.conntracked = true,
                TABLE_ID => table = TableId(p.u8()?),
                COOKIE => {
                    p.skip(4)?;
                    this.steps.push(ContinuationStep::From { table, cookie: p.u64()? });
                }
                ACTIONS | INSTRUCTION => {
                    p.skip(4)?;
                    let list = if kind == ACTIONS {
                        decode_actions(p.rest(), version)?
                    } else {
                        decode_instructions(p.rest(), version)?
                    };
                    this.steps.extend(list.into_iter().map(ContinuationStep::Action));
                }
                ACTION_SET => {
                    p.skip(4)?;
                    this.action_set = decode_actions(p.rest(), version)?;
                }
                DP_PORT => this.dp_port = p.u32()?,
                _ => return Err(OfError::BpcBadType),
            }
        }
        Ok(this)
    }
}

fn put_actions(out: &mut Vec<u8>, kind: u16, list: &[Action], version: Version) -> Result<(), EncodeError> {
    put(out, kind, |out| {
        out.zeros(4);
        encode_actions(list, &Match::default(), version, out)
    })
}

#[cfg(test)]
mod tests {
    use ovs_flow::OfPort;

    use super::*;

    fn sample() -> Continuation {
        let output = |port| ContinuationStep::Action(Action::Output { port: OfPort(port), max_len: 0 });
        Continuation {
            bridge: [7; 16],
            stack: vec![vec![7], vec![0, 0, 0, 5]],
            mirrors: 3,
            conntracked: true,
            steps: vec![
                output(1),
                ContinuationStep::From { table: TableId(2), cookie: 0x77 },
                output(2),
                ContinuationStep::Action(Action::GotoTable(TableId(9))),
                output(3),
            ],
            action_set: vec![Action::Output { port: OfPort(4), max_len: 0 }],
            dp_port: 12,
        }
    }

    #[test]
    fn comes_back_as_it_went() {
        for version in [Version::V13, Version::V15] {
            let bytes = sample().encode(version).unwrap();
            assert_eq!(Continuation::decode(&bytes, version).unwrap(), sample());
        }
    }

    #[test]
    fn any_cut_is_an_error_or_a_shorter_one() {
        let bytes = sample().encode(Version::V13).unwrap();
        for len in 0..bytes.len() {
            if let Ok(shorter) = Continuation::decode(&bytes[..len], Version::V13) {
                assert_ne!(shorter, sample());
            }
        }
        let mut long = bytes.clone();
        long[3] = 0xff;
        assert_eq!(Continuation::decode(&long, Version::V13), Err(OfError::BpcBadLen));
    }
}
