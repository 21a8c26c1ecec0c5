//! Forgetting connections (`NXT_CT_FLUSH_ZONE`, `NXT_CT_FLUSH`).

use core::net::Ipv6Addr;

use super::port::property;
use crate::OfError;
use crate::header::{Put, Reader};

/// One direction of connections; what is not said matches any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct CtTuple {
    /// Source address; IPv4 as an IPv4-mapped one.
    pub src: Option<Ipv6Addr>,
    /// Destination address, likewise.
    pub dst: Option<Ipv6Addr>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Identifier of ICMP.
    pub icmp_id: Option<u16>,
    /// Type of ICMP.
    pub icmp_type: Option<u8>,
    /// Code of ICMP.
    pub icmp_code: Option<u8>,
}

/// Which connections to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct CtFlush {
    /// Of this IP protocol; 0 for any.
    pub ip_proto: u8,
    /// In this zone.
    pub zone: Option<u16>,
    /// Of this original direction.
    pub original: CtTuple,
    /// Of this reply direction.
    pub reply: CtTuple,
    /// With this mark, under this mask (from Open vSwitch 3.3).
    pub mark: Option<(u32, u32)>,
    /// With this label, under this mask (from Open vSwitch 3.3).
    pub labels: Option<(u128, u128)>,
}

/// Properties of the message.
mod kind {
    pub const ORIGINAL: u16 = 0;
    pub const REPLY: u16 = 1;
    pub const ZONE: u16 = 2;
    pub const MARK: u16 = 3;
    pub const MARK_MASK: u16 = 4;
    pub const LABELS: u16 = 5;
    pub const LABELS_MASK: u16 = 6;
}

fn put(kind: u16, body: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.u16(kind);
    // Short numbers are told with their padding.
    let len = if body.len() < 4 { 4 } else { body.len() };
    out.u16(4 + len as u16);
    out.extend_from_slice(body);
    out.pad8(start);
}

impl CtTuple {
    fn is_any(&self) -> bool {
        *self == Self::default()
    }

    fn encode(&self, kind: u16, out: &mut Vec<u8>) {
        if self.is_any() {
            return;
        }
        let start = out.len();
        out.u16(kind);
        out.zeros(6);
        let addresses = [self.src, self.dst].into_iter().enumerate();
        for (kind, address) in addresses {
            if let Some(address) = address {
                put(kind as u16, &address.octets(), out);
            }
        }
        for (kind, number) in [(2, self.src_port), (3, self.dst_port), (4, self.icmp_id)] {
            if let Some(number) = number {
                put(kind, &number.to_be_bytes(), out);
            }
        }
        for (kind, number) in [(5, self.icmp_type), (6, self.icmp_code)] {
            if let Some(number) = number {
                out.u16(kind);
                out.u16(5);
                out.u8(number);
                out.zeros(3);
            }
        }
        let len = (out.len() - start) as u16;
        out.set_u16(start + 2, len);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self::default();
        r.skip(4)?;
        while !r.is_empty() {
            let (kind, mut p) = property(r)?;
            match kind {
                0 => this.src = Some(p.array::<16>()?.into()),
                1 => this.dst = Some(p.array::<16>()?.into()),
                2 => this.src_port = Some(p.u16()?),
                3 => this.dst_port = Some(p.u16()?),
                4 => this.icmp_id = Some(p.u16()?),
                5 => this.icmp_type = Some(p.u8()?),
                6 => this.icmp_code = Some(p.u8()?),
                _ => return Err(OfError::BpcBadType),
            }
        }
        Ok(this)
    }
}

impl CtFlush {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.u8(self.ip_proto);
        out.zeros(7);
        self.original.encode(kind::ORIGINAL, out);
        self.reply.encode(kind::REPLY, out);
        if let Some(zone) = self.zone {
            put(kind::ZONE, &zone.to_be_bytes(), out);
        }
        if let Some((mark, mask)) = self.mark {
            put(kind::MARK, &mark.to_be_bytes(), out);
            put(kind::MARK_MASK, &mask.to_be_bytes(), out);
        }
        if let Some((labels, mask)) = self.labels {
            put(kind::LABELS, &labels.to_be_bytes(), out);
            put(kind::LABELS_MASK, &mask.to_be_bytes(), out);
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self { ip_proto: r.u8()?, ..Self::default() };
        r.zeros(7, OfError::NxBrcMustBeZero)?;
        while !r.is_empty() {
            let (kind, mut p) = property(r)?;
            let number = |p: &mut Reader<'_>| p.array().map(u128::from_be_bytes);
            match kind {
                kind::ORIGINAL => this.original = CtTuple::decode(&mut p)?,
                kind::REPLY => this.reply = CtTuple::decode(&mut p)?,
                kind::ZONE => this.zone = Some(p.u16()?),
                kind::MARK => this.mark.get_or_insert((0, u32::MAX)).0 = p.u32()?,
                kind::MARK_MASK => this.mark.get_or_insert((0, u32::MAX)).1 = p.u32()?,
                kind::LABELS => this.labels.get_or_insert((0, u128::MAX)).0 = number(&mut p)?,
                kind::LABELS_MASK => this.labels.get_or_insert((0, u128::MAX)).1 = number(&mut p)?,
                _ => return Err(OfError::BpcBadType),
            }
        }
        Ok(this)
    }
}
