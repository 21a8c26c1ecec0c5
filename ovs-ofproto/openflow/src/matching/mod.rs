//! Matches on the wire: the fixed structure of OpenFlow 1.0, NXM, and OXM.
//!
//! ```text
//!   1.0 OFPT_FLOW_MOD      ofp10_match, 40 bytes                    v10
//!   NXT_FLOW_MOD, NXST_*   NXM entries, length apart, padded to 8   encode_nxm
//!   1.1                    ofp_match, 88 bytes                      v11
//!   1.2 and later          ofp_match { type, length }, OXM entries  encode_standard
//! ```

mod entries;
mod v10;
mod v11;

pub(crate) use entries::{
    decode_nxm, decode_oxm_raw, decode_standard, encode_nxm, encode_oxm_raw, encode_standard, field_version,
};
pub(crate) use v10::{decode_v10, encode_v10};

/// How strictly entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchForm {
    /// A match of flows: unknown fields are errors.
    Strict,
    /// The metadata of a packet: unknown fields are passed over.
    Pipeline,
}
