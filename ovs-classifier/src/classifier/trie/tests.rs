use alloc::vec::Vec;

use proptest::prelude::*;

use super::super::fields::prefix_bits;
use super::{Found, Trie, Value};
use crate::rcu::Domain;

/// The definition: bits that tell `value` from every prefix that it is not in.
fn naive(prefixes: &[(u128, u8)], value: u128, width: u8) -> Found {
    let mut lengths = 0;
    let mut bits = 0;
    for (prefix, len) in prefixes {
        let common = ((value ^ prefix).leading_zeros() as u8).min(*len);
        if common == *len {
            lengths |= 1 << (len - 1);
            bits = bits.max(common);
        } else {
            bits = bits.max(common + 1);
        }
    }
    Found { lengths, bits: bits.min(width) }
}

proptest! {
    #[test]
    fn agrees_with_the_definition(
        ops in prop::collection::vec((0u8..4, 0u32..256, 1u8..=32), 1..800),
        values in prop::collection::vec(0u32..256, 1..20),
        wide in any::<bool>(),
    ) {
        // Prefixes begin alike and end alike, so that buckets fill up and branches skip bits.
        if wide {
            check::<u128>(&ops, &values, |v| {
                u128::from(v.wrapping_mul(0x0101_0101) & 0xf00f_0ff3) << 70 | 0x2001 << 112
            }, 3)?;
        } else {
            check::<u32>(&ops, &values, |v| u128::from(v.wrapping_mul(0x0101_0101) & 0xf00f_0ff3) << 96, 1)?;
        }
    }
}

/// The same changes to a trie and to a list; the same answers.
fn check<K: Value>(
    ops: &[(u8, u32, u8)],
    values: &[u32],
    spread: impl Fn(u32) -> u128,
    times: u8,
) -> Result<(), TestCaseError> {
    let domain = Domain::new();
    let mut reader = domain.reader();
    let trie = Trie::<K>::new();
    let mut held: Vec<(u128, u8)> = Vec::new();
    for (op, value, len) in ops.iter().copied() {
        let guard = reader.enter();
        let (value, len) = (spread(value), len * times);
        let prefix = (value & prefix_bits(len), len);
        if op > 0 || held.is_empty() {
            let new = trie.insert(K::of(value), len, &guard, &domain);
            prop_assert_eq!(new, !held.contains(&prefix));
            held.extend(new.then_some(prefix));
        } else {
            let (value, len) = held.swap_remove(usize::from(len) % held.len());
            trie.remove(K::of(value), len, &guard, &domain);
        }
        for value in values {
            let value = spread(*value);
            prop_assert_eq!(trie.lookup(K::of(value), &guard), naive(&held, value, K::BITS));
        }
        drop(guard);
        domain.reclaim(usize::MAX);
    }
    let guard = reader.enter();
    for (value, len) in held {
        trie.remove(K::of(value), len, &guard, &domain);
    }
    prop_assert!(trie.is_empty());
    drop(guard);
    Ok(())
}
