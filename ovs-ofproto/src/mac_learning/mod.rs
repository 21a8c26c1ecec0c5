//! MAC learning: which address was last seen behind which port, per VLAN.
//!
//! The control side owns [`MacTable`]: entries by age, limits, fairness. Workers read the [`MacIndex`] beside it,
//! which knows only where an address is. When the table is full, the oldest entry of the port that has the
//! most goes, so that one port cannot push out the others.

mod index;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ovs_flow::OfPort;
use ovs_netdev::EtherAddr;

pub(crate) use index::{MacIndex, mac_key};

/// An address seen again within this time keeps its place in the order of age.
const COARSE: Duration = Duration::from_secs(1);

/// A learned address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MacEntry {
    /// The VLAN, 0 for none.
    pub vlan: u16,
    /// The address.
    pub mac: EtherAddr,
    /// The port behind which it is.
    pub port: OfPort,
    /// Time since it was last seen.
    pub age: Duration,
}

/// Counters of a MAC table (`fdb/stats-show`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MacStats {
    /// Addresses learned.
    pub learned: u64,
    /// Addresses forgotten because of their age.
    pub expired: u64,
    /// Addresses that had to go because the table was full.
    pub evicted: u64,
    /// Addresses that were seen behind another port than before.
    pub moved: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    port: OfPort,
    used: Duration,
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
            stats: MacStats::default(),
        }
    }

    pub fn index(&self) -> &Arc<MacIndex> {
        &self.index
    }

    pub fn stats(&self) -> MacStats {
        self.stats
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
        while self.entries.len() > self.max {
            gone.extend(self.evict());
        }
        gone
    }

    /// An address was seen behind a port.
    pub fn learn(&mut self, vlan: u16, mac: [u8; 6], port: OfPort, now: Duration) -> Learned {
        let key = mac_key(vlan, mac);
        if let Some(entry) = self.entries.get(&key).copied() {
            let moved = entry.port != port;
            if moved {
                self.stats.moved += 1;
                self.index.set(vlan, mac, port);
            } else if now < entry.used + COARSE {
                return Learned::Refreshed;
            }
            self.unlink(key, entry);
            self.link(key, Entry { port, used: now.max(entry.used) });
            return if moved { Learned::Changed { evicted: None } } else { Learned::Refreshed };
        }
        let evicted = if self.entries.len() >= self.max { self.evict() } else { None };
        if !self.index.set(vlan, mac, port) {
            // Both buckets are full: as if the table were.
            self.stats.evicted += 1;
            return Learned::Refreshed;
        }
        self.stats.learned += 1;
        self.link(key, Entry { port, used: now });
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

    /// Forgets everything, or everything behind one port; gives the keys.
    pub fn flush(&mut self, port: Option<OfPort>) -> Vec<u64> {
        let keys: Vec<u64> = match port {
            None => self.entries.keys().copied().collect(),
            Some(port) => self
                .by_port
                .get(&port)
                .map(|set| set.iter().map(|(_, key)| *key).collect())
                .unwrap_or_default(),
        };
        for key in &keys {
            self.remove(*key);
        }
        keys
    }

    /// All entries, the oldest first.
    pub fn list(&self, now: Duration) -> Vec<MacEntry> {
        let entry = |(used, key): &(Duration, u64)| {
            let (vlan, mac) = split(*key);
            let port = self.entries.get(key)?.port;
            Some(MacEntry { vlan, mac: EtherAddr(mac), port, age: now.saturating_sub(*used) })
        };
        self.by_age.iter().filter_map(entry).collect()
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
        self.by_age.insert((entry.used, key));
        self.by_port.entry(entry.port).or_default().insert((entry.used, key));
    }
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
}
