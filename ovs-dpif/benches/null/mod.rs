//! A device that always has a batch of frames, and forgets what it sends.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ovs_dpif::ovs_netdev::{ConfigError, Netdev, RxError, RxQueue, Sent, TxQueue, Wait};
use ovs_dpif::ovs_packet::{Batch, Offload, Pool};

/// Gives these frames over and over, if it has any.
pub struct Null {
    pub name: &'static str,
    pub frames: Arc<Vec<[u8; 64]>>,
    /// Counts what was sent.
    pub sent: Arc<AtomicU64>,
}

struct Source {
    frames: Arc<Vec<[u8; 64]>>,
    next: usize,
}

struct Sink(Arc<AtomicU64>);

impl Netdev for Null {
    fn name(&self) -> &str {
        self.name
    }

    fn kind(&self) -> &'static str {
        "null"
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        if self.frames.is_empty() {
            return Vec::new();
        }
        vec![Box::new(Source { frames: self.frames.clone(), next: 0 })]
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(Sink(self.sent.clone())))
    }
}

impl RxQueue for Source {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        while !batch.is_full() {
            let Some(packet) = pool.packet_from(&self.frames[self.next]) else { break };
            self.next = if self.next + 1 >= self.frames.len() { 0 } else { self.next + 1 };
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
