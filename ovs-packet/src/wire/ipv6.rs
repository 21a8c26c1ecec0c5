//! IPv6 and its extension headers (RFC 8200).

use super::IpProtocol;
use super::field::{fixed, to_the_end, view};

view! {
    /// An IPv6 header. The payload begins with the extension headers and ends where the payload length says.
    view Ipv6View, value Ipv6Header, 40 bytes, header fixed::<40>, end end;
    /// Version (4 bits), traffic class (8), flow label (20).
    version_class_label set_version_class_label: u32 = 0;
    /// Bytes behind this header.
    payload_len set_payload_len: u16 = 4;
    /// What the payload begins with.
    next_header set_next_header: IpProtocol = 6;
    /// Hop limit.
    hop_limit set_hop_limit: u8 = 7;
    /// Source address.
    src set_src: [u8; 16] = 8;
    /// Destination address.
    dst set_dst: [u8; 16] = 24;
}

fn end(bytes: &[u8]) -> usize {
    40 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]))
}

impl<T: AsRef<[u8]>> Ipv6View<T> {
    /// Version; 6, or this is something else.
    pub fn version(&self) -> u8 {
        (self.version_class_label() >> 28) as u8
    }

    /// Traffic class: DSCP (6 bits) and ECN (2).
    pub fn traffic_class(&self) -> u8 {
        (self.version_class_label() >> 20) as u8
    }

    /// Flow label.
    pub fn flow_label(&self) -> u32 {
        self.version_class_label() & 0x000f_ffff
    }

    /// The headers between this one and the transport header.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions { next: self.next_header(), bytes: self.payload(), left: MAX_EXTENSIONS }
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
    offset_more set_offset_more: u16 = 2;
    /// Identification, shared by the fragments of one packet.
    id set_id: u32 = 4;
}

impl<T: AsRef<[u8]>> FragmentView<T> {
    /// Where in the whole packet this fragment's payload begins, in bytes.
    pub fn fragment_offset(&self) -> u16 {
        self.offset_more() & 0xfff8
    }

    /// More fragments follow.
    pub fn more_fragments(&self) -> bool {
        self.offset_more() & 1 != 0
    }
}

view! {
    /// A routing header.
    view RoutingView, value RoutingHeader, 8 bytes, header extension_len, end to_the_end;
    /// What follows.
    next_header set_next_header: IpProtocol = 0;
    /// Length in units of eight bytes, without the first.
    ext_len set_ext_len: u8 = 1;
    /// Type; 4 is segment routing.
    kind set_kind: u8 = 2;
    /// Addresses still to be visited.
    segments_left set_segments_left: u8 = 3;
    /// Depends on the type.
    specific set_specific: u32 = 4;
}

fn extension_len(bytes: &[u8]) -> usize {
    usize::from(bytes[1]) * 8 + 8
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
            IpProtocol::AH => usize::from(self.bytes[1]) * 4 + 8,
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
