use alloc::vec::Vec;

use ovs_flow::{FlowKey, FlowMask, Match, SparseKey, U16, U32};
use proptest::prelude::*;

use super::*;
use crate::{Arch, naive};

/// Keys from a small space, so that they meet.
fn key() -> impl Strategy<Value = FlowKey> {
    (0u32..3, 0u32..16, 0u32..16, 0u16..8, 0u16..8, 0u8..4).prop_map(
        |(port, src, dst, sport, dport, proto)| {
            let mut key = FlowKey::default();
            key.in_port = port;
            key.nw_src = U32::new(src << 28 | src);
            key.nw_dst = U32::new(dst << 28 | dst);
            key.tp_src = U16::new(sport << 13 | sport);
            key.tp_dst = U16::new(dport);
            key.nw_proto = proto;
            key.dl_dst[0] = proto;
            key
        },
    )
}

fn mask() -> impl Strategy<Value = FlowMask> {
    let bits = |width| prop_oneof![Just(0), Just(width), 0..=width];
    (any::<bool>(), bits(32), bits(32), bits(16), any::<bool>(), any::<u8>()).prop_map(
        |(port, src, dst, sport, dport, rest)| {
            let mut mask = FlowMask::default();
            mask.fields.in_port = if port || rest & 4 != 0 { u32::MAX } else { 0 };
            mask.fields.nw_src = U32::new(u32::MAX.checked_shl(32 - src).unwrap_or(0));
            mask.fields.nw_dst = U32::new(u32::MAX.checked_shl(32 - dst).unwrap_or(0));
            mask.fields.tp_src = U16::new((0xffff_u32 << (16 - sport)) as u16);
            mask.fields.tp_dst = U16::new(if dport { 0xffff } else { 0 });
            mask.fields.nw_proto = rest & 3;
            mask.fields.dl_dst[0] = rest >> 6;
            mask
        },
    )
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a test's list of operations is short")]
enum Op {
    Insert(FlowKey, FlowMask),
    Remove(usize),
    Lookup(FlowKey),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (key(), mask()).prop_map(|(key, mask)| Op::Insert(key, mask)),
        2 => any::<usize>().prop_map(Op::Remove),
        4 => key().prop_map(Op::Lookup),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn finds_what_the_list_finds(
        ops in prop::collection::vec(op(), 1..400),
        budget in 1usize..8,
        arch in prop::sample::select(Arch::all().collect::<Vec<_>>()),
    ) {
        let config = MegaflowConfig::default().masks_per_port(budget).max_flows(150).arch(arch);
        let mut index = MegaflowIndex::new(config);
        let mut list = naive::MegaflowIndex::new();
        let mut held: Vec<Match> = Vec::new();
        for (n, op) in ops.into_iter().enumerate() {
            match op {
                Op::Insert(key, mask) => {
                    let admitted = index.admit(&key, &mask);
                    prop_assert!(admitted.covers(&mask));
                    let matching = Match::new(&key, admitted);
                    match index.insert(&matching, n) {
                        Err(error) => {
                            prop_assert_eq!(error, MegaflowError::Full { limit: list.len() });
                        }
                        Ok(old) => {
                            prop_assert_eq!(old, list.insert(&matching, n));
                            if old.is_none() {
                                held.push(matching);
                            }
                        }
                    }
                }
                Op::Remove(at) if !held.is_empty() => {
                    let matching = held.swap_remove(at % held.len());
                    prop_assert!(index.get(&matching).is_some());
                    prop_assert_eq!(index.remove(&matching), list.remove(&matching));
                    prop_assert_eq!(index.remove(&matching), None);
                }
                Op::Remove(_) => {}
                Op::Lookup(key) => {
                    let all: Vec<usize> = list.matching(&key).collect();
                    match index.lookup(&SparseKey::from(&key)) {
                        None => prop_assert!(all.is_empty()),
                        Some(found) => prop_assert!(all.contains(&found)),
                    }
                }
            }
            prop_assert_eq!(index.len(), list.len());
            prop_assert!(index.stats().most_masks <= budget + 32);
        }
        for matching in held {
            index.remove(&matching);
        }
        prop_assert_eq!((index.len(), index.stats().masks), (0, 0));
    }
}

#[test]
fn product_masks_cost_about_their_sum() {
    let mut index = MegaflowIndex::new(MegaflowConfig::default());
    let flow = |src: u32, dst: u32| {
        let (mut key, mut mask) = (FlowKey::default(), FlowMask::default());
        // Each megaflow differs from the last in one bit, as the masks that a prefix trie reports do.
        key.nw_src = U32::new(0x0a00_0001 ^ (1 << (32 - src)));
        key.nw_dst = U32::new(0x0a00_0001 ^ (1 << (32 - dst)));
        mask.fields.in_port = u32::MAX;
        mask.fields.nw_src = U32::new(u32::MAX << (32 - src));
        mask.fields.nw_dst = U32::new(u32::MAX << (32 - dst));
        (key, mask)
    };
    for src in 1..=32 {
        for dst in 1..=32 {
            let (key, mask) = flow(src, dst);
            index.insert(&Match::new(&key, mask), (src, dst)).unwrap();
        }
    }
    assert_eq!(index.masks_of_port(0), 1024);
    for src in 1..=32 {
        for dst in 1..=32 {
            assert_eq!(index.lookup(&SparseKey::from(&flow(src, dst).0)), Some((src, dst)));
        }
    }
    let stats = index.stats();
    assert_eq!(stats.hits, 1024);
    assert!(stats.hit_probes <= 1024 * 8, "{stats:?}");
}
