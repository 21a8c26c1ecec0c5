//! Features and configuration of the switch (OpenFlow 1.0, 5.3.1 and 5.3.2; 1.3, 7.3.1 and 7.3.2).

use super::PortDesc;
use crate::header::{Put, Reader};
use crate::{OfError, Version};

bitflags::bitflags! {
    /// What a switch can do, with the bits of OpenFlow 1.1 and later (1.0 has the same up to bit 8).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct Capabilities: u32 {
        /// Flow statistics.
        const FLOW_STATS = 1 << 0;
        /// Table statistics.
        const TABLE_STATS = 1 << 1;
        /// Port statistics.
        const PORT_STATS = 1 << 2;
        /// Group statistics (from 1.1; the bit is the spanning tree's in 1.0, which is not offered).
        const GROUP_STATS = 1 << 3;
        /// IP fragments are reassembled.
        const IP_REASM = 1 << 5;
        /// Queue statistics.
        const QUEUE_STATS = 1 << 6;
        /// Addresses are matched in ARP packets (1.0 only).
        const ARP_MATCH_IP = 1 << 7;
        /// Ports are blocked against loops by the switch (from 1.2).
        const PORT_BLOCKED = 1 << 8;
        /// Bundles (from 1.4).
        const BUNDLES = 1 << 9;
        /// Flow monitors (from 1.4).
        const FLOW_MONITORING = 1 << 10;
    }
}

/// The features reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// The bridge's identity: 16 bits of number, 48 bits of Ethernet address.
    pub datapath_id: u64,
    /// Packets that can be buffered.
    pub n_buffers: u32,
    /// Tables.
    pub n_tables: u8,
    /// 0 for the main connection.
    pub auxiliary_id: u8,
    /// Abilities.
    pub capabilities: Capabilities,
    /// In 1.0: bit `n` for supported action type `n`.
    pub actions: u32,
    /// Before 1.3: the ports.
    pub ports: Vec<PortDesc>,
}

impl Features {
    /// A switch of this identity, without buffers, ports and abilities.
    pub const fn new(datapath_id: u64) -> Self {
        Self {
            datapath_id,
            n_buffers: 0,
            n_tables: 254,
            auxiliary_id: 0,
            capabilities: Capabilities::empty(),
            actions: 0,
            ports: Vec::new(),
        }
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let known = match version {
            Version::V10 => 0x00f7,
            Version::V11 => 0x00ef,
            Version::V12 | Version::V13 => 0x016f,
            Version::V14 | Version::V15 => 0x076f,
        };
        out.u64(self.datapath_id);
        out.u32(self.n_buffers);
        out.u8(self.n_tables);
        out.u8(if version >= Version::V13 { self.auxiliary_id } else { 0 });
        out.zeros(2);
        out.u32(self.capabilities.bits() & known & if version == Version::V10 { !8 } else { !0 });
        out.u32(if version == Version::V10 { self.actions } else { 0 });
        if version < Version::V13 {
            for port in &self.ports {
                port.encode(version, out);
            }
        }
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let (datapath_id, n_buffers, n_tables, auxiliary_id) = (r.u64()?, r.u32()?, r.u8()?, r.u8()?);
        r.skip(2)?;
        let capabilities = Capabilities::from_bits_truncate(r.u32()?);
        let actions = r.u32()?;
        let mut ports = Vec::new();
        if version < Version::V13 {
            while !r.is_empty() {
                ports.push(PortDesc::decode(version, &mut r)?);
            }
        }
        Ok(Self {
            datapath_id,
            n_buffers,
            n_tables,
            auxiliary_id: if version >= Version::V13 { auxiliary_id } else { 0 },
            capabilities,
            actions: if version == Version::V10 { actions } else { 0 },
            ports,
        })
    }
}

bitflags::bitflags! {
    /// Flags of the configuration. Bits 0 and 1 are a number: how IP fragments are handled.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct ConfigFlags: u16 {
        /// Fragments are dropped.
        const FRAG_DROP = 1;
        /// Fragments are reassembled.
        const FRAG_REASM = 2;
        /// Fragments match with ports of zero in the first too (extension).
        const FRAG_NX_MATCH = 3;
        /// Packets with an invalid TTL go to the controller (1.1 and 1.2).
        const INVALID_TTL_TO_CONTROLLER = 4;
    }
}

/// The configuration of the switch towards one controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SwitchConfig {
    /// Flags.
    pub flags: ConfigFlags,
    /// How many bytes of a packet that missed every table go to the controller.
    pub miss_send_len: u16,
}

impl Default for SwitchConfig {
    /// What the standards begin with: fragments as they come, 128 bytes.
    fn default() -> Self {
        Self { flags: ConfigFlags::empty(), miss_send_len: 128 }
    }
}

impl SwitchConfig {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.u16(self.flags.bits());
        out.u16(self.miss_send_len);
    }

    /// Flags that the version does not have are refused.
    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let bits = r.u16()?;
        let known = if matches!(version, Version::V11 | Version::V12) { 7 } else { 3 };
        if bits & !known != 0 {
            return Err(OfError::ScfcBadFlags);
        }
        let miss_send_len = r.u16()?;
        r.finish()?;
        Ok(Self { flags: ConfigFlags::from_bits_truncate(bits), miss_send_len })
    }
}
