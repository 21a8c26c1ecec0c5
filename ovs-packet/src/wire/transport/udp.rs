//! UDP (RFC 768).
//!
//! ```text
//!  0                   1                   2                   3
//! ├───────────────────────────────┼───────────────────────────────┤
//! │          source port          │        destination port       │
//! │       length (with header)    │           checksum            │
//! └───────────────────────────────┴───────────────────────────────┘
//! ```

use super::super::field::{fixed, view};
use crate::checksum::Sum;

view! {
    /// A UDP header. The payload ends where the length says (or with the bytes, if the length is 0 as in jumbograms).
    view UdpView, value UdpHeader, 8 bytes, header fixed::<8>, end end;
    /// Source port.
    src_port set_src_port: u16 = 0;
    /// Destination port.
    dst_port set_dst_port: u16 = 2;
    /// Bytes of header and payload.
    length set_length: u16 = 4;
    /// Checksum over pseudo header, header and payload; 0 if there is none.
    checksum set_checksum: u16 = 6;
}

fn end(bytes: &[u8]) -> usize {
    match u16::from_be_bytes([bytes[4], bytes[5]]) {
        0 => bytes.len(),
        len => usize::from(len),
    }
}

impl<T: AsRef<[u8]>> UdpView<T> {
    /// True if the checksum is right or absent. `pseudo` is the sum of the [pseudo header](crate::checksum::pseudo_v4).
    pub fn checksum_ok(&self, pseudo: Sum) -> bool {
        self.checksum() == 0
            || pseudo.and(Sum::of(self.header())).and(Sum::of(self.payload())).checksum() == 0
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> UdpView<T> {
    /// Computes and sets the checksum; one that comes to zero is sent as all ones.
    pub fn fill_checksum(&mut self, pseudo: Sum) {
        self.set_checksum(0);
        let checksum = pseudo.and(Sum::of(self.header())).and(Sum::of(self.payload())).checksum();
        self.set_checksum(if checksum == 0 { 0xffff } else { checksum });
    }
}
