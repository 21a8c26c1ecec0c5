//! The device around another, and its queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ovs_packet::{Batch, Offload, Pool};

use super::{Direction, Hook, Wrapper};
use crate::{
    ConfigError, DeviceConfig, Netdev, Qos, QosError, QosView, RxError, RxQueue, Sent, Statistics, Status,
    TxQueue, Wait,
};

/// Puts `wrapper` around `device`. Name, type, settings and what to wait for stay the device's.
pub fn wrap(device: Box<dyn Netdev>, wrapper: Box<dyn Wrapper>) -> Box<dyn Netdev> {
    Box::new(Wrapped { device, wrapper, lost: Arc::default(), rx: 0, tx: 0 })
}

/// Packets that hooks took out.
#[derive(Debug, Default)]
struct Lost {
    rx: AtomicU64,
    tx: AtomicU64,
}

struct Wrapped {
    device: Box<dyn Netdev>,
    wrapper: Box<dyn Wrapper>,
    lost: Arc<Lost>,
    /// Queues handed out.
    rx: usize,
    tx: usize,
}

impl Netdev for Wrapped {
    fn name(&self) -> &str {
        self.device.name()
    }

    fn kind(&self) -> &'static str {
        self.device.kind()
    }

    fn status(&mut self) -> Status {
        let mut status = self.device.status();
        status.details.extend(self.wrapper.details());
        status.details.sort();
        status
    }

    fn statistics(&mut self) -> Statistics {
        let mut statistics = self.device.statistics();
        for (counter, lost) in
            [(&mut statistics.rx_dropped, &self.lost.rx), (&mut statistics.tx_dropped, &self.lost.tx)]
        {
            match lost.load(Ordering::Relaxed) {
                0 => {}
                lost => *counter = Some(counter.unwrap_or(0) + lost),
            }
        }
        statistics
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        self.device.configure(config)
    }

    fn numa(&self) -> Option<u32> {
        self.device.numa()
    }

    fn qos_kinds(&self) -> &'static [&'static str] {
        self.device.qos_kinds()
    }

    fn set_qos(&mut self, qos: Option<&Qos>) -> Result<(), QosError> {
        self.device.set_qos(qos)
    }

    fn qos(&mut self) -> Option<QosView> {
        self.device.qos()
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        let mut wrapped: Vec<Box<dyn RxQueue>> = Vec::new();
        for queue in self.device.take_rx_queues() {
            let hook = self.wrapper.hook(Direction::Received, self.rx);
            self.rx += 1;
            wrapped.push(Box::new(WrappedRx { queue, hook, lost: Arc::clone(&self.lost) }));
        }
        wrapped
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        let queue = self.device.tx_queue()?;
        let hook = self.wrapper.hook(Direction::Sent, self.tx);
        self.tx += 1;
        Ok(Box::new(WrappedTx { queue, hook, lost: Arc::clone(&self.lost) }))
    }

    fn poll_changes(&mut self, now: Duration) -> u64 {
        self.device.poll_changes(now)
    }

    fn wait(&self) -> Wait<'_> {
        self.device.wait()
    }
}

struct WrappedRx {
    queue: Box<dyn RxQueue>,
    hook: Box<dyn Hook>,
    lost: Arc<Lost>,
}

impl RxQueue for WrappedRx {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        let before = batch.len();
        let result = self.queue.receive(pool, batch);
        // An error may stand behind packets.
        if batch.len() > before {
            let lost = self.hook.pass(batch, before);
            self.lost.rx.fetch_add(lost, Ordering::Relaxed);
        }
        result.map(|_| batch.len() - before)
    }

    fn wait(&self) -> Wait<'_> {
        self.queue.wait()
    }

    fn is_polled(&self) -> bool {
        self.queue.is_polled()
    }

    fn drain(&mut self) -> u64 {
        self.queue.drain()
    }
}

struct WrappedTx {
    queue: Box<dyn TxQueue>,
    hook: Box<dyn Hook>,
    lost: Arc<Lost>,
}

impl TxQueue for WrappedTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let lost = self.hook.pass(batch, 0);
        let mut sent = self.queue.send(batch);
        self.lost.tx.fetch_add(lost, Ordering::Relaxed);
        sent.refused += lost;
        sent
    }

    fn flush(&mut self) -> Sent {
        self.queue.flush()
    }

    fn offloads(&self) -> Offload {
        self.queue.offloads()
    }
}
