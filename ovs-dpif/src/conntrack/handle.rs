//! The handle to connections: what is set, counted and shown.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::counters::Counters;
use super::table::Table;
use super::track::millis;
use super::view::{ConnectionView, CtCursor, CtFilter, CtStats};
use super::{ConntrackConfig, TimeoutPolicy, ZoneLimit};

/// Places that a dump or a flush looks at in one step.
const STEP: u32 = 64;
/// How often a part of the table is swept, at most, and how many parts it has, if that allows for them.
const SWEEP_EVERY: Duration = Duration::from_millis(10);
const SWEEPS: u32 = 512;
/// Places that are looked at in one turn at most: some 100 microseconds.
const MOST_SWEPT: u32 = 1 << 16;

/// A handle to connections; a clone of it is another to the same ones. Who tracks packets has a handle of its own, whose
/// counters only it writes. See the module's head for how connections are shared.
pub struct Conntrack {
    pub(super) table: Arc<Table>,
    pub(super) counters: Arc<Counters>,
}

impl Clone for Conntrack {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), counters: self.table.counted.join() }
    }
}

impl Drop for Conntrack {
    fn drop(&mut self) {
        self.table.counted.leave(&self.counters);
    }
}

impl Conntrack {
    /// Without connections.
    pub fn new(config: &ConntrackConfig) -> Self {
        let table = Arc::new(Table::new(config));
        let counters = table.counted.join();
        Self { table, counters }
    }

    /// Looks at the next `places`, all of them at most, and ends connections whose time is over. Says how many were.
    pub fn sweep(&self, now: Duration, places: u32) -> u32 {
        self.table.sweep(millis(now), places)
    }

    /// Sweeps a part of the table if `next` has come, and sets that to when the next part is due.
    pub(crate) fn sweep_at(&self, now: Duration, next: &mut Duration) {
        if now < *next || self.is_empty() {
            return;
        }
        let all = Duration::from_millis(self.sweep_interval().into());
        let every = SWEEP_EVERY.max(all / SWEEPS);
        *next = now + every;
        let part = u128::from(self.places()) * every.as_micros() / all.max(every).as_micros();
        // However short the interval is set, the packets in between do not wait for the whole table.
        self.sweep(now, (part as u32).saturating_add(1).min(MOST_SWEPT));
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
        let time = millis(now);
        self.walk(cursor, filter, &mut |id| {
            let Some(hit) = self.table.at(id) else { return };
            let connection = hit.place.load();
            if connection.expires > time && hit.place.lives(hit.life) && filter.fits(&connection) {
                show(connection.view(now));
            }
        })
    }

    /// Ends connections that `filter` means, a part of the table at a time; true if there may be more.
    pub fn flush(&self, cursor: &mut CtCursor, filter: &CtFilter) -> bool {
        let mut gone = 0;
        let more = self.walk(cursor, filter, &mut |id| {
            let Some(hit) = self.table.at(id) else { return };
            let connection = hit.place.load();
            if hit.place.lives(hit.life) && filter.fits(&connection) {
                gone += u64::from(self.table.end(&hit));
            }
        });
        self.table.counted.flushed.fetch_add(gone, Ordering::Relaxed);
        more
    }

    fn walk(&self, cursor: &mut CtCursor, filter: &CtFilter, look: &mut dyn FnMut(u32)) -> bool {
        if filter.zone.is_some_and(|zone| self.table.zones.get(zone).count == 0) {
            return false;
        }
        let all = self.places();
        let to = cursor.place.saturating_add(STEP).min(all);
        (cursor.place..to).for_each(look);
        cursor.place = to;
        to < all
    }

    /// Places for connections, used or not: what a whole round of [`Conntrack::sweep`] is.
    pub fn places(&self) -> u32 {
        self.table.places()
    }

    /// Frees what connections that have ended still take. Those that begin do that a few at a time; this is for who has the table
    /// alone, and makes others wait.
    pub fn tidy(&self) {
        self.table.tidy();
    }

    /// Entries and buckets of the index.
    pub fn index_size(&self) -> (usize, usize) {
        self.table.index_size()
    }

    /// Connections, those whose time is over but which were not swept yet included.
    pub fn len(&self) -> u32 {
        self.table.total.load(Ordering::Relaxed)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Connections at most.
    pub fn max_connections(&self) -> u32 {
        self.table.max.load(Ordering::Relaxed)
    }

    /// Sets how many connections there may be; those above stay.
    pub fn set_max_connections(&self, max: u32) {
        self.table.max.store(max, Ordering::Relaxed);
    }

    /// Milliseconds in which all of the table is swept once by the datapath that has it.
    pub fn sweep_interval(&self) -> u32 {
        self.table.sweep.load(Ordering::Relaxed)
    }

    /// Sets [`Conntrack::sweep_interval`].
    pub fn set_sweep_interval(&self, milliseconds: u32) {
        self.table.sweep.store(milliseconds, Ordering::Relaxed);
    }

    /// Whether TCP segments must lie in their window.
    pub fn tcp_sequence_check(&self) -> bool {
        self.table.sequence_check.load(Ordering::Relaxed)
    }

    /// Sets whether TCP segments must lie in their window.
    pub fn set_tcp_sequence_check(&self, check: bool) {
        self.table.sequence_check.store(check, Ordering::Relaxed);
    }

    /// Sets whether of TCP segments outside of their window only resets are invalid.
    pub fn set_tcp_be_liberal(&self, liberal: bool) {
        self.table.liberal.store(liberal, Ordering::Relaxed);
    }

    /// The limit of zones that have none of their own; 0 for no limit.
    pub fn default_limit(&self) -> u32 {
        self.table.zones.default_limit()
    }

    /// Sets the limit of zones that have none of their own.
    pub fn set_default_limit(&self, limit: u32) {
        self.table.zones.set_default(limit);
    }

    /// Gives a zone a limit of its own, 0 for none.
    pub fn set_limit(&self, zone: u16, limit: u32) {
        self.table.zones.set(zone, limit);
    }

    /// Takes a zone's own limit away; false if it has none.
    pub fn remove_limit(&self, zone: u16) -> bool {
        self.table.zones.remove(zone)
    }

    /// Limit and count of a zone.
    pub fn limit(&self, zone: u16) -> ZoneLimit {
        self.table.zones.get(zone)
    }

    /// Zones with a limit of their own, in order.
    pub fn limits(&self) -> Vec<ZoneLimit> {
        self.table.zones.own()
    }

    /// Sets or replaces the timeout policy that actions name by this number (`ct(timeout=N)`). Connections that have it live by
    /// its new times from their next packet on. There may be 65,535; false if there are.
    pub fn set_policy(&self, number: u32, policy: TimeoutPolicy) -> bool {
        self.table.policies.set(number, &policy)
    }

    /// Sets the times to live of connections without a policy of their own.
    pub fn set_default_policy(&self, policy: TimeoutPolicy) {
        self.table.policies.set_first(&policy);
    }

    /// Counters of all handles together.
    pub fn stats(&self) -> CtStats {
        let created = self.table.created.load(Ordering::Relaxed);
        CtStats { created, ..self.table.counted.sum() }
    }
}

impl std::fmt::Debug for Conntrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conntrack").field("connections", &self.len()).finish_non_exhaustive()
    }
}
