//! Queues of ports from 1.4 on (7.3.5.20).

use ovs_flow::OfPort;

use crate::header::{Put, Reader};
use crate::message::port::{decode_port, property};
use crate::message::queue::QueueProperty;
use crate::{OfError, Version};

/// A queue's set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDesc {
    /// Its port.
    pub port: OfPort,
    /// Its number on the port.
    pub queue: u32,
    /// What is set for it.
    pub properties: Vec<QueueProperty>,
}

impl QueueDesc {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.u32(self.port.to_u32());
        out.u32(self.queue);
        out.zeros(8);
        for property in &self.properties {
            let (kind, rate) = match *property {
                QueueProperty::MinRate(rate) => (1, rate),
                QueueProperty::MaxRate(rate) => (2, rate),
            };
            out.u16(kind);
            out.u16(8);
            out.u16(rate);
            out.zeros(2);
        }
        let len = (out.len() - start) as u16;
        out.set_u16(start + 8, len);
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let (port, queue) = (decode_port(version, r)?, r.u32()?);
        let len = usize::from(r.u16()?);
        let body = r.take(len.checked_sub(10).ok_or(OfError::BrcBadLen)?)?;
        let mut r = Reader::new(body, OfError::BrcBadLen);
        r.skip(6)?;
        let mut properties = Vec::new();
        while !r.is_empty() {
            let (kind, mut p) = property(&mut r)?;
            match kind {
                1 => properties.push(QueueProperty::MinRate(p.u16()?)),
                2 => properties.push(QueueProperty::MaxRate(p.u16()?)),
                _ => {}
            }
        }
        Ok(Self { port, queue, properties })
    }
}
