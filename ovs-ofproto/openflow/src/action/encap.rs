//! Putting headers on: `encap`, and what packets begin with.

use super::kinds::nx;
use super::wire::put_nx;
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError};

/// What a packet begins with: a namespace and a number in it (OpenFlow 1.5, 7.2.3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketType {
    /// 0: OpenFlow's own; 1: Ethernet types.
    pub namespace: u16,
    /// The number.
    pub number: u16,
}

impl PacketType {
    /// An Ethernet header.
    pub const ETHERNET: Self = Self { namespace: 0, number: 0 };
    /// A network service header (RFC 8300).
    pub const NSH: Self = Self { namespace: 1, number: 0x894f };
    /// An MPLS label.
    pub const MPLS: Self = Self { namespace: 1, number: 0x8847 };
    /// An MPLS label of a multicast packet.
    pub const MPLS_MULTICAST: Self = Self { namespace: 1, number: 0x8848 };
    /// Whatever the header that is taken off says (`OFPHTN_ONF`, use next protocol).
    pub const NEXT_PROTOCOL: Self = Self { namespace: 0, number: 0xfffe };

    fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        Ok(Self { namespace: r.u16()?, number: r.u16()? })
    }

    fn put(self, out: &mut Vec<u8>) {
        out.u16(self.namespace);
        out.u16(self.number);
    }
}

/// What the new header holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EncapProperty {
    /// Kind of NSH metadata: 1 or 2.
    NshMdType(u8),
    /// A piece of NSH metadata.
    NshTlv {
        /// Whose kinds.
        class: u16,
        /// Which.
        kind: u8,
        /// At most 124 bytes.
        value: Vec<u8>,
    },
}

/// Put a header on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Encap {
    /// Which; one of Ethernet, NSH and the two of MPLS.
    pub packet_type: PacketType,
    /// Room for the header, as the controller knows it; the switch does not care.
    pub header_size: u16,
    /// What it holds.
    pub properties: Vec<EncapProperty>,
}

/// Properties of this class are NSH's.
const CLASS_NSH: u16 = 4;
const NSH_MD_TYPE: u8 = 1;
const NSH_TLV: u8 = 2;

impl Encap {
    /// A header without properties.
    pub const fn new(packet_type: PacketType) -> Self {
        Self { packet_type, header_size: 0, properties: Vec::new() }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        put_nx(out, nx::ENCAP, |out| {
            out.u16(self.header_size);
            self.packet_type.put(out);
            for property in &self.properties {
                put_property(property, out);
            }
        });
        if out.len() - start > usize::from(u16::MAX) { Err(EncodeError::TooLong) } else { Ok(()) }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let header_size = r.u16()?;
        let packet_type = PacketType::decode(r)?;
        let known = [PacketType::ETHERNET, PacketType::NSH, PacketType::MPLS, PacketType::MPLS_MULTICAST];
        if !known.contains(&packet_type) {
            return Err(OfError::NxBacBadHeaderType);
        }
        let mut properties = Vec::new();
        while !r.is_empty() {
            properties.push(take_property(r)?);
        }
        Ok(Self { packet_type, header_size, properties })
    }
}

fn put_property(property: &EncapProperty, out: &mut Vec<u8>) {
    let start = out.len();
    out.u16(CLASS_NSH);
    match property {
        EncapProperty::NshMdType(kind) => {
            out.extend_from_slice(&[NSH_MD_TYPE, 5, *kind, 0, 0, 0]);
        }
        EncapProperty::NshTlv { class, kind, value } => {
            // Its length counts the padding, unlike that of the other kind.
            let len = (8 + value.len()).next_multiple_of(8);
            out.extend_from_slice(&[NSH_TLV, len as u8]);
            out.u16(*class);
            out.extend_from_slice(&[*kind, value.len() as u8]);
            out.extend_from_slice(value);
        }
    }
    out.pad8(start);
}

fn take_property(r: &mut Reader<'_>) -> Result<EncapProperty, OfError> {
    let (class, kind, len) = (r.u16()?, r.u8()?, usize::from(r.u8()?));
    let padded = len.next_multiple_of(8);
    if len < 4 || padded - 4 > r.len() {
        return Err(OfError::NxBacBadEdProp);
    }
    let mut body = Reader::new(r.take(padded - 4)?, OfError::NxBacBadEdProp);
    match (class, kind) {
        (CLASS_NSH, NSH_MD_TYPE) => {
            let md_type = body.u8()?;
            if len == 5 && matches!(md_type, 1 | 2) {
                Ok(EncapProperty::NshMdType(md_type))
            } else {
                Err(OfError::NxBacBadEdProp)
            }
        }
        (CLASS_NSH, NSH_TLV) => {
            let (class, kind, n) = (body.u16()?, body.u8()?, usize::from(body.u8()?));
            if n > 124 {
                return Err(OfError::NxBacBadEdProp);
            }
            let value = body.take(n)?.to_vec();
            Ok(EncapProperty::NshTlv { class, kind, value })
        }
        _ => Err(OfError::NxBacUnknownEdProp),
    }
}

/// From `NXAST_DECAP`'s body.
pub(super) fn decode_decap(r: &mut Reader<'_>) -> Result<PacketType, OfError> {
    r.skip(2)?;
    let packet_type = PacketType::decode(r)?;
    // What follows are properties, of which none is known.
    if r.is_empty() { Ok(packet_type) } else { Err(OfError::NxBacUnknownEdProp) }
}

/// Appends `NXAST_DECAP`.
pub(super) fn encode_decap(packet_type: PacketType, out: &mut Vec<u8>) {
    put_nx(out, nx::DECAP, |out| {
        out.zeros(2);
        packet_type.put(out);
    });
}
