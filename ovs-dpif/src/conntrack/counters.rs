//! Counters: each handle has its own, which only it writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::track::Refusal;
use super::view::CtStats;

/// What happens too often to be counted in common.
#[derive(Debug, Default)]
pub(super) struct Counters {
    invalid: AtomicU64,
    full: AtomicU64,
    zone_full: AtomicU64,
    nat_exhausted: AtomicU64,
    lies: AtomicU64,
    expectations_full: AtomicU64,
    lines_cut: AtomicU64,
}

/// Counts one more. There is one writer, so nothing is lost.
fn more(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

impl Counters {
    pub fn invalid(&self) {
        more(&self.invalid);
    }

    pub fn lie(&self) {
        more(&self.lies);
    }

    pub fn expectation_refused(&self) {
        more(&self.expectations_full);
    }

    pub fn line_cut(&self) {
        more(&self.lines_cut);
    }

    pub fn refuse(&self, refusal: Refusal) {
        more(match refusal {
            Refusal::Full => &self.full,
            Refusal::ZoneFull => &self.zone_full,
            Refusal::NatExhausted => &self.nat_exhausted,
        });
    }

    fn add_to(&self, sum: &mut CtStats) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        sum.invalid += get(&self.invalid);
        sum.full += get(&self.full);
        sum.zone_full += get(&self.zone_full);
        sum.nat_exhausted += get(&self.nat_exhausted);
        sum.lies += get(&self.lies);
        sum.expectations_full += get(&self.expectations_full);
        sum.lines_cut += get(&self.lines_cut);
    }
}

/// The counters of all handles. The lock is for handles that come and go, and for who asks.
#[derive(Debug, Default)]
pub(super) struct Counted {
    handles: Mutex<Handles>,
    pub expired: AtomicU64,
    pub flushed: AtomicU64,
}

#[derive(Debug, Default)]
struct Handles {
    all: Vec<Arc<Counters>>,
    /// Of those that are gone.
    gone: CtStats,
}

impl Counted {
    /// Counters for one more handle.
    pub fn join(&self) -> Arc<Counters> {
        let counters = Arc::<Counters>::default();
        self.handles.lock().all.push(counters.clone());
        counters
    }

    /// A handle goes.
    pub fn leave(&self, counters: &Arc<Counters>) {
        let mut handles = self.handles.lock();
        handles.all.retain(|other| !Arc::ptr_eq(other, counters));
        counters.add_to(&mut handles.gone);
    }

    /// All together.
    pub fn sum(&self) -> CtStats {
        let handles = self.handles.lock();
        let mut sum = handles.gone;
        handles.all.iter().for_each(|counters| counters.add_to(&mut sum));
        sum.expired = self.expired.load(Ordering::Relaxed);
        sum.flushed = self.flushed.load(Ordering::Relaxed);
        sum
    }
}
