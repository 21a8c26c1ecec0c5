//! UDP (RFC 768).

use super::field::{fixed, view};

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
