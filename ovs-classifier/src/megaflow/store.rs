//! Where megaflows and masks stand, each under a number.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::arch::{prefetch, prefetch_rest};

/// No number.
pub(super) const NONE: u32 = u32::MAX;
/// A port's first so many slots have their bits and values in the mask and the megaflow themselves: a port whose
/// megaflows look at Ethernet, IPv4 or IPv6, and transport fields has no more.
const INLINE: usize = 12;

/// A bit of a key, as its port sees it, and what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Its place in the key.
    pub(super) at: u8,
    /// Its place among the words that the port looks at.
    pub(super) slot: u8,
    /// The bits that are looked at.
    pub(super) bits: u64,
}

/// A mask under one port, shared by megaflows. What a comparison needs comes first, in two cache lines.
#[repr(C, align(64))]
pub(super) struct Mask {
    /// By slot.
    bits: [u64; INLINE],
    /// All of its words, in order of the key.
    pub(super) words: Box<[Word]>,
    /// The port's place.
    pub(super) port: u32,
    /// Megaflows that have it.
    pub(super) flows: u32,
    /// Where its hashes begin.
    pub(super) salt: u64,
    /// These megaflows, while they are few and stand in filters.
    pub(super) few: Vec<u32>,
    /// Its place among the hashed masks, or [`NONE`] while it is not hashed.
    pub(super) crowd: u32,
}

impl Mask {
    pub(super) fn new(port: u32, words: Box<[Word]>, salt: u64) -> Self {
        let mut bits = [0; INLINE];
        for word in &words {
            if let Some(bits) = bits.get_mut(usize::from(word.slot)) {
                *bits = word.bits;
            }
        }
        Self { bits, words, port, flows: 0, salt, few: Vec::new(), crowd: NONE }
    }

    /// The words whose slot is not inline.
    fn beyond(&self) -> impl Iterator<Item = &Word> {
        self.words.iter().filter(|word| usize::from(word.slot) >= INLINE)
    }
}

/// A megaflow: two cache lines, of which the first is enough for most that do not match.
#[repr(C, align(64))]
pub(super) struct Entry<H> {
    pub(super) mask: u32,
    /// Its row in the port's filters, or [`NONE`].
    pub(super) row: u32,
    pub(super) handle: H,
    /// The values of the words whose slot is not inline, in the mask's order.
    many: Box<[u64]>,
    /// By slot.
    values: [u64; INLINE],
}

impl<H> Entry<H> {
    /// A megaflow under a mask for all keys that agree with `key`.
    pub(super) fn new(id: u32, mask: &Mask, key: &PortKey, handle: H) -> Self {
        let many = mask.beyond().map(|word| key.at(word.slot) & word.bits).collect();
        let values = core::array::from_fn(|slot| key.0[slot] & mask.bits[slot]);
        Self { mask: id, row: NONE, handle, many, values }
    }

    /// Whether a port's words of a key have these values under their mask.
    #[inline(always)]
    fn matches(&self, mask: &Mask, key: &PortKey) -> bool {
        let mut differ = 0;
        for (n, value) in self.values.iter().enumerate() {
            differ |= key.0[n] & mask.bits[n] ^ value;
        }
        differ == 0 && (self.many.is_empty() || self.matches_beyond(mask, key))
    }

    fn matches_beyond(&self, mask: &Mask, key: &PortKey) -> bool {
        mask.beyond().zip(&self.many).all(|(word, value)| key.at(word.slot) & word.bits == *value)
    }
}

/// The words of a key that a port looks at, by slot.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct PortKey(pub(super) [u64; SLOTS]);

/// Room for all words of a key. A power of two, so that a slot needs no check but a mask.
pub(super) const SLOTS: usize = ovs_flow::WORDS.next_power_of_two();

impl PortKey {
    pub(super) const ZERO: Self = Self([0; SLOTS]);

    #[inline(always)]
    pub(super) fn at(&self, slot: u8) -> u64 {
        self.0[usize::from(slot) % SLOTS]
    }
}

/// Things under numbers that stay theirs, in chunks that never move.
pub(super) struct Store<T> {
    chunks: Vec<Box<[Option<T>; CHUNK]>>,
    free: Vec<u32>,
}

const CHUNK: usize = 64;

impl<T> Store<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new() }
    }

    pub(super) fn add(&mut self, thing: T) -> u32 {
        if self.free.is_empty() {
            let first = (self.chunks.len() * CHUNK) as u32;
            self.chunks.push(Box::new([const { None }; CHUNK]));
            self.free.extend((first..first + CHUNK as u32).rev());
        }
        let id = self.free.pop().unwrap_or(NONE);
        if let Some(place) = self.place(id) {
            *place = Some(thing);
        }
        id
    }

    pub(super) fn take(&mut self, id: u32) -> Option<T> {
        let thing = self.place(id)?.take();
        if thing.is_some() {
            self.free.push(id);
        }
        thing
    }

    fn place(&mut self, id: u32) -> Option<&mut Option<T>> {
        let chunk = self.chunks.get_mut(id as usize / CHUNK)?;
        Some(&mut chunk[id as usize % CHUNK])
    }

    #[inline(always)]
    pub(super) fn get(&self, id: u32) -> Option<&T> {
        self.chunks.get(id as usize / CHUNK)?[id as usize % CHUNK].as_ref()
    }

    /// Its place, without a look into it: there may be nothing.
    #[inline(always)]
    fn get_cold(&self, id: u32) -> Option<&Option<T>> {
        Some(&self.chunks.get(id as usize / CHUNK)?[id as usize % CHUNK])
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.place(id)?.as_mut()
    }
}

/// The megaflows and masks of an index.
pub(super) struct Held<H> {
    pub(super) entries: Store<Entry<H>>,
    pub(super) masks: Store<Mask>,
}

impl<H> Held<H> {
    pub(super) fn new() -> Self {
        Self { entries: Store::new(), masks: Store::new() }
    }

    /// The words that a megaflow looks at, and their values; none if it is not there.
    pub(super) fn row(&self, id: u32) -> impl Iterator<Item = (Word, u64)> {
        let entry = self.entries.get(id);
        let mask = entry.and_then(|entry| self.masks.get(entry.mask));
        let both = entry.zip(mask);
        both.into_iter().flat_map(|(entry, mask)| {
            let mut many = entry.many.iter();
            mask.words.iter().map(move |word| {
                let inline = entry.values.get(usize::from(word.slot));
                (*word, inline.or_else(|| many.next()).copied().unwrap_or(0))
            })
        })
    }

    /// Fetches what the comparison of a megaflow with a key reads.
    #[inline(always)]
    pub(super) fn prefetch(&self, id: u32, mask: u32) {
        if let Some(entry) = self.entries.get_cold(id) {
            prefetch(entry);
            prefetch_rest(entry);
        }
        if let Some(mask) = self.masks.get_cold(mask) {
            prefetch(mask);
            prefetch_rest(mask);
        }
    }

    /// Whether a megaflow has just this mask, and a key its values.
    #[inline(always)]
    pub(super) fn is(&self, id: u32, mask: u32, key: &PortKey) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.mask == mask) && self.matches(id, key)
    }

    /// Whether a key has the values of a megaflow.
    #[inline(always)]
    pub(super) fn matches(&self, id: u32, key: &PortKey) -> bool {
        let Some(entry) = self.entries.get(id) else { return false };
        self.masks.get(entry.mask).is_some_and(|mask| entry.matches(mask, key))
    }
}
