//! MAC learning: which address was last seen behind which port, per VLAN.
//!
//! The control side owns [`MacTable`]: entries by age, limits, fairness. Workers read the [`MacIndex`] beside it,
//! which knows only where an address is. When the table is full, the oldest entry of the port that has the
//! most goes, so that one port cannot push out the others. Static entries neither age, give way nor move.

mod entry;
mod index;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ovs_flow::{OfPort, VlanId};
use ovs_netdev::EtherAddr;

pub use entry::{MacEntry, MacStats, StaticMacError};
pub(crate) use index::{MacIndex, mac_key};

/// An address seen again within this time keeps its place in the order of age.
const COARSE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
struct Entry {
    port: OfPort,
    used: Duration,
    /// Put in by hand; neither in the order of age nor among those that its port may lose.
    fixed: bool,
}

/// What learning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learned {
    /// Nothing that readers could see.
    Refreshed,
    /// The address is new, or behind another port now.
    Changed {
        /// What had to go for it.
        evicted: Option<u64>,
    },
}

/// The control side of MAC learning.
#[derive(Debug)]
pub(crate) struct MacTable {
    index: Arc<MacIndex>,
    seed: [u64; 2],
    max: usize,
    aging: Duration,
    entries: BTreeMap<u64, Entry>,
    by_age: BTreeSet<(Duration, u64)>,
    by_port: BTreeMap<OfPort, BTreeSet<(Duration, u64)>>,
    /// How many entries are static.
    fixed: usize,
    flood_vlans: BTreeSet<VlanId>,
    stats: MacStats,
}

fn split(key: u64) -> (u16, [u8; 6]) {
    let [_, _, mac @ ..] = key.to_be_bytes();
    ((key >> 48) as u16 & 0xfff, mac)
}

impl MacTable {
    pub fn new(max: usize, aging: Duration, seed: [u64; 2]) -> Self {
        let max = max.max(10);
        Self {
            index: Arc::new(MacIndex::new(max, seed)),
            seed,
            max,
            aging,
            entries: BTreeMap::new(),
            by_age: BTreeSet::new(),
            by_port: BTreeMap::new(),
            fixed: 0,
            flood_vlans: BTreeSet::new(),
            stats: MacStats::default(),
        }
    }

    pub fn index(&self) -> &Arc<MacIndex> {
        &self.index
    }

    pub fn stats(&self) -> MacStats {
        self.stats
    }

    /// Counts from zero again.
    pub fn clear_stats(&mut self) {
        self.stats = MacStats::default();
    }

    /// How many entries are static.
    pub fn fixed(&self) -> usize {
        self.fixed
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn max(&self) -> usize {
        self.max
    }

    /// Changes limit and aging time. If the index must grow, a new one is made, which has to be published.
    pub fn configure(&mut self, max: usize, aging: Duration) -> Vec<u64> {
        self.aging = aging;
        let max = max.max(10);
        let mut gone = Vec::new();
        if max > self.max {
            let index = MacIndex::new(max, self.seed);
            for (key, entry) in &self.entries {
                let (vlan, mac) = split(*key);
                index.set(vlan, mac, entry.port);
            }
            self.index = Arc::new(index);
        }
        self.max = max;
        while self.entries.len() > self.max
            && let Some(key) = self.evict()
        {
            gone.push(key);
        }
        gone
    }

    /// Sets the VLANs in which nothing is learned. If they are others than before, everything learned is forgotten;
    /// gives the keys.
    pub fn set_flood_vlans(&mut self, vlans: &BTreeSet<VlanId>) -> Vec<u64> {
        if self.flood_vlans == *vlans {
            return Vec::new();
        }
        self.flood_vlans.clone_from(vlans);
        self.flush(None)
    }

    /// Puts an address behind a port for good, in place of what was known of it; gives that.
    pub fn add_static(
        &mut self,
        vlan: u16,
        mac: [u8; 6],
        port: OfPort,
        now: Duration,
    ) -> Result<(Option<MacEntry>, Vec<u64>), StaticMacError> {
        let key = mac_key(vlan, mac);
        let before = self.entries.get(&key).copied();
        let mut changed = vec![key];
        if before.is_none() && self.entries.len() >= self.max {
            changed.push(self.evict().ok_or(StaticMacError::Full)?);
        }
        if !self.index.set(vlan, mac, port) {
            return Err(StaticMacError::Full);
        }
        if let Some(entry) = before {
            self.unlink(key, entry);
        }
        self.link(key, Entry { port, used: now, fixed: true });
        Ok((before.map(|entry| told(key, entry, now)), changed))
    }

    /// Takes a static address out; gives its key, `None` if there is none.
    pub fn remove_static(&mut self, vlan: u16, mac: [u8; 6]) -> Option<u64> {
        let key = mac_key(vlan, mac);
        self.entries.get(&key).filter(|entry| entry.fixed)?;
        self.remove(key);
        Some(key)
    }

    /// An address was seen behind a port.
    pub fn learn(&mut self, vlan: u16, mac: [u8; 6], port: OfPort, now: Duration) -> Learned {
        if VlanId::new(vlan).is_some_and(|vlan| self.flood_vlans.contains(&vlan)) {
            return Learned::Refreshed;
        }
        let key = mac_key(vlan, mac);
        if let Some(entry) = self.entries.get(&key).copied() {
            if entry.fixed {
                return Learned::Refreshed;
            }
            let moved = entry.port != port;
            if moved {
                self.stats.moved += 1;
                self.index.set(vlan, mac, port);
            } else if now < entry.used + COARSE {
                return Learned::Refreshed;
            }
            self.unlink(key, entry);
            self.link(key, Entry { port, used: now.max(entry.used), fixed: false });
            return if moved { Learned::Changed { evicted: None } } else { Learned::Refreshed };
        }
        let full = self.entries.len() >= self.max;
        let evicted = if full { self.evict() } else { None };
        if full && evicted.is_none() {
            // Nothing but static entries.
            return Learned::Refreshed;
        }
        if !self.index.set(vlan, mac, port) {
            // Both buckets are full: as if the table were.
            self.stats.evicted += 1;
            return Learned::Refreshed;
        }
        self.stats.learned += 1;
        self.link(key, Entry { port, used: now, fixed: false });
        Learned::Changed { evicted }
    }

    /// Forgets what has not been seen for the aging time; gives the keys.
    pub fn expire(&mut self, now: Duration) -> Vec<u64> {
        let mut gone = Vec::new();
        while let Some((used, key)) = self.by_age.first().copied() {
            if used + self.aging > now {
                break;
            }
            self.remove(key);
            self.stats.expired += 1;
            gone.push(key);
        }
        gone
    }

    /// When [`MacTable::expire`] has something to do.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.by_age.first().map(|(used, _)| *used + self.aging)
    }

    /// Forgets everything learned, or everything behind one port, static entries too; gives the keys.
    pub fn flush(&mut self, port: Option<OfPort>) -> Vec<u64> {
        let goes = |entry: &Entry| port.map_or(!entry.fixed, |port| entry.port == port);
        let keys: Vec<u64> =
            self.entries.iter().filter(|(_, entry)| goes(entry)).map(|(key, _)| *key).collect();
        for key in &keys {
            self.remove(*key);
        }
        keys
    }

    /// All entries, those seen (or, if static, put in) longest ago first.
    pub fn list(&self, now: Duration) -> Vec<MacEntry> {
        let mut entries: Vec<_> =
            self.entries.iter().map(|(key, entry)| (entry.used, *key, *entry)).collect();
        entries.sort_unstable_by_key(|(used, key, _)| (*used, *key));
        entries.into_iter().map(|(_, key, entry)| told(key, entry, now)).collect()
    }

    fn evict(&mut self) -> Option<u64> {
        let fullest = self.by_port.values().max_by_key(|set| set.len())?;
        let (_, key) = *fullest.first()?;
        self.remove(key);
        self.stats.evicted += 1;
        Some(key)
    }

    fn remove(&mut self, key: u64) {
        if let Some(entry) = self.entries.get(&key).copied() {
            self.unlink(key, entry);
            self.entries.remove(&key);
            let (vlan, mac) = split(key);
            self.index.remove(vlan, mac);
        }
    }

    fn unlink(&mut self, key: u64, entry: Entry) {
        if entry.fixed {
            self.fixed -= 1;
            return;
        }
        self.by_age.remove(&(entry.used, key));
        if let Some(set) = self.by_port.get_mut(&entry.port) {
            set.remove(&(entry.used, key));
            if set.is_empty() {
                self.by_port.remove(&entry.port);
            }
        }
    }

    fn link(&mut self, key: u64, entry: Entry) {
        self.entries.insert(key, entry);
        if entry.fixed {
            self.fixed += 1;
            return;
        }
        self.by_age.insert((entry.used, key));
        self.by_port.entry(entry.port).or_default().insert((entry.used, key));
    }
}

/// An entry as it is told.
fn told(key: u64, entry: Entry, now: Duration) -> MacEntry {
    let (vlan, mac) = split(key);
    let age = now.saturating_sub(entry.used);
    MacEntry { vlan, mac: EtherAddr(mac), port: entry.port, age, is_static: entry.fixed }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn mac(n: u8) -> [u8; 6] {
        [2, 0, 0, 0, 0, n]
    }

    #[test]
    fn the_fullest_port_gives_way() {
        let mut table = MacTable::new(10, 300 * SECOND, [1, 2]);
        for n in 0..9 {
            table.learn(0, mac(n), OfPort(1), SECOND * u32::from(n));
        }
        table.learn(0, mac(100), OfPort(2), SECOND);
        let learned = table.learn(0, mac(101), OfPort(2), 20 * SECOND);
        assert_eq!(learned, Learned::Changed { evicted: Some(mac_key(0, mac(0))) });
        assert_eq!((table.len(), table.stats().evicted), (10, 1));
    }

    #[test]
    fn entries_age_unless_seen_again() {
        let mut table = MacTable::new(10, 10 * SECOND, [1, 2]);
        table.learn(0, mac(1), OfPort(1), Duration::ZERO);
        table.learn(0, mac(2), OfPort(1), Duration::ZERO);
        assert_eq!(table.learn(0, mac(2), OfPort(1), 5 * SECOND), Learned::Refreshed);
        assert_eq!(table.expire(10 * SECOND), [mac_key(0, mac(1))]);
        assert_eq!(table.index().get(0, mac(1)), None);
        assert_eq!(table.list(10 * SECOND)[0].age, 5 * SECOND);
        assert_eq!(table.flush(Some(OfPort(1))).len(), 1);
    }

    #[test]
    fn static_entries_neither_move_nor_age_nor_give_way() {
        let mut table = MacTable::new(10, 10 * SECOND, [1, 2]);
        table.learn(0, mac(1), OfPort(1), Duration::ZERO);
        let (before, _) = table.add_static(0, mac(1), OfPort(2), SECOND).unwrap();
        assert_eq!(before.map(|entry| (entry.port, entry.is_static)), Some((OfPort(1), false)));
        assert_eq!(table.learn(0, mac(1), OfPort(3), SECOND), Learned::Refreshed);
        for n in 2..30 {
            table.learn(0, mac(n), OfPort(3), SECOND);
        }
        assert_eq!((table.len(), table.fixed()), (10, 1));
        table.expire(100 * SECOND);
        assert_eq!((table.index().get(0, mac(1)), table.len()), (Some(OfPort(2)), 1));
        assert_eq!((table.flush(None).len(), table.len()), (0, 1));
        for n in 2..11 {
            table.add_static(0, mac(n), OfPort(2), SECOND).unwrap();
        }
        assert_eq!(table.add_static(0, mac(11), OfPort(2), SECOND), Err(StaticMacError::Full));
        assert_eq!(table.learn(0, mac(12), OfPort(2), SECOND), Learned::Refreshed);
        assert_eq!((table.remove_static(0, mac(1)).is_some(), table.remove_static(0, mac(1))), (true, None));
        assert_eq!(table.flush(Some(OfPort(2))).len(), 9);
    }

    #[test]
    fn nothing_is_learned_in_vlans_that_are_flooded() {
        let mut table = MacTable::new(10, 10 * SECOND, [1, 2]);
        let vlan = |n| VlanId::new(n).unwrap();
        table.learn(7, mac(1), OfPort(1), SECOND);
        assert_eq!(table.set_flood_vlans(&BTreeSet::from([vlan(7)])).len(), 1);
        assert_eq!(table.learn(7, mac(1), OfPort(1), SECOND), Learned::Refreshed);
        assert!(matches!(table.learn(8, mac(1), OfPort(1), SECOND), Learned::Changed { .. }));
        assert!(table.set_flood_vlans(&BTreeSet::from([vlan(7)])).is_empty());
    }
}
