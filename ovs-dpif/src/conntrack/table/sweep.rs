//! Ends connections whose time is over.

use std::sync::atomic::Ordering;

use super::Table;

impl Table {
    /// Looks at the next places, all of them at most, and ends what is over. Says how many were. Nothing is waited for.
    pub fn sweep(&self, now: u64, places: u32) -> u32 {
        let all = self.places();
        let mut gone = 0;
        let mut at = self.swept.load(Ordering::Relaxed);
        for _ in 0..places.min(all) {
            at = if at + 1 >= all { 0 } else { at + 1 };
            if let Some(hit) = self.at(at).filter(|hit| hit.place.expires() <= now) {
                gone += u32::from(self.end(&hit));
            }
        }
        self.swept.store(at, Ordering::Relaxed);
        self.counted.expired.fetch_add(gone.into(), Ordering::Relaxed);
        gone
    }
}
