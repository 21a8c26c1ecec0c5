//! IPv6 extension headers (RFC 8200 section 4), authentication (RFC 4302), mobility (RFC 6275), ESP's head (RFC 4303).
//!
//! ```text
//! ├ next header 1 ┼ length 1 ┼ options or addresses, to length × 8 + 8 bytes ┤   hop-by-hop, destination, routing, mobility
//! ├ next header 1 ┼ reserved 1 ┼ offset 13, reserved 2, more 1 ┼ id 4 ┤           fragment
//! ├ next header 1 ┼ length 1 ┼ reserved 2 ┼ spi 4 ┼ sequence 4 ┼ value ┤         authentication (length × 4 + 8 bytes)
//! ```

use alloc::vec::Vec;

use super::super::field::{fixed, to_the_end, view};
use super::super::list::{Item, Items, body, head};
use super::super::{IpProtocol, WireError};

/// Bytes of an extension header that counts units of eight behind the first.
pub(super) fn extension_len(bytes: &[u8]) -> usize {
    usize::from(bytes[1]) * 8 + 8
}

view! {
    /// A hop-by-hop or destination options header.
    view Ipv6OptionsView, value Ipv6OptionsHeader, 2 bytes, header extension_len, end to_the_end;
    /// What follows.
    next_header set_next_header: IpProtocol = 0;
    /// Length in units of eight bytes, without the first.
    ext_len set_ext_len: u8 = 1;
}

impl<T: AsRef<[u8]>> Ipv6OptionsView<T> {
    /// The options; those for padding are left out.
    pub fn options(&self) -> Items<'_, Ipv6Option<'_>> {
        Items::new(self.variable(), Self::LEN)
    }
}

/// One option of a hop-by-hop or destination options header (RFC 8200 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ipv6Option<'a> {
    /// Router alert (5, RFC 2711).
    RouterAlert(u16),
    /// Jumbo payload (0xc2, RFC 2675): bytes behind the IPv6 header.
    Jumbo(u32),
    /// Tunnel encapsulation limit (4, RFC 2473).
    EncapsulationLimit(u8),
    /// Home address (0xc9, RFC 6275).
    HomeAddress([u8; 16]),
    /// Any other, or one of these with an unusual length.
    Unknown {
        /// Type: what who does not know it has to do (2 bits), may change (1), number (5).
        kind: u8,
        /// Its bytes behind type and length.
        data: &'a [u8],
    },
}

impl<'a> Item<'a> for Ipv6Option<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let mut at = 0;
        // Type 0 is one byte of padding, type 1 padding with a length.
        while let Some(&kind @ (0 | 1)) = bytes.get(at) {
            at += if kind == 0 { 1 } else { 2 + usize::from(head::<2>(&bytes[at..])?[1]) };
        }
        let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else {
            let (needed, len) = (at, bytes.len());
            return if needed > len { Err(WireError::Truncated { needed, len }) } else { Ok(None) };
        };
        let [kind, len] = head(rest)?;
        let used = usize::from(len) + 2;
        let data = body(rest, 2, used)?;
        let option = match (kind, data) {
            (5, &[high, low]) => Self::RouterAlert(u16::from_be_bytes([high, low])),
            (0xc2, &[a, b, c, d]) => Self::Jumbo(u32::from_be_bytes([a, b, c, d])),
            (4, &[limit]) => Self::EncapsulationLimit(limit),
            (0xc9, data) if data.len() == 16 => Self::HomeAddress(head(data)?),
            _ => Self::Unknown { kind, data },
        };
        Ok(Some((option, at + used)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        let mut option = |kind: u8, data: &[u8]| {
            out.extend([kind, data.len() as u8]);
            out.extend_from_slice(data);
        };
        match *self {
            Self::RouterAlert(value) => option(5, &value.to_be_bytes()),
            Self::Jumbo(len) => option(0xc2, &len.to_be_bytes()),
            Self::EncapsulationLimit(limit) => option(4, &[limit]),
            Self::HomeAddress(address) => option(0xc9, &address),
            Self::Unknown { kind, data } => option(kind, data),
        }
    }
}

view! {
    /// A fragment header.
    view FragmentView, value FragmentHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// What follows in the whole packet.
    next_header set_next_header: IpProtocol = 0;
    /// Reserved.
    reserved set_reserved: u8 = 1;
    /// Fragment offset in units of eight bytes (13 bits), reserved (2), more fragments (1).
    offset_more set_offset_more: u16 = 2 {
        /// Fragment offset in units of eight bytes.
        offset_units set_offset_units: u16 = 3, 13;
        /// More fragments follow.
        more_fragments set_more_fragments: bool = 0, 1;
    };
    /// Identification, shared by the fragments of one packet.
    id set_id: u32 = 4;
}

impl<T: AsRef<[u8]>> FragmentView<T> {
    /// Where in the whole packet this fragment's payload begins, in bytes.
    pub fn fragment_offset(&self) -> u16 {
        self.offset_units() << 3
    }
}

view! {
    /// A routing header.
    view RoutingView, value RoutingHeader, 8 bytes, header extension_len, end to_the_end;
    /// What follows.
    next_header set_next_header: IpProtocol = 0;
    /// Length in units of eight bytes, without the first.
    ext_len set_ext_len: u8 = 1;
    /// Type; 4 is segment routing ([`SegmentRoutingView`](crate::wire::SegmentRoutingView)).
    kind set_kind: u8 = 2;
    /// Addresses still to be visited.
    segments_left set_segments_left: u8 = 3;
    /// Depends on the type.
    specific set_specific: u32 = 4;
}

view! {
    /// An authentication header; its integrity check value is the variable part.
    view AuthenticationView, value AuthenticationHeader, 12 bytes, header authentication_len, end to_the_end;
    /// What follows.
    next_header set_next_header: IpProtocol = 0;
    /// Length in units of four bytes, without the first two.
    ext_len set_ext_len: u8 = 1;
    /// Reserved.
    reserved set_reserved: u16 = 2;
    /// Security parameters index.
    spi set_spi: u32 = 4;
    /// Sequence number.
    sequence set_sequence: u32 = 8;
}

fn authentication_len(bytes: &[u8]) -> usize {
    usize::from(bytes[1]) * 4 + 8
}

view! {
    /// A mobility header; its message data are the variable part.
    view MobilityView, value MobilityHeader, 6 bytes, header extension_len, end to_the_end;
    /// What follows; 59 (nothing) by the standard.
    next_header set_next_header: IpProtocol = 0;
    /// Length in units of eight bytes, without the first.
    ext_len set_ext_len: u8 = 1;
    /// Message type; 5 is a binding update.
    kind set_kind: u8 = 2;
    /// Reserved.
    reserved set_reserved: u8 = 3;
    /// Checksum over pseudo header and this header.
    checksum set_checksum: u16 = 4;
}

view! {
    /// The readable head of an encapsulated security payload; what follows is encrypted.
    view EspView, value EspHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Security parameters index.
    spi set_spi: u32 = 0;
    /// Sequence number.
    sequence set_sequence: u32 = 4;
}

/// Extension headers that are walked over at most.
const MAX_EXTENSIONS: u8 = 16;

/// One extension header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What it is.
    pub kind: IpProtocol,
    /// All of its bytes.
    pub bytes: &'a [u8],
}

/// Walks extension headers. What is behind them, [`upper`](Self::upper) tells.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    next: IpProtocol,
    bytes: &'a [u8],
    left: u8,
}

impl<'a> Extensions<'a> {
    /// Walks the headers that begin `bytes`, of which `next` is the first.
    pub fn new(next: IpProtocol, bytes: &'a [u8]) -> Self {
        Self { next, bytes, left: MAX_EXTENSIONS }
    }

    /// Walks to the end and returns the transport protocol with its header and payload. Behind a fragment header with
    /// an offset there is no header, only payload. None if the chain is malformed or has more than 16 headers.
    pub fn upper(mut self) -> Option<(IpProtocol, &'a [u8])> {
        while let Some(extension) = self.next() {
            let later =
                FragmentView::new_checked(extension.bytes).is_ok_and(|view| view.fragment_offset() > 0);
            if extension.kind == IpProtocol::FRAGMENT && later {
                return Some((self.next, self.bytes));
            }
        }
        (!is_extension(self.next)).then_some((self.next, self.bytes))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if !is_extension(self.next) || self.left == 0 || self.bytes.len() < 8 {
            return None;
        }
        let len = match self.next {
            IpProtocol::FRAGMENT => 8,
            IpProtocol::AH => authentication_len(self.bytes),
            _ => extension_len(self.bytes),
        };
        let (bytes, rest) = self.bytes.split_at_checked(len)?;
        let extension = Extension { kind: self.next, bytes };
        self.next = IpProtocol(bytes[0]);
        self.bytes = rest;
        self.left -= 1;
        Some(extension)
    }
}

/// True for the headers that may stand before the transport header and tell what follows them.
fn is_extension(next: IpProtocol) -> bool {
    matches!(
        next,
        IpProtocol::HOP_BY_HOP
            | IpProtocol::ROUTING
            | IpProtocol::FRAGMENT
            | IpProtocol::DESTINATION
            | IpProtocol::AH
            | IpProtocol::MOBILITY
    )
}
