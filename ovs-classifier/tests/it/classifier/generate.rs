//! Keys, masks and operations from spaces small enough for them to meet.

use ovs_classifier::Clause;
use ovs_flow::{FlowKey, FlowMask, U16, U32};
use proptest::prelude::*;

/// Keys from a small space, so that rules meet; IPv4, ARP and IPv6 alike.
pub fn key() -> impl Strategy<Value = FlowKey> {
    let addresses = (0u8..8, 0u8..8);
    (0u32..3, 0u8..3, addresses, 0u16..4, 0u16..4, 0u8..3, 0u16..4).prop_map(
        |(port, kind, (src, dst), sport, dport, proto, flags)| {
            let mut key = FlowKey::default();
            key.in_port = port;
            key.tunnel.src = U32::new(u32::from(sport) << 30 | port);
            key.dl_type = U16::new([0x0800, 0x0806, 0x86dd][usize::from(kind)]);
            key.dl_dst[5] = proto;
            let spread = |n: u8| u32::from(n) << 29 | u32::from(n) << 12 | u32::from(n);
            if kind == 2 {
                key.ipv6_src[0] = src << 5;
                key.ipv6_src[15] = src;
                key.ipv6_dst[3] = dst;
            } else {
                (key.nw_src, key.nw_dst) = (U32::new(spread(src)), U32::new(spread(dst)));
            }
            (key.tp_src, key.tp_dst) = (U16::new(sport << 14 | sport), U16::new(dport << 10));
            key.tcp_flags = U16::new(flags);
            key.nw_proto = proto;
            // What rules of conjunctions match; packets have 0.
            key.conj_id = u32::from(flags) + 1;
            key
        },
    )
}

pub fn mask() -> impl Strategy<Value = FlowMask> {
    let bits = |width: u32| prop_oneof![2 => Just(0), 1 => Just(width), 2 => 0..=width];
    (any::<u8>(), bits(32), bits(32), bits(16), bits(16), any::<u8>()).prop_map(
        |(has, src, dst, sp, dp, odd)| {
            let mut mask = FlowMask::default();
            let prefix = |len: u32| u32::MAX.checked_shl(32 - len).unwrap_or(0);
            if has & 1 != 0 {
                mask.fields.in_port = u32::MAX;
            }
            if has & 2 != 0 {
                mask.fields.dl_type = U16::new(0xffff);
            }
            if has & 4 != 0 {
                mask.fields.nw_proto = 0xff;
            }
            if has & 8 != 0 {
                mask.fields.dl_dst[5] = 0xff;
            }
            if has & 0x80 != 0 && has & 3 == 3 {
                mask.fields.conj_id = u32::MAX;
            }
            if has & 0x70 == 0x70 {
                mask.fields.tcp_flags = U16::new(3);
            }
            (mask.fields.nw_src, mask.fields.nw_dst) = (U32::new(prefix(src)), U32::new(prefix(dst)));
            if odd % 16 == 0 {
                mask.fields.nw_dst = U32::new(0x00ff_0fff); // no prefix
            }
            if odd & 0x0f == 7 {
                mask.fields.tunnel.src = U32::new(prefix(sp * 2));
            }
            if odd & 0x30 == 0 {
                mask.fields.ipv6_src[..4].copy_from_slice(&prefix(src).to_be_bytes());
                mask.fields.ipv6_src[15] = if src == 32 { odd } else { 0 };
                mask.fields.ipv6_dst[..4].copy_from_slice(&prefix(dst).to_be_bytes());
            }
            (mask.fields.tp_src, mask.fields.tp_dst) =
                (U16::new((prefix(sp) >> 16) as u16), U16::new((prefix(dp) >> 16) as u16));
            mask
        },
    )
}

/// One change, or a question.
#[derive(Clone, Debug)]
pub enum Op {
    Insert(Box<FlowKey>, Box<FlowMask>, i32, Vec<Clause>),
    Remove(usize),
    /// Takes the last insertion back, as a bundle that fails does.
    Undo,
    /// Changes from now on are for the next version.
    Advance,
    Defer,
    Gc(u64),
    Lookup(Box<FlowKey>),
}

fn clauses() -> impl Strategy<Value = Vec<Clause>> {
    let clause = (1u32..4, 0u8..2, 2u8..4);
    let clause = clause.prop_map(|(id, dimension, dimensions)| Clause { id, dimension, dimensions });
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(clause, 1..4)]
}

/// A packet's key.
pub fn packet() -> impl Strategy<Value = FlowKey> {
    key().prop_map(|mut key| {
        key.conj_id = 0;
        key
    })
}

/// Few masks a case, so that tuples have several rules.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(mask(), 1..8).prop_flat_map(|masks| {
        let insert = (key(), prop::sample::select(masks), 0..6, clauses());
        let op = prop_oneof![
            8 => insert.prop_map(|(k, m, p, c)| Op::Insert(k.into(), m.into(), p, c)),
            3 => any::<usize>().prop_map(Op::Remove),
            1 => Just(Op::Undo),
            3 => Just(Op::Advance),
            1 => Just(Op::Defer),
            1 => (0u64..3).prop_map(Op::Gc),
            6 => packet().prop_map(|key| Op::Lookup(key.into())),
        ];
        prop::collection::vec(op, 1..60)
    })
}
