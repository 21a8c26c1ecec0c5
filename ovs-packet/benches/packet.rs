//! Checksums, buffers and segmentation.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::expect_used, reason = "a benchmark may fail loudly")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ovs_packet::{BATCH_MAX, Batch, Offload, Pool, PoolConfig, checksum, edit};

fn checksums(c: &mut Criterion) {
    let data: Vec<u8> = (0..65_536u32).map(|i| (i * 31) as u8).collect();
    let mut group = c.benchmark_group("checksum");
    for len in [20, 64, 1500, 65_536] {
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_with_input(BenchmarkId::new("internet", len), &data[..len], |b, data| {
            b.iter(|| checksum::internet(black_box(data)));
        });
        group.bench_with_input(BenchmarkId::new("crc32c", len), &data[..len], |b, data| {
            b.iter(|| checksum::crc32c(&[black_box(data)]));
        });
    }
    group.finish();
}

fn buffers(c: &mut Criterion) {
    let mut group = c.benchmark_group("buffers");
    group.throughput(Throughput::Elements(BATCH_MAX as u64));
    let mut pool = Pool::new(PoolConfig::default());
    group.bench_function("batch from a warm pool, dropped", |b| {
        b.iter(|| {
            let mut batch = Batch::new();
            while let Some(packet) = pool.get_small() {
                if batch.push(packet).is_err() {
                    break;
                }
            }
            batch
        });
    });
    group.bench_function("batch from a warm pool, recycled", |b| {
        b.iter(|| {
            let mut batch = Batch::new();
            while !batch.is_full() {
                let Some(packet) = pool.get_small() else { break };
                let _ = batch.push(packet);
            }
            pool.recycle_batch(&mut batch);
        });
    });
    group.finish();
}

fn edits(c: &mut Criterion) {
    let mut group = c.benchmark_group("edit");
    let mut pool = Pool::new(PoolConfig::default());
    let mut frame = vec![0; 14];
    frame[12] = 8;
    frame.extend([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0]);
    frame.resize(14 + 40 + 62_000, 0x5a);
    let len = (frame.len() - 14) as u16;
    frame[16..18].copy_from_slice(&len.to_be_bytes());
    let mut packet = pool.packet_from(&frame).expect("a new pool has frames");
    group.bench_function("set IPv4 destination and TTL", |b| {
        b.iter(|| {
            let mut ip = edit::Ipv4::of(&mut packet).expect("it is IPv4");
            ip.set_dst(black_box([10, 0, 0, 3]));
            ip.set_ttl(black_box(63));
        });
    });
    packet.facts_mut().offload = Offload::TSO4 | Offload::NEEDS_L4_CSUM;
    packet.facts_mut().segment_size = 1448;
    group.throughput(Throughput::Bytes(u64::from(len)));
    group.bench_function("segment 62 kB of TCP", |b| {
        b.iter(|| {
            let copy = packet.try_clone_into(&mut pool).expect("the pool has frames");
            edit::finish(copy, Offload::empty(), &mut pool, &mut |segment| drop(segment))
        });
    });
    group.finish();
}

criterion_group!(benches, checksums, buffers, edits);
criterion_main!(benches);
