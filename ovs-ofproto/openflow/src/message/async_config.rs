//! Which asynchronous messages a controller gets (OpenFlow 1.3, 7.3.10; 1.4, 7.3.10; `NXT_SET_ASYNC_CONFIG`).

use super::port::property;
use crate::header::{Put, Reader};
use crate::{OfError, Version};

/// Bit `n` of a mask is reason `n` of the message. Of each pair the first is for controllers whose role is
/// equal or primary, the second for secondaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AsyncConfig {
    /// Packet-ins.
    pub packet_in: [u32; 2],
    /// Port status.
    pub port_status: [u32; 2],
    /// Flow removed.
    pub flow_removed: [u32; 2],
    /// Role status (from 1.4).
    pub role_status: [u32; 2],
    /// Table status (from 1.4).
    pub table_status: [u32; 2],
    /// Forwarded requests (from 1.4).
    pub requestforward: [u32; 2],
}

impl Default for AsyncConfig {
    /// What a connection begins with: primaries get all packet-ins but those of an invalid TTL, all port
    /// status and flow removed; secondaries port status alone.
    fn default() -> Self {
        Self {
            packet_in: [0x3b, 0],
            port_status: [7, 7],
            flow_removed: [0x3f, 0],
            role_status: [0, 0],
            table_status: [0, 0],
            requestforward: [0, 0],
        }
    }
}

impl AsyncConfig {
    /// The masks of 1.3, in its order.
    fn v13(&mut self) -> [&mut [u32; 2]; 3] {
        [&mut self.packet_in, &mut self.port_status, &mut self.flow_removed]
    }

    /// The masks of 1.4, by the number of their property halved.
    fn v14(&mut self) -> [&mut [u32; 2]; 6] {
        [
            &mut self.packet_in,
            &mut self.port_status,
            &mut self.flow_removed,
            &mut self.role_status,
            &mut self.table_status,
            &mut self.requestforward,
        ]
    }

    pub(super) fn encode(mut self, version: Version, out: &mut Vec<u8>) {
        if version < Version::V14 {
            self.v13().into_iter().flatten().for_each(|mask| out.u32(*mask));
            return;
        }
        // In the properties the secondary's mask has the even number.
        for (i, masks) in self.v14().into_iter().enumerate() {
            for (kind, mask) in [(0, masks[1]), (1, masks[0])] {
                out.u16(2 * i as u16 + kind);
                out.u16(8);
                out.u32(mask);
            }
        }
    }

    /// Masks that the message does not have are those of `self`.
    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut this = Self::default();
        let mut r = Reader::new(body, OfError::BrcBadLen);
        if version < Version::V14 {
            for mask in this.v13().into_iter().flatten() {
                *mask = r.u32()?;
            }
            r.finish()?;
            return Ok(this);
        }
        while !r.is_empty() {
            let (kind, mut p) = property(&mut r)?;
            let mask = p.u32()?;
            p.finish()?;
            match this.v14().into_iter().nth(usize::from(kind / 2)) {
                Some(masks) => masks[usize::from(kind % 2 == 0)] = mask,
                None => return Err(OfError::AcfcUnsupported),
            }
        }
        Ok(this)
    }
}
