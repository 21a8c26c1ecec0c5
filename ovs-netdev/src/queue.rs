//! The queues of a device: where a worker gets packets, and where it leaves them.

use ovs_packet::{Batch, Offload, Pool};

use crate::Wait;

/// One receive queue. Owned by one worker at a time.
pub trait RxQueue: Send {
    /// Appends packets that have arrived to `batch` until it is full or none is left, and returns how
    /// many. Never waits. Frames come from `pool` unless the device has memory of its own; when the pool
    /// is at its limit, packets stay in the device.
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError>;

    /// What to sleep on until [`RxQueue::receive`] may find a packet.
    fn wait(&self) -> Wait<'_>;

    /// Whether nothing tells of its packets, so that whoever has it must ask all the time. Such queues belong to
    /// workers with a processor of their own.
    fn is_polled(&self) -> bool {
        false
    }

    /// Throws away what has arrived; returns how many packets that were.
    fn drain(&mut self) -> u64 {
        0
    }
}

/// One handle to send by. Owned by one worker.
pub trait TxQueue: Send {
    /// Sends all packets of `batch`, in order, and leaves it empty. What cannot be sent is dropped and
    /// told; a device may keep packets until [`TxQueue::flush`].
    fn send(&mut self, batch: &mut Batch) -> Sent;

    /// Passes on what [`TxQueue::send`] kept; called once at the end of a worker's turn.
    fn flush(&mut self) -> Sent {
        Sent::default()
    }

    /// Which offloads packets may ask for; whoever sends completes the others in software first.
    fn offloads(&self) -> Offload {
        Offload::empty()
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sent {
    /// Packets sent (or kept until the flush).
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets dropped because the device took no more.
    pub full: u64,
    /// Packets dropped because the device refused them (too long, malformed offload request).
    pub refused: u64,
    /// Packets dropped because the device is down or gone.
    pub down: u64,
}

impl Sent {
    /// Adds up two results.
    pub fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.full += other.full;
        self.refused += other.refused;
        self.down += other.down;
    }
}

/// Why a queue gives no more packets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RxError {
    /// The device has vanished; the queue is of no more use.
    #[error("device is gone")]
    Gone,
    /// The system said something else; receiving may go on.
    #[error("receive failed ({0})")]
    System(#[from] std::io::Error),
}
