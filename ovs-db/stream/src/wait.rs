//! What an object that works without blocking wants its owner to sleep on.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::error::OsError;

/// Which readiness of a descriptor is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Bytes (or a connection) can be taken.
    Read,
    /// Bytes can be given.
    Write,
    /// Either of them.
    Both,
}

/// What to sleep on before polling an object again.
#[derive(Clone, Copy, Debug)]
pub enum Wait<'a> {
    /// Nothing: there is something to do at once.
    Ready,
    /// Until the descriptor is ready.
    Fd(BorrowedFd<'a>, Interest),
    /// Until the given time on the embedder's monotonic clock.
    At(Duration),
    /// Nothing will happen by itself.
    Never,
}

/// Sleeps until one of `waits` is due, but not longer than `limit`. `now` is the embedder's monotonic time.
///
/// A convenience for small programs and tests; larger ones register the descriptors with their event loop. An
/// interrupting signal ends the sleep early, which is not an error.
pub fn sleep(waits: &[Wait<'_>], now: Duration, limit: Option<Duration>) -> Result<(), OsError> {
    wait_for(waits, now, limit).map(|_| ())
}

/// Whether one of `waits` is due, without sleeping. `now` is the embedder's monotonic time.
pub fn is_due(waits: &[Wait<'_>], now: Duration) -> Result<bool, OsError> {
    let by_itself = waits.iter().any(|wait| match wait {
        Wait::Ready => true,
        Wait::At(at) => *at <= now,
        Wait::Fd(..) | Wait::Never => false,
    });
    Ok(by_itself || wait_for(waits, now, Some(Duration::ZERO))? > 0)
}

/// Sleeps, and gives how many descriptors are ready.
fn wait_for(waits: &[Wait<'_>], now: Duration, limit: Option<Duration>) -> Result<usize, OsError> {
    let mut timeout = limit;
    let mut fds = Vec::new();
    for wait in waits {
        match *wait {
            Wait::Ready => timeout = Some(Duration::ZERO),
            Wait::At(at) => {
                let left = at.saturating_sub(now);
                timeout = Some(timeout.map_or(left, |t| t.min(left)));
            }
            Wait::Fd(fd, interest) => {
                let flags = match interest {
                    Interest::Read => PollFlags::IN,
                    Interest::Write => PollFlags::OUT,
                    Interest::Both => PollFlags::IN | PollFlags::OUT,
                };
                fds.push(PollFd::from_borrowed_fd(fd, flags));
            }
            Wait::Never => {}
        }
    }
    let spec = timeout.map(|t| Timespec {
        tv_sec: i64::try_from(t.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: t.subsec_nanos().into(),
    });
    match poll(&mut fds, spec.as_ref()) {
        Ok(ready) => Ok(ready),
        Err(Errno::INTR) => Ok(0),
        Err(e) => Err(e.into()),
    }
}
