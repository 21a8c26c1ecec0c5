//! Hashes: equal where they must be, different where they should, and the stable ones as they have always been.

use ovs_flow::hash::stable::Fields;
use ovs_flow::hash::{HashKey, stable};
use ovs_flow::text::{NoNames, parse_dp_key};
use ovs_flow::{FlowKey, FlowMask, SparseKey};

fn flow(src: u8, dst: u8, tp_src: u16, tp_dst: u16) -> FlowKey {
    let text = format!(
        "eth(src=00:00:00:00:00:{src:02x},dst=00:00:00:00:00:{dst:02x}),eth_type(0x0800),\
         ipv4(src=10.0.0.{src},dst=10.0.0.{dst},proto=6),tcp(src={tp_src},dst={tp_dst})"
    );
    parse_dp_key(&text, &NoNames).expect("a flow")
}

#[test]
fn symmetric_hashes_are_symmetric_and_the_others_are_not() {
    let (there, back) = (flow(1, 2, 1000, 80), flow(2, 1, 80, 1000));
    for fields in [Fields::SymmetricL2, Fields::SymmetricL3, Fields::SymmetricL3L4, Fields::SymmetricL4] {
        assert_eq!(fields.hash(&there, 7), fields.hash(&back, 7), "{fields:?}");
        assert_ne!(fields.hash(&there, 7), fields.hash(&there, 8), "{fields:?}");
    }
    for fields in [Fields::EthSrc, Fields::NwSrc, Fields::FiveTuple] {
        assert_ne!(fields.hash(&there, 7), fields.hash(&back, 7), "{fields:?}");
    }
    assert_eq!(stable::dp_hash_symmetric(&there, 0), stable::dp_hash_symmetric(&back, 0));
}

/// These decide what users see: they may never change. `hash_differential` compares them with the original's.
#[test]
fn stable_hashes_are_stable() {
    let key = flow(1, 2, 1000, 80);
    let values = [
        Fields::EthSrc.hash(&key, 0),
        Fields::SymmetricL4.hash(&key, 0),
        Fields::SymmetricL3L4.hash(&key, 0),
        Fields::SymmetricL2.hash(&key, 0),
        stable::five_tuple_hash(&key, 0),
        stable::dp_hash(&key, 1),
    ];
    assert_eq!(
        values,
        [2_075_400_691, 3_579_482_749, 1_106_637_820, 2_461_916_031, 853_788_614, 3_989_236_501]
    );
}

#[test]
fn a_hash_looks_at_what_its_mask_says_and_at_nothing_else() {
    let key = flow(1, 2, 1000, 80);
    let all = [
        Fields::EthSrc,
        Fields::SymmetricL4,
        Fields::SymmetricL3L4,
        Fields::SymmetricL3L4Udp,
        Fields::SymmetricL3,
        Fields::SymmetricL2,
        Fields::NwSrc,
        Fields::NwDst,
        Fields::FiveTuple,
    ];
    for fields in all {
        let mut mask = FlowMask::default();
        // The type and the fragment kind are known of every packet.
        mask.fields.dl_type.set(0xffff);
        mask.fields.nw_frag = 3;
        fields.mask_into(&key, &mut mask);
        assert_eq!(fields.hash(&key.masked(&mask.fields), 3), fields.hash(&key, 3), "{fields:?}");
    }
}

#[test]
fn masked_hashes_agree() {
    let hash = HashKey::from_seed(42);
    let key = flow(1, 2, 1000, 80);
    let sparse = SparseKey::from(&key);
    let mut mask = FlowMask::default();
    mask.fields.nw_src.set(0xffff_ff00);
    mask.fields.nd_target = [0xff; 16];
    mask.fields.regs[3] = 5;
    let expected = hash.masked_key(&key.masked(&mask.fields), &mask);
    assert_eq!(hash.masked(&sparse, &mask), expected);
    assert_eq!(hash.masked_sparse(&sparse, &SparseKey::from(&mask.fields)), expected);
    assert_eq!(HashKey::from_seed(42).sparse(&sparse), hash.sparse(&sparse));
    assert_ne!(HashKey::from_seed(43).sparse(&sparse), hash.sparse(&sparse));
}

/// 2^16 keys that differ in few bits spread over 2^12 buckets as chance would have it.
#[test]
fn neighbouring_keys_spread() {
    let hash = HashKey::from_seed(1);
    let mut buckets = vec![0_u32; 4096];
    let mut key = flow(1, 2, 0, 80);
    for port in 0..=u16::MAX {
        key.tp_src.set(port);
        buckets[(hash.sparse(&SparseKey::from(&key)) & 4095) as usize] += 1;
    }
    assert!(buckets.iter().all(|n| (1..64).contains(n)), "{:?}", buckets.iter().max());
}
