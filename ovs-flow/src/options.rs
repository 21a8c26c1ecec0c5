//! Tunnel options as fields: `tun_metadata0` to `tun_metadata63`, each as long as its option.
//!
//! How long a field is, a bridge's TLV table says; [`OptionPlaces`] says where in a key it then lies. A [`Match`] that has
//! been read from a message or a text knows no table. It tells the lengths of its options itself:
//!
//! ```text
//!   flags             PACKED_OPTIONS, in key and mask
//!   mask.present      bit n: tun_metadata<n> is matched on
//!   key.present       bit w: word w is the last one of an option
//!   metadata          values (masks) one after the other by number of the field, each of whole words of four bytes
//! ```
//!
//! [`OptionPlaces::place`] makes it a match that keys can be compared with, [`OptionPlaces::pack`] one for messages again.

mod packed;
mod places;

pub use packed::{NoRoom, OptionMatch};
pub use places::{OptionPlaces, PlaceError};

use crate::field::{Field, Setter};

/// How many options have fields.
pub const OPTIONS: usize = 64;
/// Bytes of the longest option's value (RFC 8926 section 3.5).
pub const MAX_OPTION: usize = 124;
/// Bytes of a word, in which options are measured.
const WORD: usize = 4;

impl Field {
    /// The number of a tunnel option; `None` if it is another field.
    pub fn option(self) -> Option<usize> {
        match self.facts().setter {
            Setter::TunOption(n) => Some(n.into()),
            _ => None,
        }
    }
}
