//! The Internet checksum (RFC 1071), its incremental update (RFC 1624), and `CRC32c` for SCTP.
//!
//! A [`Sum`] is a partial result: 16 bits of one's-complement sum, not yet inverted. Numbers are in host order:
//! they go into a header by `to_be_bytes`.

mod crc32c;
mod sum;

pub use crc32c::crc32c;
pub use sum::Sum;

use crate::wire::IpProtocol;

/// The Internet checksum of `bytes`: the number that goes into the checksum field, if that field was zero while
/// summing. Over bytes that contain a right checksum it is 0.
pub fn internet(bytes: &[u8]) -> u16 {
    Sum::of(bytes).checksum()
}

/// The sum of an IPv4 pseudo header (RFC 793 section 3.1): addresses, protocol, and `len` bytes of L4 header and
/// payload.
pub fn pseudo_v4(src: [u8; 4], dst: [u8; 4], protocol: IpProtocol, len: u16) -> Sum {
    Sum::of(&src).and(Sum::of(&dst)).and(Sum::word(u16::from(protocol.0))).and(Sum::word(len))
}

/// The sum of an IPv6 pseudo header (RFC 8200 section 8.1).
pub fn pseudo_v6(src: [u8; 16], dst: [u8; 16], protocol: IpProtocol, len: u32) -> Sum {
    Sum::of(&src).and(Sum::of(&dst)).and(Sum::of(&len.to_be_bytes())).and(Sum::word(u16::from(protocol.0)))
}

/// The checksum after bytes that it covers changed from `old` to `new` (RFC 1624 equation 3). Both have the same
/// length and begin at an even offset of what is summed.
pub fn update(checksum: u16, old: &[u8], new: &[u8]) -> u16 {
    Sum::word(!checksum).without(Sum::of(old)).and(Sum::of(new)).checksum()
}
