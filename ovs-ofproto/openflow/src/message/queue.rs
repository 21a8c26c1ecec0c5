//! Queues of ports (OpenFlow 1.0, 5.3.4; 1.3, 7.3.6).

use ovs_flow::OfPort;

use super::port::{decode_port, encode_port};
use crate::header::{Put, Reader};
use crate::{OfError, Version};

/// One queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// Its number on the port.
    pub id: u32,
    /// What is set for it.
    pub properties: Vec<QueueProperty>,
}

/// A rate of a queue, in tenths of a per cent of the port's; above 1000 it is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueProperty {
    /// At least.
    MinRate(u16),
    /// At most (from 1.2).
    MaxRate(u16),
}

pub(super) fn encode_request(version: Version, port: OfPort, out: &mut Vec<u8>) {
    encode_port(version, port, out);
    out.zeros(if version == Version::V10 { 2 } else { 4 });
}

pub(super) fn decode_request(version: Version, body: &[u8]) -> Result<OfPort, OfError> {
    let mut r = Reader::new(body, OfError::BrcBadLen);
    let port = decode_port(version, &mut r)?;
    r.skip(if version == Version::V10 { 2 } else { 4 })?;
    r.finish()?;
    Ok(port)
}

pub(super) fn encode_reply(version: Version, port: OfPort, queues: &[QueueConfig], out: &mut Vec<u8>) {
    encode_port(version, port, out);
    out.zeros(if version == Version::V10 { 6 } else { 4 });
    for queue in queues {
        let start = out.len();
        out.u32(queue.id);
        if version >= Version::V12 {
            out.u32(port.to_u32());
        }
        let at = out.len();
        out.zeros(if version >= Version::V12 { 8 } else { 4 });
        for property in &queue.properties {
            let (kind, rate) = match *property {
                QueueProperty::MinRate(rate) => (1, rate),
                QueueProperty::MaxRate(rate) => (2, rate),
            };
            out.u16(kind);
            out.u16(16);
            out.zeros(4);
            out.u16(rate);
            out.zeros(6);
        }
        let len = (out.len() - start) as u16;
        out.set_u16(at, len);
    }
}

pub(super) fn decode_reply(version: Version, body: &[u8]) -> Result<(OfPort, Vec<QueueConfig>), OfError> {
    let mut r = Reader::new(body, OfError::BrcBadLen);
    let port = decode_port(version, &mut r)?;
    r.skip(if version == Version::V10 { 6 } else { 4 })?;
    let mut queues = Vec::new();
    while !r.is_empty() {
        let wide = version >= Version::V12;
        let id = r.u32()?;
        r.skip(if wide { 4 } else { 0 })?;
        let len = usize::from(r.u16()?);
        r.skip(if wide { 6 } else { 2 })?;
        let used = if wide { 16 } else { 8 };
        let mut p =
            Reader::new(r.take(len.checked_sub(used).ok_or(OfError::BrcBadLen)?)?, OfError::BrcBadLen);
        let mut properties = Vec::new();
        while !p.is_empty() {
            let (kind, len) = (p.u16()?, usize::from(p.u16()?));
            let mut body =
                Reader::new(p.take(len.checked_sub(4).ok_or(OfError::BrcBadLen)?)?, OfError::BrcBadLen);
            body.skip(4)?;
            match kind {
                1 => properties.push(QueueProperty::MinRate(body.u16()?)),
                2 => properties.push(QueueProperty::MaxRate(body.u16()?)),
                _ => {}
            }
        }
        queues.push(QueueConfig { id, properties });
    }
    Ok((port, queues))
}
