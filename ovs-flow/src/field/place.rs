//! Reading and writing a field in keys, masks and matches.

use zerocopy::IntoBytes;

use super::facts::{Facts, Masking, Order, Place, Setter};
use super::rows::Field;
use crate::{FlowKey, FlowMask, Match, OfPort, OptionMatch, VLAN_CFI, Wide};

/// Why a value cannot be put into a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// The field matches all of its bits or none.
    #[error("field {0} cannot be matched in part")]
    Mask(Field),
    /// The value has bits beyond the field.
    #[error("value too large for field {0}")]
    Value(Field),
}

/// A number of any length; of more than 16 bytes the last 16.
pub(super) fn big_endian(bytes: &[u8]) -> u128 {
    match bytes.len() {
        1 => bytes[0].into(),
        2 => bytes.first_chunk().map_or(0, |b| u16::from_be_bytes(*b).into()),
        4 => bytes.first_chunk().map_or(0, |b| u32::from_be_bytes(*b).into()),
        8 => bytes.first_chunk().map_or(0, |b| u64::from_be_bytes(*b).into()),
        16 => bytes.first_chunk().map_or(0, |b| u128::from_be_bytes(*b)),
        _ => bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte)),
    }
}

impl Place {
    /// The container's value in a key.
    fn load(&self, key: &FlowKey) -> u128 {
        let start = self.offset as usize;
        let bytes = &key.as_bytes()[start..start + self.bytes as usize];
        match (self.order, bytes) {
            (Order::Network, _) => big_endian(bytes),
            (Order::Native, [a, b]) => u16::from_ne_bytes([*a, *b]).into(),
            (Order::Native, [a, b, c, d]) => u32::from_ne_bytes([*a, *b, *c, *d]).into(),
            (_, [a]) => (*a).into(),
            // Joined registers, most significant first.
            _ => bytes.chunks_exact(4).fold(0, |value, word| {
                value << 32 | u128::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]))
            }),
        }
    }

    /// Writes the container.
    fn store(&self, key: &mut FlowKey, value: u128) {
        let start = self.offset as usize;
        let bytes = &mut key.as_mut_bytes()[start..start + self.bytes as usize];
        let len = bytes.len();
        match (self.order, bytes) {
            (_, [a]) => *a = value as u8,
            (Order::Network, [a, b]) => [*a, *b] = (value as u16).to_be_bytes(),
            (Order::Network, [a, b, c, d]) => [*a, *b, *c, *d] = (value as u32).to_be_bytes(),
            (Order::Network, bytes) => bytes.copy_from_slice(&value.to_be_bytes()[16 - len..]),
            (Order::Native, [a, b]) => [*a, *b] = (value as u16).to_ne_bytes(),
            (Order::Native, [a, b, c, d]) => [*a, *b, *c, *d] = (value as u32).to_ne_bytes(),
            (_, bytes) => {
                for (i, word) in bytes.chunks_exact_mut(4).rev().enumerate() {
                    word.copy_from_slice(&((value >> (32 * i)) as u32).to_ne_bytes());
                }
            }
        }
    }

    /// Whether the container has a bit in a mask; cheaper than its value.
    pub(crate) fn is_clear(&self, key: &FlowKey) -> bool {
        let first = self.offset as usize / 8;
        let last = (self.offset as usize + self.bytes as usize - 1) / 8;
        key.words()[first..=last].iter().all(|word| *word == 0)
    }

    /// The field's bits in a key, right-aligned.
    pub fn get(&self, key: &FlowKey) -> u128 {
        self.load(key) >> self.shift & self.bits
    }

    /// Writes the field's bits into a key, leaving the rest of the container alone.
    pub fn set(&self, key: &mut FlowKey, value: u128) {
        let rest = self.load(key) & !self.container_bits();
        self.store(key, rest | (value & self.bits) << self.shift);
    }
}

/// The bits of a tag that say "present", as they are in the container.
const PRESENT: u128 = VLAN_CFI as u128;

impl Field {
    /// The value in a key.
    ///
    /// Port fields of 32 bits give the numbers of OpenFlow 1.1 and later.
    pub fn get(self, key: &FlowKey) -> u128 {
        let facts = self.facts();
        let value = facts.place.get(key);
        match facts.setter {
            Setter::Port32 => u128::from(OfPort(value as u16).to_u32()),
            _ => value,
        }
    }

    /// The bits of a mask that are this field's.
    pub fn get_mask(self, mask: &FlowMask) -> u128 {
        self.facts().place.get(&mask.fields)
    }

    /// Whether the mask has no bit of this field.
    pub fn is_wildcarded(self, mask: &FlowMask) -> bool {
        self.facts().place.is_clear(&mask.fields) || self.get_mask(mask) == 0
    }

    /// Whether the match asks for this tunnel option, be it only for its presence; of other fields, whether it
    /// constrains them.
    pub fn is_present(self, m: &Match) -> bool {
        match self.facts().setter {
            Setter::TunOption(n) => m.mask.fields.tunnel.metadata_present >> n & 1 != 0,
            _ => !self.is_wildcarded(&m.mask),
        }
    }

    /// All bits that the field can have: the mask of an exact match. Of a tunnel option it stands for all bits, however many
    /// they are.
    pub fn full(self) -> u128 {
        if self.option().is_some() { u128::MAX } else { self.facts().place.bits }
    }

    /// Whether the field can have this value: none of its bits lies beyond the field, and what is an enumeration knows
    /// it.
    pub fn is_valid(self, value: u128) -> bool {
        match self {
            Self::NSH_MDTYPE => matches!(value, 1 | 2),
            Self::NSH_TTL => value <= 63,
            _ if self.facts().setter == Setter::Port32 => OfPort::from_u32(value as u32).is_some(),
            Self::IN_PORT => value <= 0xffff,
            _ => value & !self.full() == 0,
        }
    }

    /// Writes a value into a key, as an action would: a VLAN field makes the tag present.
    pub fn set_key(self, key: &mut FlowKey, value: u128) {
        let place = self.facts().place;
        match self.facts().setter {
            Setter::Plain => place.set(key, value),
            Setter::Port32 => place.set(key, folded_port(value)),
            Setter::DlVlan | Setter::VlanVid if value == 0xffff => key.vlans[0].tci.set(0),
            Setter::DlVlan | Setter::VlanVid | Setter::VlanPcp => {
                place.set(key, value);
                let tci = key.vlans[0].tci.get();
                key.vlans[0].tci.set(tci | VLAN_CFI);
            }
            Setter::TunOption(n) => {
                place.set(key, value);
                key.tunnel.metadata_present |= 1 << n;
            }
        }
    }

    /// Takes the field out of a key: an option of a tunnel's header is not there any more, any other field is zero.
    pub fn clear_key(self, key: &mut FlowKey) {
        self.facts().place.set(key, 0);
        if let Setter::TunOption(n) = self.facts().setter {
            key.tunnel.metadata_present &= !(1 << n);
        }
    }

    /// Adds the field's bits to a mask, and whatever bits say that the field exists.
    pub fn mask_into(self, mask: &mut FlowMask) {
        let place = self.facts().place;
        place.set(&mut mask.fields, place.bits);
        match self.facts().setter {
            Setter::DlVlan | Setter::VlanVid | Setter::VlanPcp => {
                let tci = mask.fields.vlans[0].tci.get();
                mask.fields.vlans[0].tci.set(tci | VLAN_CFI);
            }
            Setter::TunOption(n) => mask.fields.tunnel.metadata_present |= 1 << n,
            Setter::Plain | Setter::Port32 => {}
        }
    }

    /// Makes a match on this field of one on it exactly.
    pub fn set_match(self, m: &mut Match, value: u128) {
        self.put(m, value, self.full());
    }

    /// Replaces what a match says of this field. `mask` zero takes it out.
    pub fn set_masked(self, m: &mut Match, value: u128, mask: u128) -> Result<(), SetError> {
        let full = self.full();
        if self.facts().masking == Masking::Exact && mask != 0 && mask & full != full {
            return Err(SetError::Mask(self));
        }
        self.put(m, value, mask & full);
        Ok(())
    }

    /// What the match says: value and mask. Of a tunnel option it is what it says of the lowest 128 bits;
    /// [`Match::option`] tells all.
    pub fn get_match(self, m: &Match) -> (u128, u128) {
        if let Some(n) = self.option() {
            let told = m.option(n);
            let mask = |told: OptionMatch| if told.is_exact() { u128::MAX } else { told.mask.low() };
            return told.map_or((0, 0), |told| (told.value.low(), mask(told)));
        }
        (self.get(&m.key), self.get_mask(&m.mask))
    }

    /// Takes what the match says of this field out of it.
    pub fn clear_match(self, m: &mut Match) {
        match self.option() {
            Some(n) => m.clear_option(n),
            None => self.put(m, 0, 0),
        }
    }

    fn put_option(n: usize, m: &mut Match, value: u128, mask: u128) {
        let (value, mask) = (Wide::from(value), Wide::from(mask));
        let option = if mask.low() == u128::MAX {
            OptionMatch::exact(n, OptionMatch::len_of(&value), value)
        } else {
            OptionMatch::masked(n, OptionMatch::len_of(&(value | mask)), value, mask)
        };
        // A match without room for one more says nothing of it; those that read messages and texts ask before.
        let _ = m.set_option(option);
    }

    fn put(self, m: &mut Match, value: u128, mask: u128) {
        if let Some(n) = self.option() {
            Self::put_option(n, m, value & mask, mask);
            return;
        }
        let Facts { place, setter, .. } = *self.facts();
        let value = if setter == Setter::Port32 { folded_port(value) } else { value };
        place.set(&mut m.mask.fields, mask);
        place.set(&mut m.key, value & mask);
        let tag = (&mut m.key.vlans[0].tci, &mut m.mask.fields.vlans[0].tci);
        match setter {
            Setter::DlVlan if value == 0xffff && mask != 0 => {
                tag.0.set(0);
                tag.1.set(0xffff);
            }
            Setter::DlVlan | Setter::VlanPcp if mask != 0 => {
                tag.0.set(tag.0.get() | PRESENT as u16);
                tag.1.set(tag.1.get() | PRESENT as u16);
            }
            _ => {}
        }
    }

    /// A value as it goes over the wire: the last [`Facts::size`](super::Facts::size) bytes of the array.
    pub fn wire_bytes(self, value: u128) -> ([u8; 16], usize) {
        (value.to_be_bytes(), self.facts().size as usize)
    }
}

/// A 32-bit port number in the 16-bit space; what fits in neither is [`OfPort::NONE`].
fn folded_port(value: u128) -> u128 {
    u128::from(OfPort::from_u32(value as u32).unwrap_or(OfPort::NONE).0)
}
