//! Rules that nobody sees any more are let go of some at a time; a table that is full of them makes room at once.

use ovs_flow::Match;
use ovs_ofproto::ovs_openflow::{FlowMod, FlowModCommand};
use ovs_ofproto::{FailMode, Limits, SwitchConfig};

use crate::world::{Below, World, bridge, state};

/// More than are let go of in a turn.
const RULES: u32 = 30_000;

#[test]
fn a_full_table_that_was_emptied_is_filled_again() {
    for below in [Below::Naive, Below::Userspace { workers: 2 }] {
        let limits = Limits::default().rules_per_table(RULES as usize);
        let mut world = World::with(below, SwitchConfig::default().limits(limits));
        world.apply(&state([bridge("br0", &["p1"]).fail_mode(FailMode::Secure)]));
        for round in 0..3 {
            let mut bridge = world.switch.bridge("br0").unwrap();
            for n in 0..RULES {
                let mut matching = Match::default();
                (matching.key.regs[0], matching.mask.fields.regs[0]) = (n, u32::MAX);
                let done = bridge.flow_mod(&FlowMod::new(FlowModCommand::Add, matching));
                done.unwrap_or_else(|error| panic!("{below:?}, {round}, {n}: {error:?}"));
            }
            bridge.flow_mod(&FlowMod::new(FlowModCommand::Delete, Match::default())).unwrap();
            // Enough for all workers to leave the version behind, and not for all of its rules to go.
            for _ in 0..2 {
                world.turn();
            }
        }
        world.settle();
        assert_eq!(world.switch.rule_count(), 0);
    }
}
