//! ICMP (RFC 792) and ICMPv6 (RFC 4443), whose first bytes are alike.

use super::field::{fixed, to_the_end, view};

view! {
    /// An ICMP or ICMPv6 header with the word that depends on the type.
    view IcmpView, value IcmpHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Type.
    kind set_kind: u8 = 0;
    /// Code.
    code set_code: u8 = 1;
    /// Checksum; ICMPv6's covers a pseudo header too.
    checksum set_checksum: u16 = 2;
    /// Depends on the type: identifier and sequence number of an echo, the MTU of "too big".
    specific set_specific: u32 = 4;
}

impl<T: AsRef<[u8]>> IcmpView<T> {
    /// An echo's identifier.
    pub fn echo_id(&self) -> u16 {
        (self.specific() >> 16) as u16
    }

    /// An echo's sequence number.
    pub fn echo_sequence(&self) -> u16 {
        self.specific() as u16
    }
}
