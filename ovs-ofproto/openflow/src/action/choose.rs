//! Choosing a port or a link by a hash: `bundle`, `bundle_load`, `multipath`.

use ovs_flow::{OfPort, Subfield};

use super::kinds::nx;
use super::set_field::{check_short, from_ofs_nbits, ofs_nbits, pull_short_field, put_header, writable};
use super::wire::put_nx;
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum HashFields {
    /// `eth_src`: the Ethernet source.
    EthSrc = 0,
    /// `symmetric_l4`: Ethernet, VLAN, IP and transport, both directions alike; no UDP ports.
    SymmetricL4 = 1,
    /// `symmetric_l3l4`: IP and TCP or SCTP, both directions alike.
    SymmetricL3L4 = 2,
    /// `symmetric_l3l4+udp`: with UDP.
    SymmetricL3L4Udp = 3,
    /// `nw_src`: the IP source.
    NwSrc = 4,
    /// `nw_dst`: the IP destination.
    NwDst = 5,
    /// `symmetric_l3`: IP, both directions alike.
    SymmetricL3 = 6,
}

impl HashFields {
    /// Each of them, by number.
    pub const ALL: [Self; 7] = [
        Self::EthSrc,
        Self::SymmetricL4,
        Self::SymmetricL3L4,
        Self::SymmetricL3L4Udp,
        Self::NwSrc,
        Self::NwDst,
        Self::SymmetricL3,
    ];

    /// As the tools write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EthSrc => "eth_src",
            Self::SymmetricL4 => "symmetric_l4",
            Self::SymmetricL3L4 => "symmetric_l3l4",
            Self::SymmetricL3L4Udp => "symmetric_l3l4+udp",
            Self::NwSrc => "nw_src",
            Self::NwDst => "nw_dst",
            Self::SymmetricL3 => "symmetric_l3",
        }
    }

    fn from_wire(n: u16) -> Result<Self, OfError> {
        Self::ALL.get(usize::from(n)).copied().ok_or(OfError::BacBadArgument)
    }
}

/// How a bundle chooses among its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum BundleAlgorithm {
    /// The first that is up.
    ActiveBackup = 0,
    /// The one that is up and has the highest random weight.
    Hrw = 1,
}

impl BundleAlgorithm {
    /// As the tools write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActiveBackup => "active_backup",
            Self::Hrw => "hrw",
        }
    }
}

/// Choose a port that is up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bundle {
    /// How.
    pub algorithm: BundleAlgorithm,
    /// What is hashed.
    pub fields: HashFields,
    /// The hash's start.
    pub basis: u16,
    /// The ports; at most [`Bundle::MAX_MEMBERS`].
    pub members: Vec<OfPort>,
    /// Where the port's number goes; without, the packet goes out there.
    pub dst: Option<Subfield>,
}

/// The header that says that members are OpenFlow ports: that of `NXM_OF_IN_PORT`.
const MEMBER_PORT: u32 = 0x0000_0002;

impl Bundle {
    /// The most members that an action may have.
    pub const MAX_MEMBERS: usize = 2048;

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.dst.map_or(Ok(()), |dst| check_short(dst.field(), version))?;
        let n = u16::try_from(self.members.len()).ok().filter(|n| usize::from(*n) <= Self::MAX_MEMBERS);
        let n = n.ok_or(EncodeError::TooLong)?;
        let kind = if self.dst.is_some() { nx::BUNDLE_LOAD } else { nx::BUNDLE };
        put_nx(out, kind, |out| {
            out.u16(self.algorithm as u16);
            out.u16(self.fields as u16);
            out.u16(self.basis);
            out.u32(MEMBER_PORT);
            out.u16(n);
            match self.dst {
                Some(dst) => {
                    out.u16(ofs_nbits(dst));
                    put_header(dst.field(), out);
                    out.zeros(4);
                }
                None => out.zeros(10),
            }
            for member in &self.members {
                out.u16(member.0);
            }
        });
        Ok(())
    }

    pub(super) fn decode(load: bool, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let algorithm = match r.u16()? {
            0 => BundleAlgorithm::ActiveBackup,
            1 => BundleAlgorithm::Hrw,
            _ => return Err(OfError::BacBadArgument),
        };
        let fields = HashFields::from_wire(r.u16()?)?;
        let basis = r.u16()?;
        let member_type = r.u32()?;
        let n = usize::from(r.u16()?);
        let place = r.u16()?;
        if member_type != MEMBER_PORT || n > Self::MAX_MEMBERS {
            return Err(OfError::BacBadArgument);
        }
        let dst = if load {
            let dst = writable(from_ofs_nbits(pull_short_field(r)?, place)?)?;
            r.zeros(4, OfError::NxBacMustBeZero)?;
            if dst.width() < 16 {
                return Err(OfError::BacBadArgument);
            }
            Some(dst)
        } else {
            if place != 0 {
                return Err(OfError::BacBadArgument);
            }
            r.zeros(8, OfError::NxBacMustBeZero)?;
            None
        };
        let mut ports = Reader::new(r.take(2 * n)?, OfError::BacBadLen);
        r.skip(r.len())?;
        let mut members = Vec::with_capacity(n);
        while !ports.is_empty() {
            let port = OfPort(ports.u16()?);
            if !port.is_physical() && port.0 != 0 {
                return Err(OfError::BacBadOutPort);
            }
            members.push(port);
        }
        Ok(Self { algorithm, fields, basis, members, dst })
    }
}

/// How a link is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum MultipathAlgorithm {
    /// The hash modulo the number of links.
    ModuloN = 0,
    /// The hash's part of its range.
    HashThreshold = 1,
    /// The highest random weight.
    Hrw = 2,
    /// Hashing again until a number is small enough.
    IterHash = 3,
}

impl MultipathAlgorithm {
    /// Each of them, by number.
    pub const ALL: [Self; 4] = [Self::ModuloN, Self::HashThreshold, Self::Hrw, Self::IterHash];

    /// As the tools write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ModuloN => "modulo_n",
            Self::HashThreshold => "hash_threshold",
            Self::Hrw => "hrw",
            Self::IterHash => "iter_hash",
        }
    }
}

/// Write the number of a link that a hash chooses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Multipath {
    /// What is hashed.
    pub fields: HashFields,
    /// The hash's start.
    pub basis: u16,
    /// How the link is chosen.
    pub algorithm: MultipathAlgorithm,
    /// The highest link's number.
    pub max_link: u16,
    /// What the algorithm needs beside.
    pub arg: u32,
    /// Where the number goes; wide enough for the highest.
    pub dst: Subfield,
}

impl Multipath {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        check_short(self.dst.field(), version)?;
        put_nx(out, nx::MULTIPATH, |out| {
            out.u16(self.fields as u16);
            out.u16(self.basis);
            out.zeros(2);
            out.u16(self.algorithm as u16);
            out.u16(self.max_link);
            out.u32(self.arg);
            out.zeros(2);
            out.u16(ofs_nbits(self.dst));
            put_header(self.dst.field(), out);
        });
        Ok(())
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let fields = HashFields::from_wire(r.u16()?)?;
        let basis = r.u16()?;
        r.skip(2)?;
        let algorithm = MultipathAlgorithm::ALL.get(usize::from(r.u16()?)).copied();
        let algorithm = algorithm.ok_or(OfError::BacBadArgument)?;
        let (max_link, arg) = (r.u16()?, r.u32()?);
        r.skip(2)?;
        let place = r.u16()?;
        let dst = writable(from_ofs_nbits(pull_short_field(r)?, place)?)?;
        if dst.width() < 16 && u32::from(max_link) + 1 > 1 << dst.width() {
            return Err(OfError::BacBadArgument);
        }
        Ok(Self { fields, basis, algorithm, max_link, arg, dst })
    }
}
