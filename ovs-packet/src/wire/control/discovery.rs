//! Options of neighbour discovery (RFC 4861 section 4.6, RFC 4191, RFC 8106).
//!
//! ```text
//! ├ type 1 ┼ length 1, in units of eight bytes ┼ value, to length × 8 bytes … ┤
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::bytes::{array_at, u8_at, u16_at, u32_at};
use super::super::list::{Item, Items, body, head};

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NeighborOption<'a> {
    /// Link-layer address of the source (1); Ethernet's.
    SourceLinkLayer([u8; 6]),
    /// Link-layer address of the target (2); Ethernet's.
    TargetLinkLayer([u8; 6]),
    /// Prefix information (3).
    Prefix(PrefixInformation),
    /// The packet that caused a redirect (4), zero-padded to eight bytes.
    Redirected(&'a [u8]),
    /// MTU of the link (5).
    Mtu(u32),
    /// A more specific route (24, RFC 4191).
    Route {
        /// Bits of the prefix that count.
        prefix_len: u8,
        /// Preference, a signed number of two bits at bit 3.
        flags: u8,
        /// Seconds.
        lifetime: u32,
        /// The prefix: 0, 8 or 16 bytes.
        prefix: &'a [u8],
    },
    /// Recursive DNS servers (25, RFC 8106).
    RecursiveDns {
        /// Seconds.
        lifetime: u32,
        /// Addresses of 16 bytes each.
        servers: &'a [[u8; 16]],
    },
    /// DNS search list (31, RFC 8106).
    DnsSearch {
        /// Seconds.
        lifetime: u32,
        /// Names in DNS encoding, zero-padded.
        names: &'a [u8],
    },
    /// Any other, or one of these with an unusual length.
    Unknown {
        /// Type.
        kind: u8,
        /// Its bytes behind type and length: 6, 14, 22 …
        data: &'a [u8],
    },
}

/// What a prefix information option says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrefixInformation {
    /// Bits of the prefix that count.
    pub prefix_len: u8,
    /// On link (0x80), autonomous (0x40).
    pub flags: u8,
    /// Seconds.
    pub valid_lifetime: u32,
    /// Seconds.
    pub preferred_lifetime: u32,
    /// The prefix.
    pub prefix: [u8; 16],
}

impl PrefixInformation {
    fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            prefix_len: u8_at(data, 0)?,
            flags: u8_at(data, 1)?,
            valid_lifetime: u32_at(data, 2)?,
            preferred_lifetime: u32_at(data, 6)?,
            prefix: array_at(data, 14)?,
        })
    }
}

impl<'a> NeighborOption<'a> {
    /// The options with which `bytes` begin.
    pub fn list(bytes: &'a [u8]) -> Items<'a, Self> {
        Items::new(bytes, 0)
    }

    /// The meaning of a type that we know, if the data have the form that it wants.
    fn known(kind: u8, data: &'a [u8]) -> Option<Self> {
        Some(match kind {
            1 => Self::SourceLinkLayer(data.try_into().ok()?),
            2 => Self::TargetLinkLayer(data.try_into().ok()?),
            3 if data.len() == 30 => Self::Prefix(PrefixInformation::parse(data)?),
            4 => Self::Redirected(data.get(6..)?),
            5 if data.len() == 6 => Self::Mtu(u32_at(data, 2)?),
            24 if data.len() <= 22 => Self::Route {
                prefix_len: u8_at(data, 0)?,
                flags: u8_at(data, 1)?,
                lifetime: u32_at(data, 2)?,
                prefix: data.get(6..)?,
            },
            25 => match data.get(6..)?.as_chunks() {
                (servers, []) => Self::RecursiveDns { lifetime: u32_at(data, 2)?, servers },
                _ => return None,
            },
            31 => Self::DnsSearch { lifetime: u32_at(data, 2)?, names: data.get(6..)? },
            _ => return None,
        })
    }
}

impl<'a> Item<'a> for NeighborOption<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let [kind, units] = head(bytes)?;
        let len = usize::from(units) * 8;
        let data = body(bytes, 2, len)?;
        Ok(Some((Self::known(kind, data).unwrap_or(Self::Unknown { kind, data }), len)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend([self.kind(), 0]);
        match *self {
            Self::SourceLinkLayer(address) | Self::TargetLinkLayer(address) => out.extend(address),
            Self::Prefix(prefix) => {
                out.extend([prefix.prefix_len, prefix.flags]);
                out.extend(prefix.valid_lifetime.to_be_bytes());
                out.extend(prefix.preferred_lifetime.to_be_bytes());
                out.extend([0; 4]);
                out.extend(prefix.prefix);
            }
            Self::Redirected(packet) => {
                out.extend([0; 6]);
                out.extend_from_slice(packet);
            }
            Self::Mtu(mtu) => {
                out.extend([0; 2]);
                out.extend(mtu.to_be_bytes());
            }
            Self::Route { prefix_len, flags, lifetime, prefix } => {
                out.extend([prefix_len, flags]);
                out.extend(lifetime.to_be_bytes());
                out.extend_from_slice(prefix);
            }
            Self::RecursiveDns { lifetime, servers } => {
                out.extend([0; 2]);
                out.extend(lifetime.to_be_bytes());
                out.extend_from_slice(servers.as_flattened());
            }
            Self::DnsSearch { lifetime, names } => {
                out.extend([0; 2]);
                out.extend(lifetime.to_be_bytes());
                out.extend_from_slice(names);
            }
            Self::Unknown { data, .. } => out.extend_from_slice(data),
        }
        let len = (out.len() - from).next_multiple_of(8);
        out.resize(from + len, 0);
        out[from + 1] = (len / 8) as u8;
    }
}

impl NeighborOption<'_> {
    /// The option's type.
    pub fn kind(&self) -> u8 {
        match *self {
            Self::SourceLinkLayer(_) => 1,
            Self::TargetLinkLayer(_) => 2,
            Self::Prefix(_) => 3,
            Self::Redirected(_) => 4,
            Self::Mtu(_) => 5,
            Self::Route { .. } => 24,
            Self::RecursiveDns { .. } => 25,
            Self::DnsSearch { .. } => 31,
            Self::Unknown { kind, .. } => kind,
        }
    }
}

/// The sources of a group record, or a group's DNS servers: whole addresses of `N` bytes with which `bytes` begin.
pub(super) fn addresses<const N: usize>(bytes: &[u8], count: u16) -> Result<&[[u8; N]], WireError> {
    let all = body(bytes, 0, usize::from(count) * N)?;
    Ok(all.as_chunks().0)
}

/// The 16-bit number at `at` of an item whose length was checked.
pub(super) fn count_at(bytes: &[u8], at: usize) -> u16 {
    u16_at(bytes, at).unwrap_or_default()
}
