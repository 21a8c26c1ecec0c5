//! Which action may stand where.

use ovs_flow::Field;

use super::Action;
use crate::OfError;

/// Checks places: `nat` and writes of the connection's mark and label belong into `ct`, and nothing else does; and a
/// list with a `conjunction` has nothing beside but notes.
///
/// # Errors
///
/// `OFPBAC_BAD_SET_ARGUMENT`, `OFPBAC_BAD_ARGUMENT` and `NXBAC_BAD_CONJUNCTION`, as Open vSwitch answers.
pub fn check_nesting(actions: &[Action]) -> Result<(), OfError> {
    let conjunction = |action: &Action| matches!(action, Action::Conjunction { .. });
    if actions.iter().any(conjunction)
        && !actions.iter().all(|action| conjunction(action) || matches!(action, Action::Note(_)))
    {
        return Err(OfError::NxBacBadConjunction);
    }
    actions.iter().try_for_each(check_outside)
}

fn check_outside(action: &Action) -> Result<(), OfError> {
    if matches!(action, Action::Nat(_)) || action.written_field().is_some_and(is_of_connection) {
        return Err(OfError::BacBadSetArgument);
    }
    match action {
        Action::Ct(ct) => ct.actions.iter().try_for_each(check_inside),
        Action::Clone(list) | Action::WriteActions(list) => list.iter().try_for_each(check_outside),
        _ => Ok(()),
    }
}

fn check_inside(action: &Action) -> Result<(), OfError> {
    match (action, action.written_field()) {
        (Action::Nat(_), _) => Ok(()),
        (_, Some(field)) if is_of_connection(field) => Ok(()),
        (_, Some(_)) => Err(OfError::BacBadSetArgument),
        (_, None) => Err(OfError::BacBadArgument),
    }
}

/// Whether a field is kept with the connection.
fn is_of_connection(field: Field) -> bool {
    matches!(field, Field::CT_MARK | Field::CT_LABEL)
}

impl Action {
    /// The field that the action writes, if it writes one that it names.
    pub fn written_field(&self) -> Option<Field> {
        match self {
            Self::SetField(set) => Some(set.field),
            Self::SetOption(set) => Some(set.field),
            Self::Move { dst, .. } | Self::StackPop(dst) | Self::CheckPktLarger { dst, .. } => {
                Some(dst.field())
            }
            Self::Bundle(bundle) => bundle.dst.map(|dst| dst.field()),
            Self::Multipath(multipath) => Some(multipath.dst.field()),
            _ => None,
        }
    }
}
