//! How many connections a zone may have.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A zone's limit, and how many connections it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneLimit {
    /// Zone.
    pub zone: u16,
    /// Connections at most; 0 for no limit.
    pub limit: u32,
    /// Connections, those whose time is over but which were not swept yet included.
    pub count: u32,
}

/// Zones of a page, and pages.
const PAGE: usize = 256;

#[derive(Debug, Default)]
struct Zone {
    count: AtomicU32,
    /// Its own limit, above this bit.
    limit: AtomicU64,
}

const OWN: u64 = 1 << 32;

/// Limits and counts by zone, which anyone may read and change at any time.
#[derive(Debug)]
pub(super) struct Zones {
    default: AtomicU32,
    pages: [OnceLock<Box<[Zone]>>; PAGE],
}

impl Default for Zones {
    fn default() -> Self {
        Self { default: AtomicU32::new(0), pages: [const { OnceLock::new() }; PAGE] }
    }
}

impl Zones {
    fn zone(&self, zone: u16) -> &Zone {
        let page = &self.pages[usize::from(zone >> 8)];
        &page.get_or_init(|| (0..PAGE).map(|_| Zone::default()).collect())[usize::from(zone) % PAGE]
    }

    /// The limit of each zone that has none of its own; 0 for no limit.
    pub fn default_limit(&self) -> u32 {
        self.default.load(Ordering::Relaxed)
    }

    /// Sets the limit of each zone that has none of its own.
    pub fn set_default(&self, limit: u32) {
        self.default.store(limit, Ordering::Relaxed);
    }

    /// Gives a zone a limit of its own. Connections above it stay.
    pub fn set(&self, zone: u16, limit: u32) {
        self.zone(zone).limit.store(OWN | u64::from(limit), Ordering::Relaxed);
    }

    /// Takes a zone's own limit away; false if it has none.
    pub fn remove(&self, zone: u16) -> bool {
        self.zone(zone).limit.swap(0, Ordering::Relaxed) != 0
    }

    fn limit(&self, zone: &Zone) -> u32 {
        match zone.limit.load(Ordering::Relaxed) {
            0 => self.default_limit(),
            own => own as u32,
        }
    }

    /// Limit and count of a zone.
    pub fn get(&self, number: u16) -> ZoneLimit {
        let zone = self.zone(number);
        ZoneLimit { zone: number, limit: self.limit(zone), count: zone.count.load(Ordering::Relaxed) }
    }

    /// Zones with a limit of their own.
    pub fn own(&self) -> Vec<ZoneLimit> {
        let has = |zone: &u16| {
            let page = self.pages[usize::from(*zone >> 8)].get();
            page.is_some_and(|page| page[usize::from(*zone) % PAGE].limit.load(Ordering::Relaxed) != 0)
        };
        (0..=u16::MAX).filter(has).map(|zone| self.get(zone)).collect()
    }

    /// Counts one more, unless the zone has as many as it may.
    pub fn add(&self, zone: u16) -> bool {
        let zone = self.zone(zone);
        let (limit, before) = (self.limit(zone), zone.count.fetch_add(1, Ordering::Relaxed));
        let room = limit == 0 || before < limit;
        if !room {
            zone.count.fetch_sub(1, Ordering::Relaxed);
        }
        room
    }

    /// Counts one less.
    pub fn subtract(&self, zone: u16) {
        self.zone(zone).count.fetch_sub(1, Ordering::Relaxed);
    }
}
