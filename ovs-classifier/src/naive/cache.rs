//! An exact-match cache that forgets nothing.

use alloc::vec::Vec;

use ovs_flow::SparseKey;

/// All keys and their handles. The bounded cache gives the same handles or none.
#[derive(Clone, Debug, Default)]
pub struct ExactMatchCache<H> {
    keys: Vec<(SparseKey, H)>,
}

impl<H: Copy> ExactMatchCache<H> {
    /// An empty one.
    pub fn new() -> Self {
        Self { keys: Vec::new() }
    }

    /// The handle put in last for this key.
    pub fn lookup(&self, key: &SparseKey) -> Option<H> {
        self.keys.iter().find(|(k, _)| k == key).map(|(_, handle)| *handle)
    }

    /// Puts a handle in.
    pub fn insert(&mut self, key: &SparseKey, handle: H) {
        self.remove(key);
        self.keys.push((key.clone(), handle));
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &SparseKey) -> Option<H> {
        let at = self.keys.iter().position(|(k, _)| k == key)?;
        Some(self.keys.remove(at).1)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.keys.clear();
    }
}
