//! The queues: bursts of mbufs as batches of packets.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ovs_packet::frame::Frame;
use ovs_packet::{BATCH_MAX, Batch, Offload, Packet, Pool, PoolConfig};

use super::pool::{MbufPool, is_mbuf};
use super::sys::{self, FACT_CSUM_BAD, FACT_CSUM_VALID, FACT_RSS, RawPacket};
use crate::{RxError, RxQueue, Sent, TxQueue, Wait};

/// What a device and its queues share: the port stays open until the last of them is gone.
#[derive(Debug)]
pub(super) struct Port {
    pub number: u16,
    pub pool: MbufPool,
    /// Take the device from the environment when it is closed.
    pub detach: bool,
    /// The device was dropped.
    pub closed: AtomicBool,
    /// Receive queues that nobody asks while the device is down.
    pub up: AtomicBool,
    /// Packets that the switch could not take from the device, or the device from the switch.
    pub rx_unusable: AtomicU64,
    pub tx_lost: AtomicU64,
}

impl Drop for Port {
    fn drop(&mut self) {
        sys::close(self.number, self.detach);
    }
}

/// A receive queue.
#[derive(Debug)]
pub(super) struct DpdkRx {
    port: Arc<Port>,
    queue: u16,
}

impl DpdkRx {
    /// The queue `queue`, of which there is no other value.
    pub fn new(port: Arc<Port>, queue: u16) -> Self {
        Self { port, queue }
    }
}

impl RxQueue for DpdkRx {
    fn receive(&mut self, _pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        if !self.port.up.load(Ordering::Relaxed) {
            // Looked at only here: a closed port is down too.
            return if self.port.closed.load(Ordering::Relaxed) { Err(RxError::Gone) } else { Ok(0) };
        }
        let mut raw = [RawPacket::EMPTY; BATCH_MAX];
        let room = batch.room();
        let mut unusable = 0;
        // SAFETY: the port is started for as long as `Port` lives, and has the queues that were handed out; this
        // value is the only one for this queue and is borrowed exclusively.
        let count = unsafe { sys::receive(self.port.number, self.queue, &mut raw[..room], &mut unusable) };
        for raw in &raw[..count] {
            let Some(packet) = packet(raw) else { continue };
            // It fits: no more were asked for.
            drop(batch.push(packet));
        }
        if unusable > 0 {
            self.port.rx_unusable.fetch_add(unusable, Ordering::Relaxed);
        }
        Ok(count)
    }

    fn wait(&self) -> Wait<'_> {
        Wait::Ready
    }

    fn is_polled(&self) -> bool {
        true
    }

    fn drain(&mut self) -> u64 {
        let mut pool = Pool::new(PoolConfig::default());
        let (mut batch, mut drained) = (Batch::new(), 0);
        while let Ok(n @ 1..) = self.receive(&mut pool, &mut batch) {
            drained += n as u64;
            batch.clear();
        }
        drained
    }
}

/// A packet of what the shim has received.
#[inline]
fn packet(raw: &RawPacket) -> Option<Packet> {
    let frame = NonNull::new(raw.frame.cast::<Frame>())?;
    // SAFETY: the frame in front of the mbuf's buffer, made when its pool was; the shim has just given it to us.
    let mut packet = unsafe { Packet::from_frame(frame, u32::from(raw.start)) };
    if packet.set_len(usize::from(raw.len)).is_err() {
        return None;
    }
    if raw.facts != 0 {
        let facts = packet.facts_mut();
        if raw.facts & FACT_CSUM_VALID != 0 {
            facts.offload |= Offload::CSUM_VALID;
        }
        if raw.facts & FACT_CSUM_BAD != 0 {
            facts.offload |= Offload::CSUM_BAD;
        }
        if raw.facts & FACT_RSS != 0 {
            facts.rss_hash = Some(raw.rss);
        }
    }
    Some(packet)
}

/// A handle to send by. Workers beyond the device's queues share them.
#[derive(Debug)]
pub(super) struct DpdkTx {
    port: Arc<Port>,
    queue: u16,
    /// Held while sending, for queues that are shared; nobody else than workers takes it.
    turn: Arc<Mutex<()>>,
}

impl DpdkTx {
    /// A handle on queue `queue`; all handles of one queue have the same `turn`.
    pub fn new(port: Arc<Port>, queue: u16, turn: Arc<Mutex<()>>) -> Self {
        Self { port, queue, turn }
    }

    /// Gives mbufs to the device; what it does not take is dropped.
    fn burst(&self, raw: &[RawPacket], sent: &mut Sent) {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the port is started and has the queue, whose turn this thread holds; all frames lie in mbufs and
        // were taken out of their packets.
        let taken = unsafe { sys::send(self.port.number, self.queue, raw) };
        drop(turn);
        sent.packets += taken as u64;
        sent.bytes += raw[..taken].iter().map(|raw| u64::from(raw.len)).sum::<u64>();
        for raw in &raw[taken..] {
            sent.full += 1;
            drop(packet(raw));
        }
    }
}

impl TxQueue for DpdkTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut sent = Sent::default();
        if !self.port.up.load(Ordering::Relaxed) {
            sent.down = batch.len() as u64;
            batch.clear();
            self.port.tx_lost.fetch_add(sent.down, Ordering::Relaxed);
            return sent;
        }
        let mut raw = [RawPacket::EMPTY; BATCH_MAX];
        let mut count = 0;
        for packet in batch.drain() {
            let packet = if is_mbuf(&packet) { Some(packet) } else { self.port.pool.copy(&packet) };
            // No mbuf is left, or none is so long.
            let Some(packet) = packet else {
                sent.refused += 1;
                continue;
            };
            raw[count] = RawPacket {
                start: packet.headroom() as u16,
                len: packet.len() as u16,
                frame: packet.into_frame().as_ptr().cast(),
                ..RawPacket::EMPTY
            };
            count += 1;
        }
        self.burst(&raw[..count], &mut sent);
        let lost = sent.full + sent.refused;
        if lost > 0 {
            self.port.tx_lost.fetch_add(lost, Ordering::Relaxed);
        }
        sent
    }
}
