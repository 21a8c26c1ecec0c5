//! What the classifier costs, by number of rules.
//!
//! `cargo bench -p ovs-classifier --bench classifier [FILTER]`
#![expect(clippy::expect_used, reason = "a benchmark may fail by panicking")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierWriter, Version};
use ovs_flow::{FlowKey, FlowMask, Match, U16, U32};

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

criterion_group!(benches, classifier);
criterion_main!(benches);
