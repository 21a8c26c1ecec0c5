//! What control and workers share: the published configuration and version, and the way back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ovs_classifier::Version;
use ovs_classifier::rcu::{Cell, Domain, Guard};

use super::{Snapshot, World};
use crate::recirc::Recirculation;

/// The published state of a switch.
pub(crate) struct Shared {
    pub domain: Domain,
    world: Cell<World>,
    version: AtomicU64,
    /// Counts changes of MAC tables.
    macs: AtomicU64,
    pub recirculation: Recirculation,
}

impl Shared {
    pub fn new() -> Self {
        let domain = Domain::new();
        let world = Cell::new(&domain, Arc::new(World::default()));
        Self {
            domain,
            world,
            version: AtomicU64::new(1),
            macs: AtomicU64::new(0),
            recirculation: Recirculation::default(),
        }
    }

    /// The version that readers use now.
    pub fn version(&self) -> Version {
        Version(self.version.load(Ordering::Acquire))
    }

    /// From now on readers use this version.
    pub fn publish_version(&self, version: Version) {
        self.version.store(version.0, Ordering::Release);
    }

    /// How often MAC tables have changed. Read before a translation, it says whether that saw the present ones.
    pub fn mac_changes(&self) -> u64 {
        self.macs.load(Ordering::Acquire)
    }

    /// Counts a change of a MAC table; called after the change is made.
    pub fn count_mac_change(&self) {
        self.macs.store(self.macs.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// From now on readers use this configuration.
    pub fn publish_world(&self, world: Arc<World>) {
        self.world.replace(world);
    }

    /// The present state. The version is read first, so that the configuration is at least as new; if it is newer, so
    /// is the version, so that groups and the rules that came with them are seen together.
    pub fn snapshot(self: &Arc<Self>, guard: &Guard<'_>) -> Snapshot {
        let version = self.version();
        let world = self.world.load_arc(guard);
        Snapshot { version: version.max(world.version), world, shared: Arc::clone(self) }
    }

    /// Takes over the newest state into a snapshot that is there.
    pub fn renew(&self, snapshot: &mut Snapshot, guard: &Guard<'_>) {
        snapshot.version = self.version();
        if self.world.load(guard).generation != snapshot.world.generation {
            snapshot.world = self.world.load_arc(guard);
        }
        // A configuration that belongs to a change of tables is published just before their version.
        snapshot.version = snapshot.version.max(snapshot.world.version);
    }
}

impl Drop for Shared {
    /// A retired configuration holds readers of tables, and these the domain in which it waits: only letting go
    /// of it here breaks that circle. What is dropped may retire more.
    fn drop(&mut self) {
        while self.domain.reclaim(usize::MAX) > 0 {}
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("version", &self.version()).finish_non_exhaustive()
    }
}
