//! Neighbours: Ethernet addresses of next hops, by device.
//!
//! They are learned from ARP and neighbour discovery that bridges deliver to their local ports, asked for when a tunnel needs
//! one, and forgotten when nothing has used them for a while. Workers read a copy in the configuration.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ovs_netdev::EtherAddr;

/// How long a neighbour stays that nobody uses.
const AGING: Duration = Duration::from_mins(15);
/// The most neighbours.
const MOST: usize = 4096;
/// How long to wait before a question is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A neighbour's name: device and address.
type Name = (Arc<str>, IpAddr);

#[derive(Clone, Copy, Debug)]
struct Entry {
    mac: EtherAddr,
    used: Duration,
    aging: Duration,
}

/// What workers read.
pub(crate) type NeighborIndex = BTreeMap<Name, EtherAddr>;

/// The control side's table.
#[derive(Debug)]
pub(crate) struct Neighbors {
    entries: BTreeMap<Name, Entry>,
    /// When each was asked for last.
    asked: BTreeMap<Name, Duration>,
    pub aging: Duration,
}

impl Default for Neighbors {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), asked: BTreeMap::new(), aging: AGING }
    }
}

/// A short name of a neighbour, for dependencies.
pub(crate) fn neighbor_key(device: &str, address: IpAddr) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    (device, address).hash(&mut hasher);
    hasher.finish()
}

impl Neighbors {
    /// The copy for workers.
    pub fn index(&self) -> NeighborIndex {
        self.entries.iter().map(|(name, entry)| (name.clone(), entry.mac)).collect()
    }

    /// A neighbour's address; says whether it was another one before, or none. With a full table a new one is refused.
    pub fn learn(&mut self, device: &str, address: IpAddr, mac: EtherAddr, now: Duration) -> bool {
        let name = (Arc::from(device), address);
        if self.entries.len() >= MOST && !self.entries.contains_key(&name) {
            return false;
        }
        self.asked.remove(&name);
        let entry = Entry { mac, used: now, aging: self.aging };
        self.entries.insert(name, entry).is_none_or(|old| old.mac != mac)
    }

    /// Somebody has sent to a neighbour.
    pub fn touch(&mut self, device: &str, address: IpAddr, now: Duration) {
        let aging = self.aging;
        if let Some(entry) = self.entries.get_mut(&(Arc::from(device), address)) {
            (entry.used, entry.aging) = (entry.used.max(now), aging);
        }
    }

    /// Whether it is time to ask for a neighbour; if so, it counts as asked for.
    pub fn may_ask(&mut self, device: &str, address: IpAddr, now: Duration) -> bool {
        self.asked.retain(|_, at| *at + ASK_AGAIN > now);
        let name = (Arc::from(device), address);
        let may = !self.asked.contains_key(&name) && self.asked.len() < MOST;
        if may {
            self.asked.insert(name, now);
        }
        may
    }

    /// Forgets those that nobody has used for their time; gives their short names.
    pub fn expire(&mut self, now: Duration) -> Vec<u64> {
        let old = |entry: &Entry| entry.used + entry.aging <= now;
        self.entries
            .extract_if(.., |_, entry| old(entry))
            .map(|(name, _)| neighbor_key(&name.0, name.1))
            .collect()
    }

    /// When [`Neighbors::expire`] has something to do.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.entries.values().map(|entry| entry.used + entry.aging).min()
    }

    /// Forgets all; gives their short names.
    pub fn flush(&mut self) -> Vec<u64> {
        self.asked.clear();
        std::mem::take(&mut self.entries).keys().map(|name| neighbor_key(&name.0, name.1)).collect()
    }

    /// All of them: device, address, Ethernet address.
    pub fn iter(&self) -> impl Iterator<Item = (&str, IpAddr, EtherAddr)> {
        self.entries.iter().map(|((device, address), entry)| (&**device, *address, entry.mac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_stay_while_they_are_used() {
        let mut table = Neighbors::default();
        let (a, b): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "fe80::1".parse().unwrap());
        let mac = EtherAddr([2; 6]);
        assert!(table.learn("br0", a, mac, Duration::ZERO) && table.learn("br0", b, mac, Duration::ZERO));
        assert!(!table.learn("br0", a, mac, Duration::ZERO), "known already");
        table.touch("br0", a, AGING / 2);
        assert_eq!(table.expire(AGING), [neighbor_key("br0", b)]);
        assert_eq!(table.next_expiry(), Some(AGING + AGING / 2));
        assert_eq!(table.index().len(), 1);
        assert_eq!(table.flush(), [neighbor_key("br0", a)]);
    }

    #[test]
    fn questions_are_not_asked_over_and_over() {
        let mut table = Neighbors::default();
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        assert!(table.may_ask("br0", address, Duration::ZERO));
        assert!(!table.may_ask("br0", address, ASK_AGAIN / 2));
        assert!(table.may_ask("br1", address, ASK_AGAIN / 2));
        assert!(table.may_ask("br0", address, ASK_AGAIN));
    }
}
