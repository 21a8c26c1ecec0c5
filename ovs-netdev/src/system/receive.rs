//! Receiving by recvmmsg.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use ovs_packet::{BATCH_MAX, Batch, Packet, Pool, edit};

use crate::linux::Shared;
use crate::linux::sys::mmsg::{self, Received, Slot};
use crate::linux::sys::packet;
use crate::linux::vnet::{self, VNET_LEN};
use crate::{Interest, RxError, RxQueue, Wait};

/// Bytes kept free in front, as in a pool's new packets.
const HEADROOM: usize = 192;

/// Packets that are asked for at once on a device where nothing happens.
const FEW: usize = 2;

/// The receive queue: a packet socket, and empty frames to receive into.
#[derive(Debug)]
pub(super) struct SystemRx {
    fd: Arc<OwnedFd>,
    shared: Arc<Shared>,
    slots: Box<[Slot; BATCH_MAX]>,
    results: Box<[Received; BATCH_MAX]>,
    /// The device was taken down, and nothing has come since.
    down: bool,
    /// How many packets are asked for at once: it doubles while as many come, and is [`FEW`] again when none came.
    expected: usize,
}

impl SystemRx {
    pub fn new(fd: Arc<OwnedFd>, shared: Arc<Shared>) -> Self {
        Self { fd, shared, slots: Box::default(), results: Box::default(), down: false, expected: FEW }
    }

    /// Fills the first `wanted` slots with empty frames; says how many are whole.
    fn stock(&mut self, pool: &mut Pool, wanted: usize) -> usize {
        for (i, slot) in self.slots.iter_mut().take(wanted).enumerate() {
            if slot.small.is_none() {
                slot.small = pool.get_small();
            }
            if slot.large.is_none() {
                slot.large = pool.get_large().and_then(|packet| leave_room(packet, slot.small.as_ref()));
            }
            if slot.small.is_none() || slot.large.is_none() {
                return i;
            }
        }
        wanted
    }

    /// Gives the frames beyond the first [`FEW`] slots back: many idle devices shall not hold a pool's frames.
    fn unstock(&mut self, pool: &mut Pool) {
        for slot in self.slots.iter_mut().take(self.expected).skip(FEW) {
            for packet in [slot.small.take(), slot.large.take()].into_iter().flatten() {
                pool.recycle(packet);
            }
        }
        self.expected = FEW;
    }

    /// Makes packets of what was received into the first slots, and counts what cannot be used.
    fn hand_over(&mut self, received: usize, batch: &mut Batch) {
        let mut unusable = 0;
        for (slot, result) in self.slots.iter_mut().zip(self.results.iter()).take(received) {
            match slot.take(*result).map(|packet| batch.push(packet)) {
                Some(Ok(())) => {}
                Some(Err(_)) | None => unusable += 1,
            }
        }
        Shared::count(&self.shared.rx_unusable, unusable);
    }

    /// Sorts errors of receiving: nothing there, nothing while down, gone, or worth telling.
    fn nothing(&mut self, error: io::Error) -> Result<usize, RxError> {
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EINTR) => {}
            Some(libc::ENETDOWN) => self.down = true,
            Some(libc::ENODEV | libc::ENXIO) => return Err(RxError::Gone),
            _ => return Err(RxError::System(error)),
        }
        // The socket says once that the device went down, and nothing more if it is then removed.
        if self.down && !packet::is_bound(self.fd.as_fd()) { Err(RxError::Gone) } else { Ok(0) }
    }
}

/// Moves a large packet's start back, so that what was received into the small one fits in front.
fn leave_room(mut large: Packet, small: Option<&Packet>) -> Option<Packet> {
    let first = small?.tailroom();
    large.reset(HEADROOM + first).ok()?;
    Some(large)
}

impl Slot {
    /// The received packet; None if it cannot be used. What it did not need stays in the slot.
    fn take(&mut self, received: Received) -> Option<Packet> {
        let len = received.len.checked_sub(VNET_LEN)?;
        if received.truncated {
            return None;
        }
        let first = self.small.as_ref()?.tailroom();
        let mut packet = if len <= first {
            let mut packet = self.small.take()?;
            packet.set_len(len).ok()?;
            packet
        } else {
            let mut packet = self.large.take()?;
            packet.set_len(len - first).ok()?;
            let small = self.small.as_mut()?;
            packet.push_front(first).ok()?.copy_from_slice(small.spare_mut().get(..first)?);
            packet
        };
        if !vnet::decode(&self.vnet, packet.facts_mut()) {
            return None;
        }
        if let Some((tpid, tci)) = received.vlan {
            edit::push_vlan(&mut packet, tpid, tci).ok()?;
        }
        Some(packet)
    }
}

impl RxQueue for SystemRx {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        if self.shared.is_closed() {
            return Err(RxError::Gone);
        }
        let before = batch.len();
        while !batch.is_full() {
            let ready = self.stock(pool, batch.room().min(self.expected));
            if ready == 0 {
                break;
            }
            match mmsg::receive(self.fd.as_fd(), &mut self.slots[..ready], &mut self.results) {
                Ok(received) => {
                    self.down = false;
                    self.hand_over(received, batch);
                    if received < ready {
                        break;
                    }
                    self.expected = (2 * self.expected).min(BATCH_MAX);
                }
                Err(error) => {
                    let told = self.nothing(error);
                    if batch.len() > before {
                        break; // the packets come first; what lasts is told again by the next call
                    }
                    self.unstock(pool);
                    return told;
                }
            }
        }
        Ok(batch.len() - before)
    }

    fn wait(&self) -> Wait<'_> {
        Wait::Fd(self.fd.as_fd(), Interest::Read)
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
