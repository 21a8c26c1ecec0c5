//! A packet from the controller (OpenFlow 1.0, 5.3.6; 1.3, 7.3.7).

use ovs_flow::{Match, OfPort};

use super::port::{decode_port, encode_port};
use crate::action::{self, Action};
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// A packet to run through actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketOut {
    /// A packet that the switch buffered, or `None` if `data` is the packet.
    pub buffer_id: Option<u32>,
    /// Where it came in, or [`OfPort::CONTROLLER`] or [`OfPort::NONE`].
    pub in_port: OfPort,
    /// What to do.
    pub actions: Vec<Action>,
    /// The packet, from its Ethernet header on.
    pub data: Vec<u8>,
}

impl PacketOut {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.u32(self.buffer_id.unwrap_or(u32::MAX));
        if version >= Version::V15 {
            let at = out.len();
            out.zeros(4);
            let mut matching = Match::default();
            ovs_flow::Field::IN_PORT.set_match(&mut matching, u128::from(self.in_port.0));
            crate::matching::encode_standard(&matching, version, out)?;
            let start = out.len();
            action::encode_actions(&self.actions, &Match::default(), version, out)?;
            let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
            out.set_u16(at, len);
            out.extend_from_slice(&self.data);
            return Ok(());
        }
        encode_port(version, self.in_port, out);
        let at = out.len();
        out.zeros(if version == Version::V10 { 2 } else { 8 });
        let start = out.len();
        action::encode_actions(&self.actions, &Match::default(), version, out)?;
        let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
        out.set_u16(at, len);
        out.extend_from_slice(&self.data);
        Ok(())
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let buffer_id = Some(r.u32()?).filter(|id| *id != u32::MAX);
        let (in_port, len);
        if version >= Version::V15 {
            len = usize::from(r.u16()?);
            r.skip(2)?;
            let mut matching = Match::default();
            crate::matching::decode_standard(&mut r, crate::matching::MatchForm::Pipeline, &mut matching)?;
            in_port = matching.key.of_port();
        } else {
            in_port = decode_port(version, &mut r)?;
            len = usize::from(r.u16()?);
            r.skip(if version == Version::V10 { 0 } else { 6 })?;
        }
        // Nothing but ports, the controller, and nowhere can send a packet.
        if !in_port.is_physical() && !matches!(in_port, OfPort::NONE | OfPort::CONTROLLER) {
            return Err(OfError::BrcBadPort);
        }
        let actions = action::decode_actions(r.take(len)?, version)?;
        let data = if buffer_id.is_none() { r.rest().to_vec() } else { Vec::new() };
        Ok(Self { buffer_id, in_port, actions, data })
    }
}
