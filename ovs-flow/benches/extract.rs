//! Extraction, per batch of 32 packets: beside it, what reading the same headers' bytes and hashing the five-tuple costs.

#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "criterion's macros make undocumented functions; the flows are constants"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ovs_flow::text::{DpDisplay, MatchDisplay, NoNames, parse_dp_key, parse_match};
use ovs_flow::{
    DpPort, FlowKey, FlowMask, LayerOffsets, Metadata, SparseKey, compose, extract_bytes, hash::HashKey,
};

const UDP4: &str = "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),\
    ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=5,dst=80)";
const TCP6_VLAN: &str = "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x8100),vlan(vid=7,pcp=0),\
    encap(eth_type(0x86dd),ipv6(src=fe80::1,dst=fe80::2,label=0,proto=6,tclass=0,hlimit=64,frag=no),\
    tcp(src=5,dst=80),tcp_flags(ack))";

fn batch(flow: &str) -> Vec<Vec<u8>> {
    (0..32)
        .map(|i| {
            let mut key = parse_dp_key(flow, &NoNames).expect("a flow");
            key.tp_src.set(1000 + i);
            compose(&key, 64)
        })
        .collect()
}

/// The bare minimum: Ethernet, IPv4 and UDP headers' bytes as words, and a hash of the five-tuple's.
fn bare(packet: &[u8], hash: &HashKey) -> u64 {
    let word =
        |at: usize| packet.get(at..).and_then(|p| p.first_chunk::<8>()).map_or(0, |w| u64::from_ne_bytes(*w));
    let rest = word(0) ^ word(6) ^ word(14);
    hash.words(&[word(26), word(34) & 0xffff_ffff, word(22) & 0xffff]) ^ rest
}

fn extraction(c: &mut Criterion) {
    let md = Metadata::of_port(DpPort(1));
    let hash = HashKey::from_seed(1);
    let mut group = c.benchmark_group("extract");
    group.throughput(Throughput::Elements(32));
    let udp = batch(UDP4);
    group.bench_function("bare_read_and_hash/udp4", |b| {
        b.iter(|| udp.iter().fold(0, |sum, packet| sum ^ bare(black_box(packet), &hash)));
    });
    for (name, packets) in [("udp4", udp.clone()), ("tcp6_vlan", batch(TCP6_VLAN))] {
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
    let flow = "tcp,in_port=1,nw_src=10.0.0.0/8,nw_dst=192.168.1.1,tp_dst=80";
    let m = parse_match(flow, &NoNames).expect("a match");
    c.bench_function("text/parse_match", |b| b.iter(|| parse_match(black_box(flow), &NoNames)));
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
