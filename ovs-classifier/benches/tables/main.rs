//! What the tables cost, and how little that depends on how much is in them and who put it there.
//!
//! `taskset -c 1 cargo bench -p ovs-classifier --bench tables [GROUP…] [MASKS…]` prints a table: all figures of a group are taken in
//! turns in one run, and are the turns' lower deciles, less what making the keys costs.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and may fail by panicking"
)]

mod measure;
#[path = "../random/mod.rs"]
mod random;
mod traffic;
mod twin;

use std::hint::black_box;

use measure::{Group, is_measured, wanted, wanted_count};
use ovs_classifier::rcu::Domain;
use ovs_classifier::{
    Arch, CacheConfig, ExactMatchCache, FlowStats, FlowTable, FlowTableConfig, MegaflowConfig, MegaflowIndex,
};
use ovs_flow::hash::HashKey;
use ovs_flow::{Match, SparseKey};
use random::Random;
use traffic::{Kind, Trace};
use twin::TupleSpace;

const SEED: u64 = 0x6f76_7321;

fn main() {
    println!("instructions: {}", Arch::detect().name());
    if !is_measured() {
        return masks(Kind::ALL[0]);
    }
    for kind in Kind::ALL {
        if wanted("masks") || wanted(kind.name()) {
            masks(kind);
        }
    }
    if wanted("flows") {
        flows();
    }
    if wanted("cache") {
        cache();
    }
    if wanted("changes") {
        changes();
    }
    if wanted("collisions") {
        collisions();
    }
}

fn config() -> MegaflowConfig {
    MegaflowConfig::default().masks_per_port(10_000).arch(Arch::detect()).seed([SEED, 1])
}

/// Uniform hits over more and more masks.
fn masks(kind: Kind) {
    let mut group = Group::new(&format!("masks: {}", kind.name()), "1 mask");
    let counts: &[usize] = if is_measured() { &[1, 8, 32, 128, 512, 8192] } else { &[1, 8] };
    for &count in counts.iter().filter(|count| **count == 1 || wanted_count(**count)) {
        let (flows, trace) = kind.make(count, &mut Random(SEED));
        let mut index = MegaflowIndex::new(config());
        for (n, flow) in flows.iter().enumerate() {
            index.insert(flow, n).expect("room");
        }
        assert_eq!(index.stats().masks, count);
        let twin = TupleSpace::new(&flows);
        let name = format!("{count} mask{}", if count == 1 { "" } else { "s" });
        let probe = trace.clone();
        let keys = trace.clone();
        group.add(&name, trace.len(), move || trace.batches(|keys| hits(&mut index, keys)));
        group.less(move || keys.batches(<[SparseKey]>::len));
        group
            .beside(move || probe.some(256).batches(|keys| keys.iter().filter(|k| twin.has(k)).count()), 256);
    }
    group.print("naive tuple space");
}

fn hits(index: &mut MegaflowIndex<usize>, keys: &[SparseKey]) -> usize {
    let mut found = [None; 32];
    index.lookup_batch(keys, &mut found);
    let hits = found.iter().flatten().count();
    assert_eq!(hits, keys.len());
    hits
}

/// One mask, and more and more megaflows under it.
fn flows() {
    let mut group = Group::new("one mask", "1000 megaflows");
    for count in [1_000, 100_000, 1_000_000] {
        let (flows, trace) = Kind::Product.make_flows(1, count, &mut Random(SEED));
        let mut index = MegaflowIndex::new(config());
        for (n, flow) in flows.iter().enumerate() {
            index.insert(flow, n).expect("room");
        }
        drop(flows);
        let keys = trace.clone();
        group.add(&format!("{count} megaflows"), trace.len(), move || {
            trace.batches(|keys| hits(&mut index, keys))
        });
        group.less(move || keys.batches(<[SparseKey]>::len));
    }
    group.print("");
}

/// Hits of the cache beside bare reads of an array of as many bytes. A read takes what a hit has to take, and gives what it
/// gives: of one cache line at a known place, four words (a hit's signatures) and one of the four others (its handle), as one
/// result of 16 bytes. It compares nothing; nothing is fetched ahead.
fn cache() {
    for flows in [4_000, 30_000, 500_000] {
        let mut group = Group::new(&format!("cache of {flows} keys"), "array");
        let mut random = Random(SEED);
        let hashes: Vec<u64> = (0..flows).map(|_| random.next() << 32 ^ random.next()).collect();
        let mut cache = ExactMatchCache::new(
            CacheConfig::default().entries(flows * 2).insert_one_in(1).arch(Arch::detect()),
        );
        cache.fit(flows);
        for (n, hash) in hashes.iter().enumerate() {
            cache.insert(*hash, n as u64);
        }
        let lines = (cache.bytes() / size_of::<Line>()).next_power_of_two();
        let array: Vec<Line> = (0..lines as u64).map(|n| Line([n; 8])).collect();
        let asked: Vec<u64> = (0..65_536.max(flows))
            .map(|_| hashes[random.below(flows)])
            .filter(|h| cache.lookup(*h).is_some())
            .collect();
        let again = asked.clone();
        group.add("array", asked.len(), move || {
            let mut sum = 0;
            for hashes in asked.chunks(32) {
                let mut found = [[0; 2]; 32];
                for (found, hash) in found.iter_mut().zip(hashes) {
                    let Line([a, b, c, d, handles @ ..]) = &array[*hash as usize & (array.len() - 1)];
                    *found = [a ^ b ^ c ^ d, handles[(*hash >> 62) as usize]];
                }
                sum += black_box(found)[0][0] as usize;
            }
            sum
        });
        group.add("cache", again.len(), move || {
            let mut sum = 0;
            for hashes in again.chunks(32) {
                let mut found = [None; 32];
                cache.lookup_batch(hashes, &mut found);
                sum += black_box(found)[0].unwrap_or(0) as usize;
            }
            sum
        });
        group.print("");
    }
}

/// A cache line.
#[repr(align(64))]
struct Line([u64; 8]);

/// Inserting and removing.
fn changes() {
    let mut group = Group::new("100,000 insertions and as many removals", "");
    for (name, kind, masks) in
        [("megaflow index, 1 mask", Kind::Product, 1), ("megaflow index, 8192 masks", Kind::Policy, 8192)]
    {
        let (flows, _) = kind.make_flows(masks, 100_000, &mut Random(SEED));
        group.add(name, flows.len() * 2, move || {
            let mut index = MegaflowIndex::new(config());
            for (n, flow) in flows.iter().enumerate() {
                index.insert(flow, n).expect("room");
            }
            flows.iter().filter(|flow| index.remove(flow).is_some()).count()
        });
    }
    let (flows, _) = Kind::Product.make_flows(8, 100_000, &mut Random(SEED));
    group.add("flow table, 8 masks", flows.len() * 2, move || {
        let domain = Domain::new();
        let mut table = FlowTable::new(&domain, FlowTableConfig::default());
        let mut reader = domain.reader();
        let mut ids = Vec::new();
        for (n, flow) in flows.iter().enumerate() {
            ids.push(table.insert(flow, n, FlowStats::default(), &reader.enter()).expect("room"));
        }
        let removed = ids.into_iter().filter(|id| table.remove(*id, &reader.enter())).count();
        domain.reclaim(usize::MAX);
        removed
    });
    group.print("");
}

/// A million keys that collide under hashes without a secret, beside a million that do not.
fn collisions() {
    const COUNT: usize = 1_000_000;
    for (table, add) in [
        ("megaflow index", colliding_megaflows as fn(&mut Group, &str, Vec<Match>, Trace)),
        ("cache", colliding_hashes),
        ("flow table", colliding_flows),
    ] {
        let mut group = Group::new(&format!("a million chosen keys: {table}"), "random");
        for name in traffic::CHOSEN {
            let (flows, trace) = traffic::chosen(name, COUNT, &mut Random(SEED));
            add(&mut group, name, flows, trace);
        }
        group.print("");
    }
}

fn colliding_megaflows(group: &mut Group, name: &str, flows: Vec<Match>, trace: Trace) {
    let mut index = MegaflowIndex::new(config());
    for (n, flow) in flows.into_iter().enumerate() {
        index.insert(&flow, n).expect("room");
    }
    let keys = trace.clone();
    group.add(name, trace.len(), move || trace.batches(|keys| hits(&mut index, keys)));
    group.less(move || keys.batches(<[SparseKey]>::len));
}

fn colliding_hashes(group: &mut Group, name: &str, flows: Vec<Match>, trace: Trace) {
    let hash = HashKey::from_seed(SEED);
    let config = CacheConfig::default().entries(1 << 21).insert_one_in(1).arch(Arch::detect());
    let mut cache = ExactMatchCache::new(config);
    cache.fit(flows.len());
    for flow in flows {
        cache.insert(hash.sparse(&SparseKey::from(&flow.key)), 1_u64);
    }
    let keys = trace.clone();
    group.add(name, trace.len(), move || {
        trace.batches(|keys| {
            let mut hashes = [0; 32];
            for (place, key) in hashes.iter_mut().zip(keys) {
                *place = hash.sparse(key);
            }
            let mut found = [None; 32];
            cache.lookup_batch(&hashes[..keys.len()], &mut found);
            found.iter().flatten().count()
        })
    });
    group.less(move || keys.batches(<[SparseKey]>::len));
}

fn colliding_flows(group: &mut Group, name: &str, flows: Vec<Match>, _: Trace) {
    const TURN: usize = 8192;
    let domain = Domain::new();
    let mut table = FlowTable::new(&domain, FlowTableConfig::default().seed([SEED, 2]));
    let mut reader = domain.reader();
    for (n, flow) in flows.iter().enumerate() {
        table.insert(flow, n, FlowStats::default(), &reader.enter()).expect("room");
    }
    let mut turn = 0;
    group.add(name, TURN, move || {
        turn = (turn + 1) % (flows.len() / TURN);
        let guard = reader.enter();
        flows[turn * TURN..][..TURN].iter().filter(|flow| table.find(flow, &guard).is_some()).count()
    });
}
