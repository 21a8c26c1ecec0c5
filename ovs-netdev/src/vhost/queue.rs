//! Packets out of and into rings.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use ovs_packet::{Batch, Offload, Packet, Pool};
use rustix::event::{Timespec, epoll};

use super::ring::{Chain, Next, Piece, Ring};
use super::session::feature;
use crate::linux::Shared;
use crate::linux::vnet::{self, VNET_LEN};
use crate::{Interest, RxError, RxQueue, Sent, TxQueue, Wait};

/// The header of a packet with a number of buffers (virtio 1.1 section 5.1.6).
const LONG_HEADER: usize = 12;
/// What can be a frame: an Ethernet header.
const SHORTEST: usize = 14;
/// Buffers that one packet may take.
const BUFFERS_MAX: usize = 64;
/// Calls without a packet after which events that brought none are taken.
const PATIENCE: u32 = 16;

/// What a device and its queues share.
#[derive(Debug, Default)]
pub(super) struct Port {
    pub closed: AtomicBool,
    pub up: AtomicBool,
    /// The longest frame that is sent.
    pub longest: AtomicU32,
    pub offloads: AtomicU32,
    pub rx_packets: AtomicU64,
    pub rx_bytes: AtomicU64,
    /// Packets that are longer than any frame.
    pub rx_unusable: AtomicU64,
    /// What a frontend may not do.
    pub rx_errors: AtomicU64,
    pub tx_packets: AtomicU64,
    pub tx_bytes: AtomicU64,
    pub tx_lost: AtomicU64,
}

/// A ring that runs.
#[derive(Debug)]
pub(super) struct Active {
    ring: Ring,
    kick: OwnedFd,
    header: usize,
    mergeable: bool,
}

impl Active {
    pub fn new(ring: Ring, kick: OwnedFd, features: u64) -> Self {
        let mergeable = features & feature::MRG_RXBUF != 0;
        let long = mergeable || features & feature::VERSION_1 != 0;
        Self { ring, kick, header: if long { LONG_HEADER } else { VNET_LEN }, mergeable }
    }
}

#[derive(Debug, Default)]
struct Inner {
    active: Option<Active>,
    call: Option<OwnedFd>,
}

impl Inner {
    /// Lets the driver see what was given back, and calls it if it wants that.
    fn publish(&mut self) {
        let Some(active) = &mut self.active else { return };
        if active.ring.publish()
            && let Some(call) = &self.call
        {
            // One that is full has been told already.
            let _ = rustix::io::write(call, &1_u64.to_ne_bytes());
        }
    }
}

/// The place of one ring, where control puts it and workers use it.
#[derive(Debug)]
pub(super) struct Slot {
    inner: Mutex<Inner>,
    /// What a worker waits for: it has the kick of the ring that is here.
    events: OwnedFd,
}

impl Slot {
    pub fn new() -> std::io::Result<Self> {
        let events = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { inner: Mutex::default(), events })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Rings keep their numbers before they do anything that could panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ring starts.
    pub fn put(&self, active: Active) {
        let data = epoll::EventData::new_u64(0);
        // Each kick counts once, and is never read: a descriptor of the frontend's could wait for ever, for whether it
        // may is the frontend's to change. Whoever polls finds the packets without it.
        let kicks = epoll::EventFlags::IN | epoll::EventFlags::ET;
        let _ = epoll::add(&self.events, &active.kick, data, kicks);
        self.lock().active = Some(active);
    }

    /// A ring ends; where it was.
    pub fn take(&self) -> Option<u32> {
        let active = self.lock().active.take()?;
        let _ = epoll::delete(&self.events, &active.kick);
        Some(active.ring.base())
    }

    /// Takes the kicks that have come, before the ring is looked at.
    fn take_kicks(&self) {
        let mut events = [const { MaybeUninit::uninit() }; 1];
        let _ = epoll::wait(&self.events, &mut events, Some(&Timespec::default()));
    }

    /// How to call the driver.
    pub fn set_call(&self, call: Option<OwnedFd>) {
        self.lock().call = call;
    }
}

fn add(counter: &AtomicU64, n: u64) {
    Shared::count(counter, n);
}

/// A receive queue: the frontend's send ring.
#[derive(Debug)]
pub(super) struct VhostRx {
    port: Arc<Port>,
    slots: Arc<[Slot]>,
    number: usize,
    pieces: Vec<Piece>,
    idle: u32,
}

/// What one chain was.
enum Taken {
    Packet(Packet),
    NoFrame,
    TooLong,
    Wrong,
}

impl VhostRx {
    /// Ring `number` of the slots.
    pub fn new(port: Arc<Port>, slots: Arc<[Slot]>, number: usize) -> Self {
        Self { port, slots, number, pieces: Vec::new(), idle: 0 }
    }

    /// Copies a packet out of its pieces.
    fn copy(&self, active: &Active, pool: &mut Pool) -> Taken {
        let total: usize = self.pieces.iter().map(|piece| piece.len).sum();
        let Some(len) = total.checked_sub(active.header).filter(|len| *len > 0) else { return Taken::Wrong };
        if len > pool.large_size() {
            return Taken::TooLong;
        }
        let Some(mut packet) = pool.get(len) else { return Taken::NoFrame };
        let mut header = [0; LONG_HEADER];
        let Ok(data) = packet.push_back(len) else { return Taken::TooLong };
        let mut at = 0;
        for piece in &self.pieces {
            let mut from = 0;
            if at < active.header {
                from = piece.len.min(active.header - at);
                active.ring.memory().read(piece.place, 0, &mut header[at..at + from]);
            }
            let to = (at + from).saturating_sub(active.header);
            active.ring.memory().read(piece.place, from, &mut data[to..to + piece.len - from]);
            at += piece.len;
        }
        let mut vnet = [0; VNET_LEN];
        vnet.copy_from_slice(&header[..VNET_LEN]);
        if vnet::decode(&vnet, packet.facts_mut()) && is_sound(&packet) {
            Taken::Packet(packet)
        } else {
            Taken::Wrong
        }
    }
}

/// Whether a request for offloads speaks of bytes that are there.
fn is_sound(packet: &Packet) -> bool {
    let facts = packet.facts();
    let segments = facts.offload.intersects(Offload::SEGMENT);
    let sums = facts.offload.contains(Offload::NEEDS_L4_CSUM);
    let end = usize::from(facts.csum_start) + usize::from(facts.csum_offset) + 2;
    (!sums || end <= packet.len()) && (!segments || (facts.segment_size > 0 && sums))
}

impl RxQueue for VhostRx {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        if self.port.closed.load(Ordering::Relaxed) {
            return Err(RxError::Gone);
        }
        let slots = Arc::clone(&self.slots);
        let mut inner = match slots[self.number].inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Control is at it.
            Err(TryLockError::WouldBlock) => return Ok(0),
        };
        if !self.port.up.load(Ordering::Relaxed) {
            return Ok(0);
        }
        // After a look that found nothing, and then now and then.
        if self.idle == 1 || self.idle > 0 && self.idle.is_multiple_of(PATIENCE) {
            slots[self.number].take_kicks();
        }
        let (mut packets, mut bytes, mut wrong, mut given) = (0, 0, 0, 0);
        let Some(active) = &mut inner.active else { return Ok(0) };
        // As many as a batch has room for, also of those that cannot be used.
        for _ in 0..batch.room() {
            self.pieces.clear();
            let chain = match active.ring.pop(false, &mut self.pieces) {
                Next::Empty if active.ring.arm() => continue,
                Next::Empty => break,
                Next::Broken => {
                    wrong += u64::from(self.idle == 0);
                    break;
                }
                Next::Bad(chain) => {
                    wrong += 1;
                    active.ring.give_back(chain, 0);
                    given += 1;
                    continue;
                }
                Next::Chain(chain) => chain,
            };
            match self.copy(active, pool) {
                Taken::Packet(packet) => {
                    (packets, bytes) = (packets + 1, bytes + packet.len() as u64);
                    // It fits, by the loop's limit.
                    drop(batch.push(packet));
                }
                Taken::NoFrame => {
                    active.ring.put_back(chain);
                    break;
                }
                Taken::TooLong => add(&self.port.rx_unusable, 1),
                Taken::Wrong => wrong += 1,
            }
            active.ring.give_back(chain, 0);
            given += 1;
        }
        if given == 0 {
            self.idle += 1;
        } else {
            self.idle = 0;
            inner.publish();
        }
        add(&self.port.rx_errors, wrong);
        add(&self.port.rx_packets, packets);
        add(&self.port.rx_bytes, bytes);
        Ok(packets as usize)
    }

    fn wait(&self) -> Wait<'_> {
        Wait::Fd(self.slots[self.number].events.as_fd(), Interest::Read)
    }

    fn is_polled(&self) -> bool {
        true
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

/// A handle to send by: one of the frontend's receive rings, shared by the handles beyond their number.
#[derive(Debug)]
pub(super) struct VhostTx {
    port: Arc<Port>,
    slots: Arc<[Slot]>,
    /// The ring that is meant; the first if the frontend does not use it.
    number: usize,
    pieces: Vec<Piece>,
    /// Chains of the packet, and how many of the pieces are theirs and those before.
    chains: Vec<(Chain, usize)>,
}

/// What became of one packet.
enum Put {
    Done,
    Full,
    Refused,
}

impl VhostTx {
    /// Ring `number` of the slots.
    pub fn new(port: Arc<Port>, slots: Arc<[Slot]>, number: usize) -> Self {
        Self { port, slots, number, pieces: Vec::new(), chains: Vec::new() }
    }

    /// Takes buffers for `need` bytes.
    fn gather(&mut self, active: &mut Active, need: usize) -> Put {
        self.pieces.clear();
        self.chains.clear();
        let (mut room, limit) = (0, if active.mergeable { BUFFERS_MAX } else { 1 });
        while room < need {
            let before = self.pieces.len();
            let next = if self.chains.len() < limit {
                active.ring.pop(true, &mut self.pieces)
            } else {
                Next::Broken
            };
            match next {
                Next::Chain(chain) => {
                    room += self.pieces[before..].iter().map(|piece| piece.len).sum::<usize>();
                    self.chains.push((chain, self.pieces.len()));
                }
                Next::Bad(chain) if self.chains.is_empty() => {
                    active.ring.give_back(chain, 0);
                    return Put::Refused;
                }
                Next::Bad(chain) => {
                    // It comes first next time, and goes then.
                    active.ring.put_back(chain);
                    self.put_back(active);
                    return Put::Refused;
                }
                Next::Empty => {
                    self.put_back(active);
                    return Put::Full;
                }
                Next::Broken => {
                    self.put_back(active);
                    return Put::Refused;
                }
            }
        }
        Put::Done
    }

    /// Puts the buffers back, the last one first.
    fn put_back(&mut self, active: &mut Active) {
        for (chain, _) in self.chains.drain(..).rev() {
            active.ring.put_back(chain);
        }
    }

    /// Copies a packet into buffers.
    fn put(&mut self, active: &mut Active, packet: &Packet) -> Put {
        let mut header = [0; LONG_HEADER];
        header[..VNET_LEN].copy_from_slice(&vnet::encode(packet));
        let put = self.gather(active, active.header + packet.len());
        if !matches!(put, Put::Done) {
            return put;
        }
        header[VNET_LEN..].copy_from_slice(&(self.chains.len() as u16).to_le_bytes());
        let parts = [&header[..active.header], packet.data()];
        let mut rest = parts.into_iter().flat_map(|part| part.chunks(part.len().max(1)));
        let (mut part, mut first) = (rest.next().unwrap_or(&[]), 0);
        for (chain, end) in &self.chains {
            let mut written = 0;
            for piece in &self.pieces[first..*end] {
                let mut from = 0;
                while from < piece.len && !part.is_empty() {
                    let count = part.len().min(piece.len - from);
                    active.ring.memory().write(piece.place, from, &part[..count]);
                    (from, part) = (from + count, &part[count..]);
                    if part.is_empty() {
                        part = rest.next().unwrap_or(&[]);
                    }
                }
                written += from;
            }
            first = *end;
            active.ring.give_back(*chain, written as u32);
        }
        Put::Done
    }
}

impl TxQueue for VhostTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut sent = Sent::default();
        let slots = Arc::clone(&self.slots);
        let is_up = self.port.up.load(Ordering::Relaxed) && !self.port.closed.load(Ordering::Relaxed);
        let mut inner = slots[self.number].lock();
        if inner.active.is_none() {
            drop(inner);
            inner = slots[0].lock();
        }
        let Some(active) = inner.active.as_mut().filter(|_| is_up) else {
            sent.down = batch.len() as u64;
            batch.clear();
            add(&self.port.tx_lost, sent.down);
            return sent;
        };
        let longest = self.port.longest.load(Ordering::Relaxed) as usize;
        for packet in batch.iter() {
            let segmented = packet.facts().offload.intersects(Offload::SEGMENT);
            let fits = packet.len() >= SHORTEST && (packet.len() <= longest || segmented);
            let put = if fits { self.put(active, packet) } else { Put::Refused };
            match put {
                Put::Done => {
                    sent.packets += 1;
                    sent.bytes += packet.len() as u64;
                }
                Put::Full => sent.full += 1,
                Put::Refused => sent.refused += 1,
            }
        }
        inner.publish();
        drop(inner);
        batch.clear();
        add(&self.port.tx_packets, sent.packets);
        add(&self.port.tx_bytes, sent.bytes);
        add(&self.port.tx_lost, sent.full + sent.refused);
        sent
    }

    fn offloads(&self) -> Offload {
        Offload::from_bits_truncate(self.port.offloads.load(Ordering::Relaxed))
    }
}
