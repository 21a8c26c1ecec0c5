//! Instructions of OpenFlow 1.1 and later (1.3, 7.2.4), as part of the list of actions.

use ovs_flow::{Match, TableId};

use super::Action;
use super::vlan_compat::Context;
use super::wire::{decode_unchecked, encode_one};
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

const GOTO_TABLE: u16 = 1;
const WRITE_METADATA: u16 = 2;
const WRITE_ACTIONS: u16 = 3;
const APPLY_ACTIONS: u16 = 4;
const CLEAR_ACTIONS: u16 = 5;
const METER: u16 = 6;
const EXPERIMENTER: u16 = 0xffff;

/// What was found of each kind; each may be there once.
#[derive(Default)]
struct Found {
    goto_table: Option<TableId>,
    metadata: Option<(u64, u64)>,
    write: Option<Vec<Action>>,
    apply: Option<Vec<Action>>,
    clear: Option<()>,
    meter: Option<u32>,
}

/// Remembers an instruction, which must be the first of its kind.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), OfError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(OfError::BicDupInst),
    }
}

/// From bytes that hold nothing but instructions of a version, in any order: the list has them in the order in
/// which they take effect.
pub fn decode_instructions(bytes: &[u8], version: Version) -> Result<Vec<Action>, OfError> {
    let mut found = Found::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let head: &[u8; 4] = rest.first_chunk().ok_or(OfError::BicBadLen)?;
        let (kind, len) =
            (u16::from_be_bytes([head[0], head[1]]), usize::from(u16::from_be_bytes([head[2], head[3]])));
        if len < 8 || len % 8 != 0 || len > rest.len() {
            return Err(OfError::BicBadLen);
        }
        let (instruction, tail) = rest.split_at(len);
        found.take(kind, &instruction[4..], version)?;
        rest = tail;
    }
    let list = found.into_list();
    super::nested::check_nesting(&list)?;
    Ok(list)
}

impl Found {
    fn take(&mut self, kind: u16, body: &[u8], version: Version) -> Result<(), OfError> {
        let mut r = Reader::new(body, OfError::BicBadLen);
        let r = &mut r;
        match kind {
            GOTO_TABLE => {
                let table = TableId(r.u8()?);
                r.skip(3)?;
                once(&mut self.goto_table, table)?;
            }
            WRITE_METADATA => {
                r.skip(4)?;
                let metadata = (r.u64()?, r.u64()?);
                once(&mut self.metadata, metadata)?;
            }
            WRITE_ACTIONS => {
                r.skip(4)?;
                let actions = decode_unchecked(r.rest(), version)?;
                // What the action set cannot hold is refused here, before anything is installed.
                if !actions.iter().all(fits_action_set) {
                    return Err(OfError::BacBadType);
                }
                once(&mut self.write, actions)?;
            }
            APPLY_ACTIONS => {
                r.skip(4)?;
                once(&mut self.apply, decode_unchecked(r.rest(), version)?)?;
            }
            CLEAR_ACTIONS => {
                r.skip(4)?;
                once(&mut self.clear, ())?;
            }
            METER if (Version::V13..=Version::V14).contains(&version) => {
                let meter = r.u32()?;
                once(&mut self.meter, meter)?;
            }
            EXPERIMENTER => return Err(OfError::BicBadExperimenter),
            _ => return Err(OfError::BicUnknownInst),
        }
        r.finish()
    }

    fn into_list(self) -> Vec<Action> {
        let mut list = match (self.meter, self.apply) {
            (None, apply) => apply.unwrap_or_default(),
            (Some(meter), apply) => {
                let mut list = vec![Action::Meter(meter)];
                list.extend(apply.unwrap_or_default());
                list
            }
        };
        list.extend(self.clear.map(|()| Action::ClearActions));
        list.extend(self.write.map(Action::WriteActions));
        list.extend(self.metadata.map(|(value, mask)| Action::WriteMetadata { value, mask }));
        list.extend(self.goto_table.map(Action::GotoTable));
        list
    }
}

/// Whether an action set can hold an action.
fn fits_action_set(action: &Action) -> bool {
    !action.is_instruction()
        && !matches!(
            action,
            Action::Exit
                | Action::Note(_)
                | Action::FinTimeout { .. }
                | Action::OutputReg { .. }
                | Action::Enqueue { .. }
                | Action::PopQueue
                | Action::StackPush(_)
                | Action::StackPop(_)
                | Action::OutputTruncated { .. }
                | Action::Bundle(_)
                | Action::Multipath(_)
                | Action::Learn(_)
                | Action::Clone(_)
                | Action::Conjunction { .. }
                | Action::Sample(_)
                | Action::CheckPktLarger { .. }
                | Action::DeleteField(_)
        )
}

/// Appends a list as instructions: what is no instruction is applied.
pub fn encode_instructions(
    actions: &[Action],
    matching: &Match,
    version: Version,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut context = Context::new(matching, version);
    let mut apply_at = None;
    let mut last_was_instruction = false;
    for action in actions {
        // 1.5 made the meter an action.
        let applied = version >= Version::V15 && matches!(action, Action::Meter(_));
        if applied || !action.is_instruction() {
            // There is one place for actions; what stands behind an instruction has none.
            if last_was_instruction && apply_at.is_some() {
                return Err(EncodeError::Unsupported { what: "actions after an instruction", version });
            }
            last_was_instruction = false;
            let at = *apply_at.get_or_insert_with(|| begin(out, APPLY_ACTIONS));
            encode_one(action, &mut context, out)?;
            end(out, at)?;
            continue;
        }
        if apply_at.is_some() && matches!(action, Action::Meter(_)) {
            return Err(EncodeError::Unsupported { what: "a meter after actions", version });
        }
        last_was_instruction = true;
        encode_instruction(action, matching, version, out)?;
    }
    Ok(())
}

/// Appends the head of an instruction that holds actions.
fn begin(out: &mut Vec<u8>, kind: u16) -> usize {
    let at = out.len();
    out.u16(kind);
    out.u16(8);
    out.zeros(4);
    at
}

fn end(out: &mut Vec<u8>, at: usize) -> Result<(), EncodeError> {
    let len = u16::try_from(out.len() - at).map_err(|_| EncodeError::TooLong)?;
    out.set_u16(at + 2, len);
    Ok(())
}

fn encode_instruction(
    action: &Action,
    matching: &Match,
    version: Version,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match action {
        Action::GotoTable(table) => {
            out.u16(GOTO_TABLE);
            out.u16(8);
            out.u8(table.0);
            out.zeros(3);
        }
        Action::WriteMetadata { value, mask } => {
            out.u16(WRITE_METADATA);
            out.u16(24);
            out.zeros(4);
            out.u64(*value);
            out.u64(*mask);
        }
        Action::ClearActions => {
            begin(out, CLEAR_ACTIONS);
        }
        Action::Meter(meter) => {
            out.u16(METER);
            out.u16(8);
            out.u32(*meter);
        }
        // To write nothing is to say nothing.
        Action::WriteActions(set) if set.is_empty() => {}
        Action::WriteActions(set) => {
            let at = begin(out, WRITE_ACTIONS);
            let mut context = Context::new(matching, version);
            set.iter().try_for_each(|action| encode_one(action, &mut context, out))?;
            end(out, at)?;
        }
        _ => {}
    }
    Ok(())
}
