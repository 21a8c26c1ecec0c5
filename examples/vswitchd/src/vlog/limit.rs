//! Limits for places in the code that could fill a log.

use std::time::Duration;

/// A token bucket for one place in the code, counted in sixtieths of a message so that "N a minute" needs no
/// fractions.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    rate: u64,
    burst: u64,
    tokens: u64,
    filled: Duration,
    dropped: u64,
    first_dropped: Duration,
    last_dropped: Duration,
}

/// What stands before a message that is let through after others were not.
pub(super) struct Dropped {
    count: u64,
    since: Duration,
    ago: Duration,
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Dropped {} log messages in last {} seconds (most recently, {} seconds ago) due to excessive rate",
            self.count,
            self.since.as_secs(),
            self.ago.as_secs()
        )
    }
}

const MESSAGE: u64 = 60;

impl Limit {
    /// `rate` messages a minute, at most `burst` at once.
    pub(super) fn new(rate: u64, burst: u64, now: Duration) -> Limit {
        let burst = burst.saturating_mul(MESSAGE);
        let zero = Duration::ZERO;
        Limit { rate, burst, tokens: burst, filled: now, dropped: 0, first_dropped: zero, last_dropped: zero }
    }

    /// Whether a message may pass now; `Ok(Some(…))` also tells of those that might not.
    pub(super) fn pass(&mut self, now: Duration) -> Result<Option<Dropped>, ()> {
        let seconds = now.saturating_sub(self.filled).as_secs();
        self.filled += Duration::from_secs(seconds);
        self.tokens = self.tokens.saturating_add(seconds.saturating_mul(self.rate)).min(self.burst);
        if self.tokens < MESSAGE {
            if self.dropped == 0 {
                self.first_dropped = now;
            }
            self.last_dropped = now;
            self.dropped += 1;
            return Err(());
        }
        self.tokens -= MESSAGE;
        let count = std::mem::take(&mut self.dropped);
        Ok((count > 0).then(|| Dropped {
            count,
            since: now.saturating_sub(self.first_dropped),
            ago: now.saturating_sub(self.last_dropped),
        }))
    }
}
