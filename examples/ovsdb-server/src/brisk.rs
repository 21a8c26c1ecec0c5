//! Staying awake for clients that ask one thing after another.
//!
//! Such a client sends its next request some microseconds after an answer. Going to sleep and being woken takes longer
//! than that, so the server looks a little longer before it sleeps, and only at the clients that it has just answered:
//! a request then costs reading it, writing its record and answering. What other clients are to be told meanwhile goes to
//! them together, half a millisecond later at most. That is given up as soon as several looks came to
//! nothing, as they do where the client needs the same processor, until a request comes quickly again. It does not yield
//! in between, which can cost it the rest of its time slice.

use std::time::{Duration, Instant};

use ovs_db::server::Listener;
use ovs_stream::{OsError, Wait, sleep};

use crate::app::Clock;

/// How long to look.
const LOOK: Duration = Duration::from_micros(50);

/// How often everything else is looked after meanwhile.
const WHOLE_TURN: Duration = Duration::from_micros(500);

/// At every so many looks, the other clients are looked at too.
const OTHERS: u32 = 8;

/// A sleep that is no longer would have been spared.
const SHORT: Duration = Duration::from_micros(200);

/// How many looks may come to nothing in a row.
const PATIENCE: u32 = 3;

/// How it went lately.
#[derive(Debug, Default)]
pub struct Brisk {
    /// A request came since it last slept.
    busy: bool,
    /// How many looks in a row came to nothing.
    misses: u32,
}

impl Brisk {
    /// Serves the clients that were just answered as long as they go on asking. True if a whole turn is to come now;
    /// else the program may sleep.
    pub fn serve(&mut self, listener: &mut Listener, clock: Clock) -> bool {
        self.busy = listener.has_recent();
        if !self.busy || self.misses >= PATIENCE {
            return false;
        }
        let start = clock.now();
        let (mut now, mut last, mut looks) = (start, start.monotonic, 0);
        while now.monotonic.saturating_sub(start.monotonic) < WHOLE_TURN {
            // What makes the listener ready may be the next request.
            let ready = looks % OTHERS == OTHERS - 1 && listener.is_ready();
            if listener.poll_recent(now) {
                self.misses = 0;
                looks = 0;
                now = clock.now();
                last = now.monotonic;
                continue;
            } else if ready {
                return true;
            } else if now.monotonic.saturating_sub(last) > LOOK {
                self.misses += 1;
                return false;
            }
            looks += 1;
            now = clock.now();
        }
        true
    }

    /// Sleeps until one of `waits` is due, as [`sleep`] does.
    pub fn sleep(
        &mut self,
        waits: &[Wait<'_>],
        now: Duration,
        limit: Option<Duration>,
    ) -> Result<(), OsError> {
        let start = Instant::now();
        sleep(waits, now, limit)?;
        if self.busy && start.elapsed() < SHORT {
            self.misses = 0;
        }
        Ok(())
    }
}
