//! How long to wait between attempts.

use std::time::Duration;

/// The limits of a [`Backoff`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackoffConfig {
    /// The first wait.
    pub min: Duration,
    /// The longest wait.
    pub max: Duration,
}

impl Default for BackoffConfig {
    /// One second, doubling up to eight.
    fn default() -> Self {
        BackoffConfig { min: Duration::from_secs(1), max: Duration::from_secs(8) }
    }
}

impl BackoffConfig {
    /// Sets the first wait.
    pub fn min(mut self, min: Duration) -> Self {
        self.min = min;
        self
    }

    /// Sets the longest wait.
    pub fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }
}

/// Waits that double from a first one up to a longest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    config: BackoffConfig,
    current: Duration,
}

impl Backoff {
    /// A back-off at its beginning: the current wait is zero.
    pub fn new(config: BackoffConfig) -> Self {
        Backoff {
            config: BackoffConfig { min: config.min, max: config.max.max(config.min) },
            current: Duration::ZERO,
        }
    }

    /// The wait that the last failure led to; zero if there was none.
    pub fn current(&self) -> Duration {
        self.current
    }

    /// Whether the wait has reached the longest.
    pub fn is_at_max(&self) -> bool {
        self.current >= self.config.max
    }

    /// Notes a failure and gives the wait before the next attempt.
    pub fn fail(&mut self) -> Duration {
        self.current = if self.current < self.config.min {
            self.config.min
        } else {
            self.current.saturating_mul(2).min(self.config.max)
        };
        self.current
    }

    /// Begins anew with the first wait, as after a connection that held.
    pub fn reset_to_min(&mut self) -> Duration {
        self.current = self.config.min;
        self.current
    }

    /// Forgets all failures.
    pub fn reset(&mut self) {
        self.current = Duration::ZERO;
    }

    /// Changes the limits; the current wait is brought under them.
    pub fn set_config(&mut self, config: BackoffConfig) {
        self.config = BackoffConfig { min: config.min, max: config.max.max(config.min) };
        self.current = self.current.min(self.config.max);
    }
}
