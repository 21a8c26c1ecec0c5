//! LISP's data packets (RFC 9300 section 5.3).
//!
//! ```text
//! ├ N 1, L 1, E 1, V 1, I 1, R 1, KK 2 ┼ nonce, or map versions 12+12: 3 ┤
//! ├ instance 3 (if I) ┼ locator status bits 1; or these in all 4 ┤
//! ```

use super::super::field::{fixed, to_the_end, view};

view! {
    /// A LISP data header; the payload is an IP packet.
    view LispView, value LispHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Flags in the highest byte, then nonce or map versions.
    flags_nonce set_flags_nonce: u32 = 0 {
        /// The nonce means something.
        has_nonce set_has_nonce: bool = 31, 1;
        /// The locator status bits mean something.
        has_status_bits set_has_status_bits: bool = 30, 1;
        /// The sender wants the nonce echoed.
        wants_echo set_wants_echo: bool = 29, 1;
        /// The map versions mean something.
        has_map_versions set_has_map_versions: bool = 28, 1;
        /// The instance means something.
        has_instance set_has_instance: bool = 27, 1;
        /// Key of an encrypted payload (RFC 8061); 0 for none.
        key_id set_key_id: u8 = 24, 2;
        /// Nonce.
        nonce set_nonce: u32 = 0, 24;
        /// Version of the source's mapping.
        source_map_version set_source_map_version: u16 = 12, 12;
        /// Version of the destination's mapping.
        destination_map_version set_destination_map_version: u16 = 0, 12;
    };
    /// Instance and locator status bits.
    instance_status set_instance_status: u32 = 4 {
        /// Instance.
        instance set_instance: u32 = 8, 24;
        /// Locator status bits beside an instance; without one, the whole word is theirs.
        status_bits set_status_bits: u8 = 0, 8;
    };
}
