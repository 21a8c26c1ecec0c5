//! Connections that several workers share.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ovs_flow::CtMetadata;
use ovs_packet::Packet;
use parking_lot::{Mutex, MutexGuard};

use super::track::Common;
use super::view::{ConnectionView, CtCursor, CtFilter, CtStats};
use super::{ConntrackConfig, CtAction, TimeoutPolicy, Tracked, Tracker, ZoneLimit};

/// Trackers that zones are spread over.
const TRACKERS: usize = 64;
/// Places that control looks at in one holding of a lock: what a packet may have to wait for.
const SLICE: u32 = 8;

/// How often a part of the table is swept, and how many parts it has.
const SWEEP_EVERY: Duration = Duration::from_millis(10);
const SWEEPS: u32 = 512;

struct Shared {
    trackers: Vec<Mutex<Tracker>>,
    common: Arc<Common>,
}

/// A handle to connections; a clone of it is another to the same ones. See the module's head for how they are shared.
#[derive(Clone)]
pub struct Conntrack(Arc<Shared>);

impl Conntrack {
    /// Without connections.
    pub fn new(config: &ConntrackConfig) -> Self {
        let common = Arc::new(Common::new(config));
        let tracker = |_| Mutex::new(Tracker::sharing(config, common.clone()));
        Self(Arc::new(Shared { trackers: (0..TRACKERS).map(tracker).collect(), common }))
    }

    fn of_zone(&self, zone: u16) -> &Mutex<Tracker> {
        &self.0.trackers[usize::from(zone) % TRACKERS]
    }

    /// Takes a packet through the tracker of its zone: [`Tracker::track`].
    pub fn track(
        &self,
        packet: &mut Packet,
        ct: &mut CtMetadata,
        action: &CtAction,
        now: Duration,
        random: u32,
    ) -> Tracked {
        if ct.zone != action.zone {
            // Names of connections are those of one tracker.
            ct.connection = 0;
        }
        self.of_zone(action.zone).lock().track(packet, ct, action, now, random)
    }

    /// Takes out connections whose time is over, looking at one in so many places of each tracker, a few of them at a time, and
    /// passing over those that a packet is in. Says how many were.
    pub fn sweep(&self, now: Duration, one_in: u32) -> u32 {
        let mut gone = 0;
        for tracker in &self.0.trackers {
            let mut left = 1;
            while left > 0
                && let Some(mut tracker) = tracker.try_lock()
            {
                if left == 1 {
                    left = tracker.slots().div_ceil(one_in.max(1)) + 1;
                }
                let slice = left.min(SLICE);
                gone += tracker.sweep(now, slice);
                left -= slice;
                MutexGuard::unlock_fair(tracker);
            }
        }
        gone
    }

    /// Sweeps a part of the table if `next` has come, and sets that to when the next part is due.
    pub(crate) fn sweep_at(&self, now: Duration, next: &mut Duration) {
        if now < *next || self.is_empty() {
            return;
        }
        *next = now + SWEEP_EVERY;
        self.sweep(now, SWEEPS);
    }

    /// Shows a few of the connections that `filter` means from where `cursor` stands; true if there may
    /// be more. Connections that come and go meanwhile may or may not be shown.
    pub fn dump(
        &self,
        cursor: &mut CtCursor,
        filter: &CtFilter,
        now: Duration,
        show: &mut dyn FnMut(ConnectionView<'_>),
    ) -> bool {
        let mut copies = Vec::new();
        let more = self.walk(cursor, filter, &mut |tracker, slot| {
            tracker.copy(slot, SLICE, filter, now, &mut |connection| copies.push(connection.clone()))
        });
        // Whoever looks at them takes as long as it likes.
        for connection in &copies {
            show(connection.view(now));
        }
        more
    }

    /// Takes out connections that `filter` means, a slice of the table at a time; true if there may be more.
    pub fn flush(&self, cursor: &mut CtCursor, filter: &CtFilter) -> bool {
        self.walk(cursor, filter, &mut |tracker, slot| tracker.flush(slot, SLICE, filter))
    }

    fn walk(
        &self,
        cursor: &mut CtCursor,
        filter: &CtFilter,
        step: &mut dyn FnMut(&mut Tracker, u32) -> Option<u32>,
    ) -> bool {
        let only = filter.zone.map(|zone| usize::from(zone) % TRACKERS);
        if let Some(only) = only {
            cursor.tracker = cursor.tracker.max(only as u32);
        }
        let Some(tracker) = self.0.trackers.get(cursor.tracker as usize) else { return false };
        let mut held = tracker.lock();
        let next = step(&mut held, cursor.slot);
        MutexGuard::unlock_fair(held);
        match next {
            Some(slot) => cursor.slot = slot,
            None if only.is_some() => return false,
            None => *cursor = CtCursor { tracker: cursor.tracker + 1, slot: 0 },
        }
        (cursor.tracker as usize) < TRACKERS
    }

    /// Connections, those whose time is over but which were not swept yet included.
    pub fn len(&self) -> u32 {
        self.0.common.total.load(Ordering::Relaxed)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Connections at most.
    pub fn max_connections(&self) -> u32 {
        self.0.common.max.load(Ordering::Relaxed)
    }

    /// Sets how many connections there may be; those above stay.
    pub fn set_max_connections(&self, max: u32) {
        self.0.common.max.store(max, Ordering::Relaxed);
    }

    /// Whether TCP segments must lie in their window.
    pub fn tcp_sequence_check(&self) -> bool {
        self.0.common.sequence_check.load(Ordering::Relaxed)
    }

    /// Sets whether TCP segments must lie in their window.
    pub fn set_tcp_sequence_check(&self, check: bool) {
        self.0.common.sequence_check.store(check, Ordering::Relaxed);
    }

    /// Sets whether of TCP segments outside of their window only resets are invalid.
    pub fn set_tcp_be_liberal(&self, liberal: bool) {
        self.0.common.liberal.store(liberal, Ordering::Relaxed);
    }

    /// The limit of zones that have none of their own; 0 for no limit.
    pub fn default_limit(&self) -> u32 {
        self.0.trackers[0].lock().limits.default_limit()
    }

    /// Sets the limit of zones that have none of their own.
    pub fn set_default_limit(&self, limit: u32) {
        self.0.trackers.iter().for_each(|tracker| tracker.lock().limits.set_default(limit));
    }

    /// Gives a zone a limit of its own, 0 for none.
    pub fn set_limit(&self, zone: u16, limit: u32) {
        self.of_zone(zone).lock().limits.set(zone, limit);
    }

    /// Takes a zone's own limit away; false if it has none.
    pub fn remove_limit(&self, zone: u16) -> bool {
        self.of_zone(zone).lock().limits.remove(zone)
    }

    /// Limit and count of a zone.
    pub fn limit(&self, zone: u16) -> ZoneLimit {
        self.of_zone(zone).lock().limits.get(zone)
    }

    /// Zones with a limit of their own, in order.
    pub fn limits(&self) -> Vec<ZoneLimit> {
        let mut all = Vec::new();
        self.0.trackers.iter().for_each(|tracker| all.extend(tracker.lock().limits.own()));
        all.sort_by_key(|limit| limit.zone);
        all
    }

    /// Sets or replaces a timeout policy: [`Tracker::set_policy`].
    pub fn set_policy(&self, number: u32, policy: TimeoutPolicy) -> bool {
        self.0.trackers.iter().all(|tracker| tracker.lock().set_policy(number, policy))
    }

    /// Sets the times to live of connections without a policy of their own.
    pub fn set_default_policy(&self, policy: TimeoutPolicy) {
        self.0.trackers.iter().for_each(|tracker| tracker.lock().set_default_policy(policy));
    }

    /// Counters of all trackers together.
    pub fn stats(&self) -> CtStats {
        let mut sum = CtStats::default();
        self.0.trackers.iter().for_each(|tracker| sum.add(tracker.lock().stats()));
        sum
    }
}

impl std::fmt::Debug for Conntrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conntrack").field("connections", &self.len()).finish_non_exhaustive()
    }
}
