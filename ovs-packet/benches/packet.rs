//! Checksums, buffers, edits, segments and fragments. At the end, with `cargo bench`, checksums in bytes per cycle.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "criterion's macros make public items; a benchmark may fail loudly, and prints"
)]

mod cases;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};

fn checksums(c: &mut Criterion) {
    let data = cases::bytes(65_536);
    let mut group = c.benchmark_group("checksum");
    for len in cases::SIZES {
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_with_input(BenchmarkId::new("internet", len), &data[..len], |b, data| {
            b.iter(|| cases::sum(data));
        });
        group.bench_with_input(BenchmarkId::new("crc32c", len), &data[..len], |b, data| {
            b.iter(|| cases::crc(data));
        });
    }
    group.finish();
}

fn others(c: &mut Criterion) {
    for (name, ready) in cases::CASES {
        let mut round = ready();
        c.bench_function(name, |b| b.iter(&mut round));
    }
}

/// Core cycles in a chain of `or` and multiplication that each wait for the one before: 1 + 3 on every x86-64 and
/// most other cores of the last ten years.
const LINK: f64 = 4.0;

/// Cycles per nanosecond, now: the clock of the core changes with what the machine does.
fn cycles_per_ns() -> f64 {
    const LINKS: u32 = 10_000;
    let began = Instant::now();
    let mut x = black_box(3_u64);
    for _ in 0..LINKS {
        x = x.wrapping_mul(x | 1);
    }
    black_box(x);
    f64::from(LINKS) * LINK / began.elapsed().as_nanos() as f64
}

/// Nanoseconds of one call.
fn one<R>(calls: u32, mut f: impl FnMut() -> R) -> f64 {
    let began = Instant::now();
    for _ in 0..calls {
        black_box(f());
    }
    began.elapsed().as_nanos() as f64 / f64::from(calls)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Bytes per cycle, the clock measured anew before each sample. Samples are much shorter than a time slice, so that
/// most of them are not interrupted.
fn bytes_per_cycle<R>(data: &[u8], f: impl Fn(&[u8]) -> R) -> f64 {
    let calls = (200_000 / (data.len() as u32 + 50)).max(3);
    let samples = 0..301;
    median(samples.map(|_| data.len() as f64 / (cycles_per_ns() * one(calls, || f(data)))).collect())
}

fn in_cycles() {
    let data = cases::bytes(65_536);
    println!("{:8} {:>22} {:>18}", "bytes", "internet, bytes/cycle", "crc32c, bytes/cycle");
    for len in cases::SIZES {
        let (sum, crc) =
            (bytes_per_cycle(&data[..len], cases::sum), bytes_per_cycle(&data[..len], cases::crc));
        println!("{len:8} {sum:>22.2} {crc:>18.2}");
    }
    println!("(clock: {:.2} cycles per nanosecond)", cycles_per_ns());
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = checksums, others
}

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    // `-- cycles` prints the last table alone.
    if !std::env::args().any(|argument| argument == "cycles") {
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
    if measured {
        in_cycles();
    }
}
