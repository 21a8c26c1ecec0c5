//! The device and its queues.

use std::time::Duration;

use ovs_packet::{Batch, Pool};

use super::state::{DummyHandle, bump, lock};
use super::{DEFAULT_QUEUE, POLLED};
use crate::{ConfigError, DeviceConfig, Netdev, RxError, RxQueue, Sent, Statistics, Status, TxQueue, Wait};

/// The smallest and largest MTU that a dummy takes.
const MTU_MIN: u32 = 68;
const MTU_MAX: u32 = 65_535;

/// A device in memory. See the module's head.
#[derive(Debug)]
pub struct DummyDevice {
    kind: &'static str,
    handle: DummyHandle,
    numa: Option<u32>,
    rx_taken: bool,
}

impl DummyDevice {
    pub(super) fn new(kind: &'static str, handle: DummyHandle, numa: Option<u32>) -> Self {
        Self { kind, handle, numa, rx_taken: false }
    }

    /// A grip on the device that stays with the caller.
    pub fn handle(&self) -> DummyHandle {
        self.handle.clone()
    }
}

impl Drop for DummyDevice {
    fn drop(&mut self) {
        let mut state = lock(&self.handle.state);
        state.open = false;
        state.changes += 1;
    }
}

impl Netdev for DummyDevice {
    fn name(&self) -> &str {
        self.handle.name()
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn numa(&self) -> Option<u32> {
        self.numa
    }

    fn status(&mut self) -> Status {
        let state = lock(&self.handle.state);
        Status {
            mac: state.mac,
            mtu: state.mtu,
            mtu_range: Some((MTU_MIN, MTU_MAX)),
            admin_up: state.admin_up,
            link_up: state.link_up,
            link_resets: state.link_resets,
            ifindex: state.ifindex,
            ..Status::default()
        }
    }

    fn statistics(&mut self) -> Statistics {
        lock(&self.handle.state).statistics.clone()
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        if config.mtu.is_some_and(|mtu| !(MTU_MIN..=MTU_MAX).contains(&mtu)) {
            let source = std::io::Error::from(std::io::ErrorKind::InvalidInput);
            return Err(ConfigError::System { device: self.name().to_owned(), property: "mtu", source });
        }
        let mut state = lock(&self.handle.state);
        state.mac = config.mac.unwrap_or(state.mac);
        state.mtu = config.mtu.unwrap_or(state.mtu);
        state.admin_up = config.admin_up.unwrap_or(state.admin_up);
        state.changes += 1;
        Ok(())
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        if std::mem::replace(&mut self.rx_taken, true) {
            return Vec::new();
        }
        let polled = self.kind == POLLED;
        let queue = |queue| DummyRx { handle: self.handle.clone(), queue, polled };
        (0..self.handle.queues()).map(|number| Box::new(queue(number)) as Box<dyn RxQueue>).collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(DummyTx(self.handle.clone())))
    }

    fn poll_changes(&mut self, _now: Duration) -> u64 {
        lock(&self.handle.state).changes
    }
}

#[derive(Debug)]
struct DummyRx {
    handle: DummyHandle,
    queue: usize,
    polled: bool,
}

#[derive(Debug)]
struct DummyTx(DummyHandle);

impl RxQueue for DummyRx {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        let mut state = lock(&self.handle.state);
        if !state.open {
            return Err(RxError::Gone);
        }
        let mut count = 0;
        while !batch.is_full() {
            let Some(frame) = state.inboxes[self.queue].front() else { break };
            let Some(packet) = pool.packet_from(frame) else { break };
            let bytes = packet.len() as u64;
            if batch.push(packet).is_err() {
                break;
            }
            bump(&mut state.statistics.rx_packets, 1);
            bump(&mut state.statistics.rx_bytes, bytes);
            state.inboxes[self.queue].pop_front();
            count += 1;
        }
        Ok(count)
    }

    fn wait(&self) -> Wait<'_> {
        if lock(&self.handle.state).inboxes[self.queue].is_empty() { Wait::Never } else { Wait::Ready }
    }

    fn is_polled(&self) -> bool {
        self.polled
    }

    fn drain(&mut self) -> u64 {
        lock(&self.handle.state).inboxes[self.queue].drain(..).count() as u64
    }
}

impl TxQueue for DummyTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut state = lock(&self.0.state);
        let mut sent = Sent::default();
        for packet in batch.drain() {
            if !state.open || !state.admin_up {
                sent.down += 1;
            } else if packet.len() > state.mtu as usize + 18 {
                sent.refused += 1;
            } else if state.outbox.len() >= DEFAULT_QUEUE {
                sent.full += 1;
            } else {
                sent.packets += 1;
                sent.bytes += packet.len() as u64;
                if state.keep_sent {
                    state.outbox.push_back(packet.data().to_vec());
                }
            }
        }
        bump(&mut state.statistics.tx_packets, sent.packets);
        bump(&mut state.statistics.tx_bytes, sent.bytes);
        bump(&mut state.statistics.tx_dropped, sent.full + sent.refused + sent.down);
        sent
    }
}
