//! Where in a key the fields of options lie.

use alloc::vec::Vec;

use super::packed::forget;
use super::{MAX_OPTION, OPTIONS, OptionMatch, WORD};
use crate::{Field, FlowKey, FlowMask, Match, Subfield, TUN_METADATA_BYTES, TunnelKey, Wide};

/// For each option that has a field, which words of a key's [`metadata`](TunnelKey::metadata) are the field's: they need not
/// stand side by side, so that a field finds room as long as there is any.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OptionPlaces {
    /// Bit by bit the words of each field; the first one has the most significant bytes.
    words: [u64; OPTIONS],
    /// Which fields there are: one may have no words at all.
    mapped: u64,
}

/// Why a match cannot be brought into a table's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The table has no option for the field.
    #[error("no option is mapped to {0}")]
    Unmapped(Field),
    /// The value has more bytes than the option.
    #[error("value too large for the option that is mapped to {0}")]
    TooLong(Field),
}

impl Default for OptionPlaces {
    /// No options.
    fn default() -> Self {
        Self::NONE
    }
}

impl core::fmt::Debug for OptionPlaces {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mapped = (0..OPTIONS).filter_map(|n| Some((n, self.len(n)?)));
        f.debug_map().entries(mapped).finish()
    }
}

impl OptionPlaces {
    /// No options.
    pub const NONE: Self = Self { words: [0; OPTIONS], mapped: 0 };
    /// Every option with four bytes at a place of its own: where keys have them that know no table.
    pub const UNMAPPED: Self = {
        let mut words = [0; OPTIONS];
        let mut n = 0;
        while n < OPTIONS {
            words[n] = 1 << n;
            n += 1;
        }
        Self { words, mapped: u64::MAX }
    };

    /// Makes a field of `len` bytes, which is a multiple of 4 and at most 124; `false` if there is one of this number, or no
    /// room.
    pub fn add(&mut self, index: usize, len: usize) -> bool {
        let mut free = !self.words.iter().fold(0, |used, words| used | words);
        let needed = len / WORD;
        let fits = index < OPTIONS && len.is_multiple_of(WORD) && len <= MAX_OPTION;
        if !fits || self.len(index).is_some() || (free.count_ones() as usize) < needed {
            return false;
        }
        let mut words = 0;
        for _ in 0..needed {
            let lowest = free & free.wrapping_neg();
            (words, free) = (words | lowest, free & !lowest);
        }
        self.words[index] = words;
        self.mapped |= 1 << index;
        true
    }

    /// Takes a field away; its room is free again.
    pub fn remove(&mut self, index: usize) {
        if index < OPTIONS {
            self.words[index] = 0;
            self.mapped &= !(1 << index);
        }
    }

    /// Bytes of a field; `None` if it is not there.
    pub fn len(&self, index: usize) -> Option<usize> {
        let mapped = index < OPTIONS && self.mapped >> index & 1 != 0;
        mapped.then(|| self.words[index].count_ones() as usize * WORD)
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.mapped == 0
    }

    /// Which fields there are, bit by bit.
    pub fn mapped(&self) -> u64 {
        self.mapped
    }

    /// The bytes of a field, in order, among those of all options.
    pub fn bytes(&self, index: usize) -> impl Iterator<Item = usize> + use<> {
        let mut words = self.words.get(index).copied().unwrap_or(0);
        core::iter::from_fn(move || {
            let word = words.trailing_zeros() as usize;
            (words != 0).then(|| {
                words &= words - 1;
                word * WORD
            })
        })
        .flat_map(|start| start..start + WORD)
    }

    /// The value of a field in a key or mask, zero if the field is not there.
    pub fn read(&self, tunnel: &TunnelKey, index: usize) -> Wide {
        let (mut bytes, mut len) = ([0; Wide::BYTES], 0);
        for (to, from) in bytes.iter_mut().zip(self.bytes(index)) {
            (*to, len) = (tunnel.metadata[from], len + 1);
        }
        Wide::from_be_bytes(&bytes[..len])
    }

    /// Writes the lowest bytes of a value into a field of a key or mask. Whether the option is there stays as it was.
    pub fn write(&self, tunnel: &mut TunnelKey, index: usize, value: &Wide) {
        let len = self.len(index).unwrap_or(0);
        let digits = value.to_be_bytes();
        for (byte, at) in digits[Wide::BYTES - len..].iter().zip(self.bytes(index)) {
            tunnel.metadata[at] = *byte;
        }
    }

    /// Whether a field has the last of these bits.
    pub fn holds(&self, bits: Subfield) -> bool {
        let Some(index) = bits.field().option() else { return true };
        self.len(index).is_some_and(|len| usize::from(bits.start() + bits.width()) <= len * 8)
    }

    /// The value of some bits in a key, right-aligned; of an option that is not there, zero.
    pub fn get(&self, key: &FlowKey, bits: Subfield) -> Wide {
        match bits.field().option() {
            None => bits.get(key).into(),
            Some(n) => self.read(&key.tunnel, n).shr(bits.start()) & Wide::ones(bits.width()),
        }
    }

    /// Writes some bits of a key; an option is there from then on.
    pub fn set(&self, key: &mut FlowKey, bits: Subfield, value: &Wide) {
        let Some(n) = bits.field().option() else {
            bits.set(key, value.low());
            return;
        };
        let ones = Wide::ones(bits.width()).shl(bits.start());
        let rest = self.read(&key.tunnel, n) & !ones;
        self.write(&mut key.tunnel, n, &(rest | value.shl(bits.start()) & ones));
        key.tunnel.metadata_present |= self.mapped & 1 << n;
    }

    /// Adds some bits to a mask.
    pub fn mask_into(&self, bits: Subfield, mask: &mut FlowMask) {
        match bits.field().option() {
            None => bits.mask_into(mask),
            Some(n) => {
                let ones = Wide::ones(bits.width()).shl(bits.start());
                self.add_bits(mask, n, &ones);
            }
        }
    }

    /// Adds bits of an option's value to a mask, and its presence.
    pub fn add_bits(&self, mask: &mut FlowMask, index: usize, bits: &Wide) {
        let tunnel = &mut mask.fields.tunnel;
        self.write(tunnel, index, &(self.read(tunnel, index) | *bits));
        tunnel.metadata_present |= self.mapped & 1 << index;
    }

    /// Takes an option out of a key.
    pub fn clear(&self, key: &mut FlowKey, index: usize) {
        self.write(&mut key.tunnel, index, &Wide::ZERO);
        key.tunnel.metadata_present &= !(1 << index);
    }

    /// The mask of all bits of the options that a key has.
    pub fn mask_of(&self, key: &TunnelKey, mask: &mut TunnelKey) {
        mask.metadata = [0; TUN_METADATA_BYTES];
        mask.metadata_present = key.metadata_present & self.mapped;
        for n in (0..OPTIONS).filter(|n| mask.metadata_present >> n & 1 != 0) {
            for at in self.bytes(n) {
                mask.metadata[at] = 0xff;
            }
        }
    }

    /// What a match whose options lie as this says says of them.
    pub fn options(&self, m: &Match) -> Vec<OptionMatch> {
        let (key, mask) = (&m.key.tunnel, &m.mask.fields.tunnel);
        let present = mask.metadata_present & self.mapped;
        let told = (0..OPTIONS).filter(|n| present >> n & 1 != 0).map(|index| {
            let (value, bits) = (self.read(key, index), self.read(mask, index));
            // A match cannot tell that an option has no bytes: it says nothing of some.
            let len = self.len(index).filter(|len| *len != 0).unwrap_or(WORD);
            OptionMatch { index, len, value, mask: bits }
        });
        told.collect()
    }

    /// Brings a match that tells the lengths of its options into the form of this table, where its key and mask can be
    /// compared with keys; what is in that form stays. A value that is matched as a whole is one of the whole option. After an error
    /// the match is as it was.
    pub fn place(&self, m: &mut Match) -> Result<(), PlaceError> {
        if !m.is_packed() {
            return Ok(());
        }
        let options = m.options();
        for option in &options {
            let Some(field) = Field::tun_metadata(option.index) else { continue };
            let len = self.len(option.index).ok_or(PlaceError::Unmapped(field))?;
            if usize::from(option.value.bit_len()) > len * 8 {
                return Err(PlaceError::TooLong(field));
            }
        }
        forget(&mut m.key);
        forget(&mut m.mask.fields);
        for option in &options {
            let bits = if option.is_exact() { Wide::MAX } else { option.mask };
            for (fields, number) in [(&mut m.key, &option.value), (&mut m.mask.fields, &bits)] {
                self.write(&mut fields.tunnel, option.index, number);
                fields.tunnel.metadata_present |= 1 << option.index;
            }
        }
        Ok(())
    }

    /// Makes a match in the form of this table one that tells the lengths of its options itself.
    pub fn pack(&self, m: &mut Match) {
        if !m.is_packed() && m.mask.fields.tunnel.metadata_present != 0 {
            let options = self.options(m);
            if m.set_options(&options).is_err() {
                // Only options without bytes, which a match has no words for, can be too many.
                let long = options.into_iter().filter(|option| self.len(option.index) != Some(0));
                let _ = m.set_options(&long.collect::<Vec<_>>());
            }
        }
    }

    /// A match that has been [packed](Self::pack).
    #[must_use]
    pub fn packed(&self, mut m: Match) -> Match {
        self.pack(&mut m);
        m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields whose words do not stand side by side.
    fn scattered() -> OptionPlaces {
        let mut places = OptionPlaces::NONE;
        assert!(places.add(9, 4) && places.add(2, 124) && places.add(0, 8) && places.add(63, 0));
        places.remove(9);
        assert!(places.add(5, 124) && !places.add(5, 4) && !places.add(6, 4), "all room is taken");
        places
    }

    #[test]
    fn fields_find_what_room_there_is() {
        let places = scattered();
        assert_eq!([0, 2, 5, 9, 63].map(|n| places.len(n)), [Some(8), Some(124), Some(124), None, Some(0)]);
        assert_eq!(places.bytes(5).take(5).collect::<Vec<_>>(), [0, 1, 2, 3, 136]);
        let mut used: Vec<usize> = (0..OPTIONS).flat_map(|n| places.bytes(n)).collect();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), TUN_METADATA_BYTES);
        assert!(!OptionPlaces::NONE.clone().add(1, 128) && !OptionPlaces::NONE.clone().add(1, 6));
    }

    #[test]
    fn bits_are_written_and_read() {
        let places = scattered();
        let field = Field::tun_metadata(5).unwrap();
        let bits = Subfield::new(field, 932, 60).unwrap();
        let mut key = FlowKey::default();
        places.set(&mut key, bits, &Wide::from(0xabc_def0_1234_5678));
        assert_eq!(places.get(&key, bits), Wide::from(0xabc_def0_1234_5678));
        assert_eq!((key.tunnel.metadata_present, key.tunnel.metadata[0]), (1 << 5, 0xab));
        let short = |start, width| Subfield::new(Field::tun_metadata(0).unwrap(), start, width).unwrap();
        assert!(places.holds(bits) && places.holds(short(60, 4)) && !places.holds(short(60, 5)));
        let mut mask = FlowMask::default();
        places.mask_into(bits, &mut mask);
        assert_eq!(places.read(&mask.fields.tunnel, 5), Wide::ones(60).shl(932));
        places.clear(&mut key, 5);
        assert_eq!(key, FlowKey::default());
    }

    #[test]
    fn matches_go_from_form_to_form() {
        let places = scattered();
        let mut m = Match::default();
        let long = Wide::from_be_bytes(&(1..=60).collect::<Vec<u8>>());
        m.set_option(OptionMatch::exact(2, 60, long)).unwrap();
        m.set_option(OptionMatch::masked(0, 8, Wide::from(5 << 40), Wide::from(7 << 40))).unwrap();
        m.set_option(OptionMatch::masked(63, 0, Wide::ZERO, Wide::ZERO)).unwrap();
        let indices: Vec<_> = m.options().iter().map(|option| (option.index, option.len)).collect();
        assert_eq!(indices, [(0, 8), (2, 60), (63, 4)]);
        let told = m;
        places.place(&mut m).unwrap();
        assert!(!m.is_packed());
        assert_eq!(m.mask.fields.tunnel.metadata_present, 1 | 1 << 2 | 1 << 63);
        assert_eq!(places.read(&m.key.tunnel, 2), long);
        assert_eq!(places.read(&m.mask.fields.tunnel, 2), Wide::ones(992), "a whole option");
        assert_eq!(places.packed(m).option(0), told.option(0));
        assert_eq!(places.packed(m).option(2), Some(OptionMatch::exact(2, 124, long)));
        m = places.packed(m);
        m.clear_option(0);
        m.clear_option(2);
        m.clear_option(63);
        assert_eq!(m, Match::default());
    }

    #[test]
    fn what_has_no_place_is_named() {
        let mut m = Match::default();
        m.set_option(OptionMatch::exact(0, 12, Wide::ones(65))).unwrap();
        let field = Field::tun_metadata(0).unwrap();
        assert_eq!(scattered().place(&mut m), Err(PlaceError::TooLong(field)));
        assert_eq!(OptionPlaces::NONE.place(&mut m), Err(PlaceError::Unmapped(field)));
        assert_eq!(m.option(0), Some(OptionMatch::exact(0, 12, Wide::ones(65))), "as it was");
        assert!(m.set_option(OptionMatch::exact(1, 128, Wide::ZERO)).is_err());
        for n in 1..=2 {
            assert!(m.set_option(OptionMatch::exact(n, 120, Wide::ZERO)).is_ok());
        }
        assert!(m.set_option(OptionMatch::exact(3, 8, Wide::ZERO)).is_err());
    }
}
