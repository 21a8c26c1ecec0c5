//! Ports in memory: one that always has a batch of its frames, and one that forgets what it sends.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ovs_dpif::ovs_netdev::{ConfigError, DeviceConfig, Netdev, RxError, RxQueue, Sent, TxQueue, Wait};
use ovs_dpif::ovs_packet::{Batch, Offload, Pool};

/// Frames that a port gets, over and over.
#[derive(Clone, Debug)]
pub struct Frames(Arc<Vec<[u8; 60]>>);

impl Frames {
    /// These, in this order.
    pub fn new(frames: Vec<[u8; 60]>) -> Self {
        Self(Arc::new(frames))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A device of either kind.
#[derive(Debug)]
pub struct Null {
    name: String,
    frames: Option<Frames>,
    sent: Arc<AtomicU64>,
}

impl Null {
    /// With frames it is a source; what it is given to send is counted in `sent`.
    pub fn new(name: String, frames: Option<Frames>, sent: &Arc<AtomicU64>) -> Self {
        Self { name, frames, sent: Arc::clone(sent) }
    }
}

impl Netdev for Null {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "null"
    }

    fn configure(&mut self, _: &DeviceConfig) -> Result<(), ConfigError> {
        Ok(())
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        let source =
            self.frames.take().map(|frames| Box::new(Source { frames, next: 0 }) as Box<dyn RxQueue>);
        source.into_iter().collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(Sink(Arc::clone(&self.sent))))
    }
}

struct Source {
    frames: Frames,
    next: usize,
}

impl RxQueue for Source {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        while !batch.is_full() && !self.frames.is_empty() {
            let Some(packet) = pool.packet_from(&self.frames.0[self.next]) else { break };
            self.next = (self.next + 1) % self.frames.len();
            if batch.push(packet).is_err() {
                break;
            }
        }
        Ok(batch.len())
    }

    fn wait(&self) -> Wait<'_> {
        Wait::Ready
    }
}

/// Counts what it forgets.
struct Sink(Arc<AtomicU64>);

impl TxQueue for Sink {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let sent = Sent { packets: batch.len() as u64, ..Sent::default() };
        black_box(batch.as_slice());
        self.0.store(self.0.load(Ordering::Relaxed) + sent.packets, Ordering::Relaxed);
        batch.clear();
        sent
    }

    fn offloads(&self) -> Offload {
        Offload::all()
    }
}
