//! Which actions this switch does: others are refused when they come.

use ovs_flow::{OfPort, TableId};
use ovs_openflow::{Action, OfError};

/// The deepest that lists may nest.
const DEPTH: usize = 64;

/// Checks the actions of a rule in `table`, or of a packet-out.
pub(in crate::switch) fn check_actions(actions: &[Action], table: Option<TableId>) -> Result<(), OfError> {
    check_order(actions)?;
    check(actions, table, DEPTH)
}

/// Checks actions that were checked already when their rules came, and went over a wire since; some stand alone that
/// were instructions.
pub(super) fn check_each(actions: &[Action]) -> Result<(), OfError> {
    check(actions, Some(TableId(0)), DEPTH)
}

/// When an instruction comes in the order of 1.1 and later; actions outside of a set are those of `apply_actions`.
fn instruction(action: &Action) -> u8 {
    match action {
        Action::Meter(_) => 0,
        Action::ClearActions => 2,
        Action::WriteActions(_) => 3,
        Action::WriteMetadata { .. } => 4,
        Action::GotoTable(_) => 5,
        _ => 1,
    }
}

/// Checks that instructions come in their order, and each but `apply_actions` once.
fn check_order(actions: &[Action]) -> Result<(), OfError> {
    let ordered = actions.windows(2).all(|pair| {
        let (first, second) = (instruction(&pair[0]), instruction(&pair[1]));
        first < second || first == 1 && second == 1
    });
    if ordered { Ok(()) } else { Err(OfError::BacUnsupportedOrder) }
}

fn check(actions: &[Action], table: Option<TableId>, depth: usize) -> Result<(), OfError> {
    for action in actions {
        match action {
            Action::Output { port, .. }
            | Action::Enqueue { port, .. }
            | Action::OutputTruncated { port, .. } => check_port(*port)?,
            Action::GotoTable(next) => match table {
                Some(table) if table.0 < next.0 && next.0 < TableId::INTERNAL.0 => {}
                _ => return Err(OfError::BicBadTableId),
            },
            Action::WriteActions(set) if depth > 0 => check(set, table, depth - 1)?,
            Action::Clone(list) if depth > 0 => check(list, table, depth - 1)?,
            // Only options of tunnels can be away.
            Action::DeleteField(field) if !field.facts().name.starts_with("tun_metadata") => {
                return Err(OfError::BacBadSetType);
            }
            Action::OutputReg { .. }
            | Action::Bundle(_)
            | Action::Multipath(_)
            | Action::Learn(_)
            | Action::FinTimeout { .. }
            | Action::DeleteField(_)
            | Action::Conjunction { .. }
            | Action::CheckPktLarger { .. }
            | Action::Sample(_)
            | Action::PushMpls(_)
            | Action::PopMpls(_)
            | Action::SetMplsLabel(_)
            | Action::SetMplsTc(_)
            | Action::SetMplsTtl(_)
            | Action::DecMplsTtl
            | Action::Encap(_)
            | Action::Decap(_)
            | Action::DecNshTtl
            | Action::Controller(_)
            | Action::Group(_)
            | Action::Meter(_)
            | Action::SetQueue(_)
            | Action::PopQueue
            | Action::SetField(_)
            | Action::SetOption(_)
            | Action::Mod(_)
            | Action::Move { .. }
            | Action::SetVlanVid { .. }
            | Action::SetVlanPcp { .. }
            | Action::PopVlan { .. }
            | Action::PushVlan(_)
            | Action::DecTtl(_)
            | Action::SetTunnel { .. }
            | Action::Resubmit { .. }
            | Action::Ct(_)
            | Action::CtClear
            | Action::StackPush(_)
            | Action::StackPop(_)
            | Action::Note(_)
            | Action::Exit
            | Action::ClearActions
            | Action::WriteMetadata { .. } => {}
            _ => return Err(OfError::BacBadType),
        }
    }
    Ok(())
}

fn check_port(port: OfPort) -> Result<(), OfError> {
    match port {
        OfPort::IN_PORT
        | OfPort::TABLE
        | OfPort::NORMAL
        | OfPort::FLOOD
        | OfPort::ALL
        | OfPort::CONTROLLER
        | OfPort::LOCAL => Ok(()),
        port if port < OfPort::MAX => Ok(()),
        _ => Err(OfError::BacBadOutPort),
    }
}
