//! The masks of a flow table: shared, counted, in a list that readers go through.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use ovs_flow::{FlowKey, FlowMask, Match};

use crate::classifier::tuple_mask::{MaskWord, fold, words_of};
use crate::flex_array::FlexArray;
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard, Link};

/// A mask as the words inside its range that are not zero.
pub(super) struct TableMask {
    words: Box<[MaskWord]>,
}

impl TableMask {
    /// Whether these are the words of this mask.
    pub(super) fn has_words(&self, words: &[MaskWord]) -> bool {
        *self.words == *words
    }

    /// The words, in order of their index.
    #[inline]
    pub(super) fn words(&self) -> &[MaskWord] {
        &self.words
    }

    /// What a key has under the mask, word by word.
    pub(super) fn values<'a>(&'a self, key: &'a FlowKey) -> impl Iterator<Item = u64> + 'a {
        self.words.iter().map(|word| key.words()[word.at()] & word.bits)
    }

    pub(super) fn hash(&self, key: &FlowKey, hash: WordHash) -> u64 {
        hash.finish(self.values(key).fold(hash.start(), |state, word| hash.add(state, word)))
    }

    #[inline]
    pub(super) fn matches(&self, values: &[u64], word: impl Fn(usize) -> u64) -> bool {
        self.words.iter().zip(values).all(|(mask, value)| word(mask.at()) & mask.bits == *value)
    }

    pub(super) fn to_match(&self, values: &[u64]) -> Match {
        let mut matching = Match::default();
        fold(&mut matching.mask, &self.words);
        for (word, value) in self.words.iter().zip(values) {
            matching.key.words_mut()[word.at()] = *value;
        }
        matching
    }
}

/// What readers see of the masks.
pub(super) struct MaskList {
    masks: FlexArray<Link<TableMask>>,
    /// No mask stands at this place or behind it.
    end: AtomicUsize,
}

impl MaskList {
    pub(super) fn new(limit: usize) -> Self {
        Self { masks: FlexArray::with_capacity(limit), end: AtomicUsize::new(0) }
    }

    /// All masks.
    pub(super) fn iter<'g>(&'g self, guard: &'g Guard<'_>) -> impl Iterator<Item = &'g TableMask> {
        let places = 0..self.end.load(Ordering::Acquire);
        places.filter_map(move |at| self.masks.get(at)?.load(guard))
    }
}

/// What the writer knows of the masks.
#[derive(Default)]
pub(super) struct MaskUsers {
    users: BTreeMap<Box<[MaskWord]>, MaskUser>,
    free: Vec<usize>,
    next: usize,
    /// Room for the words of a mask.
    words: Vec<MaskWord>,
}

struct MaskUser {
    mask: Arc<TableMask>,
    place: usize,
    flows: usize,
}

impl MaskUsers {
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    pub(super) fn get(&self, mask: &FlowMask) -> Option<&Arc<TableMask>> {
        let mut words = Vec::new();
        words_of(mask, &mut words);
        self.users.get(&*words).map(|user| &user.mask)
    }

    /// The shared mask, counted for one flow more; `None` if the list is full.
    pub(super) fn take(
        &mut self,
        mask: &FlowMask,
        list: &MaskList,
        domain: &Domain,
    ) -> Option<Arc<TableMask>> {
        words_of(mask, &mut self.words);
        if let Some(user) = self.users.get_mut(&*self.words) {
            user.flows += 1;
            return Some(Arc::clone(&user.mask));
        }
        let place = self.free.last().copied().unwrap_or(self.next);
        let link = list.masks.get_or_make(place)?;
        if self.free.pop().is_none() {
            self.next += 1;
        }
        let words: Box<[MaskWord]> = (&*self.words).into();
        let mask = Arc::new(TableMask { words: words.clone() });
        link.replace(Some(Arc::clone(&mask)), domain);
        list.end.store(self.next, Ordering::Release);
        self.users.insert(words, MaskUser { mask: Arc::clone(&mask), place, flows: 1 });
        Some(mask)
    }

    /// Counts one flow less; the mask of the last goes.
    pub(super) fn give_back(&mut self, mask: &TableMask, list: &MaskList, domain: &Domain) {
        let Some(user) = self.users.get_mut(&mask.words) else { return };
        user.flows -= 1;
        if user.flows > 0 {
            return;
        }
        if let Some(link) = list.masks.get(user.place) {
            link.replace(None, domain);
        }
        self.free.push(user.place);
        self.users.remove(&mask.words);
    }
}
