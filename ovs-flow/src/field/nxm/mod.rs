//! NXM and OXM: matches and single fields as type-length-value entries (OpenFlow 1.5 §7.2.3, `nicira-ext.h`).
//!
//! ```text
//!   0               16      23 24      32   (class 0xffff: 32 bits of experimenter)
//!   ├─ class ───────┼─ field ─┼m┼ length ┼─ value … ─┬─ mask … (if m) ─┤
//! ```
//!
//! An unmasked entry's length is the field's [`size`](super::Facts::size), a masked one's is twice that; experimenter
//! entries count four bytes more.

mod decode;
mod encode;

pub use decode::{
    DecodeError, Decoded, Entry, OptionEntry, decode_match, pull_entry, pull_header, pull_option,
};
pub use encode::{encode_match, put_entry, put_header, put_option};

use super::facts::{Header, OfVersion};
use super::rows::Field;

/// Flow cookies may stand among the entries of Nicira's flow messages, under this class and number; the eight bytes
/// tell them from `mpls_ttl`.
const COOKIE: (u16, u8) = (0x0001, 30);

impl Field {
    /// The header to use for a peer that speaks at most `version` ([`OfVersion::Extension`]: NXM, OpenFlow 1.0 and 1.1;
    /// [`OfVersion::V13`]: also 1.4). `None` if the field has no number at all.
    pub fn header(self, version: OfVersion) -> Option<&'static Header> {
        let newer = |a: &'static Header, b: &'static Header| if b.since > a.since { b } else { a };
        let best = self.headers().filter(|h| h.since <= version).reduce(newer);
        best.or_else(|| self.headers().next())
    }
}
