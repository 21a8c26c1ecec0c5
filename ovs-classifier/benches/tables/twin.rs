//! The naive tuple space.

use std::collections::HashMap;

use ovs_flow::{FlowMask, Match, SparseKey};

/// The search of a switch without an index: mask after mask, each with its hash table.
pub struct TupleSpace {
    tables: Vec<Table>,
}

/// The words of a mask, and what stands under it.
type Table = (Vec<(usize, u64)>, HashMap<Vec<u64>, usize>);

impl TupleSpace {
    pub fn new(flows: &[Match]) -> Self {
        let mut places: HashMap<FlowMask, usize> = HashMap::new();
        let mut tables: Vec<Table> = Vec::new();
        for (n, flow) in flows.iter().enumerate() {
            let at = *places.entry(flow.mask).or_insert_with(|| {
                let words = flow.mask.words().iter().copied().enumerate().filter(|(_, bits)| *bits != 0);
                tables.push((words.collect(), HashMap::new()));
                tables.len() - 1
            });
            let (words, table) = &mut tables[at];
            table.insert(words.iter().map(|(at, bits)| flow.key.words()[*at] & bits).collect(), n);
        }
        Self { tables }
    }

    /// Whether some mask has the key.
    pub fn has(&self, key: &SparseKey) -> bool {
        let mut values = Vec::new();
        self.tables.iter().any(|(words, table)| {
            values.clear();
            values.extend(words.iter().map(|(at, bits)| key.word(*at) & bits));
            table.contains_key(&values)
        })
    }
}
