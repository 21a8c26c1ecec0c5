//! Waking a thread that sleeps on descriptors.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::EventfdFlags;

/// An eventfd. The sleeper calls [`Wakeup::reset`] before it polls what it sleeps for, so no wake-up is lost; a
/// wake-up of somebody who is awake costs no system call.
#[derive(Debug)]
pub struct Wakeup {
    event: OwnedFd,
    raised: AtomicBool,
}

impl Wakeup {
    /// A new one.
    pub fn new() -> std::io::Result<Self> {
        let event = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { event, raised: AtomicBool::new(false) })
    }

    /// Takes all wake-ups so far.
    pub fn reset(&self) {
        if self.raised.swap(false, Ordering::AcqRel) {
            // Empty if the wake-up that raised the flag has not written yet: the next sleep is short then.
            let _ = rustix::io::read(&self.event, &mut [0; 8]);
        }
    }
}

impl AsRawFd for Wakeup {
    fn as_raw_fd(&self) -> RawFd {
        self.event.as_raw_fd()
    }
}

impl ovs_dpif::Waker for Wakeup {
    fn wake(&self) {
        if !self.raised.swap(true, Ordering::AcqRel) {
            // Full only if nobody has read 2^64 wake-ups.
            let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        }
    }
}
