//! Receiving.

use std::os::fd::AsFd;
use std::sync::Arc;

use ovs_packet::{Batch, Pool};

use super::queue::{Counters, Queue};
use super::umem::{CHUNK, Umem};
use crate::linux::sys::packet;
use crate::linux::sys::ring::{Consumer, Producer};
use crate::linux::sys::xsk;
use crate::{Interest, RxError, RxQueue, Wait};

/// Calls without a packet after which the socket is asked whether its device is gone.
const PATIENCE: u32 = 64;

/// The receiving side of a socket: who of the chunks to receive into is where.
#[derive(Debug)]
pub(super) struct RxSide {
    ring: Consumer<libc::xdp_desc>,
    fill: Producer<u64>,
    /// Chunks that are here.
    free: Vec<u32>,
    /// Packets that were handed out, and that have come back.
    handed: u64,
    collected: u64,
}

impl RxSide {
    pub fn new(ring: Consumer<libc::xdp_desc>, fill: Producer<u64>, chunks: u32) -> Self {
        Self { ring, fill, free: (0..chunks).rev().collect(), handed: 0, collected: 0 }
    }

    /// Packets that have not come back.
    pub fn out(&self) -> u64 {
        self.handed - self.collected
    }

    /// Gives chunks to the kernel, as many as it takes.
    pub fn refill(&mut self, umem: &Umem) {
        if self.free.len() < self.free.capacity() / 2 {
            self.collected += umem.collect(&mut self.free);
        }
        let room = self.fill.room() as usize;
        let from = self.free.len() - room.min(self.free.len());
        if from == self.free.len() {
            return;
        }
        // What came back last is taken first: it is still in the cache.
        for chunk in self.free.drain(from..).rev() {
            self.fill.push(u64::from(chunk) * CHUNK as u64);
        }
        self.fill.publish();
    }

    /// Moves what has come into the batch; says how many packets and bytes, and how many could not be used.
    fn take(&mut self, umem: &Umem, batch: &mut Batch) -> (u64, u64, u64) {
        let (mut packets, mut bytes, mut unusable) = (0, 0, 0);
        while !batch.is_full() {
            let Some(entry) = self.ring.pop() else { break };
            let packet = umem.locate(entry.addr, entry.len).and_then(|(chunk, offset)| {
                // SAFETY: the kernel has just given this chunk to us, and nobody has a packet in it.
                unsafe { umem.packet(chunk, offset, entry.len) }
            });
            // A chunk that is not one of ours stays lost: the kernel has never had it from us.
            let Some(packet) = packet else {
                unusable += 1;
                continue;
            };
            self.handed += 1;
            packets += 1;
            bytes += u64::from(entry.len);
            // It fits, by the condition above.
            drop(batch.push(packet));
        }
        self.ring.release();
        (packets, bytes, unusable)
    }
}

/// A receive queue.
#[derive(Debug)]
pub(super) struct AfxdpRx {
    queue: Arc<Queue>,
    /// There until the value is dropped.
    side: Option<RxSide>,
    polled: bool,
    idle: u32,
    gone: bool,
}

impl AfxdpRx {
    /// The queue's only receiver; `polled` is what it says of itself.
    pub fn new(queue: Arc<Queue>, polled: bool) -> Option<Self> {
        let side = queue.take_rx()?;
        Some(Self { queue, side: Some(side), polled, idle: 0, gone: false })
    }

    /// Nothing came. Now and then the socket is asked why.
    fn nothing(&mut self) -> Result<usize, RxError> {
        self.idle += 1;
        if self.idle >= PATIENCE {
            self.idle = 0;
            let error = self.queue.fd().and_then(|fd| packet::pending_error(fd.as_fd()));
            // The only error that these sockets get: their device was unregistered.
            self.gone = error.is_some();
        }
        if self.gone { Err(RxError::Gone) } else { Ok(0) }
    }
}

impl RxQueue for AfxdpRx {
    fn receive(&mut self, _pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        if self.queue.is_closed() || self.gone {
            return Err(RxError::Gone);
        }
        let (Some(side), Some(umem), Some(fd)) = (&mut self.side, self.queue.umem(), self.queue.fd()) else {
            return Err(RxError::Gone);
        };
        let (packets, bytes, unusable) = side.take(umem, batch);
        side.refill(umem);
        if side.fill.needs_wakeup() {
            xsk::wake_rx(fd.as_fd());
        }
        let counters = &self.queue.counters;
        if unusable > 0 {
            Counters::add(&counters.rx_unusable, unusable);
        }
        if packets == 0 && !batch.is_full() {
            return self.nothing();
        }
        self.idle = 0;
        Counters::add(&counters.rx_packets, packets);
        Counters::add(&counters.rx_bytes, bytes);
        Ok(packets as usize)
    }

    fn wait(&self) -> Wait<'_> {
        match (&self.side, self.queue.fd()) {
            (Some(side), Some(fd)) if !side.ring.has_more() => Wait::Fd(fd.as_fd(), Interest::Read),
            _ => Wait::Ready,
        }
    }

    fn is_polled(&self) -> bool {
        self.polled
    }

    fn drain(&mut self) -> u64 {
        let mut pool = Pool::new(ovs_packet::PoolConfig::default());
        let (mut batch, mut drained) = (Batch::new(), 0);
        while let Ok(n @ 1..) = self.receive(&mut pool, &mut batch) {
            drained += n as u64;
            batch.clear();
        }
        drained
    }
}

impl Drop for AfxdpRx {
    fn drop(&mut self) {
        if let Some(side) = self.side.take() {
            self.queue.put_rx(side);
        }
    }
}
