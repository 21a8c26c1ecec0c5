//! Takes out connections whose time is over.

use std::time::Duration;

use super::track::{Tracker, millis};

impl Tracker {
    /// Looks at the next `slots` places, all of them at most, and takes out what is over. Says how many were.
    pub fn sweep(&mut self, now: Duration, slots: u32) -> u32 {
        let all = self.slab.slots();
        let now = millis(now);
        let mut gone = 0;
        for _ in 0..slots.min(all) {
            self.swept = if self.swept + 1 >= all { 0 } else { self.swept + 1 };
            let slot = self.swept;
            if self.slab.get(slot).is_some_and(|connection| connection.expires <= now) {
                self.remove(slot);
                gone += 1;
            }
        }
        self.stats.expired += u64::from(gone);
        gone
    }

    /// Places for connections, used or not: what a whole round of [`Tracker::sweep`] is.
    pub fn slots(&self) -> u32 {
        self.slab.slots()
    }
}
