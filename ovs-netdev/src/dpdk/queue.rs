//! The queues: bursts of mbufs as batches of packets.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ovs_packet::frame::Frame;
use ovs_packet::{BATCH_MAX, Batch, Offload, Packet, Pool, PoolConfig};

use super::pool::{LONGEST, MbufPool, is_mbuf};
use super::sys::{self, FACT_CHAIN, FACT_CSUM_BAD, FACT_CSUM_VALID, FACT_RSS, RawPacket};
use super::work;
use crate::{RxError, RxQueue, Sent, TxQueue, Wait};

/// What a device and its queues share: the port stays open until the last of them is gone.
#[derive(Debug)]
pub(super) struct Port {
    pub number: u16,
    pub pool: MbufPool,
    /// Take the device from the environment when it is closed.
    pub detach: bool,
    /// Work that it does to packets that are sent.
    pub offloads: Offload,
    /// It completes the checksum of IPv4.
    pub completes_ipv4: bool,
    /// It sends packets of several mbufs.
    pub chains: bool,
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
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        if !self.port.up.load(Ordering::Relaxed) {
            // Looked at only here: a closed port is down too.
            return if self.port.closed.load(Ordering::Relaxed) { Err(RxError::Gone) } else { Ok(0) };
        }
        let mut raw = [RawPacket::EMPTY; BATCH_MAX];
        let room = batch.room();
        let mut unusable = 0;
        // SAFETY: the port is started for as long as `Port` lives, and has the queues that were handed out; this
        // value is the only one for this queue and is borrowed exclusively.
        let count = unsafe { sys::receive(self.port.number, self.queue, &mut raw[..room]) };
        for raw in &raw[..count] {
            let taken = if raw.facts & FACT_CHAIN == 0 { packet(raw) } else { gathered(raw, pool) };
            let Some(packet) = taken else {
                unusable += 1;
                continue;
            };
            // It fits: no more were asked for.
            drop(batch.push(packet));
        }
        if unusable > 0 {
            self.port.rx_unusable.fetch_add(unusable, Ordering::Relaxed);
        }
        Ok(count - unusable as usize)
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
    packet.set_len(raw.len as usize).ok()?;
    tell(raw, &mut packet);
    Some(packet)
}

/// A packet of several mbufs as one in a frame of `pool`; `None` if there is no frame for it.
#[cold]
fn gathered(raw: &RawPacket, pool: &mut Pool) -> Option<Packet> {
    let mut packet = pool.get_large();
    let room = packet.as_mut().and_then(|packet| packet.push_back(raw.len as usize).ok());
    let fits = room.is_some();
    if let Some(room) = room {
        // SAFETY: the shim has just given us this chain, which has as many bytes.
        unsafe { sys::gather(raw.frame, room) };
    }
    // SAFETY: the chain is ours, and this is the last use of it.
    unsafe { sys::free_chain(raw.frame) };
    let mut packet = packet.filter(|_| fits)?;
    tell(raw, &mut packet);
    Some(packet)
}

/// Takes over what the device said of a packet.
#[inline]
fn tell(raw: &RawPacket, packet: &mut Packet) {
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
}

/// Drops a packet that the device has not taken.
fn give_up(raw: &RawPacket) {
    if raw.facts & FACT_CHAIN == 0 {
        drop(packet(raw));
    } else {
        // SAFETY: the chain was made for this packet, and nobody else has it.
        unsafe { sys::free_chain(raw.frame) };
    }
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

    /// A packet in mbufs, with what the device is to do to it.
    fn ready(&self, mut packet: Packet) -> Option<RawPacket> {
        let mut raw = RawPacket::EMPTY;
        if packet.facts().is_unfinished() && !work::describe(&packet, self.port.completes_ipv4, &mut raw) {
            work::finish_checksum(&mut packet)?;
        }
        raw.len = packet.len() as u32;
        if !is_mbuf(&packet) {
            if packet.len() > LONGEST {
                let chain = self.port.chains.then(|| sys::chain(self.port.pool.raw(), packet.data()))??;
                raw.facts |= FACT_CHAIN;
                raw.frame = chain.as_ptr();
                return Some(raw);
            }
            packet = self.port.pool.copy(&packet)?;
        }
        raw.start = packet.headroom() as u16;
        raw.frame = packet.into_frame().as_ptr().cast();
        Some(raw)
    }

    /// Gives mbufs to the device; what it does not take is dropped.
    fn burst(&self, mut raw: &[RawPacket], sent: &mut Sent) {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while !raw.is_empty() {
            // SAFETY: the port is started and has the queue, whose turn this thread holds; all frames lie in mbufs and
            // were taken out of their packets.
            let (taken, bad) = unsafe { sys::send(self.port.number, self.queue, raw) };
            sent.packets += taken as u64;
            sent.bytes += raw[..taken].iter().map(|raw| u64::from(raw.len)).sum::<u64>();
            raw = &raw[taken..];
            let Some((first, others)) = raw.split_first().filter(|_| bad) else { break };
            // What the device can never take holds nobody up.
            sent.refused += 1;
            give_up(first);
            raw = others;
        }
        drop(turn);
        sent.full += raw.len() as u64;
        raw.iter().for_each(give_up);
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
            // No mbuf is left, or the device takes no packet so long.
            let Some(ready) = self.ready(packet) else {
                sent.refused += 1;
                continue;
            };
            raw[count] = ready;
            count += 1;
        }
        self.burst(&raw[..count], &mut sent);
        let lost = sent.full + sent.refused;
        if lost > 0 {
            self.port.tx_lost.fetch_add(lost, Ordering::Relaxed);
        }
        sent
    }

    fn offloads(&self) -> Offload {
        self.port.offloads
    }
}
