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
    Tidy,
    Lookup(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0u64..60;
    prop_oneof![
        1 => Just(Op::Clear),
        2 => key.clone().prop_map(Op::Remove),
        4 => key.clone().prop_map(Op::InsertPerhaps),
        6 => key.clone().prop_map(Op::Insert),
        1 => prop_oneof![0usize..200, 200usize..5000].prop_map(Op::Fit),
        2 => Just(Op::Tidy),
        8 => key.prop_map(Op::Lookup),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(1000)))]

    #[test]
    fn gives_the_same_handle_or_none(
        ops in prop::collection::vec(op(), 1..150),
        entries in prop_oneof![1usize..256, 256usize..10_000],
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
                Op::Tidy => {
                    let known = cache.len();
                    let more = cache.tidy();
                    prop_assert!(cache.len() <= known && (more || cache.len() == known));
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
    let mut turns = 0;
    loop {
        turns += 1;
        if turns % 1000 == 1 {
            assert_eq!((0..100_000_u64).filter(|n| cache.lookup(spread(*n)) == Some(*n)).count(), known);
            assert_eq!(cache.len(), known);
        }
        if !cache.tidy() {
            break;
        }
    }
    assert!(turns > 4_000, "{turns} turns for a cache of 262,144 buckets");
    assert_eq!((0..100_000_u64).filter(|n| cache.lookup(spread(*n)) == Some(*n)).count(), known);
    for _ in 0..300 {
        cache.clear();
        assert_eq!((cache.len(), cache.lookup(spread(7))), (0, None));
    }
}

#[test]
fn shrinks_to_the_keys_in_use_and_keeps_them() {
    let mut random = 7_u64;
    let mut spread = || {
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let hashes: Vec<u64> = (0..12_000).map(|_| spread()).collect();
    let mut cache = ExactMatchCache::new(CacheConfig::default().entries(1 << 18).insert_one_in(1));
    cache.fit(1 << 17);
    for hash in &hashes {
        cache.insert(*hash, *hash);
        while cache.tidy() {}
    }
    assert_eq!(cache.capacity(), 1 << 18);
    for _ in 0..2000 {
        for hashes in hashes.chunks(32) {
            cache.see(hashes);
            cache.tidy();
        }
    }
    // Twelve thousand keys are enough for a cache of 32,768 places, a quarter of the next larger one is more.
    assert_eq!(cache.capacity(), 1 << 15);
    assert!(cache.bytes() <= (1 << 15) * 16, "{}", cache.bytes());
    let known = hashes.iter().filter(|hash| cache.lookup(**hash) == Some(**hash)).count();
    assert!(known > 11_700, "{known}");
}
