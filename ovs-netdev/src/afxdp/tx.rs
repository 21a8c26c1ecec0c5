//! Sending.

use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ovs_packet::{BATCH_MAX, Batch, Packet};

use super::queue::{Counters, Queue};
use super::umem::Umem;
use crate::linux::Shared;
use crate::linux::sys::ring::{Consumer, Producer};
use crate::linux::sys::xsk;
use crate::{Sent, TxQueue};

/// What can be a frame: an Ethernet header.
const SHORTEST: usize = 14;
/// How often the kernel is asked to go on sending, in one call of ours.
const TRIES: usize = 4;

/// The sending side of a socket.
#[derive(Debug)]
pub(super) struct TxSide {
    ring: Producer<libc::xdp_desc>,
    completion: Consumer<u64>,
    /// Chunks to send from that are here.
    free: Vec<u32>,
    /// Chunks that were received into, and are being sent.
    carried: u64,
}

impl TxSide {
    pub fn new(ring: Producer<libc::xdp_desc>, completion: Consumer<u64>, chunks: Range<u32>) -> Self {
        Self { ring, completion, free: chunks.rev().collect(), carried: 0 }
    }

    /// Received packets that are being sent.
    pub fn carried(&self) -> u64 {
        self.carried
    }

    /// Takes back what the kernel has sent.
    fn complete(&mut self, umem: &Umem) {
        let mut any = false;
        while let Some(address) = self.completion.pop() {
            self.put_back(address, umem);
            any = true;
        }
        if any {
            self.completion.release();
        }
    }

    /// A chunk is ours again: to send from, or home to be received into.
    fn put_back(&mut self, address: u64, umem: &Umem) {
        let Some((chunk, _)) = umem.locate(address, 0) else { return };
        if chunk >= umem.receive() {
            self.free.push(chunk);
            return;
        }
        self.carried -= 1;
        // SAFETY: the packet in it was taken apart when it was given to the kernel, which has given the chunk back.
        drop(unsafe { umem.packet(chunk, 0, 0) });
    }

    /// Writes a packet into the ring, in its own chunk or in a copy, and gives the address. None: there is no room.
    fn put(&mut self, packet: Packet, umem: &Umem) -> Option<u64> {
        let len = packet.len() as u32;
        if self.ring.room() == 0 {
            return None;
        }
        let addr = if let Some(address) = umem.address(&packet) {
            self.carried += 1;
            // The frame comes back by the completion ring.
            let _ = packet.into_frame();
            address
        } else {
            let chunk = self.free.pop()?;
            // SAFETY: the chunk was in the list, so it is ours, and one of those to send from.
            unsafe { umem.copy(chunk, &packet) }
        };
        self.ring.push(libc::xdp_desc { addr, len, options: 0 });
        Some(addr)
    }

    /// Takes the last packets back out of the ring, at which the kernel has not looked.
    fn give_up(&mut self, addresses: &[u64], umem: &Umem) {
        self.ring.withdraw(addresses.len() as u32);
        for address in addresses {
            self.put_back(*address, umem);
        }
    }

    /// Makes the kernel send, as far as it goes. An error says that it has refused to look at the ring at all.
    fn kick(&mut self, queue: &Queue, umem: &Umem) -> Result<(), Down> {
        let Some(fd) = queue.fd() else { return Ok(()) };
        for attempt in 0..TRIES {
            if self.ring.pending() == 0 || !(queue.copies || self.ring.needs_wakeup()) {
                return Ok(());
            }
            let Err(error) = xsk::wake_tx(fd.as_fd()) else { continue };
            match error.raw_os_error() {
                // More to do, or for the moment no memory or no room with the driver.
                Some(libc::EAGAIN | libc::EBUSY | libc::ENOBUFS | libc::EINTR) => self.complete(umem),
                // What it answers before anything else.
                Some(libc::ENETDOWN | libc::ENXIO) if attempt == 0 => return Err(Down),
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}

/// The device is down or gone.
#[derive(Debug)]
struct Down;

/// A handle to send by. Workers beyond the device's queues share them.
#[derive(Debug)]
pub(super) struct AfxdpTx {
    queue: Arc<Queue>,
}

impl AfxdpTx {
    pub fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }

    /// Writes the batch into the ring and wakes the kernel.
    fn transmit(&self, batch: &mut Batch, umem: &Umem, sent: &mut Sent) {
        let longest = self.queue.port.longest.load(Ordering::Relaxed) as usize;
        let mut side = self.queue.tx();
        side.complete(umem);
        let idle = side.ring.pending() == 0;
        let (mut addresses, mut count, mut bytes) = ([0_u64; BATCH_MAX], 0, 0);
        for packet in batch.drain() {
            let len = packet.len();
            if len < SHORTEST || len > longest {
                sent.refused += 1;
                continue;
            }
            let Some(address) = side.put(packet, umem) else {
                sent.full += 1;
                continue;
            };
            addresses[count] = address;
            (count, bytes) = (count + 1, bytes + len as u64);
        }
        side.ring.publish();
        let down = side.kick(&self.queue, umem).is_err();
        // A driver that moves packets by itself may have looked; and so may the kernel, at what was there before.
        if down && idle && self.queue.copies {
            side.give_up(&addresses[..count], umem);
            sent.down += count as u64;
            return;
        }
        sent.packets += count as u64;
        sent.bytes += bytes;
        Counters::add(&self.queue.counters.tx_packets, count as u64);
        Counters::add(&self.queue.counters.tx_bytes, bytes);
    }
}

impl TxQueue for AfxdpTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut sent = Sent::default();
        if batch.is_empty() {
            return sent;
        }
        let up = self.queue.port.up.load(Ordering::Relaxed) && !self.queue.is_closed();
        match self.queue.umem() {
            Some(umem) if up => self.transmit(batch, umem, &mut sent),
            _ => {
                sent.down = batch.len() as u64;
                batch.clear();
            }
        }
        Shared::count(&self.queue.port.tx_lost, sent.full + sent.refused + sent.down);
        sent
    }

    fn flush(&mut self) -> Sent {
        if let Some(umem) = self.queue.umem() {
            let mut side = self.queue.tx();
            side.complete(umem);
            if side.ring.pending() > 0 {
                // A device that is down or gone keeps what it was given; the next send tells of it.
                let _ = side.kick(&self.queue, umem);
            }
        }
        Sent::default()
    }
}
