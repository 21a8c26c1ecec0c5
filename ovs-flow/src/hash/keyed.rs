//! The keyed hash of tables.

use crate::{FlowKey, FlowMask, SparseKey, WORDS};

/// Words that one sum takes: those of a key and of the two that say which it holds, made even.
const LANES: usize = (WORDS + 2).next_multiple_of(2);

/// A secret under which words are hashed.
///
/// Words are taken in pairs. Each word of a pair gets a secret of its place added, the two are multiplied to 128 bits, and
/// the products are summed (the function NH of UMAC, RFC 4418 §5.2.2, over 64-bit words); a last multiplication, whose
/// halves are added without carry, folds the sum. Who does not know the secrets cannot find words that collide more often
/// than chance (twice in 2^64), unlike under a CRC, whose collisions do not depend on its key. The products do not wait for
/// each other, so that a key of eight words takes hardly longer than one of two.
///
/// ```
/// use ovs_flow::{FlowKey, FlowMask, SparseKey, hash::HashKey};
///
/// let hash = HashKey::from_seed(7);
/// let mut key = FlowKey::default();
/// key.nw_proto = 6;
/// key.nw_ttl = 64;
/// let mut mask = FlowMask::default();
/// mask.fields.nw_proto = 0xff;
/// // What the mask does not look at does not count.
/// let masked = key.masked(&mask.fields);
/// assert_eq!(hash.masked(&SparseKey::from(&key), &mask), hash.masked_key(&masked, &mask));
/// ```
#[derive(Clone, Debug)]
pub struct HashKey {
    /// Secrets of the places.
    lanes: [u64; LANES],
    /// Secrets of the last step.
    last: [u64; 2],
}

impl HashKey {
    /// A key derived from a seed: the same seed, the same hashes.
    pub const fn from_seed(seed: u64) -> Self {
        let mut lanes = [0; LANES];
        let mut state = splitmix(seed);
        let mut i = 0;
        while i < LANES {
            lanes[i] = splitmix(state ^ i as u64);
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            i += 1;
        }
        Self { lanes, last: [splitmix(state), splitmix(!state)] }
    }

    /// Words in order. Their number counts too.
    #[inline]
    pub fn words(&self, words: &[u64]) -> u64 {
        let mut state = words.len() as u64;
        for chunk in words.chunks(LANES) {
            state = self.finish(add(0, &self.lanes, chunk).wrapping_add(state.into()));
        }
        state
    }

    /// All of a key: which words it holds, and their values.
    #[inline]
    pub fn sparse(&self, key: &SparseKey) -> u64 {
        let (map, rest) = self.lanes.split_at(2);
        let sum = add(0, map, &key.map());
        self.finish(add(sum, rest, key.values()))
    }

    /// The bits of a key that a mask looks at.
    #[inline]
    pub fn masked(&self, key: &SparseKey, mask: &FlowMask) -> u64 {
        let words = mask.words().iter().enumerate().filter(|(_, bits)| **bits != 0);
        self.pairs(words.map(|(index, bits)| key.word(index) & bits))
    }

    /// The same value as [`masked`](Self::masked), for a mask of which only the words that are not zero are held: the fast
    /// form for tables, whose cost is that of these words.
    #[inline]
    pub fn masked_sparse(&self, key: &SparseKey, mask: &SparseKey) -> u64 {
        self.pairs(mask.indices().zip(mask.values()).map(|(index, bits)| key.word(index) & bits))
    }

    /// The same value as [`masked`](Self::masked) for a key with all its words.
    #[inline]
    pub fn masked_key(&self, key: &FlowKey, mask: &FlowMask) -> u64 {
        let words = mask.words().iter().zip(key.words()).filter(|(bits, _)| **bits != 0);
        self.pairs(words.map(|(bits, word)| word & bits))
    }

    /// At most [`LANES`] words, one after the other.
    #[inline]
    fn pairs(&self, mut words: impl Iterator<Item = u64>) -> u64 {
        let mut sum = 0;
        for lanes in self.lanes.as_chunks::<2>().0 {
            let Some(first) = words.next() else { break };
            sum = product(sum, lanes, [first, words.next().unwrap_or(0)]);
        }
        self.finish(sum)
    }

    #[inline]
    fn finish(&self, sum: u128) -> u64 {
        let product = u128::from(sum as u64 ^ self.last[0]) * u128::from((sum >> 64) as u64 ^ self.last[1]);
        product as u64 ^ (product >> 64) as u64
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "a dozen instructions in every packet's way; measured")]
fn add(sum: u128, lanes: &[u64], words: &[u64]) -> u128 {
    let (pairs, odd) = words.as_chunks::<2>();
    let (lanes, _) = lanes.as_chunks::<2>();
    let sum = pairs.iter().zip(lanes).fold(sum, |sum, (words, lanes)| product(sum, lanes, *words));
    match (odd, lanes.get(pairs.len())) {
        ([word], Some(lanes)) => product(sum, lanes, [*word, 0]),
        _ => sum,
    }
}

#[inline]
fn product(sum: u128, lanes: &[u64; 2], words: [u64; 2]) -> u128 {
    let [a, b] = [words[0].wrapping_add(lanes[0]), words[1].wrapping_add(lanes[1])];
    sum.wrapping_add(u128::from(a) * u128::from(b))
}

const fn splitmix(seed: u64) -> u64 {
    let x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
