//! Staying awake for clients that ask one thing after another.
//!
//! Such a client sends its next request some microseconds after an answer. Going to sleep and being woken takes longer
//! than that, so the server looks a little longer before it sleeps. It does so only after a turn in which a request came,
//! and gives it up as soon as several looks came to nothing, as they do where the client needs the same processor, until
//! a request comes quickly again. It does not yield in between, which can cost it the rest of its time slice.

use std::time::{Duration, Instant};

use ovs_stream::{OsError, Wait, is_due, sleep};

/// How long to look.
const LOOK: Duration = Duration::from_micros(50);

/// A sleep that is no longer would have been spared.
const SHORT: Duration = Duration::from_micros(200);

/// How many looks may come to nothing in a row.
const PATIENCE: u32 = 3;

/// How it went lately.
#[derive(Debug, Default)]
pub struct Brisk {
    /// How many requests had come when it last slept.
    requests: u64,
    /// How many looks in a row came to nothing.
    misses: u32,
}

impl Brisk {
    /// Sleeps until one of `waits` is due, as [`sleep`] does. `requests` is how many have come so far.
    pub fn sleep(
        &mut self,
        waits: &[Wait<'_>],
        now: Duration,
        limit: Option<Duration>,
        requests: u64,
    ) -> Result<(), OsError> {
        let busy = std::mem::replace(&mut self.requests, requests) != requests;
        if busy && self.misses < PATIENCE {
            let start = Instant::now();
            while start.elapsed() < LOOK {
                if is_due(waits, now)? {
                    self.misses = 0;
                    return Ok(());
                }
            }
            self.misses += 1;
        }
        let start = Instant::now();
        sleep(waits, now, limit)?;
        if busy && start.elapsed() < SHORT {
            self.misses = 0;
        }
        Ok(())
    }
}
