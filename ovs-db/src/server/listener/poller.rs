//! Which of many connections have something to do.
//!
//! The descriptors of all connections are in one epoll set, whose own descriptor is what the program sleeps on: a
//! turn costs what its busy clients cost, however many others there are.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ovs_stream::Interest;
use rustix::event::Timespec;
use rustix::event::epoll;

use crate::server::effect::SessionId;

/// How many ready connections are asked for at a time.
const BATCH: usize = 256;

/// An epoll set. Where the system gives none, every connection counts as ready.
#[derive(Debug)]
pub(super) struct Poller {
    set: Option<OwnedFd>,
}

impl Poller {
    pub(super) fn new() -> Poller {
        Poller { set: epoll::create(epoll::CreateFlags::CLOEXEC).ok() }
    }

    /// What to sleep on; `None` if the connections are to be slept on themselves.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.set.as_ref().map(AsFd::as_fd)
    }

    /// Watches a descriptor for `interest`, instead of for `before`. `None` watches for nothing.
    pub(super) fn watch(
        &self,
        fd: BorrowedFd<'_>,
        session: SessionId,
        before: Option<Interest>,
        interest: Option<Interest>,
    ) {
        let Some(set) = &self.set else { return };
        let data = epoll::EventData::new_u64(session.0);
        // A descriptor that is closed has left the set by itself, so removing it may fail, and does no harm.
        let _ = match (before, interest) {
            (None, None) => Ok(()),
            (Some(_), None) => epoll::delete(set, fd),
            (None, Some(interest)) => epoll::add(set, fd, data, flags(interest)),
            (Some(_), Some(interest)) => epoll::modify(set, fd, data, flags(interest)),
        };
    }

    /// Whether a connection is ready, as far as that is known.
    pub(super) fn is_ready(&self) -> bool {
        let Some(set) = &self.set else { return true };
        let mut events = Vec::with_capacity(1);
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        epoll::wait(set, rustix::buffer::spare_capacity(&mut events), Some(&now)).is_ok_and(|n| n > 0)
    }

    /// The connections that are ready; `None` if that is not known.
    pub(super) fn ready(&self) -> Option<Vec<SessionId>> {
        let set = self.set.as_ref()?;
        let mut ready = Vec::new();
        let mut events = Vec::with_capacity(BATCH);
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Level-triggered: who is not in this batch is in the next turn's.
        if epoll::wait(set, rustix::buffer::spare_capacity(&mut events), Some(&now)).is_ok() {
            ready.extend(events.iter().map(|event: &epoll::Event| SessionId(event.data.u64())));
        }
        Some(ready)
    }
}

fn flags(interest: Interest) -> epoll::EventFlags {
    match interest {
        Interest::Read => epoll::EventFlags::IN,
        Interest::Write => epoll::EventFlags::OUT,
        Interest::Both => epoll::EventFlags::IN | epoll::EventFlags::OUT,
    }
}
