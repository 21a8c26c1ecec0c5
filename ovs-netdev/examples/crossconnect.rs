//! Connects two devices of this host, packet for packet: the smallest thing that moves packets.
//!
//! `crossconnect eth1 eth2` for devices that are there, `crossconnect tap:t0 eth2` to make one. Needs root. Ends when a
//! device goes, or after the number of seconds given as third argument.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::error::Error;
use std::time::{Duration, Instant};

use ovs_netdev::ovs_packet::{Batch, Pool, PoolConfig};
use ovs_netdev::{Netdev, Options, Registry, RxError, RxQueue, TxQueue, Wait, register_native};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(a), Some(b)) = (args.next(), args.next()) else {
        return Err("usage: crossconnect DEVICE DEVICE [SECONDS]; a DEVICE is NAME or TYPE:NAME".into());
    };
    let seconds = args.next().map(|text| text.parse()).transpose()?;
    let mut registry = Registry::new();
    register_native(&mut registry);
    let (mut a, mut b) = (open(&registry, &a)?, open(&registry, &b)?);
    let mut ways = [way(a.as_mut(), b.as_mut())?, way(b.as_mut(), a.as_mut())?];

    let mut pool = Pool::new(PoolConfig::default());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    while until.is_none_or(|until| Instant::now() < until) {
        let mut moved = 0;
        for (rx, tx) in &mut ways {
            let mut batch = Batch::new();
            match rx.receive(&mut pool, &mut batch) {
                Ok(n) => moved += n,
                Err(RxError::Gone) => return Ok(()),
                Err(error) => eprintln!("{error}"),
            }
            tx.send(&mut batch);
            tx.flush();
        }
        if moved == 0 {
            sleep(&ways[0].0.wait(), &ways[1].0.wait());
        }
    }
    for device in [&mut a, &mut b] {
        let statistics = device.statistics();
        println!("{}: {statistics:?}", device.name());
    }
    Ok(())
}

/// Opens `TYPE:NAME`, or the system's device `NAME`, and brings it up.
fn open(registry: &Registry, spec: &str) -> Result<Box<dyn Netdev>, Box<dyn Error>> {
    let (kind, name) = spec.split_once(':').unwrap_or(("system", spec));
    let mut device = registry.open(kind, name, &Options::new())?;
    device.configure(&ovs_netdev::DeviceConfig::default().admin_up(true))?;
    Ok(device)
}

type Way = (Box<dyn RxQueue>, Box<dyn TxQueue>);

/// One direction: out of `from`, into `to`.
fn way(from: &mut dyn Netdev, to: &mut dyn Netdev) -> Result<Way, Box<dyn Error>> {
    let rx = from.take_rx_queues().pop().ok_or("device without a receive queue")?;
    Ok((rx, to.tx_queue()?))
}

/// Waits until one of them may have something, at most 100 ms.
fn sleep(a: &Wait<'_>, b: &Wait<'_>) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds: Vec<PollFd<'_>> = [a, b]
        .into_iter()
        .filter_map(|wait| match wait {
            Wait::Fd(fd, _) => Some(PollFd::from_borrowed_fd(*fd, PollFlags::IN)),
            _ => None,
        })
        .collect();
    let limit = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    // An interrupted wait is a short one.
    let _ = poll(&mut fds, Some(&limit));
}
