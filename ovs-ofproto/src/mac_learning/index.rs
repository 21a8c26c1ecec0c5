//! The learned addresses as workers read them: an array of atomics that readers never wait for.
//!
//! A slot is two words: the key (VLAN and address, with a bit that says "taken") and the port together with 48
//! bits of the key's hash. A reader takes a port only if both words belong to the key it looks for, so a slot
//! that is being rewritten at that moment reads as "not there" or as what it was, never as a mixture.

use std::sync::atomic::{AtomicU64, Ordering};

use ovs_flow::OfPort;

/// Slots of one bucket; a key lies in one of two buckets.
const WAYS: usize = 8;
const TAKEN: u64 = 1 << 63;

#[derive(Debug, Default)]
struct Slot {
    key: AtomicU64,
    value: AtomicU64,
}

/// Which port an address was learned on, by VLAN and address. One writer, any number of readers.
#[derive(Debug)]
pub(crate) struct MacIndex {
    slots: Box<[Slot]>,
    seed: [u64; 2],
}

/// A VLAN and an address as one number.
pub(crate) fn mac_key(vlan: u16, mac: [u8; 6]) -> u64 {
    mac.iter().fold(u64::from(vlan & 0xfff), |key, byte| key << 8 | u64::from(*byte))
}

/// A 64×64-bit multiplication, folded: cheap and nonlinear.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl MacIndex {
    /// An index with room for `capacity` addresses.
    pub fn new(capacity: usize, seed: [u64; 2]) -> Self {
        let buckets = (capacity.max(16) * 2 / WAYS).next_power_of_two();
        let slots = (0..buckets * WAYS).map(|_| Slot::default()).collect();
        // Seeds may be small numbers; the keys of the hash must not be.
        let spread = |n: u64| fold(n ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93) ^ n.rotate_left(29);
        let seed = [spread(seed[0]), spread(seed[1] ^ 0xa076_1d64_78bd_642f) | 1];
        Self { slots, seed }
    }

    fn hash(&self, key: u64) -> u64 {
        fold(fold(key ^ self.seed[0], self.seed[1]) ^ 0x9e37_79b9_7f4a_7c15, self.seed[0] | 1)
    }

    fn buckets(&self, hash: u64) -> [&[Slot]; 2] {
        let count = self.slots.len() / WAYS;
        let bucket = |n: u64| &self.slots[(n as usize & (count - 1)) * WAYS..][..WAYS];
        [bucket(hash >> 8), bucket(hash >> 36)]
    }

    fn value(hash: u64, port: OfPort) -> u64 {
        hash << 16 | u64::from(port.0)
    }

    /// The port of an address. Never waits.
    pub fn get(&self, vlan: u16, mac: [u8; 6]) -> Option<OfPort> {
        let key = mac_key(vlan, mac) | TAKEN;
        let hash = self.hash(key);
        self.buckets(hash).into_iter().flatten().find_map(|slot| {
            if slot.key.load(Ordering::Acquire) != key {
                return None;
            }
            let value = slot.value.load(Ordering::Acquire);
            (value >> 16 == hash & (u64::MAX >> 16)).then_some(OfPort(value as u16))
        })
    }

    /// Puts an address in or moves it to another port. `false` if both of its buckets are full.
    pub fn set(&self, vlan: u16, mac: [u8; 6], port: OfPort) -> bool {
        let key = mac_key(vlan, mac) | TAKEN;
        let hash = self.hash(key);
        let buckets = self.buckets(hash);
        let with = |wanted: u64| move |slot: &&Slot| slot.key.load(Ordering::Relaxed) == wanted;
        let present = buckets.into_iter().flatten().find(with(key));
        // A new one goes into the emptier of its buckets, which keeps both from filling up.
        let [free, other] = buckets.map(|bucket| bucket.iter().filter(with(0)).count());
        let emptier = if free >= other { buckets[0] } else { buckets[1] };
        let Some(slot) = present.or_else(|| emptier.iter().find(with(0))) else { return false };
        slot.value.store(Self::value(hash, port), Ordering::Release);
        slot.key.store(key, Ordering::Release);
        true
    }

    /// Takes an address out.
    pub fn remove(&self, vlan: u16, mac: [u8; 6]) {
        let key = mac_key(vlan, mac) | TAKEN;
        let hash = self.hash(key);
        for slot in self.buckets(hash).into_iter().flatten() {
            if slot.key.load(Ordering::Relaxed) == key {
                slot.key.store(0, Ordering::Release);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_move_and_go() {
        let index = MacIndex::new(16, [3, 5]);
        let mac = [2, 0, 0, 0, 0, 1];
        assert_eq!(index.get(0, mac), None);
        assert!(index.set(0, mac, OfPort(1)) && index.set(7, mac, OfPort(2)) && index.set(0, mac, OfPort(3)));
        assert_eq!((index.get(0, mac), index.get(7, mac)), (Some(OfPort(3)), Some(OfPort(2))));
        index.remove(0, mac);
        assert_eq!((index.get(0, mac), index.get(7, mac)), (None, Some(OfPort(2))));
    }

    #[test]
    fn as_many_as_it_was_made_for_fit() {
        let index = MacIndex::new(8192, [1, 2]);
        let mac = |n: u16| [2, 0, 0, 0, (n >> 8) as u8, n as u8];
        assert!((0..8192).all(|n| index.set(0, mac(n), OfPort(n))));
        assert!((0..8192).all(|n| index.get(0, mac(n)) == Some(OfPort(n))));
    }
}
