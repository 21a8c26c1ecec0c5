//! One queue of a device: a socket, its memory, and the two sides that move packets.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rx::RxSide;
use super::tx::TxSide;
use super::umem::Umem;
use crate::linux::sys::xsk;

/// Entries of each ring.
const RING: u32 = 2048;
/// Chunks to receive into: twice what the kernel can hold, so that as many can wait in the switch.
const RECEIVE: u32 = 2 * RING;
/// Chunks to send from.
const SEND: u32 = RING;
/// Kernel memory for packets that were sent and not yet freed, in the modes that copy.
const SEND_BUFFER: libc::c_int = 16 << 20;

/// What a device and its queues share.
#[derive(Debug)]
pub(super) struct Port {
    /// The device was dropped.
    pub closed: AtomicBool,
    /// The device is administratively up.
    pub up: AtomicBool,
    /// The longest frame that is sent.
    pub longest: AtomicU32,
    /// Packets that were not sent.
    pub tx_lost: AtomicU64,
}

/// What one queue has moved. Each has one writer at a time.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub rx_packets: AtomicU64,
    pub rx_bytes: AtomicU64,
    /// What cannot be one of our packets.
    pub rx_unusable: AtomicU64,
    pub tx_packets: AtomicU64,
    pub tx_bytes: AtomicU64,
}

impl Counters {
    /// Adds to a counter whose only writer is the caller.
    pub fn add(counter: &AtomicU64, n: u64) {
        counter.store(counter.load(Ordering::Relaxed) + n, Ordering::Relaxed);
    }
}

/// A socket bound to one queue.
#[derive(Debug)]
pub(super) struct Queue {
    fd: Option<OwnedFd>,
    pub port: Arc<Port>,
    pub counters: Counters,
    /// Whether packets are moved by the kernel within our system calls, not by the driver at any time.
    pub copies: bool,
    /// Here while nobody receives.
    rx: Mutex<Option<RxSide>>,
    /// Held while sending, by workers only.
    tx: Mutex<TxSide>,
    umem: Option<Umem>,
}

/// Locks, also after another thread panicked: both sides keep their numbers before they do anything that could.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Makes a socket and binds it to queue `number` of a device. `flags` are those of `sockaddr_xdp`.
    pub fn bind(port: Arc<Port>, ifindex: u32, number: u32, flags: u16) -> io::Result<Self> {
        let fd = xsk::socket()?;
        let umem = Umem::new(RECEIVE, SEND)?;
        let sides = sides(&fd, &umem, ifindex, number, flags);
        match sides {
            Ok((rx, tx)) => {
                let copies = !xsk::is_zero_copy(fd.as_fd()).unwrap_or(false);
                let (rx, tx) = (Mutex::new(Some(rx)), Mutex::new(tx));
                Ok(Self {
                    fd: Some(fd),
                    port,
                    counters: Counters::default(),
                    copies,
                    rx,
                    tx,
                    umem: Some(umem),
                })
            }
            Err(error) => {
                drop(fd);
                umem.close(0);
                Err(error)
            }
        }
    }

    /// The socket. It is there as long as the queue lives.
    pub fn fd(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    /// The memory. It is there as long as the queue lives.
    pub fn umem(&self) -> Option<&Umem> {
        self.umem.as_ref()
    }

    /// The receiving side, if nobody has it.
    pub fn take_rx(&self) -> Option<RxSide> {
        lock(&self.rx).take()
    }

    /// The receiving side is given back.
    pub fn put_rx(&self, side: RxSide) {
        *lock(&self.rx) = Some(side);
    }

    /// The sending side.
    pub fn tx(&self) -> MutexGuard<'_, TxSide> {
        lock(&self.tx)
    }

    pub fn is_closed(&self) -> bool {
        self.port.closed.load(Ordering::Relaxed)
    }
}

fn sides(fd: &OwnedFd, umem: &Umem, ifindex: u32, number: u32, flags: u16) -> io::Result<(RxSide, TxSide)> {
    xsk::register(fd.as_fd(), umem.memory(), super::umem::CHUNK as u32)?;
    let rings = xsk::rings(fd.as_fd(), RING)?;
    let mut rx = RxSide::new(rings.rx, rings.fill, RECEIVE);
    rx.refill(umem);
    xsk::widen(fd.as_fd(), SEND_BUFFER);
    xsk::bind(fd.as_fd(), ifindex, number, flags)?;
    Ok((rx, TxSide::new(rings.tx, rings.completion, RECEIVE..RECEIVE + SEND)))
}

impl Drop for Queue {
    fn drop(&mut self) {
        // First the socket: after that the kernel has none of the chunks.
        drop(self.fd.take());
        let rx = lock(&self.rx).take();
        let carried = lock(&self.tx).carried();
        if let (Some(umem), Some(rx)) = (self.umem.take(), rx) {
            umem.close(rx.out() - carried);
        }
    }
}
