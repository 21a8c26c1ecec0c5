//! What a batch costs through the devices that need no privileges.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::expect_used, reason = "a benchmark may fail loudly")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ovs_netdev::dummy::Dummies;
use ovs_netdev::ovs_packet::{BATCH_MAX, Batch, Pool, PoolConfig};
use ovs_netdev::{Factory, Options};

fn dummy(c: &mut Criterion) {
    let mut group = c.benchmark_group("dummy");
    group.throughput(Throughput::Elements(BATCH_MAX as u64));
    let dummies = Dummies::new();
    let mut device = dummies.factory("dummy").open("p1", &Options::new()).expect("it needs nothing");
    let handle = dummies.handle("p1").expect("it was just opened");
    let mut queue = device.take_rx_queues().remove(0);
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    group.bench_function("32 packets in and received", |b| {
        b.iter(|| {
            for _ in 0..BATCH_MAX {
                handle.receive(vec![0; 60]);
            }
            let received = queue.receive(&mut pool, &mut batch).expect("it is open");
            pool.recycle_batch(&mut batch);
            received
        });
    });
    group.finish();
}

criterion_group!(benches, dummy);
criterion_main!(benches);
