//! Sleeping until one of many objects has something to do, and knowing afterwards which.
//!
//! ```text
//!   clear ─▶ every object tells its waits ─▶ sleep ─▶ a turn, in which only what `is_due` is polled ─▶ clear …
//! ```
//!
//! Asking a socket that has nothing costs a system call, and an `accept` that finds nobody has made and thrown away
//! a file by then. One `poll(2)` for all is cheaper, so a turn asks only those that the sleep has named.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// What the last sleep found out about a descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    /// It was not slept on: whoever came since has to be asked.
    #[default]
    Unknown,
    /// Nothing.
    Quiet,
    /// It is ready.
    Ready,
}

/// Collects what a round of polling left to wait for, then sleeps on it. Reused from round to round.
#[derive(Debug, Default)]
pub struct Sleeper {
    fds: Vec<libc::pollfd>,
    until: Option<Duration>,
    ready: bool,
    /// By descriptor.
    seen: Vec<Seen>,
}

impl Sleeper {
    /// Forgets the last round.
    pub fn clear(&mut self) {
        for fd in self.fds.drain(..) {
            if let Some(seen) = usize::try_from(fd.fd).ok().and_then(|fd| self.seen.get_mut(fd)) {
                *seen = Seen::Unknown;
            }
        }
        self.until = None;
        self.ready = false;
    }

    /// Whether an object that waits for this, and that the last sleep may have waited for, has something to do.
    pub fn is_due(&self, wait: &ovs_stream::Wait<'_>, now: Duration) -> bool {
        match wait {
            ovs_stream::Wait::Ready => true,
            ovs_stream::Wait::At(at) => *at <= now,
            ovs_stream::Wait::Never => false,
            ovs_stream::Wait::Fd(fd, _) => self.saw(fd),
        }
    }

    /// Whether the last sleep saw something on a descriptor, or did not look.
    pub fn saw(&self, fd: &impl AsRawFd) -> bool {
        let fd = usize::try_from(fd.as_raw_fd()).unwrap_or(usize::MAX);
        self.seen.get(fd).is_none_or(|seen| *seen != Seen::Quiet)
    }

    /// There is something to do now.
    pub fn ready(&mut self) {
        self.ready = true;
    }

    /// Whether there is something to do now, as far as is known.
    #[cfg(test)]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Not longer than until `at`.
    pub fn until(&mut self, at: Duration) {
        self.until = Some(self.until.map_or(at, |u| u.min(at)));
    }

    /// What a stream, a listener or a server waits for.
    pub fn stream(&mut self, wait: ovs_stream::Wait<'_>) {
        match wait {
            ovs_stream::Wait::Ready => self.ready(),
            ovs_stream::Wait::At(at) => self.until(at),
            ovs_stream::Wait::Never => {}
            ovs_stream::Wait::Fd(fd, interest) => {
                let events = match interest {
                    ovs_stream::Interest::Read => libc::POLLIN,
                    ovs_stream::Interest::Write => libc::POLLOUT,
                    ovs_stream::Interest::Both => libc::POLLIN | libc::POLLOUT,
                };
                self.fd(&fd, events);
            }
        }
    }

    /// What a device or a worker waits for.
    pub fn netdev(&mut self, wait: ovs_netdev::Wait<'_>) {
        match wait {
            ovs_netdev::Wait::Ready => self.ready(),
            ovs_netdev::Wait::At(at) => self.until(at),
            ovs_netdev::Wait::Never => {}
            ovs_netdev::Wait::Fd(fd, interest) => {
                let events = match interest {
                    ovs_netdev::Interest::Read => libc::POLLIN,
                    ovs_netdev::Interest::Write => libc::POLLOUT,
                    ovs_netdev::Interest::Both => libc::POLLIN | libc::POLLOUT,
                };
                self.fd(&fd, events);
            }
        }
    }

    /// A descriptor to become readable.
    pub fn readable(&mut self, fd: &impl AsRawFd) {
        self.fd(fd, libc::POLLIN);
    }

    fn fd(&mut self, fd: &impl AsRawFd, events: libc::c_short) {
        self.fds.push(libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 });
    }

    /// Sleeps. A signal ends the sleep early. For the time of `awake` it looks again and again instead, giving way
    /// to whoever else wants the processor: who has just been answered often asks again within microseconds, which
    /// is less than it takes to fall asleep and wake up.
    pub fn sleep(&mut self, now: Duration, awake: Duration) {
        let timeout = match (self.ready, self.until) {
            (true, _) => 0,
            (false, None) => -1,
            // Rounded up, so that a deadline has passed when the sleep to it ends.
            (false, Some(at)) => {
                let left = at.saturating_sub(now);
                i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
            }
        };
        let found = if timeout != 0 && !awake.is_zero() { self.look(awake) } else { false };
        if !found {
            self.poll(timeout);
        }
        self.note();
    }

    /// Looks for as long as `awake`; says whether anything was found.
    fn look(&mut self, awake: Duration) -> bool {
        let began = Instant::now();
        loop {
            if self.poll(0) {
                return true;
            }
            if began.elapsed() >= awake {
                return false;
            }
            std::thread::yield_now();
        }
    }

    fn poll(&mut self, timeout: i32) -> bool {
        // SAFETY: the pointer and the length are those of one vector that lives through the call; descriptors
        // are plain numbers to the kernel, and one that was closed meanwhile is reported, not touched.
        unsafe { libc::poll(self.fds.as_mut_ptr(), self.fds.len() as libc::nfds_t, timeout) > 0 }
    }

    fn note(&mut self) {
        for fd in &self.fds {
            let Ok(index) = usize::try_from(fd.fd) else { continue };
            if index >= self.seen.len() {
                self.seen.resize(index + 1, Seen::Unknown);
            }
            let seen = if fd.revents == 0 { Seen::Quiet } else { Seen::Ready };
            // One that is slept on twice is ready if it is ready for either.
            if self.seen[index] != Seen::Ready {
                self.seen[index] = seen;
            }
        }
    }
}
