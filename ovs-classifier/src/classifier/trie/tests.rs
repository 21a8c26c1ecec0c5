use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Found, Trie, prefix_bits};
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
        ops in prop::collection::vec((any::<bool>(), 0u32..256, 1u8..=32), 1..60),
        values in prop::collection::vec(0u32..256, 1..20),
    ) {
        let domain = Domain::new();
        let mut reader = domain.reader();
        let trie = Trie::new();
        let mut held: Vec<(u128, u8)> = Vec::new();
        let spread = |v: u32| u128::from(v.wrapping_mul(0x0101_0101) & 0xf00f_0ff3) << 96;
        for (insert, value, len) in ops {
            let guard = reader.enter();
            let value = spread(value);
            let prefix = (value & prefix_bits(len), len);
            if insert || held.is_empty() {
                trie.insert(value, len, &guard, &domain);
                held.push(prefix);
            } else {
                let (value, len) = held.swap_remove(usize::from(len) % held.len());
                trie.remove(value, len, &guard, &domain);
            }
            for value in &values {
                let value = spread(*value);
                prop_assert_eq!(trie.lookup(value, 32, &guard), naive(&held, value, 32));
            }
            drop(guard);
            domain.reclaim(usize::MAX);
        }
        let guard = reader.enter();
        for (value, len) in held {
            trie.remove(value, len, &guard, &domain);
        }
        prop_assert!(trie.root.is_none());
        drop(guard);
    }
}
