//! The exact-match cache against one that forgets nothing.

use ovs_classifier::{CacheConfig, ExactMatchCache, naive};
use ovs_flow::SparseKey;
use proptest::prelude::*;

fn key(n: u64) -> SparseKey {
    let mut key = SparseKey::new();
    key.push((n % 5) as usize, n + 1);
    key.push(70, n / 3);
    key
}

proptest! {
    #[test]
    fn gives_the_same_handle_or_none(
        ops in prop::collection::vec((0u8..10, 0u64..40), 1..300),
        entries in 1usize..64,
        spread in 1u64..40,
    ) {
        let mut cache = ExactMatchCache::new(CacheConfig::default().entries(entries).insert_one_in(2));
        let mut all = naive::ExactMatchCache::new();
        let hash = |n: u64| (n % spread).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (n, (op, flow)) in ops.into_iter().enumerate() {
            match op {
                0 => {
                    cache.clear();
                    all.clear();
                    prop_assert!(cache.is_empty());
                }
                1 => {
                    let known = all.remove(&key(flow));
                    let found = cache.remove(hash(flow), &key(flow));
                    prop_assert!(found.is_none() || found == known);
                }
                2 | 3 => {
                    // The owner forgets the old handle of a key before it may be refused a place.
                    cache.remove(hash(flow), &key(flow));
                    cache.insert(hash(flow), &key(flow), n);
                    all.insert(&key(flow), n);
                }
                4 | 5 => {
                    cache.insert_always(hash(flow), &key(flow), n);
                    all.insert(&key(flow), n);
                    prop_assert_eq!(cache.lookup(hash(flow), &key(flow)), Some(n));
                }
                _ => {
                    let found = cache.lookup(hash(flow), &key(flow));
                    prop_assert!(found.is_none() || found == all.lookup(&key(flow)));
                }
            }
        }
        let keys: Vec<_> = (0..40).map(key).collect();
        let hashes: Vec<_> = (0..40).map(hash).collect();
        let mut found = [None; 40];
        cache.lookup_batch(&hashes, &keys, &mut found);
        for (at, found) in found.into_iter().enumerate() {
            prop_assert_eq!(found, cache.lookup(hashes[at], &keys[at]));
        }
    }
}

#[test]
fn one_insertion_in_so_many() {
    let mut cache = ExactMatchCache::new(CacheConfig::default().entries(1 << 16).insert_one_in(10).seed(7));
    for n in 0..10_000u64 {
        cache.insert(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), &key(n), n);
    }
    assert!((800..1200).contains(&cache.len()), "{}", cache.len());
    let mut never = ExactMatchCache::new(CacheConfig::default().insert_one_in(0));
    never.insert(1, &key(1), 1);
    assert!(never.is_empty());
}
