//! Tunnel headers: VXLAN (RFC 7348), Geneve (RFC 8926), GRE (RFC 2784, RFC 2890).

use super::EtherType;
use super::field::{fixed, to_the_end, view};

view! {
    /// A VXLAN header.
    view VxlanView, value VxlanHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Flags in the highest byte (0x08: the network identifier is valid); the rest is reserved or belongs to
    /// extensions.
    flags set_flags: u32 = 0;
    /// Network identifier (24 bits), reserved (8).
    vni_reserved set_vni_reserved: u32 = 4;
}

impl<T: AsRef<[u8]>> VxlanView<T> {
    /// Network identifier.
    pub fn vni(&self) -> u32 {
        self.vni_reserved() >> 8
    }
}

view! {
    /// A Geneve header with its options.
    view GeneveView, value GeneveHeader, 8 bytes, header geneve_len, end to_the_end;
    /// Version (2 bits) and options length in words (6).
    version_len set_version_len: u8 = 0;
    /// Control packet (0x80), critical options present (0x40), reserved.
    flags set_flags: u8 = 1;
    /// Type of the payload.
    protocol set_protocol: EtherType = 2;
    /// Network identifier (24 bits), reserved (8).
    vni_reserved set_vni_reserved: u32 = 4;
}

fn geneve_len(bytes: &[u8]) -> usize {
    8 + usize::from(bytes[0] & 0x3f) * 4
}

impl<T: AsRef<[u8]>> GeneveView<T> {
    /// Network identifier.
    pub fn vni(&self) -> u32 {
        self.vni_reserved() >> 8
    }

    /// The options: class 2 bytes, type 1, reserved 3 bits and length in words 5 bits, data.
    pub fn options(&self) -> &[u8] {
        &self.header()[Self::LEN.min(self.header_len())..]
    }
}

view! {
    /// A GRE header with its optional checksum, key and sequence number.
    view GreView, value GreHeader, 4 bytes, header gre_len, end to_the_end;
    /// Checksum present (0x8000), key present (0x2000), sequence number present (0x1000), reserved, version (3 bits).
    flags set_flags: u16 = 0;
    /// Type of the payload.
    protocol set_protocol: EtherType = 2;
}

const GRE_CHECKSUM: u16 = 0x8000;
const GRE_KEY: u16 = 0x2000;
const GRE_SEQUENCE: u16 = 0x1000;

fn gre_len(bytes: &[u8]) -> usize {
    let flags = u16::from_be_bytes([bytes[0], bytes[1]]);
    let present = [GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE].into_iter().filter(|flag| flags & flag != 0).count();
    4 + 4 * present
}

impl<T: AsRef<[u8]>> GreView<T> {
    /// The key, if there is one.
    pub fn key(&self) -> Option<u32> {
        let at = if self.flags() & GRE_CHECKSUM != 0 { 8 } else { 4 };
        let present = self.flags() & GRE_KEY != 0;
        super::bytes::u32_at(self.header(), at).filter(|_| present)
    }
}
