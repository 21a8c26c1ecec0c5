//! Operations on the tables of flows, beside their naive twins (`classifier_rules` has that of rules). The first byte
//! chooses the table; then an operation is a byte, and a key or mask is eight more.
#![no_main]

#[path = "classifier/keys.rs"]
mod keys;

use keys::{key, mask};
use libfuzzer_sys::fuzz_target;
use ovs_classifier::rcu::Domain;
use ovs_classifier::{
    Arch, CacheConfig, ExactMatchCache, FlowStats, FlowTable, FlowTableConfig, MegaflowConfig, MegaflowIndex,
    naive,
};
use ovs_flow::{FlowKey, Match, SparseKey};

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let operations = rest.chunks_exact(17);
    match first % 3 {
        0 => megaflows(operations),
        1 => flow_table(operations),
        _ => cache(operations),
    }
});

fn megaflows<'a>(operations: impl Iterator<Item = &'a [u8]>) {
    let mut index = MegaflowIndex::new(MegaflowConfig::default().masks_per_port(4).arch(Arch::detect()));
    let mut list = naive::MegaflowIndex::new();
    let mut keys: Vec<FlowKey> = Vec::new();
    for (n, bytes) in operations.enumerate() {
        let (key, mask) = (key(&bytes[1..9]), mask(&bytes[9..]));
        if bytes[0] % 3 == 0 {
            let matching = Match::new(&key, mask);
            assert_eq!(index.remove(&matching), list.remove(&matching));
        } else if bytes[0] % 3 == 1 {
            let admitted = index.admit(&key, &mask);
            assert!(admitted.covers(&mask));
            let matching = Match::new(&key, admitted);
            assert_eq!(index.insert(&matching, n), Ok(list.insert(&matching, n)));
        }
        keys.push(key);
        if bytes[0] % 3 == 2 {
            let asked: Vec<SparseKey> = keys.drain(..).map(|key| SparseKey::from(&key)).collect();
            let mut found = vec![None; asked.len()];
            index.lookup_batch(&asked, &mut found);
            for (key, found) in asked.iter().map(SparseKey::expand).zip(found) {
                match found {
                    None => assert_eq!(list.matching(&key).count(), 0),
                    Some(found) => assert!(list.matching(&key).any(|handle| handle == found)),
                }
            }
        }
    }
}

fn flow_table<'a>(operations: impl Iterator<Item = &'a [u8]>) {
    let domain = Domain::new();
    let mut table = FlowTable::new(&domain, FlowTableConfig::default().max_flows(1000));
    let mut list = naive::FlowTable::new();
    let mut reader = domain.reader();
    for bytes in operations {
        let guard = reader.enter();
        let matching = Match::new(&key(&bytes[1..9]), mask(&bytes[9..]));
        match bytes[0] % 4 {
            0 | 1 => {
                if let Ok(id) = table.insert(&matching, bytes[0], FlowStats::default(), &guard) {
                    assert!(list.insert(id, &matching, bytes[0]));
                }
            }
            2 => {
                if let Some(id) = list.find(&matching) {
                    assert!(table.remove(id, &guard) && list.remove(id));
                }
            }
            _ => table.rebuild(bytes[0] > 10, &guard),
        }
        if bytes[0] % 4 == 3 && bytes[0] <= 10 {
            list = naive::FlowTable::new();
        }
        assert_eq!(table.len(), list.flows().len());
        assert_eq!(table.find(&matching, &guard).map(|flow| flow.id()), list.find(&matching));
        drop(guard);
        domain.reclaim(4);
    }
}

fn cache<'a>(operations: impl Iterator<Item = &'a [u8]>) {
    let mut cache = ExactMatchCache::new(CacheConfig::default().entries(8192).arch(Arch::detect()));
    let mut all = naive::ExactMatchCache::new();
    for (n, bytes) in operations.enumerate() {
        let hash = u64::from_le_bytes([0, bytes[1], bytes[2] & 1, 0, bytes[3], 0, 0, 0]);
        match bytes[0] % 8 {
            0..3 => {
                cache.insert_always(hash, n);
                all.insert(hash, n);
            }
            3 => {
                cache.clear();
                all.clear();
            }
            4 => cache.fit(usize::from(bytes[4]) * (1 + usize::from(bytes[5] & 31))),
            5 => {
                let (removed, known) = (cache.remove(hash), all.remove(hash));
                assert!(removed.is_none() || removed == known);
            }
            // A change of size goes on.
            _ => {
                cache.tidy();
            }
        }
        let mut found = [None];
        cache.lookup_batch(&[hash], &mut found);
        assert_eq!(found[0], cache.lookup(hash));
        assert!(found[0].is_none() || found[0] == all.lookup(hash));
    }
}
