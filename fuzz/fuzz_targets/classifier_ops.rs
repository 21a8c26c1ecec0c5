//! Operations on the tables, beside their naive twins. The first byte chooses the table; then an operation is a byte,
//! and a key or mask is eight more.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_classifier::rcu::Domain;
use ovs_classifier::{
    Arch, CacheConfig, ClassifierConfig, ClassifierWriter, ExactMatchCache, FlowStats, FlowTable,
    FlowTableConfig, MegaflowConfig, MegaflowIndex, PrefixField, Version, naive,
};
use ovs_flow::{FlowKey, FlowMask, Match, SparseKey, U16, U32};

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let operations = rest.chunks_exact(17);
    match first % 4 {
        0 => classifier(operations),
        1 => megaflows(operations),
        2 => flow_table(operations),
        _ => cache(operations),
    }
});

fn key(bytes: &[u8]) -> FlowKey {
    let mut key = FlowKey::default();
    key.in_port = u32::from(bytes[0] & 3);
    key.dl_type = U16::new(0x0800);
    (key.nw_src, key.nw_dst) = (U32::new(u32::from(bytes[1]) << 24 | 1), U32::new(u32::from(bytes[2]) << 24));
    key.ipv6_src[15] = bytes[3];
    key.nw_proto = bytes[4];
    (key.tp_src, key.tp_dst) = (U16::new(u16::from(bytes[5]) << 8), U16::new(u16::from(bytes[6])));
    key.dl_dst[0] = bytes[7];
    key
}

fn mask(bytes: &[u8]) -> FlowMask {
    let mut mask = FlowMask::default();
    let fields = &mut mask.fields;
    fields.in_port = if bytes[0] & 1 == 1 { u32::MAX } else { 0 };
    fields.dl_type = U16::new(if bytes[0] & 2 == 2 { 0xffff } else { 0 });
    let prefix = |byte: u8| U32::new(u32::MAX.checked_shl(32 - u32::from(byte % 33)).unwrap_or(0));
    (fields.nw_src, fields.nw_dst) = (prefix(bytes[1]), prefix(bytes[2]));
    fields.ipv6_src[15] = bytes[3];
    fields.nw_proto = bytes[4];
    (fields.tp_src, fields.tp_dst) = (U16::new(u16::from(bytes[5]) << 8), U16::new(u16::from(bytes[6])));
    fields.dl_dst[0] = bytes[7];
    mask
}

fn classifier<'a>(operations: impl Iterator<Item = &'a [u8]>) {
    let domain = Domain::new();
    let mut fast = ClassifierWriter::new(&domain, ClassifierConfig::default());
    let mut twin = naive::Classifier::new(PrefixField::DEFAULT);
    let (lookups, mut reader) = (fast.reader(), domain.reader());
    let mut version = Version(1);
    for (n, bytes) in operations.enumerate() {
        let (key, mask, priority) = (key(&bytes[1..9]), mask(&bytes[9..]), i32::from(bytes[0] >> 4));
        let matching = Match::new(&key, mask);
        match bytes[0] % 5 {
            0 | 1 => {
                fast.insert(&matching, priority, n, version).expect("no limit is met");
                twin.insert(&matching, priority, &[], n, version);
            }
            2 => {
                let rule = fast.find_exact(&matching, priority, version);
                let removed = rule.is_some_and(|rule| fast.remove_at(&rule, version));
                assert_eq!(removed, twin.remove_at(&matching, priority, version));
            }
            3 => {
                version = version.next();
                assert_eq!(fast.gc(version), twin.gc(version));
                domain.reclaim(usize::MAX);
            }
            _ => {}
        }
        let (mut ours, mut theirs) = (FlowMask::default(), FlowMask::default());
        (ours.fields.dl_type, theirs.fields.dl_type) = (U16::new(0xffff), U16::new(0xffff));
        let guard = reader.enter();
        let found = lookups.lookup(version, &key, Some(&mut ours), &guard).map(|rule| *rule.value());
        assert_eq!(found, twin.lookup_and_mask(version, &key, &mut theirs).map(|rule| rule.value));
        assert_eq!(ours, theirs);
    }
}

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
    let mut cache = ExactMatchCache::new(CacheConfig::default().entries(64).arch(Arch::detect()));
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
            4 => cache.fit(usize::from(bytes[4])),
            5 => {
                let (removed, known) = (cache.remove(hash), all.remove(hash));
                assert!(removed.is_none() || removed == known);
            }
            _ => {}
        }
        let mut found = [None];
        cache.lookup_batch(&[hash], &mut found);
        assert_eq!(found[0], cache.lookup(hash));
        assert!(found[0].is_none() || found[0] == all.lookup(hash));
    }
}
