//! Sockets by queue: a packet's class is its socket's priority, for the system takes none with the packet.
//!
//! Each queue has a socket of its own, so that what waits in a slow class does not fill the send buffer of a fast one.
//! A socket is made when the first packet of its queue leaves. Queues beyond [`LANES`] share sockets, whose priority
//! then changes from one to the other.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use crate::linux::sys::packet;
use crate::linux::tc::class_of;

/// Sockets that a handle has for queues.
const LANES: usize = 64;

/// What a socket is made by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    ifindex: u32,
    bypass: bool,
    /// The network namespace that the index means.
    namespace: Option<u64>,
}

impl Way {
    /// To a device of this thread's network namespace.
    pub fn here(ifindex: u32, bypass: bool) -> Self {
        Self { ifindex, bypass, namespace: namespace() }
    }

    /// `None` in another namespace, where the index may mean another device, and if the system refuses.
    fn open(&self) -> Option<OwnedFd> {
        if self.namespace.is_none() || self.namespace != namespace() {
            return None;
        }
        packet::sender(self.ifindex, self.bypass).ok()
    }
}

/// The identity of this thread's network namespace.
fn namespace() -> Option<u64> {
    std::fs::metadata("/proc/thread-self/ns/net").ok().map(|file| file.ino())
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Lanes {
    way: Way,
    /// Queue and socket.
    lanes: Vec<Option<(u32, OwnedFd)>>,
}

impl Lanes {
    pub fn new(way: Way) -> Self {
        Self { way, lanes: Vec::new() }
    }

    /// The socket of a queue; `None` if there cannot be one.
    pub fn of(&mut self, queue: u32) -> Option<BorrowedFd<'_>> {
        if self.lanes.is_empty() {
            self.lanes.resize_with(LANES, || None);
        }
        let lane = self.lanes.get_mut(queue as usize % LANES)?;
        if lane.is_none() {
            // No queue has this number: the priority is still to be set.
            *lane = Some((0, self.way.open()?));
        }
        let (set, fd) = lane.as_mut()?;
        if *set != queue {
            packet::set_priority(fd.as_fd(), class_of(queue)).ok()?;
            *set = queue;
        }
        let fd: &OwnedFd = fd;
        Some(fd.as_fd())
    }
}
