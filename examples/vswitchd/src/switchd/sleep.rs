//! Sleeping until one of many objects has something to do.

use std::os::fd::AsRawFd;
use std::time::Duration;

/// Collects what a round of polling left to wait for, then sleeps on it. Reused from round to round.
#[derive(Debug, Default)]
pub struct Sleeper {
    fds: Vec<libc::pollfd>,
    until: Option<Duration>,
    ready: bool,
}

impl Sleeper {
    /// Forgets the last round.
    pub fn clear(&mut self) {
        self.fds.clear();
        self.until = None;
        self.ready = false;
    }

    /// There is something to do now.
    pub fn ready(&mut self) {
        self.ready = true;
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

    /// Sleeps. A signal ends the sleep early.
    pub fn sleep(&mut self, now: Duration) {
        let timeout = match (self.ready, self.until) {
            (true, _) => 0,
            (false, None) => -1,
            // Rounded up, so that a deadline has passed when the sleep to it ends.
            (false, Some(at)) => {
                let left = at.saturating_sub(now);
                i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
            }
        };
        // SAFETY: the pointer and the length are those of one vector that lives through the call; descriptors
        // are plain numbers to the kernel, and one that was closed meanwhile is reported, not touched.
        unsafe { libc::poll(self.fds.as_mut_ptr(), self.fds.len() as libc::nfds_t, timeout) };
    }
}
