//! Address translation inside of `ct`.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::kinds::nx;
use super::wire::put_nx;
use crate::OfError;
use crate::header::{Put, Reader};

bitflags::bitflags! {
    /// What is translated and how ports are chosen.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct NatFlags: u16 {
        /// The source.
        const SRC = 1 << 0;
        /// The destination.
        const DST = 1 << 1;
        /// The same client always gets the same address.
        const PERSISTENT = 1 << 2;
        /// Ports by a hash.
        const HASH = 1 << 3;
        /// Ports at random.
        const RANDOM = 1 << 4;
    }
}

/// Addresses, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressRange {
    /// IPv4.
    V4(Ipv4Addr, Ipv4Addr),
    /// IPv6.
    V6(Ipv6Addr, Ipv6Addr),
}

/// Translate addresses. Without [`NatFlags::SRC`] and [`NatFlags::DST`]: as the connection was translated before.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Nat {
    /// What and how.
    pub flags: NatFlags,
    /// To which addresses.
    pub addresses: Option<AddressRange>,
    /// To which ports, first and last.
    pub ports: Option<(u16, u16)>,
}

/// Which parts of a range are there.
mod present {
    pub const IPV4_MIN: u16 = 1 << 0;
    pub const IPV4_MAX: u16 = 1 << 1;
    pub const IPV6_MIN: u16 = 1 << 2;
    pub const IPV6_MAX: u16 = 1 << 3;
    pub const PORT_MIN: u16 = 1 << 4;
    pub const PORT_MAX: u16 = 1 << 5;
}

impl Nat {
    /// A range whose ends are equal goes over the wire as its first address alone.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_nx(out, nx::NAT, |out| {
            out.zeros(2);
            out.u16(self.flags.bits());
            let at = out.len();
            out.u16(0);
            let mut parts = 0;
            match self.addresses {
                Some(AddressRange::V4(min, max)) => {
                    parts |= present::IPV4_MIN;
                    out.u32(min.into());
                    if max != min {
                        parts |= present::IPV4_MAX;
                        out.u32(max.into());
                    }
                }
                Some(AddressRange::V6(min, max)) => {
                    parts |= present::IPV6_MIN;
                    out.extend_from_slice(&min.octets());
                    if max != min {
                        parts |= present::IPV6_MAX;
                        out.extend_from_slice(&max.octets());
                    }
                }
                None => {}
            }
            if let Some((min, max)) = self.ports {
                parts |= present::PORT_MIN;
                out.u16(min);
                if max != min {
                    parts |= present::PORT_MAX;
                    out.u16(max);
                }
            }
            out.set_u16(at, parts);
        });
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        r.zeros(2, OfError::NxBacMustBeZero)?;
        let flags = NatFlags::from_bits(r.u16()?).ok_or(OfError::BacBadArgument)?;
        let both = |a, b| flags.contains(a) && flags.contains(b);
        if both(NatFlags::SRC, NatFlags::DST) || both(NatFlags::HASH, NatFlags::RANDOM) {
            return Err(OfError::BacBadArgument);
        }
        let parts = r.u16()?;
        if parts != 0 && !flags.intersects(NatFlags::SRC | NatFlags::DST) {
            return Err(OfError::BacBadArgument);
        }
        let addresses = Self::decode_addresses(parts, r)?;
        let ports = if parts & present::PORT_MIN != 0 {
            let min = r.u16()?;
            let max = if parts & present::PORT_MAX != 0 { r.u16()? } else { min };
            Some((min, max)).filter(|(min, max)| *min != 0 && min <= max)
        } else {
            None
        };
        if parts & present::PORT_MIN != 0 && ports.is_none() {
            return Err(OfError::BacBadArgument);
        }
        r.skip(r.len())?;
        Ok(Self { flags, addresses, ports })
    }

    fn decode_addresses(parts: u16, r: &mut Reader<'_>) -> Result<Option<AddressRange>, OfError> {
        let v4 = parts & present::IPV4_MIN != 0;
        let v6 = parts & present::IPV6_MIN != 0;
        let range = match (v4, v6) {
            (true, true) => return Err(OfError::BacBadArgument),
            (true, false) => {
                let min = r.u32()?;
                let max = if parts & present::IPV4_MAX != 0 { r.u32()? } else { min };
                if min == 0 || min > max {
                    return Err(OfError::BacBadArgument);
                }
                AddressRange::V4(min.into(), max.into())
            }
            (false, true) => {
                let min = u128::from_be_bytes(r.array()?);
                let max = if parts & present::IPV6_MAX != 0 { u128::from_be_bytes(r.array()?) } else { min };
                if min == 0 || min > max {
                    return Err(OfError::BacBadArgument);
                }
                AddressRange::V6(min.into(), max.into())
            }
            (false, false) => return Ok(None),
        };
        Ok(Some(range))
    }
}
