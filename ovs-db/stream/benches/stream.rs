//! Costs of the parts that a busy connection meets: parsing addresses, passing bytes.
#![expect(clippy::expect_used, reason = "a benchmark may stop on the spot")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ovs_stream::{Address, Buffer, Role, Stream, StreamConfig};

fn address(c: &mut Criterion) {
    c.bench_function("address/parse-ipv6", |b| {
        b.iter(|| Address::parse(black_box("tcp:[fe80::1]:6640"), Role::Ovsdb).is_ok());
    });
}

fn pass(c: &mut Criterion) {
    let (a, b) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
    a.set_nonblocking(true).and(b.set_nonblocking(true)).expect("non-blocking sockets");
    let config = StreamConfig::default();
    let mut a = Stream::from_socket(a.into(), "a", &config);
    let mut b = Stream::from_socket(b.into(), "b", &config);
    let chunk = vec![7u8; 16 * 1024];
    let mut got = Buffer::new(1 << 20);
    let mut group = c.benchmark_group("stream");
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    group.bench_function("pass-16k", |bench| {
        bench.iter(|| {
            a.send(&chunk).expect("room");
            while got.len() < chunk.len() {
                b.receive(&mut got, 1 << 20).expect("bytes");
            }
            got.clear();
        });
    });
    group.finish();
}

criterion_group!(benches, address, pass);
criterion_main!(benches);
