//! What tables can do.

use ovs_flow::field::Masking;
use ovs_flow::{Field, TableId};
use ovs_openflow::{TableFeatures, Version};

use super::table::table_name;
use crate::switch::Switch;

/// OpenFlow 1.3's instructions: `goto_table`, `write_metadata`, `write_actions`, `apply_actions`,
/// `clear_actions`, `meter`.
const INSTRUCTIONS: [u16; 6] = [GOTO_TABLE, 2, 3, 4, 5, METER];
const GOTO_TABLE: u16 = 1;
/// In OpenFlow 1.5 it is an action.
const METER: u16 = 6;
/// OpenFlow 1.3's actions: output, setting and decrementing of MPLS's time to live, push and pop of VLAN and of MPLS,
/// `set_queue`, group, setting and decrementing of IP's time to live, `set_field`.
const ACTIONS: [u16; 12] = [0, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25];
/// The class of OpenFlow's own numbers, and of those of experimenters.
const BASIC: u16 = 0x8000;
const EXPERIMENTER: u16 = 0xffff;

/// The OXM numbers of the fields that are taken; with the mask bit where they can be masked, if that is asked for. Behind
/// that of an experimenter comes who it is.
fn headers(masks: bool, take: impl Fn(Field) -> bool) -> Vec<u32> {
    let words = |field: Field| {
        let rank = |class| [BASIC, 0, 1].iter().position(|known| *known == class).unwrap_or(usize::MAX);
        let number = field.headers().min_by_key(|header| rank(header.class))?;
        let mask = u32::from(masks && field.facts().masking == Masking::Bitwise);
        let foreign = number.class == EXPERIMENTER;
        let length = (u32::from(field.facts().size) << mask) + if foreign { 4 } else { 0 };
        let head = u32::from(number.class) << 16 | u32::from(number.number) << 9 | mask << 8 | length;
        Some([Some(head), foreign.then_some(number.experimenter)])
    };
    Field::all().filter(|field| take(*field)).filter_map(words).flatten().flatten().collect()
}

impl Switch {
    pub(super) fn table_features(&self, name: &str, version: Version) -> Vec<TableFeatures> {
        let Some(bridge) = self.bridges.get(name) else { return Vec::new() };
        let matches = headers(true, |_| true);
        let wildcards = headers(false, |_| true);
        let writable = headers(false, |field| field.facts().writable);
        let visible = || (0..=u8::MAX).map(TableId).filter(|table| Self::is_visible(*table));
        visible()
            .map(|table| {
                let mut told = TableFeatures::new(table, table_name(bridge, table));
                told.metadata_match = u64::MAX;
                told.metadata_write = u64::MAX;
                told.max_entries = self.table_limit(bridge, table);
                let last = table.0 + 1 == TableId::INTERNAL.0;
                let mut instructions = INSTRUCTIONS.to_vec();
                instructions.retain(|kind| match *kind {
                    GOTO_TABLE => !last,
                    METER => version < Version::V15,
                    _ => true,
                });
                told.instructions = instructions;
                told.next_tables = visible().filter(|next| *next > table).collect();
                told.write_actions = ACTIONS.to_vec();
                told.apply_actions = ACTIONS.to_vec();
                told.matches.clone_from(&matches);
                told.wildcards.clone_from(&wildcards);
                told.write_set_fields.clone_from(&writable);
                told.apply_set_fields.clone_from(&writable);
                told
            })
            .collect()
    }
}
