//! An exact-match cache that forgets nothing.

use alloc::vec::Vec;

/// All hashes and their handles. The bounded cache gives the same handles or none.
#[derive(Clone, Debug, Default)]
pub struct ExactMatchCache<H> {
    hashes: Vec<(u64, H)>,
}

impl<H: Copy> ExactMatchCache<H> {
    /// An empty one.
    pub fn new() -> Self {
        Self { hashes: Vec::new() }
    }

    /// The handle put in last for this hash.
    pub fn lookup(&self, hash: u64) -> Option<H> {
        self.hashes.iter().find(|(other, _)| *other == hash).map(|(_, handle)| *handle)
    }

    /// Puts a handle in.
    pub fn insert(&mut self, hash: u64, handle: H) {
        self.remove(hash);
        self.hashes.push((hash, handle));
    }

    /// Forgets a hash.
    pub fn remove(&mut self, hash: u64) -> Option<H> {
        let at = self.hashes.iter().position(|(other, _)| *other == hash)?;
        Some(self.hashes.remove(at).1)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.hashes.clear();
    }
}
