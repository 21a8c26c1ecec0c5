//! Header fields, and the table from which views are made.
//!
//! A header is described once, as a table of words and the parts of words. From that table come the view, the value,
//! and [`FieldInfo`]s, by which other code ([`build`](crate::build), tests, printers) can read and write any field of
//! any protocol by its name.

use super::{EtherType, IpProtocol};

/// A value at a fixed offset of a header, in network byte order.
pub(super) trait Field: Copy {
    /// Bytes on the wire.
    const LEN: usize;
    /// What the bytes are.
    const KIND: FieldKind;
    /// Reads it; the caller has checked that it lies within `bytes`.
    fn get(bytes: &[u8], at: usize) -> Self;
    /// Writes it; the caller has checked that it lies within `bytes`.
    fn put(self, bytes: &mut [u8], at: usize);
}

impl<const N: usize> Field for [u8; N] {
    const LEN: usize = N;
    const KIND: FieldKind = FieldKind::Bytes;

    fn get(bytes: &[u8], at: usize) -> Self {
        let mut out = [0; N];
        out.copy_from_slice(&bytes[at..at + N]);
        out
    }

    fn put(self, bytes: &mut [u8], at: usize) {
        bytes[at..at + N].copy_from_slice(&self);
    }
}

/// Numbers are fields by way of their bytes.
macro_rules! number {
    ($($number:ty),*) => { $(
        impl Field for $number {
            const LEN: usize = size_of::<$number>();
            const KIND: FieldKind = FieldKind::Number;

            fn get(bytes: &[u8], at: usize) -> Self {
                Self::from_be_bytes(Field::get(bytes, at))
            }

            fn put(self, bytes: &mut [u8], at: usize) {
                self.to_be_bytes().put(bytes, at);
            }
        }

        impl Part for $number {
            fn from_bits(bits: u64) -> Self {
                bits as Self
            }

            fn into_bits(self) -> u64 {
                u64::from(self)
            }
        }
    )* };
}

number!(u8, u16, u32, u64);

/// Names of numbers are fields as the numbers are.
macro_rules! name {
    ($($name:ty),*) => { $(
        impl Field for $name {
            const LEN: usize = size_of::<$name>();
            const KIND: FieldKind = FieldKind::Number;

            fn get(bytes: &[u8], at: usize) -> Self {
                Self(Field::get(bytes, at))
            }

            fn put(self, bytes: &mut [u8], at: usize) {
                self.0.put(bytes, at);
            }
        }
    )* };
}

name!(EtherType, IpProtocol);

/// A value that is some bits of a word.
pub(super) trait Part: Copy {
    /// From bits that are already shifted down and masked.
    fn from_bits(bits: u64) -> Self;
    /// To bits that are still to be masked.
    fn into_bits(self) -> u64;
}

impl Part for bool {
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }

    fn into_bits(self) -> u64 {
        u64::from(self)
    }
}

/// The part of `word` that begins at bit `shift` and has `bits` bits.
pub(super) fn part<P: Part>(word: impl Part, shift: u32, bits: u32) -> P {
    P::from_bits(word.into_bits() >> shift & mask(bits))
}

/// `word` with one part changed; bits that do not fit are cut off.
pub(super) fn with_part<W: Part>(word: W, part: impl Part, shift: u32, bits: u32) -> W {
    let mask = mask(bits);
    W::from_bits(word.into_bits() & !(mask << shift) | (part.into_bits() & mask) << shift)
}

const fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// Whether a field is a number or a string of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A number of up to 64 bits.
    Number,
    /// Bytes whose order means nothing: addresses, names.
    Bytes,
}

/// What a field of a header holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// A number, in host order.
    Number(u64),
    /// Bytes as they stand.
    Bytes(&'a [u8]),
}

/// One field of a header: where it lies and what it is.
///
/// Words come in the order of the wire, and behind each word the parts of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    /// Name of the accessor.
    pub name: &'static str,
    /// First byte of the word, counted from the header's.
    pub at: usize,
    /// Bytes of the word.
    pub len: usize,
    /// Lowest bit of a part; 0 for a word.
    pub shift: u32,
    /// Bits of a part; all bits for a word.
    pub bits: u32,
    /// Number or bytes.
    pub kind: FieldKind,
}

impl FieldInfo {
    /// A whole word.
    pub(super) const fn word<F: Field>(name: &'static str, at: usize) -> Self {
        Self { name, at, len: F::LEN, shift: 0, bits: 8 * F::LEN as u32, kind: F::KIND }
    }

    /// A part of a word.
    pub(super) const fn part<F: Field>(name: &'static str, at: usize, shift: u32, bits: u32) -> Self {
        Self { name, at, len: F::LEN, shift, bits, kind: FieldKind::Number }
    }

    /// True for a part of a word.
    pub fn is_part(&self) -> bool {
        self.bits < 8 * self.len as u32
    }

    /// Largest number that fits; none for bytes.
    pub fn max(&self) -> Option<u64> {
        (self.kind == FieldKind::Number).then(|| mask(self.bits))
    }

    /// The field's value in a header; none if the bytes end before it.
    pub fn get<'a>(&self, header: &'a [u8]) -> Option<FieldValue<'a>> {
        let bytes = header.get(self.at..self.at + self.len)?;
        if self.kind == FieldKind::Bytes {
            return Some(FieldValue::Bytes(bytes));
        }
        let word = bytes.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        Some(FieldValue::Number(word >> self.shift & mask(self.bits)))
    }

    /// Writes the value into a header. Nothing happens and false is returned if the bytes end before the field, the
    /// number is too large, or the length or kind is another.
    pub fn set(&self, header: &mut [u8], value: FieldValue<'_>) -> bool {
        let Some(bytes) = header.get_mut(self.at..self.at + self.len) else { return false };
        match (self.kind, value) {
            (FieldKind::Bytes, FieldValue::Bytes(value)) if value.len() == bytes.len() => {
                bytes.copy_from_slice(value);
                true
            }
            (FieldKind::Number, FieldValue::Number(value)) if value <= mask(self.bits) => {
                let word = bytes.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
                let word = with_part(word, value, self.shift, self.bits).to_be_bytes();
                bytes.copy_from_slice(&word[word.len() - bytes.len()..]);
                true
            }
            _ => false,
        }
    }
}

/// For headers without options: the length is the table's.
pub(super) const fn fixed<const N: usize>(_: &[u8]) -> usize {
    N
}

/// For headers that do not tell the length of what follows.
pub(super) const fn to_the_end(bytes: &[u8]) -> usize {
    bytes.len()
}

/// Makes the view and the value of a header from a table of its fields.
///
/// `view View, value Header, LEN bytes, header HEADER_LEN, end END;` and then one line per field:
/// `getter setter: type = offset;`. Behind the offset, `{ getter setter: type = shift, bits; … }` names parts of the word.
/// `HEADER_LEN` and `END` are functions of the packet's bytes (at least `LEN` of them) that give the header's full length
/// and where the payload ends.
macro_rules! view {
    (
        $(#[$meta:meta])*
        view $view:ident, value $header:ident, $len:literal bytes, header $header_len:expr, end $end:expr;
        $(
            $(#[$field_meta:meta])* $get:ident $set:ident: $type:ty = $at:literal
            $( { $( $(#[$part_meta:meta])* $part:ident $set_part:ident: $part_type:ty = $shift:literal, $bits:literal; )* } )?
            ;
        )*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $view<T> {
            bytes: T,
        }

        impl<T: AsRef<[u8]>> $view<T> {
            /// Bytes of the header without options.
            pub const LEN: usize = $len;

            /// Wraps bytes that begin with this header. Fails unless the whole header is there.
            pub fn new_checked(bytes: T) -> Result<Self, $crate::wire::WireError> {
                $crate::wire::check(bytes.as_ref(), $len, $header_len)?;
                Ok(Self { bytes })
            }

            /// Bytes of the header with its options.
            pub fn header_len(&self) -> usize {
                let bytes = self.bytes.as_ref();
                ($header_len)(bytes).min(bytes.len())
            }

            /// The bytes of the header itself.
            pub fn header(&self) -> &[u8] {
                &self.bytes.as_ref()[..self.header_len()]
            }

            /// The header's bytes behind its fixed part: options, lists.
            pub fn variable(&self) -> &[u8] {
                self.header().get($len..).unwrap_or_default()
            }

            /// What follows the header, as far as it is there and the header says that it goes.
            pub fn payload(&self) -> &[u8] {
                let bytes = self.bytes.as_ref();
                let from = self.header_len();
                &bytes[from..($end)(bytes).clamp(from, bytes.len())]
            }

            /// The bytes again.
            pub fn into_inner(self) -> T {
                self.bytes
            }

            $(
                $(#[$field_meta])*
                pub fn $get(&self) -> $type {
                    $crate::wire::field::Field::get(self.bytes.as_ref(), $at)
                }

                $( $(
                    $(#[$part_meta])*
                    pub fn $part(&self) -> $part_type {
                        $crate::wire::field::part(self.$get(), $shift, $bits)
                    }
                )* )?
            )*
        }

        impl<T: AsRef<[u8]> + AsMut<[u8]>> $view<T> {
            /// What follows the header, to change.
            pub fn payload_mut(&mut self) -> &mut [u8] {
                let from = self.header_len();
                let bytes = self.bytes.as_mut();
                let end = ($end)(bytes).clamp(from, bytes.len());
                &mut bytes[from..end]
            }

            $(
                #[doc = concat!("Sets [`", stringify!($get), "`](Self::", stringify!($get), ").")]
                pub fn $set(&mut self, value: $type) {
                    $crate::wire::field::Field::put(value, self.bytes.as_mut(), $at);
                }

                $( $(
                    #[doc = concat!("Sets [`", stringify!($part), "`](Self::", stringify!($part), "); what does not fit is cut off.")]
                    pub fn $set_part(&mut self, value: $part_type) {
                        let word = $crate::wire::field::with_part(self.$get(), value, $shift, $bits);
                        self.$set(word);
                    }
                )* )?
            )*
        }

        #[doc = concat!("The fields of a [`", stringify!($view), "`], apart from any bytes.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $header {
            $( $(#[$field_meta])* pub $get: $type, )*
        }

        impl $header {
            /// Bytes of the header without options.
            pub const LEN: usize = $len;

            /// The table of its fields.
            pub const FIELDS: &'static [$crate::wire::FieldInfo] = &[ $(
                $crate::wire::FieldInfo::word::<$type>(stringify!($get), $at),
                $( $( $crate::wire::FieldInfo::part::<$type>(stringify!($part), $at, $shift, $bits), )* )?
            )* ];

            /// Reads all fields.
            pub fn parse<T: AsRef<[u8]>>(view: &$view<T>) -> Self {
                // LLDP's header has no fields.
                let _ = view;
                Self { $( $get: view.$get(), )* }
            }

            /// Writes all fields; options stay as they are.
            pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut $view<T>) {
                let _ = &view;
                $( view.$set(self.$get); )*
            }

            /// The header from bytes, without options.
            pub fn from_bytes(bytes: &[u8; $len]) -> Self {
                let _ = bytes;
                Self { $( $get: $crate::wire::field::Field::get(bytes, $at), )* }
            }

            /// The header as bytes, without options.
            pub fn to_bytes(&self) -> [u8; $len] {
                let bytes = &mut [0; $len];
                $( $crate::wire::field::Field::put(self.$get, bytes, $at); )*
                *bytes
            }

            $( $( $(
                $(#[$part_meta])*
                pub fn $part(&self) -> $part_type {
                    $crate::wire::field::part(self.$get, $shift, $bits)
                }

                #[doc = concat!("Sets [`", stringify!($part), "`](Self::", stringify!($part), "); what does not fit is cut off.")]
                pub fn $set_part(&mut self, value: $part_type) {
                    self.$get = $crate::wire::field::with_part(self.$get, value, $shift, $bits);
                }
            )* )? )*
        }

        impl Default for $header {
            /// All fields zero.
            fn default() -> Self {
                Self::from_bytes(&[0; $len])
            }
        }

        impl $crate::wire::protocol::Described for $header {
            const FIELDS: &'static [$crate::wire::FieldInfo] = Self::FIELDS;
            const LEN: usize = $len;

            fn extent(bytes: &[u8]) -> Result<$crate::wire::Extent, $crate::wire::WireError> {
                let header = $crate::wire::check(bytes, $len, $header_len)?;
                Ok($crate::wire::Extent { header, end: ($end)(bytes).clamp(header, bytes.len()) })
            }

            fn write(&self, out: &mut alloc::vec::Vec<u8>) {
                out.extend_from_slice(&self.to_bytes());
            }
        }
    };
}

pub(super) use view;
