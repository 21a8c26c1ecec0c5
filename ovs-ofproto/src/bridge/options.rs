//! Options of tunnels that flows name: each must have a field by the bridge's table, as long as it is named. As in the
//! original, groups may name what they like.

use ovs_classifier::Version;
use ovs_flow::{Field, Match, PlaceError};
use ovs_openflow::action::for_each_field;
use ovs_openflow::{Action, OfError};

use super::BridgeState;

impl BridgeState {
    /// Brings a match that came in a message into the form that keys can be compared with.
    pub fn place_options(&self, matching: &mut Match) -> Result<(), OfError> {
        self.options.places.place(matching).map_err(|error| match error {
            PlaceError::TooLong(_) => OfError::BmcBadLen,
            _ => OfError::NxFmfcInvalidTlvField,
        })
    }

    /// Checks that every option that actions name has a field, and as many bits as they name.
    pub fn check_options(&self, actions: &[Action]) -> Result<(), OfError> {
        let mut found = Ok(());
        for_each_field(actions, &mut |field: Field, bits| {
            let Some(n) = field.option().filter(|_| found.is_ok()) else { return };
            found = match self.options.places.len(n) {
                None => Err(OfError::NxFmfcInvalidTlvField),
                Some(len) if usize::from(bits) > 8 * len => Err(OfError::BacBadSetLen),
                Some(_) => Ok(()),
            };
        });
        found
    }

    /// A set of options, a bit each, that some flow names.
    pub fn named_options(&self, version: Version) -> u64 {
        let mut named = 0;
        for (_, table) in self.tables.iter() {
            for rule in table.rules.rules(version) {
                named |= rule.to_match().mask.fields.tunnel.metadata_present;
                for_each_field(&rule.value().actions, &mut |field, _| {
                    named |= field.option().map_or(0, |n| 1 << n);
                });
            }
        }
        named
    }
}
