//! The switch's clock: monotonic, and in dummy mode stopped and warped by command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A clock that all threads of the program read. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    /// Whether it stands still, at `offset` nanoseconds.
    stopped: AtomicBool,
    /// Nanoseconds added by warps; the whole time while stopped.
    offset: AtomicU64,
}

impl Clock {
    /// A clock that shows the time since the machine started, as the original's monotonic clock does.
    pub fn new() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let boot = Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0));
        let offset = AtomicU64::new(boot.as_nanos() as u64);
        Self { shared: Arc::new(Shared { origin: Instant::now(), stopped: AtomicBool::new(false), offset }) }
    }

    /// Now.
    pub fn now(&self) -> Duration {
        let offset = Duration::from_nanos(self.shared.offset.load(Ordering::Relaxed));
        if self.shared.stopped.load(Ordering::Relaxed) {
            offset
        } else {
            offset + self.shared.origin.elapsed()
        }
    }

    /// Whether it stands still.
    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Relaxed)
    }

    /// Stops it where it is.
    pub fn stop(&self) {
        if !self.is_stopped() {
            let now = self.now();
            self.shared.offset.store(now.as_nanos() as u64, Ordering::Relaxed);
            self.shared.stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Moves it forward.
    pub fn warp(&self, by: Duration) {
        self.shared.offset.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_by_warps_alone() {
        let clock = Clock::new();
        assert!(!clock.is_stopped());
        clock.stop();
        let now = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(clock.now(), now);
        clock.warp(Duration::from_secs(3));
        assert_eq!(clock.now(), now + Duration::from_secs(3));
    }
}
