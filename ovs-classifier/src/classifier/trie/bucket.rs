//! A bucket of a trie: a few prefixes side by side, which the writer changes in place.

use core::array;
use core::sync::atomic::{AtomicU8, Ordering};

use super::value::Place;
use super::{Entry, Said, Taken, Value};

/// As many prefixes as a lookup goes through one by one.
pub(super) const BUCKET: usize = 16;

/// Prefixes in no order.
pub(super) struct Bucket<K: Value> {
    /// Behind the places that were used so far all are vacant.
    used: AtomicU8,
    places: [K::Place; BUCKET],
}

/// What became of a prefix.
pub(super) enum Added {
    /// It was there.
    Known,
    /// It is there now.
    New,
    /// There is no place for it.
    Full,
}

impl<K: Value> Bucket<K> {
    /// A bucket of these, which are not more than [`BUCKET`].
    pub(super) fn of(entries: &[Entry<K>]) -> Self {
        let places = array::from_fn(|at| {
            let place = K::Place::vacant();
            if let Some(entry) = entries.get(at) {
                place.set(entry.prefix, entry.len);
            }
            place
        });
        Self { used: AtomicU8::new(entries.len().min(BUCKET) as u8), places }
    }

    #[inline]
    pub(super) fn look(&self, value: K, said: &mut Said<K>) {
        let used = self.used.load(Ordering::Acquire);
        value.look(
            if usize::from(used) <= BUCKET / 2 { &self.places[..BUCKET / 2] } else { &self.places },
            said,
        );
    }

    #[inline]
    fn used(&self) -> &[K::Place] {
        &self.places[..usize::from(self.used.load(Ordering::Acquire)).min(BUCKET)]
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<K>> {
        self.used().iter().filter_map(|place| place.get().map(|(prefix, len)| Entry { prefix, len }))
    }

    /// Adds a prefix.
    pub(super) fn add(&self, entry: Entry<K>) -> Added {
        let mut free = None;
        let used = self.used();
        for (at, place) in used.iter().enumerate() {
            match place.get() {
                Some(known) if known == (entry.prefix, entry.len) => return Added::Known,
                Some(_) => {}
                None => free = free.or(Some(at)),
            }
        }
        let at = free.unwrap_or(used.len());
        let Some(place) = self.places.get(at) else { return Added::Full };
        place.set(entry.prefix, entry.len);
        if free.is_none() {
            self.used.store(at as u8 + 1, Ordering::Release);
        }
        Added::New
    }

    /// Takes a prefix out.
    pub(super) fn take(&self, prefix: K, len: u8) -> Taken {
        let Some(at) = self.used().iter().position(|place| place.get() == Some((prefix, len))) else {
            return Taken::Nothing;
        };
        self.places[at].clear();
        if self.entries().next().is_some() { Taken::Prefix } else { Taken::All }
    }
}
