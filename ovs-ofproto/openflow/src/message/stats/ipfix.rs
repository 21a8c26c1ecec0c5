//! What IPFIX exporters have counted (`NXST_IPFIX_BRIDGE`, `NXST_IPFIX_FLOW`).

use crate::OfError;
use crate::header::{Put, Reader};

/// The counters of one exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct IpfixStats {
    /// Flows, ever.
    pub total_flows: u64,
    /// Flows now.
    pub current_flows: u64,
    /// Packets that were sampled.
    pub packets: u64,
    /// Those of IPv4.
    pub ipv4_packets: u64,
    /// Those of IPv6.
    pub ipv6_packets: u64,
    /// Packets that could not be sampled.
    pub errors: u64,
    /// Those of IPv4.
    pub ipv4_errors: u64,
    /// Those of IPv6.
    pub ipv6_errors: u64,
    /// Messages that were sent to collectors.
    pub tx_packets: u64,
    /// Messages that could not be sent.
    pub tx_errors: u64,
    /// Which set of collectors (of flows' exporters).
    pub collector_set: u32,
}

impl IpfixStats {
    fn counters(&mut self) -> [&mut u64; 10] {
        [
            &mut self.total_flows,
            &mut self.current_flows,
            &mut self.packets,
            &mut self.ipv4_packets,
            &mut self.ipv6_packets,
            &mut self.errors,
            &mut self.ipv4_errors,
            &mut self.ipv6_errors,
            &mut self.tx_packets,
            &mut self.tx_errors,
        ]
    }

    pub(super) fn encode(mut self, out: &mut Vec<u8>) {
        self.counters().into_iter().for_each(|n| out.u64(*n));
        out.u32(self.collector_set);
        out.zeros(4);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, OfError> {
        let mut this = Self::default();
        for counter in this.counters() {
            *counter = r.u64()?;
        }
        this.collector_set = r.u32()?;
        r.skip(4)?;
        Ok(this)
    }
}
