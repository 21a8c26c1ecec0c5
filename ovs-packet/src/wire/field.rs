//! Header fields, and the table from which views are made.

use super::{EtherType, IpProtocol};

/// A value at a fixed offset of a header, in network byte order.
pub(super) trait Field: Copy {
    /// Reads it; the caller has checked that it lies within `bytes`.
    fn get(bytes: &[u8], at: usize) -> Self;
    /// Writes it; the caller has checked that it lies within `bytes`.
    fn put(self, bytes: &mut [u8], at: usize);
}

impl<const N: usize> Field for [u8; N] {
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
            fn get(bytes: &[u8], at: usize) -> Self {
                Self::from_be_bytes(Field::get(bytes, at))
            }

            fn put(self, bytes: &mut [u8], at: usize) {
                self.to_be_bytes().put(bytes, at);
            }
        }
    )* };
}

number!(u8, u16, u32, u64);

impl Field for EtherType {
    fn get(bytes: &[u8], at: usize) -> Self {
        Self(Field::get(bytes, at))
    }

    fn put(self, bytes: &mut [u8], at: usize) {
        self.0.put(bytes, at);
    }
}

impl Field for IpProtocol {
    fn get(bytes: &[u8], at: usize) -> Self {
        Self(Field::get(bytes, at))
    }

    fn put(self, bytes: &mut [u8], at: usize) {
        self.0.put(bytes, at);
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
/// `getter setter: type = offset;`. `HEADER_LEN` and `END` are functions of the packet's bytes (at least `LEN` of them)
/// that give the header's full length and where the payload ends.
macro_rules! view {
    (
        $(#[$meta:meta])*
        view $view:ident, value $header:ident, $len:literal bytes, header $header_len:expr, end $end:expr;
        $( $(#[$field_meta:meta])* $get:ident $set:ident: $type:ty = $at:literal; )*
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
            )*
        }

        #[doc = concat!("The fields of a [`", stringify!($view), "`], apart from any bytes.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $header {
            $( $(#[$field_meta])* pub $get: $type, )*
        }

        impl $header {
            /// Reads all fields.
            pub fn parse<T: AsRef<[u8]>>(view: &$view<T>) -> Self {
                Self { $( $get: view.$get(), )* }
            }

            /// Writes all fields; options stay as they are.
            pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut $view<T>) {
                $( view.$set(self.$get); )*
            }

            /// The header as bytes, without options.
            pub fn to_bytes(&self) -> [u8; $len] {
                let mut bytes = [0; $len];
                $( $crate::wire::field::Field::put(self.$get, &mut bytes, $at); )*
                bytes
            }
        }
    };
}

pub(super) use view;
