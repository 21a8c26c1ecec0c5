//! The exact-match cache against one that forgets nothing.

use ovs_classifier::{Arch, CacheConfig, ExactMatchCache, naive};
use proptest::prelude::*;

use crate::cases;

#[derive(Clone, Debug)]
enum Op {
    Clear,
    Remove(u64),
    InsertPerhaps(u64),
    Insert(u64),
    Fit(usize),
    Lookup(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0u64..60;
    prop_oneof![
        1 => Just(Op::Clear),
        2 => key.clone().prop_map(Op::Remove),
        4 => key.clone().prop_map(Op::InsertPerhaps),
        6 => key.clone().prop_map(Op::Insert),
        1 => (0usize..200).prop_map(Op::Fit),
        8 => key.prop_map(Op::Lookup),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(1000)))]

    #[test]
    fn gives_the_same_handle_or_none(
        ops in prop::collection::vec(op(), 1..150),
        entries in 1usize..256,
        crowd in 0u32..60,
        arch in prop::sample::select(Arch::all().collect::<Vec<_>>()),
    ) {
        let config = CacheConfig::default().entries(entries).insert_one_in(2).arch(arch);
        let mut cache = ExactMatchCache::new(config);
        let mut all = naive::ExactMatchCache::new();
        // From all keys in one bucket to all spread.
        let hash = |n: u64| n << 8 | n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> crowd << 20;
        for (n, op) in ops.into_iter().enumerate() {
            match op {
                Op::Clear => {
                    cache.clear();
                    all.clear();
                    prop_assert!(cache.is_empty());
                }
                Op::Remove(key) => {
                    let known = all.remove(hash(key));
                    let found = cache.remove(hash(key));
                    prop_assert!(found.is_none() || found == known);
                    prop_assert_eq!(cache.lookup(hash(key)), None);
                }
                Op::InsertPerhaps(key) => {
                    // The owner forgets the old handle of a key before it may be refused a place.
                    cache.remove(hash(key));
                    cache.insert(hash(key), n);
                    all.insert(hash(key), n);
                }
                Op::Insert(key) => {
                    cache.insert_always(hash(key), n);
                    all.insert(hash(key), n);
                    prop_assert_eq!(cache.lookup(hash(key)), Some(n));
                    cache.adapt();
                    prop_assert_eq!(cache.lookup(hash(key)), Some(n));
                }
                Op::Fit(keys) => {
                    cache.fit(keys);
                    prop_assert!(cache.capacity() <= entries.next_power_of_two().max(4));
                }
                Op::Lookup(key) => {
                    let found = cache.lookup(hash(key));
                    prop_assert!(found.is_none() || found == all.lookup(hash(key)));
                }
            }
        }
        let hashes: Vec<_> = (0..60).map(hash).collect();
        let mut found = [None; 60];
        cache.lookup_batch(&hashes, &mut found);
        for (hash, found) in hashes.iter().zip(found) {
            prop_assert_eq!(found, cache.lookup(*hash));
        }
    }
}

#[test]
fn one_insertion_in_so_many() {
    let mut cache = ExactMatchCache::new(CacheConfig::default().entries(1 << 16).insert_one_in(10).seed(7));
    for n in 0..10_000_u64 {
        cache.insert(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n);
    }
    assert!((800..1200).contains(&cache.len()), "{}", cache.len());
    let mut never = ExactMatchCache::new(CacheConfig::default().insert_one_in(0));
    never.insert(1, 1);
    assert!(never.is_empty());
}

#[test]
fn grows_with_the_keys_in_use_and_keeps_them() {
    // Every bit depends on every bit, as in the keyed hashes that callers give.
    let spread = |n: u64| {
        let once = (n ^ n >> 30).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let twice = (once ^ once >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        twice ^ twice >> 31
    };
    let mut cache = ExactMatchCache::new(CacheConfig::default().entries(1 << 20).insert_one_in(1));
    assert_eq!((cache.capacity(), cache.bytes()), (8192, 0));
    for round in 0..4 {
        for n in 0..100_000_u64 {
            cache.insert(spread(n), n);
            cache.adapt();
        }
        assert!(round == 0 || cache.capacity() >= 131_072, "{}", cache.capacity());
    }
    let known = (0..100_000_u64).filter(|n| cache.lookup(spread(*n)) == Some(*n)).count();
    // Of keys that fall evenly on the sets, three to a set of four on average, one in nine finds its set full.
    assert!(known > 87_000, "{known}");
    cache.fit(300_000);
    assert_eq!(cache.capacity(), 1 << 20);
    assert_eq!((0..100_000_u64).filter(|n| cache.lookup(spread(*n)) == Some(*n)).count(), known);
    for _ in 0..300 {
        cache.clear();
        assert_eq!((cache.len(), cache.lookup(spread(7))), (0, None));
    }
}
