//! Quality of service of a port as it is wanted.

use std::collections::BTreeMap;

use ovs_netdev::Qos;

/// How what a port sends is queued, or policed, and how its queues mark packets.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QosConfig {
    /// What the device, or the datapath, does.
    pub qos: Qos,
    /// Differentiated services code points (RFC 2474; six bits) that packets of queues get.
    pub dscp: BTreeMap<u32, u8>,
}

impl QosConfig {
    /// Without marks.
    pub fn new(qos: Qos) -> Self {
        Self { qos, dscp: BTreeMap::new() }
    }

    /// Sets the code point of a queue's packets; of its lower six bits.
    pub fn dscp(mut self, queue: u32, dscp: u8) -> Self {
        self.dscp.insert(queue, dscp & 0x3f);
        self
    }
}
