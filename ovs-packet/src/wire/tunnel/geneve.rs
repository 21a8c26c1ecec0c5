//! Geneve (RFC 8926 section 3.4) and its options (section 3.5).
//!
//! ```text
//!  0                   1                   2                   3
//! ├───┼───────────┼─┼─┼───────────┼───────────────────────────────┤
//! │ver│  opt len  │O│C│ reserved  │         protocol type         │
//! │             network identifier                │   reserved    │
//! │ options: class 2 │ type 1 │ reserved 3 bits, length 5 bits │ data, length × 4 bytes … │
//! └───────────────────────────────────────────────────────────────┘
//! ```

use alloc::vec::Vec;

use super::super::field::{to_the_end, view};
use super::super::list::{Item, Items, body, head};
use super::super::{EtherType, WireError};

view! {
    /// A Geneve header with its options.
    view GeneveView, value GeneveHeader, 8 bytes, header header_len, end to_the_end;
    /// Version (2 bits) and options length in words (6).
    version_len set_version_len: u8 = 0 {
        /// Version: 0.
        version set_version: u8 = 6, 2;
        /// Words of the options.
        option_words set_option_words: u8 = 0, 6;
    };
    /// Flags and reserved bits.
    flags set_flags: u8 = 1 {
        /// This is a control packet.
        is_control set_is_control: bool = 7, 1;
        /// There are options that must be understood.
        is_critical set_is_critical: bool = 6, 1;
    };
    /// Type of the payload.
    protocol set_protocol: EtherType = 2;
    /// Network identifier (24 bits), reserved (8).
    vni_reserved set_vni_reserved: u32 = 4 {
        /// Network identifier.
        vni set_vni: u32 = 8, 24;
    };
}

fn header_len(bytes: &[u8]) -> usize {
    8 + usize::from(bytes[0] & 0x3f) * 4
}

impl<T: AsRef<[u8]>> GeneveView<T> {
    /// The options.
    pub fn options(&self) -> Items<'_, GeneveOption<'_>> {
        Items::new(self.variable(), Self::LEN)
    }
}

/// One Geneve option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeneveOption<'a> {
    /// Class: who defines the types.
    pub class: u16,
    /// Type; 0x80 is set if the option must be understood.
    pub kind: u8,
    /// The three reserved bits before the length.
    pub reserved: u8,
    /// Data: a multiple of four bytes, up to 124.
    pub data: &'a [u8],
}

impl<'a> Item<'a> for GeneveOption<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let [high, low, kind, len] = head(bytes)?;
        let used = 4 + usize::from(len & 0x1f) * 4;
        let data = body(bytes, 4, used)?;
        Ok(Some((Self { class: u16::from_be_bytes([high, low]), kind, reserved: len >> 5, data }, used)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        let len = self.data.len().next_multiple_of(4);
        out.extend(self.class.to_be_bytes());
        out.extend([self.kind, self.reserved << 5 | (len / 4) as u8 & 0x1f]);
        out.extend_from_slice(self.data);
        out.resize(out.len() + len - self.data.len(), 0);
    }
}
