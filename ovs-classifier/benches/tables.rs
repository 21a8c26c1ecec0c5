//! What the tables cost, by number of masks, flows and rules.
//!
//! `cargo bench -p ovs-classifier --bench tables [FILTER]`
#![expect(clippy::expect_used, reason = "a benchmark may fail by panicking")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ovs_classifier::rcu::Domain;
use ovs_classifier::{
    CacheConfig, ClassifierConfig, ClassifierWriter, ExactMatchCache, FlowStats, FlowTable, FlowTableConfig,
    MegaflowConfig, MegaflowIndex, Version,
};
use ovs_flow::{FlowKey, FlowMask, Match, SparseKey, U16, U32};

/// A small generator: the same figures each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// A TCP packet from port 1.
fn tcp(src: u32, dst: u32, sport: u16, dport: u16) -> FlowKey {
    let mut key = FlowKey::default();
    key.in_port = 1;
    key.dl_src = [2, 0, 0, 0, 0, 1];
    key.dl_dst = [2, 0, 0, 0, 0, 2];
    key.dl_type = U16::new(0x0800);
    (key.nw_src, key.nw_dst) = (U32::new(src), U32::new(dst));
    (key.nw_proto, key.nw_ttl) = (6, 64);
    (key.tp_src, key.tp_dst) = (U16::new(sport), U16::new(dport));
    key.tcp_flags = U16::new(0x10);
    key
}

fn prefix(len: usize) -> u32 {
    u32::MAX.checked_shl(32 - len as u32).unwrap_or(0)
}

/// What is in every megaflow, and so many bits of the addresses and ports.
fn mask(src: usize, dst: usize, sport: usize, dport: usize) -> FlowMask {
    let mut mask = FlowMask::default();
    let fields = &mut mask.fields;
    (fields.in_port, fields.recirc_id, fields.packet_type) = (u32::MAX, u32::MAX, U32::new(u32::MAX));
    (fields.dl_type, fields.nw_frag, fields.nw_proto) = (U16::new(0xffff), 0xff, 0xff);
    fields.vlans[0].tci = U16::new(0x1000);
    (fields.nw_src, fields.nw_dst) = (U32::new(prefix(src)), U32::new(prefix(dst)));
    (fields.tp_src, fields.tp_dst) =
        (U16::new((prefix(sport) >> 16) as u16), U16::new((prefix(dport) >> 16) as u16));
    mask
}

/// Masks as prefix tries make them: products of prefix lengths.
fn product_masks(count: usize) -> Vec<FlowMask> {
    let mut masks = Vec::new();
    for n in 0..count {
        masks.push(mask(1 + n % 32, if count > 32 { 1 + n / 32 % 32 } else { 32 }, n / 1024 % 16, 16));
    }
    masks
}

/// Masks that are no prefixes: subsets of bits.
fn odd_masks(count: usize, random: &mut Random) -> Vec<FlowMask> {
    let mut masks = Vec::new();
    for _ in 0..count {
        let mut mask = mask(0, 0, 0, 0);
        mask.fields.nw_src = U32::new(random.next() as u32);
        mask.fields.tp_dst = U16::new(random.next() as u16);
        if random.below(2) == 0 {
            mask.fields.dl_dst = [0xff; 6];
        }
        masks.push(mask);
    }
    masks
}

fn megaflow_masks(c: &mut Criterion) {
    let mut random = Random(7);
    let mut group = c.benchmark_group("megaflow-masks");
    for count in [1, 8, 32, 128, 512, 8192] {
        for (kind, masks) in [("product", product_masks(count)), ("odd", odd_masks(count, &mut random))] {
            let mut index = MegaflowIndex::new(MegaflowConfig::default().masks_per_port(10_000));
            let mut keys = Vec::new();
            for (n, mask) in masks.iter().cycle().take(count.max(8192)).enumerate() {
                let (src, dst) = (random.next() as u32, random.next() as u32);
                let key = tcp(src, dst, random.next() as u16, random.next() as u16);
                // Only keys that no other megaflow has, so that each mask is hit equally often.
                if index.lookup(&SparseKey::from(&key)).is_none() {
                    index.insert(&Match::new(&key, *mask), n).expect("room");
                    keys.push(SparseKey::from(&key));
                }
            }
            keys.truncate(4096);
            group.throughput(Throughput::Elements(keys.len() as u64));
            group.bench_function(BenchmarkId::new(kind, count), |b| {
                b.iter(|| keys.iter().filter(|key| index.lookup(black_box(key)).is_some()).count());
            });
        }
    }
    group.finish();
}

fn megaflow_flows(c: &mut Criterion) {
    let mut group = c.benchmark_group("megaflow-flows");
    let mut random = Random(9);
    for count in [1_000, 100_000, 1_000_000] {
        let mut index = MegaflowIndex::new(MegaflowConfig::default());
        let mut keys = Vec::new();
        for n in 0..count {
            let key = tcp(random.next() as u32, random.next() as u32, 1, 80);
            index.insert(&Match::new(&key, mask(32, 32, 16, 16)), n).expect("room");
            if keys.len() < 4096 || random.below(count / 1000) == 0 {
                keys.push(SparseKey::from(&key));
            }
        }
        group.throughput(Throughput::Elements(32));
        let mut at = 0;
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                at = (at + 32) % (keys.len() - 32);
                let mut found = [None; 32];
                index.lookup_batch(&keys[at..at + 32], &mut found);
                found
            });
        });
    }
    group.finish();
}

fn megaflow_changes(c: &mut Criterion) {
    let mut random = Random(3);
    let flows: Vec<Match> = (0..100_000)
        .map(|n| {
            Match::new(&tcp(random.next() as u32, random.next() as u32, n as u16, 80), mask(32, 24, 16, 16))
        })
        .collect();
    let mut group = c.benchmark_group("changes-100k");
    group.throughput(Throughput::Elements(flows.len() as u64)).sample_size(10);
    group.bench_function("megaflow-insert-remove", |b| {
        b.iter(|| {
            let mut index = MegaflowIndex::new(MegaflowConfig::default());
            for (n, flow) in flows.iter().enumerate() {
                index.insert(flow, n).expect("room");
            }
            for flow in &flows {
                black_box(index.remove(flow));
            }
        });
    });
    group.bench_function("flow-table-insert-remove", |b| {
        b.iter(|| {
            let domain = Domain::new();
            let mut table = FlowTable::new(&domain, FlowTableConfig::default());
            let mut reader = domain.reader();
            let mut ids = Vec::new();
            for (n, flow) in flows.iter().enumerate() {
                ids.push(table.insert(flow, n, FlowStats::default(), &reader.enter()).expect("room"));
            }
            for id in ids {
                table.remove(id, &reader.enter());
            }
            domain.reclaim(usize::MAX);
        });
    });
    group.finish();
}

fn cache(c: &mut Criterion) {
    let mut random = Random(5);
    let mut group = c.benchmark_group("cache");
    for count in [1_000, 8_000, 100_000] {
        let mut cache = ExactMatchCache::new(CacheConfig::default().entries(count * 4).insert_one_in(1));
        let keys: Vec<SparseKey> = (0..count)
            .map(|n| SparseKey::from(&tcp(random.next() as u32, random.next() as u32, n as u16, 80)))
            .collect();
        let hashes: Vec<u64> = keys.iter().map(|_| random.next() << 8 ^ random.next()).collect();
        for (at, key) in keys.iter().enumerate() {
            cache.insert(hashes[at], key, at);
        }
        group.throughput(Throughput::Elements(32));
        let mut at = 0;
        group.bench_function(BenchmarkId::new("batch-of-32", count), |b| {
            b.iter(|| {
                at = (at + 32) % (count - 32);
                let mut found = [None; 32];
                cache.lookup_batch(&hashes[at..at + 32], &keys[at..at + 32], &mut found);
                found
            });
        });
    }
    group.finish();
}

/// Rules as access lists have them: a few dozen masks, one priority each rule.
fn access_list(count: usize, random: &mut Random) -> Vec<(Match, i32)> {
    let lengths = [8, 16, 20, 24, 28, 30, 32];
    (0..count)
        .map(|n| {
            let (src, dst) = (lengths[random.below(7)], lengths[3 + random.below(4)]);
            let ports = [0, 16][random.below(2)];
            let key = tcp(random.next() as u32, random.next() as u32, 0, [22, 80, 443][random.below(3)]);
            (Match::new(&key, mask(src, dst, 0, ports)), 1 + (n % 60_000) as i32)
        })
        .collect()
}

fn classifier(c: &mut Criterion) {
    let mut random = Random(11);
    let mut group = c.benchmark_group("classifier");
    group.sample_size(10);
    for count in [1_000, 100_000] {
        let list = access_list(count, &mut random);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("insert-delete", count), |b| {
            b.iter_batched(
                Domain::new,
                |domain| {
                    let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
                    for (n, (matching, priority)) in list.iter().enumerate() {
                        rules.insert(matching, *priority, n, Version(1)).expect("room");
                    }
                    let all: Vec<_> = rules.rules(Version(1)).cloned().collect();
                    for rule in all {
                        rules.remove_at(&rule, Version(2));
                    }
                    rules.gc(Version(2));
                    domain.reclaim(usize::MAX);
                },
                BatchSize::PerIteration,
            );
        });
        let domain = Domain::new();
        let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
        for (n, (matching, priority)) in list.iter().enumerate() {
            rules.insert(matching, *priority, n, Version(1)).expect("room");
        }
        let keys: Vec<FlowKey> = (0..4096).map(|_| list[random.below(count)].0.key).collect();
        let (lookups, mut reader) = (rules.reader(), domain.reader());
        let guard = reader.enter();
        group.throughput(Throughput::Elements(keys.len() as u64));
        group.bench_function(BenchmarkId::new("lookup", count), |b| {
            b.iter(|| {
                keys.iter().filter(|key| lookups.lookup(Version(1), key, None, &guard).is_some()).count()
            });
        });
        group.bench_function(BenchmarkId::new("lookup-masked", count), |b| {
            b.iter(|| {
                let mut mask = FlowMask::default();
                keys.iter()
                    .filter(|key| lookups.lookup(Version(1), key, Some(&mut mask), &guard).is_some())
                    .count()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, megaflow_masks, megaflow_flows, megaflow_changes, cache, classifier);
criterion_main!(benches);
