//! What rules need of the datapath: those that need what is not there are refused.

use ovs_dpif::Features;
use ovs_flow::{CtState, Field, FlowKey, Match};
use ovs_openflow::action::CtZone;
use ovs_openflow::{Action, OfError};

/// Checks a rule's match, then its actions; as in the original, not those in other lists than `ct`'s own.
pub(super) fn check_support(
    matching: &Match,
    actions: &[Action],
    features: &Features,
) -> Result<(), OfError> {
    if !supports(&matching.mask.fields, features) {
        return Err(OfError::NxBmcCtDatapathSupport);
    }
    actions.iter().try_for_each(|action| check_action(action, features))
}

/// Whether the bits of a mask can be matched.
fn supports(mask: &FlowKey, features: &Features) -> bool {
    let translated = (CtState::SNAT | CtState::DNAT).bits();
    let state = mask.ct_state;
    let v4 = mask.ct_nw_src.get() | mask.ct_nw_dst.get() != 0;
    let v6 = (mask.ct_ipv6_src, mask.ct_ipv6_dst) != ([0; 16], [0; 16]);
    let transport = mask.ct_nw_proto != 0 || mask.ct_tp_src.get() | mask.ct_tp_dst.get() != 0;
    (features.ct_state || state == 0)
        && (features.ct_state_nat || state & translated == 0)
        && (features.ct_zone || mask.ct_zone == 0)
        && (features.ct_mark || mask.ct_mark == 0)
        && (features.ct_label || mask.ct_label == [0; 16])
        && (features.ct_orig_tuple || !v4)
        && (features.ct_orig_tuple6 || !v6)
        && (features.ct_orig_tuple || features.ct_orig_tuple6 || !transport)
}

fn check_action(action: &Action, features: &Features) -> Result<(), OfError> {
    let has = |there: bool| if there { Ok(()) } else { Err(OfError::NxBacCtDatapathSupport) };
    match action {
        Action::Ct(ct) => {
            has(features.ct_state)?;
            has(features.ct_zone || ct.zone == CtZone::Number(0))?;
            ct.actions.iter().try_for_each(|action| check_action(action, features))
        }
        Action::Nat(_) => has(features.ct_state_nat),
        Action::SetField(set) => match set.field {
            Field::CT_MARK => has(features.ct_mark),
            Field::CT_LABEL => has(features.ct_label),
            Field::ND_RESERVED | Field::ND_OPTIONS_TYPE if !features.nd_extension => {
                Err(OfError::BacBadSetArgument)
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}
