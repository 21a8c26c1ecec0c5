//! The fields that can have a prefix trie.

use core::mem::offset_of;

use ovs_flow::{FlowKey, FlowMask, STAGE_ENDS, TunnelKey};

use super::tuple_mask::MaskWord;

/// A field of addresses whose prefixes can be looked up in a trie, so that a packet far from every rule's
/// address needs few bits of its own in the mask (column `Flow_Table.prefixes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PrefixField {
    /// `tun_id`
    TunId,
    /// `tun_src`
    TunSrc,
    /// `tun_dst`
    TunDst,
    /// `tun_ipv6_src`
    TunIpv6Src,
    /// `tun_ipv6_dst`
    TunIpv6Dst,
    /// `nw_src`
    NwSrc,
    /// `nw_dst`
    NwDst,
    /// `ipv6_src`
    Ipv6Src,
    /// `ipv6_dst`
    Ipv6Dst,
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

impl PrefixField {
    /// The fields that have a trie unless the user chooses others, in the order in which they are asked.
    pub const DEFAULT: [Self; 4] = [Self::NwDst, Self::NwSrc, Self::Ipv6Dst, Self::Ipv6Src];

    /// All fields that can have a trie, by the names that the column `prefixes` takes; some have two.
    const NAMES: [(&'static str, Self); 12] = [
        ("tun_id", Self::TunId),
        ("tunnel_id", Self::TunId),
        ("tun_src", Self::TunSrc),
        ("tun_dst", Self::TunDst),
        ("tun_ipv6_src", Self::TunIpv6Src),
        ("tun_ipv6_dst", Self::TunIpv6Dst),
        ("nw_src", Self::NwSrc),
        ("ip_src", Self::NwSrc),
        ("nw_dst", Self::NwDst),
        ("ip_dst", Self::NwDst),
        ("ipv6_src", Self::Ipv6Src),
        ("ipv6_dst", Self::Ipv6Dst),
    ];

    /// The field of this name; `None` if there is none, or it can have no trie.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// First byte in the key, number of bytes, and the Ethernet type without which the bytes are not
    /// this field.
    const fn place(self) -> (usize, usize, Option<u16>) {
        const TUNNEL: usize = offset_of!(FlowKey, tunnel);
        match self {
            Self::TunId => (TUNNEL + offset_of!(TunnelKey, id), 8, None),
            Self::TunSrc => (TUNNEL + offset_of!(TunnelKey, src), 4, None),
            Self::TunDst => (TUNNEL + offset_of!(TunnelKey, dst), 4, None),
            Self::TunIpv6Src => (TUNNEL + offset_of!(TunnelKey, ipv6_src), 16, None),
            Self::TunIpv6Dst => (TUNNEL + offset_of!(TunnelKey, ipv6_dst), 16, None),
            Self::NwSrc => (offset_of!(FlowKey, nw_src), 4, Some(IPV4)),
            Self::NwDst => (offset_of!(FlowKey, nw_dst), 4, Some(IPV4)),
            Self::Ipv6Src => (offset_of!(FlowKey, ipv6_src), 16, Some(IPV6)),
            Self::Ipv6Dst => (offset_of!(FlowKey, ipv6_dst), 16, Some(IPV6)),
        }
    }

    /// Bits of the field.
    pub const fn bits(self) -> u8 {
        self.place().1 as u8 * 8
    }

    /// Which of the four stages the field belongs to.
    pub(crate) fn stage(self) -> usize {
        let word = self.place().0 / 8;
        STAGE_ENDS.iter().take_while(|end| word >= **end).count()
    }

    /// The Ethernet type without which the bytes are not this field.
    pub(crate) const fn dl_type(self) -> Option<u16> {
        self.place().2
    }

    /// Whether the bytes of `key` are this field.
    pub(crate) fn applies(self, key: &FlowKey) -> bool {
        self.dl_type().is_none_or(|dl_type| key.dl_type.get() == dl_type)
    }

    /// The field's bits, the first one in the highest place.
    pub(crate) fn value(self, key: &FlowKey) -> u128 {
        self.gather(key.words())
    }

    /// The field's bits in a rule: the words that its mask has, and what they are.
    pub(crate) fn value_of(self, words: &[MaskWord], values: &[u64]) -> u128 {
        let (start, count, _) = self.place();
        let (first, last) = (start / 8, (start + count - 1) / 8);
        let mut own = [0; 3];
        for (word, value) in words.iter().zip(values) {
            if (first..=last).contains(&word.at()) {
                own[word.at() - first] = *value;
            }
        }
        gather(&own, start % 8, count)
    }

    /// How long the prefix is that `mask` looks at; 0 if what it looks at is no prefix.
    pub(crate) fn prefix_len(self, mask: &FlowMask) -> u8 {
        let bits = self.gather(mask.words());
        if bits.leading_ones() + bits.trailing_zeros() >= u128::BITS { bits.leading_ones() as u8 } else { 0 }
    }

    /// Adds the first `len` bits to `mask`.
    #[inline]
    pub(crate) fn add_prefix(self, mask: &mut FlowMask, len: u8) {
        if let Some((at, shift)) = self.narrow() {
            add_narrow(mask, len, (at, shift));
            return;
        }
        let bits = prefix_bits(len.min(self.bits()));
        let (at, skipped) = (self.place().0 / 8, self.place().0 % 8 * 8);
        // In the words from the field's first on, as they stand there.
        let (high, low) = (bits >> skipped, if skipped == 0 { 0 } else { bits << (128 - skipped) });
        let words = [(high >> 64) as u64, high as u64, (low >> 64) as u64];
        for (word, bits) in mask.words_mut()[at..].iter_mut().zip(words) {
            *word |= bits.to_be();
        }
    }

    /// Whether `mask` has the first `len` bits.
    #[inline]
    pub(crate) fn has_prefix(self, mask: &FlowMask, len: u8) -> bool {
        if let Some((at, shift)) = self.narrow() {
            return has_narrow(mask, len, (at, shift));
        }
        prefix_bits(len) & !self.gather(mask.words()) == 0
    }

    /// Of a field of 32 bits, which stands in one word: which, and behind how many of its bits.
    #[inline]
    pub(crate) const fn narrow(self) -> Option<(usize, u32)> {
        let (start, count, _) = self.place();
        if count == 4 && start % 4 == 0 { Some((start / 8, (start % 8) as u32 * 8)) } else { None }
    }

    /// The field's bits in the words of a key or mask, the first one in the highest place.
    #[inline]
    fn gather(self, words: &[u64]) -> u128 {
        let (start, count, _) = self.place();
        gather(&words[start / 8..], start % 8, count)
    }
}

/// [`PrefixField::add_prefix`] for a field of which it is known to be [`PrefixField::narrow`].
#[inline]
pub(crate) fn add_narrow(mask: &mut FlowMask, len: u8, (at, shift): (usize, u32)) {
    mask.words_mut()[at] |= narrow_bits(len, shift);
}

/// The same of [`PrefixField::has_prefix`].
#[inline]
pub(crate) fn has_narrow(mask: &FlowMask, len: u8, (at, shift): (usize, u32)) -> bool {
    narrow_bits(len, shift) & !mask.words()[at] == 0
}

/// The first `len` bits of a field of 32 bits, as they stand in a word behind `shift` others.
#[inline]
fn narrow_bits(len: u8, shift: u32) -> u64 {
    let bits = !u32::MAX.checked_shr(u32::from(len)).unwrap_or(0);
    (u64::from(bits) << 32 >> shift).to_be()
}

/// `count` bytes from byte `start` of the first word on, in the highest places; not more than the words have.
#[inline]
fn gather(words: &[u64], start: usize, count: usize) -> u128 {
    let (end, skipped) = (start + count, start * 8);
    let word = |at: usize| if at * 8 < end { u128::from(u64::from_be(words[at])) } else { 0 };
    let bits = word(0) << 64 << skipped | word(1) << skipped | word(2) << skipped >> 64;
    bits & prefix_bits(count as u8 * 8)
}

/// The transport ports as one field: source in the high half, destination in the low half.
pub(crate) mod ports {
    use super::{FlowKey, FlowMask, offset_of, place_byte};

    const START: usize = offset_of!(FlowKey, tp_src);
    const _: () = assert!(offset_of!(FlowKey, tp_dst) == START + 2 && START / 8 == (START + 3) / 8);

    /// The word of the key that holds both ports.
    pub(crate) const WORD: usize = START / 8;

    /// The bits of both ports in the word.
    pub(crate) fn word_bits() -> u64 {
        to_word(u32::MAX)
    }

    /// The ports.
    pub(crate) fn value(key: &FlowKey) -> u32 {
        u32::from(key.tp_src.get()) << 16 | u32::from(key.tp_dst.get())
    }

    /// The ports' bits in the word of a mask or key.
    pub(crate) fn of_word(word: u64) -> u32 {
        let bytes = word.to_ne_bytes();
        let at = START % 8;
        u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    }

    /// The other way round.
    pub(crate) fn to_word(bits: u32) -> u64 {
        (START..).zip(bits.to_be_bytes()).fold(0, |word, (at, byte)| word | place_byte(byte, at))
    }

    /// Adds bits to `mask`.
    pub(crate) fn add(mask: &mut FlowMask, bits: u32) {
        mask.words_mut()[WORD] |= to_word(bits);
    }
}

/// A word whose only nonzero byte stands where byte `at` of the key does.
fn place_byte(byte: u8, at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes[at % 8] = byte;
    u64::from_ne_bytes(bytes)
}

/// The `len` highest bits.
pub(crate) fn prefix_bits(len: u8) -> u128 {
    if len == 0 { 0 } else { u128::MAX << (128 - u32::from(len.min(128))) }
}
