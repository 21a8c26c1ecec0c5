//! Options in a match that knows no table.

use alloc::vec::Vec;

use super::{MAX_OPTION, OPTIONS, OptionPlaces, WORD};
use crate::{FlowKey, Match, TUN_METADATA_BYTES, TunnelFlags, Wide};

const PACKED: u16 = TunnelFlags::PACKED_OPTIONS.bits();

/// What a match says of one option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionMatch {
    /// The number of its field.
    pub index: usize,
    /// Bytes of the value: a multiple of four.
    pub len: usize,
    /// What the value must be.
    pub value: Wide,
    /// Which of its bits; none if only the option's presence counts.
    pub mask: Wide,
}

/// The options of a match do not fit into it: there are 256 bytes for all of them, and none has more than 124.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the options of a match have more than {TUN_METADATA_BYTES} bytes")]
pub struct NoRoom;

impl OptionMatch {
    /// An option that has this value; `len` bytes of it were said, and zeros before them make the words whole.
    pub fn exact(index: usize, len: usize, value: Wide) -> Self {
        let len = whole_words(len);
        Self { index, len, value, mask: Wide::ones(len as u16 * 8) }
    }

    /// An option some bits of which have these values.
    pub fn masked(index: usize, len: usize, value: Wide, mask: Wide) -> Self {
        Self { index, len: whole_words(len), value: value & mask, mask }
    }

    /// Whether all bits count.
    pub fn is_exact(&self) -> bool {
        self.len != 0 && self.mask == Wide::ones(self.len as u16 * 8)
    }

    /// The bytes that a number needs, at least a word.
    pub(crate) fn len_of(number: &Wide) -> usize {
        whole_words(usize::from(number.bit_len().div_ceil(8)))
    }
}

fn whole_words(len: usize) -> usize {
    len.next_multiple_of(WORD).max(WORD)
}

impl Match {
    /// Whether the match tells the lengths of its options itself.
    pub fn is_packed(&self) -> bool {
        self.key.tunnel.flags & PACKED != 0
    }

    /// What the match says of options, by number. One that does not tell their lengths has them where a key without a
    /// table has them.
    pub fn options(&self) -> Vec<OptionMatch> {
        let mask = &self.mask.fields.tunnel;
        if mask.metadata_present == 0 {
            return Vec::new();
        }
        if !self.is_packed() {
            return OptionPlaces::UNMAPPED.options(self);
        }
        let key = &self.key.tunnel;
        let (mut ends, mut at) = (key.metadata_present, 0);
        let indices = (0..OPTIONS).filter(|n| mask.metadata_present >> n & 1 != 0);
        indices
            .map_while(|index| {
                let end = ends.trailing_zeros() as usize;
                ends &= ends.wrapping_sub(1);
                let bytes = at..((end + 1) * WORD).min(TUN_METADATA_BYTES);
                at = bytes.end;
                let value = Wide::from_be_bytes(key.metadata.get(bytes.clone())?);
                let bits = Wide::from_be_bytes(mask.metadata.get(bytes.clone())?);
                Some(OptionMatch { index, len: bytes.len(), value, mask: bits })
            })
            .collect()
    }

    /// What the match says of one option.
    pub fn option(&self, index: usize) -> Option<OptionMatch> {
        self.options().into_iter().find(|option| option.index == index)
    }

    /// Replaces what the match says of an option. Without room for all options it stays as it was.
    pub fn set_option(&mut self, option: OptionMatch) -> Result<(), NoRoom> {
        let mut all = self.options();
        all.retain(|other| other.index != option.index);
        all.push(option);
        all.sort_by_key(|option| option.index);
        self.set_options(&all)
    }

    /// Takes what the match says of an option out of it.
    pub fn clear_option(&mut self, index: usize) {
        let mut all = self.options();
        all.retain(|option| option.index != index);
        // Fewer than there were fit.
        let _ = self.set_options(&all);
    }

    /// Replaces what the match says of options; they are in order.
    pub(super) fn set_options(&mut self, options: &[OptionMatch]) -> Result<(), NoRoom> {
        let len: usize = options.iter().map(|option| option.len).sum();
        if len > TUN_METADATA_BYTES || options.iter().any(|option| option.len > MAX_OPTION) {
            return Err(NoRoom);
        }
        for fields in [&mut self.key, &mut self.mask.fields] {
            forget(fields);
            fields.tunnel.flags |= if options.is_empty() { 0 } else { PACKED };
        }
        let (key, mask) = (&mut self.key.tunnel, &mut self.mask.fields.tunnel);
        let mut at = 0;
        for option in options {
            let bytes = at..at + option.len;
            for (place, number) in [(&mut key.metadata, &option.value), (&mut mask.metadata, &option.mask)] {
                let digits = number.to_be_bytes();
                place[bytes.clone()].copy_from_slice(&digits[Wide::BYTES - option.len..]);
            }
            at = bytes.end;
            mask.metadata_present |= 1 << option.index;
            key.metadata_present |= 1 << (at / WORD - 1);
        }
        Ok(())
    }
}

/// Leaves no option in a key or mask.
pub(super) fn forget(fields: &mut FlowKey) {
    let tunnel = &mut fields.tunnel;
    tunnel.flags &= !PACKED;
    tunnel.metadata_present = 0;
    tunnel.metadata = [0; TUN_METADATA_BYTES];
}
