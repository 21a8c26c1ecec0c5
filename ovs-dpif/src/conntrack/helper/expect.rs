//! Connections that were announced.

use std::collections::BTreeMap;

use super::super::tuple::Tuple;

/// Expectations of a tracker at most.
const MOST: usize = 4096;
/// Expectations of a connection at most; one more takes the place of the one that ends first.
const MOST_EACH: usize = 8;
/// How long a connection is waited for, in milliseconds.
const WAIT: u64 = 300_000;

/// Who will begin a connection, and where to. From which port is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Key {
    zone: u16,
    ipv6: bool,
    proto: u8,
    src: [u8; 16],
    dst: [u8; 16],
    dst_port: u16,
}

impl Key {
    /// Of the zone and protocols of another tuple.
    pub fn new(of: &Tuple, src: [u8; 16], dst: [u8; 16], dst_port: u16) -> Self {
        Self { zone: of.zone, ipv6: of.ipv6, proto: of.proto, src, dst, dst_port }
    }
}

/// How an announced connection is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Change {
    /// Not at all.
    None,
    /// Its source gets this address.
    Source([u8; 16]),
    /// Its destination gets this address and port.
    Destination([u8; 16], u16),
}

/// An announced connection.
#[derive(Clone, Debug)]
pub(in super::super) struct Expectation {
    /// Name of the connection that announced it.
    pub parent: u64,
    /// Original direction of that.
    pub tuple: Tuple,
    /// Mark and label of that.
    pub mark: u32,
    pub label: [u8; 16],
    pub change: Change,
    /// When it is waited for no longer, in milliseconds.
    pub until: u64,
}

/// All announced connections of a tracker.
#[derive(Debug, Default)]
pub(in super::super) struct Expectations(BTreeMap<Key, Expectation>);

impl Expectations {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What was said of a connection that begins.
    pub fn find(&self, tuple: &Tuple, now: u64) -> Option<&Expectation> {
        self.0.get(&key_of(tuple)).filter(|expectation| expectation.until > now)
    }

    /// The connection has begun.
    pub fn fulfil(&mut self, tuple: &Tuple) {
        self.0.remove(&key_of(tuple));
    }

    /// Whether nobody but this connection expects something there. `lives` says of which parents anything counts.
    pub fn is_free(&self, key: &Key, parent: u64, lives: &dyn Fn(u64) -> bool) -> bool {
        self.0.get(key).is_none_or(|old| old.parent == parent || !lives(old.parent))
    }

    /// Takes an expectation in; false if there are as many as may be.
    pub fn add(
        &mut self,
        key: Key,
        mut expectation: Expectation,
        now: u64,
        lives: &dyn Fn(u64) -> bool,
    ) -> bool {
        expectation.until = now + WAIT;
        if !self.0.contains_key(&key) {
            if self.0.len() >= MOST {
                self.0.retain(|_, old| old.until > now && lives(old.parent));
            }
            let own = self.0.iter().filter(|(_, old)| old.parent == expectation.parent);
            let (count, oldest) = own.fold((0, None::<(u64, Key)>), |(count, oldest), (key, old)| {
                let this = (old.until, *key);
                (count + 1, Some(oldest.map_or(this, |other| other.min(this))))
            });
            if let Some((_, oldest)) = oldest.filter(|_| count >= MOST_EACH) {
                self.0.remove(&oldest);
            }
            if self.0.len() >= MOST {
                return false;
            }
        }
        self.0.insert(key, expectation);
        true
    }
}

fn key_of(tuple: &Tuple) -> Key {
    Key::new(tuple, tuple.src, tuple.dst, tuple.dst_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u16) -> Key {
        Key::new(&Tuple::default(), [1; 16], [2; 16], n)
    }

    fn of(parent: u64) -> Expectation {
        let tuple = Tuple::default();
        Expectation { parent, tuple, mark: 0, label: [0; 16], change: Change::None, until: 0 }
    }

    #[test]
    fn are_bounded_for_each_and_for_all() {
        let mut all = Expectations::default();
        for n in 0..100 {
            assert!(all.add(key(n), of(1), u64::from(n), &|_| true));
        }
        assert_eq!(all.len(), MOST_EACH);
        assert!(all.is_free(&key(99), 2, &|_| false));
        assert!(all.is_free(&key(99), 1, &|_| true) && !all.is_free(&key(99), 2, &|_| true));
        for n in 0..MOST as u16 {
            all.add(key(1000 + n), of(100 + u64::from(n)), 100, &|_| true);
        }
        assert_eq!(all.len(), MOST);
        assert!(!all.add(key(9999), of(7), 100, &|_| true));
        // Those whose parent is gone make room, and those whose time is over.
        assert!(all.add(key(9999), of(7), 100, &|parent| parent > 1000));
        assert!(all.len() > 1 && all.len() < MOST);
        for n in 0..MOST as u16 {
            all.add(key(1000 + n), of(100 + u64::from(n)), 100, &|_| true);
        }
        assert!(all.add(key(9998), of(7), 100 + WAIT, &|_| true));
        assert_eq!(all.len(), 1);
    }
}
