//! Roles of controllers (OpenFlow 1.2, A.3.9; `NXT_ROLE_REQUEST`).

use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// A controller's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Request: change nothing, tell me (not in Open vSwitch's extension).
    NoChange,
    /// Full access beside others (`OTHER` of the extension).
    Equal,
    /// Full access, alone.
    Primary,
    /// Read only.
    Secondary,
}

impl Role {
    const ALL: [Self; 4] = [Self::NoChange, Self::Equal, Self::Primary, Self::Secondary];
}

/// A role, asked for or told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoleMsg {
    /// The role.
    pub role: Role,
    /// Which generation of primaries; `None` where the message has none or it is undefined.
    pub generation: Option<u64>,
}

impl RoleMsg {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.u32(self.role as u32);
        out.zeros(4);
        out.u64(self.generation.unwrap_or(u64::MAX));
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let role = Role::ALL.get(r.u32()? as usize).copied().ok_or(OfError::RrfcBadRole)?;
        r.skip(4)?;
        let generation = r.u64()?;
        r.finish()?;
        let has = match role {
            Role::Primary | Role::Secondary => true,
            Role::Equal | Role::NoChange => generation != u64::MAX,
        };
        Ok(Self { role, generation: has.then_some(generation) })
    }

    /// Appends what follows the vendor header.
    pub(super) fn encode_nx(self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let number = (self.role as u32)
            .checked_sub(1)
            .ok_or(EncodeError::Unsupported { what: "role NOCHANGE", version: Version::V10 })?;
        out.u32(number);
        Ok(())
    }

    pub(super) fn decode_nx(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let role = usize::try_from(r.u32()?)
            .ok()
            .and_then(|n| Role::ALL.get(n.checked_add(1)?))
            .copied()
            .ok_or(OfError::RrfcBadRole)?;
        r.finish()?;
        Ok(Self { role, generation: None })
    }
}

/// Why a role has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RoleReason {
    /// Another controller became primary.
    PrimaryRequest = 0,
    /// The switch was set up so.
    Config = 1,
    /// An experimenter's data.
    Experimenter = 2,
}

/// A controller's role has changed (OpenFlow 1.4, 7.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoleStatus {
    /// What it is now.
    pub role: Role,
    /// Why.
    pub reason: RoleReason,
    /// Which generation of primaries; `None` where it is undefined.
    pub generation: Option<u64>,
}

impl RoleStatus {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.u32(self.role as u32);
        out.u8(self.reason as u8);
        out.zeros(3);
        out.u64(self.generation.unwrap_or(u64::MAX));
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let role = Role::ALL.get(r.u32()? as usize).copied().filter(|role| *role != Role::NoChange);
        let role = role.ok_or(OfError::RrfcBadRole)?;
        let reason = match r.u8()? {
            0 => RoleReason::PrimaryRequest,
            1 => RoleReason::Config,
            2 => RoleReason::Experimenter,
            _ => return Err(OfError::RrfcBadRole),
        };
        r.skip(3)?;
        let generation = r.u64()?;
        r.finish()?;
        Ok(Self { role, reason, generation: Some(generation).filter(|n| *n != u64::MAX) })
    }
}
