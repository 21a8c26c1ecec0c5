//! What the connection tracker costs: packets and lookups at a number of connections, and connections that begin.
#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up shall stop")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ovs_dpif::conntrack::{Conntrack, ConntrackConfig, CtAction, CtCursor, CtFilter, Found, Tuple};
use ovs_dpif::ovs_flow::CtMetadata;
use ovs_dpif::ovs_packet::{Packet, build};

const NOW: Duration = Duration::from_secs(1);
const BATCH: usize = 32;
/// Connections that begin in one run.
const COUNT: u32 = 10_000;

fn tuple(n: u32) -> Tuple {
    let mut tuple = Tuple { proto: 17, src_port: 1000, dst_port: 53, ..Tuple::default() };
    tuple.src[..4].copy_from_slice(&(0x0a00_0000 + n).to_be_bytes());
    tuple.dst[..4].copy_from_slice(&[10, 255, 0, 1]);
    tuple
}

/// UDP packets, each of which can be made another client's.
fn packet() -> Packet {
    Packet::detached(&build::frame("eth / ipv4 10.0.0.0 > 10.255.0.1 / udp 1000 > 53 / 18").unwrap()).unwrap()
}

/// Makes it the packet of client `n`. The checksums stay right: what is added here is taken there.
fn readdress(packet: &mut Packet, n: u32) {
    use ovs_dpif::ovs_packet::edit::Ipv4;
    Ipv4::of(packet).unwrap().set_src((0x0a00_0000 + n).to_be_bytes());
}

fn filled(connections: u32) -> Conntrack {
    let tracker = Conntrack::new(&ConntrackConfig::default());
    let commit = CtAction { commit: true, ..CtAction::default() };
    let mut packet = packet();
    for n in 0..connections {
        readdress(&mut packet, n);
        tracker.track(&mut packet, &mut CtMetadata::default(), &commit, NOW, 0);
    }
    assert_eq!(tracker.len(), connections);
    tracker
}

fn lookups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conntrack");
    group.throughput(Throughput::Elements(BATCH as u64));
    for connections in [1_000, 100_000, 500_000] {
        let tracker = filled(connections);
        let mut next = 0_u32;
        // A walk that the processor does not foresee.
        let mut step = move || {
            next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((u64::from(next) * u64::from(connections)) >> 32) as u32
        };
        group.bench_function(format!("find_batch_{connections}"), |bencher| {
            let mut found = [None::<Found>; BATCH];
            bencher.iter(|| {
                let tuples: [Tuple; BATCH] = std::array::from_fn(|_| tuple(step()));
                tracker.find_batch(&tuples, &mut found, NOW);
                assert!(found.iter().all(Option::is_some));
                black_box(&found);
            });
        });
        group.bench_function(format!("track_{connections}"), |bencher| {
            let mut packets: Vec<Packet> = (0..BATCH).map(|_| packet()).collect();
            let look = CtAction::default();
            bencher.iter(|| {
                for packet in &mut packets {
                    readdress(packet, step());
                    let mut ct = CtMetadata::default();
                    tracker.track(packet, &mut ct, &look, NOW, 0);
                    black_box(&ct);
                }
            });
        });
    }
    group.finish();
}

fn beginnings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conntrack_new");
    group.throughput(Throughput::Elements(u64::from(COUNT)));
    group.sample_size(20);
    for connections in [0, 500_000] {
        let tracker = filled(connections);
        let commit = CtAction { commit: true, zone: 1, ..CtAction::default() };
        let mut packet = packet();
        group.bench_function(format!("commit_over_{connections}"), |bencher| {
            bencher.iter_batched(
                || (),
                |()| {
                    for n in 0..COUNT {
                        readdress(&mut packet, n);
                        tracker.track(&mut packet, &mut CtMetadata::default(), &commit, NOW, 0);
                    }
                    let mut cursor = CtCursor::default();
                    while tracker.flush(&mut cursor, &CtFilter::of_zone(1)) {}
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(conntrack, lookups, beginnings);
criterion_main!(conntrack);
