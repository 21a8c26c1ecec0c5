//! Ports: description, change, notice of change (OpenFlow 1.0, 5.2.1; 1.4, 7.2.1).

use ovs_flow::OfPort;

use crate::header::{Put, Reader, text_of};
use crate::{OfError, Version};

bitflags::bitflags! {
    /// What an administrator set. The bits are the same in every version.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct PortConfig: u32 {
        /// Administratively down.
        const PORT_DOWN = 1 << 0;
        /// No spanning tree (1.0).
        const NO_STP = 1 << 1;
        /// Received packets are dropped.
        const NO_RECV = 1 << 2;
        /// Received spanning-tree packets are dropped (1.0).
        const NO_RECV_STP = 1 << 3;
        /// Left out of flooding (1.0).
        const NO_FLOOD = 1 << 4;
        /// Packets to it are dropped.
        const NO_FWD = 1 << 5;
        /// Its packets make no packet-ins.
        const NO_PACKET_IN = 1 << 6;
    }
}

bitflags::bitflags! {
    /// What the port is like. Bits 0 to 2 as in OpenFlow 1.1 and later, 8 and 9 as in 1.0.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct PortState: u32 {
        /// No carrier.
        const LINK_DOWN = 1 << 0;
        /// Blocked by a protocol of the switch (from 1.1).
        const BLOCKED = 1 << 1;
        /// Usable in a fast-failover group (from 1.1).
        const LIVE = 1 << 2;
        /// Spanning tree: learning (1.0).
        const STP_LEARN = 1 << 8;
        /// Spanning tree: forwarding (1.0); with learning: blocked.
        const STP_FORWARD = 2 << 8;
    }
}

bitflags::bitflags! {
    /// Speeds, media and negotiation, with the bits of OpenFlow 1.1 and later.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct PortFeatures: u32 {
        /// 10 Mb half-duplex.
        const MB10_HD = 1 << 0;
        /// 10 Mb full-duplex.
        const MB10_FD = 1 << 1;
        /// 100 Mb half-duplex.
        const MB100_HD = 1 << 2;
        /// 100 Mb full-duplex.
        const MB100_FD = 1 << 3;
        /// 1 Gb half-duplex.
        const GB1_HD = 1 << 4;
        /// 1 Gb full-duplex.
        const GB1_FD = 1 << 5;
        /// 10 Gb full-duplex.
        const GB10_FD = 1 << 6;
        /// 40 Gb full-duplex.
        const GB40_FD = 1 << 7;
        /// 100 Gb full-duplex.
        const GB100_FD = 1 << 8;
        /// 1 Tb full-duplex.
        const TB1_FD = 1 << 9;
        /// Another speed.
        const OTHER = 1 << 10;
        /// Copper.
        const COPPER = 1 << 11;
        /// Fibre.
        const FIBER = 1 << 12;
        /// Negotiation.
        const AUTONEG = 1 << 13;
        /// Pause.
        const PAUSE = 1 << 14;
        /// Asymmetric pause.
        const PAUSE_ASYM = 1 << 15;
    }
}

impl PortFeatures {
    /// The bits of 1.0, which knows no speed above 10 Gb and has the media right after it.
    const fn to_v10(self) -> u32 {
        let b = self.bits();
        b & 0x7f | (b >> 11 & 0x1f) << 7
    }

    const fn from_v10(b: u32) -> Self {
        Self::from_bits_truncate(b & 0x7f | (b >> 7 & 0x1f) << 11)
    }

    fn to_wire(self, version: Version) -> u32 {
        if version == Version::V10 { self.to_v10() } else { self.bits() }
    }

    fn from_wire(version: Version, bits: u32) -> Self {
        if version == Version::V10 { Self::from_v10(bits) } else { Self::from_bits_truncate(bits) }
    }

    /// The highest speed in kb/s, 0 if none is named.
    pub fn max_speed(self) -> u32 {
        const SPEEDS: [u32; 10] = [
            10_000,
            10_000,
            100_000,
            100_000,
            1_000_000,
            1_000_000,
            10_000_000,
            40_000_000,
            100_000_000,
            1_000_000_000,
        ];
        (0..10).rev().find(|i| self.bits() >> i & 1 == 1).map_or(0, |i| SPEEDS[i])
    }
}

/// A port's description.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortDesc {
    /// Number.
    pub port: OfPort,
    /// Ethernet address.
    pub hw_addr: [u8; 6],
    /// Name; at most 15 bytes go over the wire.
    pub name: String,
    /// Configuration.
    pub config: PortConfig,
    /// State.
    pub state: PortState,
    /// What it runs at.
    pub current: PortFeatures,
    /// What it advertises.
    pub advertised: PortFeatures,
    /// What it could do.
    pub supported: PortFeatures,
    /// What its peer advertises.
    pub peer: PortFeatures,
    /// Current speed in kb/s (from 1.1).
    pub current_speed: u32,
    /// Highest speed in kb/s (from 1.1).
    pub max_speed: u32,
}

impl PortDesc {
    /// A port without features, speeds or flags.
    pub fn new(port: OfPort, name: impl Into<String>, hw_addr: [u8; 6]) -> Self {
        Self {
            port,
            hw_addr,
            name: name.into(),
            config: PortConfig::empty(),
            state: PortState::empty(),
            current: PortFeatures::empty(),
            advertised: PortFeatures::empty(),
            supported: PortFeatures::empty(),
            peer: PortFeatures::empty(),
            current_speed: 0,
            max_speed: 0,
        }
    }

    fn features(&self) -> [PortFeatures; 4] {
        [self.current, self.advertised, self.supported, self.peer]
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let state = self.state.bits() & if version == Version::V10 { 0x301 } else { 7 };
        if version == Version::V10 {
            out.u16(self.port.0);
            out.extend_from_slice(&self.hw_addr);
            out.text(&self.name, 16);
            out.u32(self.config.bits());
            out.u32(state);
            self.features().into_iter().for_each(|f| out.u32(f.to_v10()));
            return;
        }
        out.u32(self.port.to_u32());
        if version >= Version::V14 {
            out.u16(72);
            out.zeros(2);
        } else {
            out.zeros(4);
        }
        out.extend_from_slice(&self.hw_addr);
        out.zeros(2);
        out.text(&self.name, 16);
        out.u32(self.config.bits() & 0x65);
        out.u32(state);
        if version >= Version::V14 {
            out.u16(0);
            out.u16(32);
            out.zeros(4);
        }
        self.features().into_iter().for_each(|f| out.u32(f.bits()));
        out.u32(self.current_speed);
        out.u32(self.max_speed);
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        if version >= Version::V14 {
            return Self::decode_v14(version, r);
        }
        let port = decode_port(version, r)?;
        if version > Version::V10 {
            r.skip(4)?;
        }
        let hw_addr = r.array()?;
        if version > Version::V10 {
            r.skip(2)?;
        }
        let mut desc = Self::new(port, text_of(r.take(16)?), hw_addr);
        desc.config = PortConfig::from_bits_truncate(r.u32()?);
        desc.state = PortState::from_bits_truncate(r.u32()?);
        desc.decode_speeds(version, r)?;
        Ok(desc)
    }

    fn decode_speeds(&mut self, version: Version, r: &mut Reader<'_>) -> Result<(), OfError> {
        for place in [&mut self.current, &mut self.advertised, &mut self.supported, &mut self.peer] {
            *place = PortFeatures::from_wire(version, r.u32()?);
        }
        if version > Version::V10 {
            self.current_speed = r.u32()?;
            self.max_speed = r.u32()?;
        } else {
            self.current_speed = self.current.max_speed();
            self.max_speed = self.supported.max_speed();
        }
        Ok(())
    }

    fn decode_v14(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let port = decode_port(version, r)?;
        let len = usize::from(r.u16()?);
        r.skip(2)?;
        let mut body =
            Reader::new(r.take(len.checked_sub(8).ok_or(OfError::BrcBadLen)?)?, OfError::BrcBadLen);
        let hw_addr = body.array()?;
        body.skip(2)?;
        let mut desc = Self::new(port, text_of(body.take(16)?), hw_addr);
        desc.config = PortConfig::from_bits_truncate(body.u32()?);
        desc.state = PortState::from_bits_truncate(body.u32()?);
        while !body.is_empty() {
            let (kind, mut property) = property(&mut body)?;
            if kind == 0 {
                property.skip(4)?;
                desc.decode_speeds(version, &mut property)?;
            }
        }
        Ok(desc)
    }
}

/// A property of 1.4 and later: type, and its bytes after type and length; padding is passed over.
pub(crate) fn property<'a>(r: &mut Reader<'a>) -> Result<(u16, Reader<'a>), OfError> {
    let kind = r.u16()?;
    let len = usize::from(r.u16()?);
    let body = r.take(len.checked_sub(4).ok_or(OfError::BpcBadLen)?)?;
    let pad = (8 - len % 8) % 8;
    r.skip(pad.min(r.len()))?;
    Ok((kind, Reader::new(body, OfError::BpcBadLen)))
}

/// A port number of 16 bits in 1.0, of 32 bits since.
pub(crate) fn decode_port(version: Version, r: &mut Reader<'_>) -> Result<OfPort, OfError> {
    if version == Version::V10 {
        return Ok(OfPort(r.u16()?));
    }
    OfPort::from_u32(r.u32()?).ok_or(OfError::BrcBadPort)
}

/// A port number as the version writes it.
pub(crate) fn encode_port(version: Version, port: OfPort, out: &mut Vec<u8>) {
    if version == Version::V10 { out.u16(port.0) } else { out.u32(port.to_u32()) }
}

/// Change a port's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortMod {
    /// Which port.
    pub port: OfPort,
    /// Its Ethernet address, as a check against mistakes.
    pub hw_addr: [u8; 6],
    /// The new values …
    pub config: PortConfig,
    /// … of these bits.
    pub mask: PortConfig,
    /// What to advertise; `None` leaves it.
    pub advertise: Option<PortFeatures>,
}

impl PortMod {
    /// Change nothing of this port.
    pub const fn new(port: OfPort, hw_addr: [u8; 6]) -> Self {
        Self { port, hw_addr, config: PortConfig::empty(), mask: PortConfig::empty(), advertise: None }
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let advertise = self.advertise.map_or(0, |f| f.to_wire(version));
        encode_port(version, self.port, out);
        if version > Version::V10 {
            out.zeros(4);
        }
        out.extend_from_slice(&self.hw_addr);
        if version > Version::V10 {
            out.zeros(2);
        }
        let known = if version == Version::V10 { !0 } else { 0x65 };
        out.u32(self.config.bits() & known);
        out.u32(self.mask.bits() & known);
        if version >= Version::V14 {
            if self.advertise.is_some() {
                out.u16(0);
                out.u16(8);
                out.u32(advertise);
            }
            return;
        }
        out.u32(advertise);
        out.zeros(4);
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let port = decode_port(version, &mut r)?;
        r.skip(if version > Version::V10 { 4 } else { 0 })?;
        let hw_addr = r.array()?;
        r.skip(if version > Version::V10 { 2 } else { 0 })?;
        let mut this = Self::new(port, hw_addr);
        let (config, mask) = (r.u32()?, r.u32()?);
        this.config = PortConfig::from_bits_truncate(config & mask);
        this.mask = PortConfig::from_bits_truncate(mask);
        let mut advertise = 0;
        if version >= Version::V14 {
            while !r.is_empty() {
                match property(&mut r)? {
                    (0, mut p) => advertise = p.u32()?,
                    _ => return Err(OfError::BpcBadType),
                }
            }
        } else {
            advertise = r.u32()?;
            r.skip(4)?;
            r.finish()?;
        }
        // Bits without a name ask for nothing, like none at all.
        this.advertise = Some(PortFeatures::from_wire(version, advertise)).filter(|f| !f.is_empty());
        Ok(this)
    }
}

/// Why a port status is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PortStatusReason {
    /// It came.
    Add = 0,
    /// It went.
    Delete = 1,
    /// It changed.
    Modify = 2,
}

/// A port has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortStatus {
    /// How.
    pub reason: PortStatusReason,
    /// What it is now, or was.
    pub desc: PortDesc,
}

impl PortStatus {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        out.u8(self.reason as u8);
        out.zeros(7);
        self.desc.encode(version, out);
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let reason = match r.u8()? {
            0 => PortStatusReason::Add,
            1 => PortStatusReason::Delete,
            2 => PortStatusReason::Modify,
            _ => return Err(OfError::NxBrcBadReason),
        };
        r.skip(7)?;
        let desc = PortDesc::decode(version, &mut r)?;
        r.finish()?;
        Ok(Self { reason, desc })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_features_are_not_advertised() {
        let mut bytes = Vec::new();
        let mut change = PortMod::new(OfPort(1), [2; 6]);
        change.advertise = Some(PortFeatures::empty());
        change.encode(Version::V14, &mut bytes);
        let at = bytes.len() - 4;
        bytes[at] = 0x80;
        assert_eq!(PortMod::decode(Version::V14, &bytes), Ok(PortMod::new(OfPort(1), [2; 6])));
    }
}
