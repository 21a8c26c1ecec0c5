//! What to sleep on until there is something to do.

use std::os::fd::BorrowedFd;
use std::time::Duration;

/// What an object waits for. A program collects these from all it polls, sleeps until the first comes
/// true, and polls again; waking too early is harmless.
#[derive(Clone, Copy, Debug)]
pub enum Wait<'a> {
    /// There is work now: do not sleep.
    Ready,
    /// Until the descriptor is ready for what is named.
    Fd(BorrowedFd<'a>, Interest),
    /// Until a point in time, on the clock whose readings the embedder passes as `now`.
    At(Duration),
    /// Only an outside event (a command, another object) can bring work.
    Never,
}

/// What a descriptor is awaited to be ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Readable.
    Read,
    /// Writable.
    Write,
    /// Either.
    Both,
}
