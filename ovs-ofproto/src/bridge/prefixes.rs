//! Which fields of a table have prefix tries.

use std::sync::Arc;

use ovs_flow::TableId;

use super::{BridgeState, Round};

impl BridgeState {
    /// Settings of a table may have changed: its rules move to one with the tries that are wanted. Nothing of them is
    /// told to anybody, for nothing of them changes.
    pub fn configure_prefixes(&mut self, id: TableId, round: &mut Round<'_>) {
        let wanted = self.config.flow_tables.get(&id.0).and_then(|config| config.prefixes.as_ref());
        let Some(old) = self.tables.set_prefixes(id, wanted) else { return };
        let told = round.events.take();
        self.tables.make(id);
        round.new_table = true;
        let rules: Vec<_> = old.rules.rules(round.version).map(Arc::clone).collect();
        for rule in rules {
            self.link(&rule, false);
            // What fitted into the table before fits again.
            let _ = self.insert(&rule.to_match(), rule.priority(), rule.value().clone(), round);
        }
        round.events = told;
    }
}
