//! Reading and writing packets one by one.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use ovs_packet::{Batch, Offload, Packet, Pool, PoolConfig};
use rustix::io::Errno;

use crate::linux::{
    Shared,
    vnet::{self, OFFLOADS, VNET_LEN},
};
use crate::{Interest, RxError, RxQueue, Sent, TxQueue, Wait};

/// Bytes kept free in front, as in a pool's new packets.
const HEADROOM: usize = 192;

/// The receive queue, with the frames that the next packet goes into: as in the packet-socket backend, a small one,
/// and a large one for the rest of a long packet.
#[derive(Debug)]
pub(super) struct TapRx {
    fd: Arc<OwnedFd>,
    shared: Arc<Shared>,
    small: Option<Packet>,
    large: Option<Packet>,
}

/// What one read gave.
enum Read {
    Packet(Packet),
    Unusable,
    Nothing,
}

impl TapRx {
    pub fn new(fd: Arc<OwnedFd>, shared: Arc<Shared>) -> Self {
        Self { fd, shared, small: None, large: None }
    }

    /// Reads one packet.
    fn read(&mut self, pool: &mut Pool) -> Result<Read, RxError> {
        let Some(mut small) = self.small.take().or_else(|| pool.get_small()) else {
            return Ok(Read::Nothing);
        };
        let first = small.tailroom();
        let large = match self.large.take() {
            Some(large) => Some(large),
            None => pool.get_large().and_then(|mut large| large.reset(HEADROOM + first).ok().map(|()| large)),
        };
        let Some(mut large) = large else {
            self.small = Some(small);
            return Ok(Read::Nothing);
        };
        let mut header = [0; VNET_LEN];
        let parts = &mut [&mut header[..], small.spare_mut(), large.spare_mut()].map(IoSliceMut::new);
        let result = rustix::io::readv(self.fd.as_fd(), parts);
        let len = match result {
            Ok(len) => len,
            Err(error) => {
                (self.small, self.large) = (Some(small), Some(large));
                return nothing(error);
            }
        };
        let packet = match len.checked_sub(VNET_LEN) {
            Some(len) if len <= first => {
                self.large = Some(large);
                small.set_len(len).ok().map(|()| small)
            }
            Some(len) => {
                let packet = join(&mut small, large, first, len);
                self.small = Some(small);
                packet
            }
            None => None,
        };
        let Some(mut packet) = packet else { return Ok(Read::Unusable) };
        let known = vnet::decode(&header, packet.facts_mut());
        Ok(if known { Read::Packet(packet) } else { Read::Unusable })
    }
}

/// Puts the `first` bytes of a packet of `len`, which are in `small`, in front of its rest in `large`.
fn join(small: &mut Packet, mut large: Packet, first: usize, len: usize) -> Option<Packet> {
    large.set_len(len - first).ok()?;
    large.push_front(first).ok()?.copy_from_slice(small.spare_mut().get(..first)?);
    Some(large)
}

fn nothing(error: Errno) -> Result<Read, RxError> {
    match error {
        Errno::AGAIN | Errno::INTR => Ok(Read::Nothing),
        Errno::BADFD => Err(RxError::Gone),
        _ => Err(RxError::System(error.into())),
    }
}

impl RxQueue for TapRx {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        if self.shared.is_closed() {
            return Err(RxError::Gone);
        }
        let before = batch.len();
        while !batch.is_full() {
            match self.read(pool) {
                // It fits, by the condition above.
                Ok(Read::Packet(packet)) => drop(batch.push(packet)),
                Ok(Read::Unusable) => Shared::count(&self.shared.rx_unusable, 1),
                Err(error) if batch.len() == before => return Err(error),
                // An error behind packets is told again by the next call.
                Ok(Read::Nothing) | Err(_) => break,
            }
        }
        Ok(batch.len() - before)
    }

    fn wait(&self) -> Wait<'_> {
        Wait::Fd(self.fd.as_fd(), Interest::Read)
    }

    fn drain(&mut self) -> u64 {
        let mut pool = Pool::new(PoolConfig::default());
        let mut drained = 0;
        while let Ok(Read::Packet(_) | Read::Unusable) = self.read(&mut pool) {
            drained += 1;
        }
        drained
    }
}

/// A handle to send by.
#[derive(Debug)]
pub(super) struct TapTx {
    fd: Arc<OwnedFd>,
    shared: Arc<Shared>,
}

impl TapTx {
    pub fn new(fd: Arc<OwnedFd>, shared: Arc<Shared>) -> Self {
        Self { fd, shared }
    }

    fn write(&self, packet: &Packet) -> Result<(), Errno> {
        let header = vnet::encode(packet);
        loop {
            match rustix::io::writev(self.fd.as_fd(), &[IoSlice::new(&header), IoSlice::new(packet.data())]) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl TxQueue for TapTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut sent = Sent::default();
        let mut down = self.shared.is_closed();
        for packet in batch.iter() {
            // A device that is down is not asked again for each packet of a batch: a refusal costs as much as a packet.
            if down {
                sent.down += 1;
                continue;
            }
            match self.write(packet) {
                Ok(()) => {
                    sent.packets += 1;
                    sent.bytes += packet.len() as u64;
                }
                Err(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM) => sent.full += 1,
                Err(Errno::IO | Errno::BADFD | Errno::NODEV) => {
                    down = true;
                    sent.down += 1;
                }
                Err(_) => sent.refused += 1,
            }
        }
        batch.clear();
        Shared::count(&self.shared.tx_lost, sent.full + sent.refused + sent.down);
        sent
    }

    fn offloads(&self) -> Offload {
        OFFLOADS
    }
}
