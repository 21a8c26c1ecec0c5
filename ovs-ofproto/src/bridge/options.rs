//! Options of tunnels that flows name: each must have a field by the bridge's table, as long as it is named. As in the
//! original, groups may name what they like.

use ovs_classifier::Version;
use ovs_flow::field::Setter;
use ovs_flow::{Field, Match};
use ovs_openflow::action::for_each_field;
use ovs_openflow::{Action, OfError};

use super::BridgeState;

impl BridgeState {
    /// Checks that every option that a match and actions name has a field.
    pub fn check_options(&self, matching: &Match, actions: &[Action]) -> Result<(), OfError> {
        let known = self.tlv_table.iter().fold(0, |bits, map| bits | bit(map.index));
        if (named_by(matching) | named_in(actions)) & !known == 0 {
            Ok(())
        } else {
            Err(OfError::NxFmfcInvalidTlvField)
        }
    }

    /// A set of options, a bit each, that some flow names.
    pub fn named_options(&self, version: Version) -> u64 {
        let mut named = 0;
        for (_, table) in self.tables.iter() {
            for rule in table.rules.rules(version) {
                named |= named_by(&rule.to_match()) | named_in(&rule.value().actions);
            }
        }
        named
    }
}

fn named_by(matching: &Match) -> u64 {
    matching.mask.fields.tunnel.metadata_present
}

fn named_in(actions: &[Action]) -> u64 {
    let mut named = 0;
    for_each_field(actions, &mut |field: Field| {
        if let Setter::TunOption(n) = field.facts().setter {
            named |= 1 << n;
        }
    });
    named
}

/// The bit of a field's number; none for a number that no field has.
fn bit(index: u16) -> u64 {
    1_u64.checked_shl(index.into()).unwrap_or(0)
}
