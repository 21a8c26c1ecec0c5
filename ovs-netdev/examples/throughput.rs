//! How many packets a second go from one device to another, sent and received by one thread in turn.
//!
//! `throughput SENDER RECEIVER [SECONDS [LENGTH]]`, where a device is `NAME` or `TYPE:NAME`: over a veth pair `v0`, `v1`,
//! `throughput system:v0 system:v1` and `throughput afxdp:v0 afxdp:v1` compare the two kinds of socket. Needs root.

#![allow(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::time::{Duration, Instant};

use ovs_netdev::ovs_packet::{Batch, Pool, PoolConfig};
use ovs_netdev::{DeviceConfig, Netdev, Options, Registry, Sent, register_native};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, rest @ ..] = &args[..] else {
        return Err("usage: throughput SENDER RECEIVER [SECONDS [LENGTH]]".into());
    };
    let seconds = rest.first().map_or(Ok(3), |text| text.parse())?;
    let length = rest.get(1).map_or(Ok(64), |text| text.parse::<usize>())?.max(14);
    let mut registry = Registry::new();
    register_native(&mut registry);
    let (mut from, mut to) = (open(&registry, from)?, open(&registry, to)?);
    let mut tx = from.tx_queue()?;
    let mut rx = to.take_rx_queues().pop().ok_or("device without a receive queue")?;

    let mut frame = vec![0; length];
    frame[..14].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    let (mut sent, mut received, began) = (Sent::default(), 0, Instant::now());
    while began.elapsed() < Duration::from_secs(seconds) {
        while let Some(packet) = (!batch.is_full()).then(|| pool.packet_from(&frame)).flatten() {
            // It fits, by the condition above.
            drop(batch.push(packet));
        }
        sent.add(tx.send(&mut batch));
        sent.add(tx.flush());
        while let Ok(count @ 1..) = rx.receive(&mut pool, &mut batch) {
            received += count as u64;
            pool.recycle_batch(&mut batch);
        }
    }
    let rate = |count: u64| count as f64 / began.elapsed().as_secs_f64() / 1e6;
    println!("sent {:.3} M/s, received {:.3} M/s, {sent:?}", rate(sent.packets), rate(received));
    for device in [&mut from, &mut to] {
        let details = device.status().details;
        println!("{} ({}): {details:?}", device.name(), device.kind());
    }
    Ok(())
}

/// Opens `TYPE:NAME`, or the system's device `NAME`, and brings it up.
fn open(registry: &Registry, spec: &str) -> Result<Box<dyn Netdev>, Box<dyn Error>> {
    let (kind, name) = spec.split_once(':').unwrap_or(("system", spec));
    let mut device = registry.open(kind, name, &Options::new())?;
    device.configure(&DeviceConfig::default().admin_up(true))?;
    Ok(device)
}
