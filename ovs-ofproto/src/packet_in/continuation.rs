//! Paused packets: what is left to do with one, as a controller gets it and gives it back.

use ovs_flow::{Field, FlowKey, Subfield, TableId, Wide};
use ovs_openflow::{Action, Continuation, ContinuationStep, OfError};

use crate::recirc::{FrozenState, Step};
use crate::snapshot::BridgeId;

/// The name of a bridge in continuations: the same in every run of a switch, of which another one has others.
pub(crate) fn bridge_uuid(seed: u64, bridge: BridgeId) -> [u8; 16] {
    let mut state = seed ^ u64::from(bridge.0).rotate_left(40) ^ 0x6272_6964_6765;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    };
    (u128::from(next()) << 64 | u128::from(next())).to_be_bytes()
}

/// What is left to do with a packet that was frozen, as a message has it.
pub(crate) fn from_state(state: &FrozenState, bridge: [u8; 16], dp_port: u32) -> Continuation {
    let mut rest = Continuation::default();
    (rest.bridge, rest.dp_port) = (bridge, dp_port);
    rest.conntracked = state.conntracked;
    rest.stack = state.stack.iter().rev().map(|(subfield, value)| value_bytes(*subfield, *value)).collect();
    rest.action_set = state.action_set.to_vec();
    rest.steps = state
        .steps
        .iter()
        .map(|step| match step {
            Step::From { table, cookie } => ContinuationStep::From { table: *table, cookie: *cookie },
            Step::Action(action) => ContinuationStep::Action(action.clone()),
        })
        .collect();
    rest
}

fn value_bytes(subfield: Subfield, value: Wide) -> Vec<u8> {
    let len = usize::from(subfield.width()).div_ceil(8).clamp(1, ovs_flow::MAX_OPTION);
    value.to_be_bytes()[Wide::BYTES - len..].to_vec()
}

/// The state to go on with. `key` has the metadata that the controller gave back.
pub(crate) fn to_state(
    rest: Continuation,
    bridge: BridgeId,
    key: &FlowKey,
    userdata: &[u8],
) -> Result<FrozenState, OfError> {
    let mut state = FrozenState::new(bridge, TableId(0), key, userdata);
    let stack: Result<Vec<_>, OfError> = rest.stack.iter().rev().map(|bytes| value_of(bytes)).collect();
    state.stack = stack?.into();
    state.conntracked = rest.conntracked;
    state.action_set = rest.action_set.into();
    // Without a step the packet would go to a table: it does not.
    let begin = Step::From { table: TableId(0), cookie: u64::MAX };
    let steps = rest.steps.into_iter().map(|step| match step {
        ContinuationStep::From { table, cookie } => Step::From { table, cookie },
        ContinuationStep::Action(action) => Step::Action(action),
    });
    state.steps = std::iter::once(begin).chain(steps).collect();
    Ok(state)
}

/// A value of the stack, with as many bits of a field as it has.
fn value_of(bytes: &[u8]) -> Result<(Subfield, Wide), OfError> {
    // Only options are longer than the longest register.
    let field = if bytes.len() > 16 { Field::tun_metadata(0) } else { Field::xxreg(0) };
    let field = field.ok_or(OfError::BpcBadValue)?;
    let width = u16::try_from(bytes.len() * 8).map_err(|_| OfError::BpcBadLen)?;
    let subfield = Subfield::new(field, 0, width).map_err(|_| OfError::BpcBadLen)?;
    Ok((subfield, Wide::from_be_bytes(bytes)))
}

/// The actions that a controller gave back, to be checked.
pub(crate) fn actions_of(rest: &Continuation) -> Vec<Action> {
    let steps = rest.steps.iter().filter_map(|step| match step {
        ContinuationStep::Action(action) => Some(action.clone()),
        ContinuationStep::From { .. } => None,
    });
    steps.chain(rest.action_set.iter().cloned()).collect()
}
