//! Extraction, per batch of 32 packets: beside it, what reading the same headers' bytes and hashing the five-tuple costs.

#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "criterion's macros make undocumented functions; the flows are constants"
)]

mod cases;

use std::hint::black_box;

use cases::{MATCH, TCP4, TCP6_VLAN, UDP4, batch};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ovs_flow::text::{DpDisplay, MatchDisplay, NoNames, parse_dp_key, parse_match};
use ovs_flow::{DpPort, FlowKey, FlowMask, LayerOffsets, Metadata, SparseKey, extract_bytes, hash::HashKey};

fn extraction(c: &mut Criterion) {
    let hash = HashKey::from_seed(1);
    let mut group = c.benchmark_group("extract");
    group.throughput(Throughput::Elements(32));
    let udp = batch(UDP4);
    group.bench_function("bare_read_and_hash/udp4", |b| {
        b.iter(|| udp.iter().fold(0, |sum, packet| sum ^ cases::bare(black_box(packet), &hash)));
    });
    let inputs = [
        ("udp4", udp.clone(), cases::from_port()),
        ("tcp4", batch(TCP4), cases::from_port()),
        ("tcp6_vlan", batch(TCP6_VLAN), cases::from_port()),
        ("vxlan_inner", udp.clone(), cases::from_vxlan()),
    ];
    for (name, packets, md) in inputs {
        let mut keys = vec![SparseKey::new(); 32];
        let mut layers = LayerOffsets::default();
        group.bench_function(name, |b| {
            b.iter(|| {
                for (packet, key) in packets.iter().zip(&mut keys) {
                    layers = extract_bytes(black_box(packet), 0, &md, 2, key);
                }
                black_box((&keys, &layers));
            });
        });
    }
    group.finish();
}

fn hashing(c: &mut Criterion) {
    let hash = HashKey::from_seed(1);
    let mut key = SparseKey::new();
    extract_bytes(&batch(UDP4)[0], 0, &Metadata::of_port(DpPort(1)), 2, &mut key);
    let mut mask = FlowMask::default();
    mask.fields.nw_dst.set(u32::MAX);
    mask.fields.nw_proto = 0xff;
    mask.fields.dl_type.set(0xffff);
    c.bench_function("hash/sparse", |b| b.iter(|| hash.sparse(black_box(&key))));
    let sparse = SparseKey::from(&mask.fields);
    c.bench_function("hash/masked_sparse", |b| {
        b.iter(|| hash.masked_sparse(black_box(&key), black_box(&sparse)));
    });
    c.bench_function("hash/masked", |b| b.iter(|| hash.masked(black_box(&key), black_box(&mask))));
}

fn text(c: &mut Criterion) {
    let m = parse_match(MATCH, &NoNames).expect("a match");
    c.bench_function("text/parse_match", |b| b.iter(|| parse_match(black_box(MATCH), &NoNames)));
    c.bench_function("text/print_match", |b| {
        b.iter(|| MatchDisplay { m: black_box(&m), ports: &NoNames }.to_string());
    });
    let key: FlowKey = parse_dp_key(UDP4, &NoNames).expect("a flow");
    c.bench_function("text/parse_key", |b| b.iter(|| parse_dp_key(black_box(UDP4), &NoNames)));
    c.bench_function("text/print_key", |b| {
        b.iter_batched(|| key, |key| DpDisplay::key(&key, &NoNames).to_string(), BatchSize::SmallInput);
    });
}

criterion_group!(benches, extraction, hashing, text);
criterion_main!(benches);
