//! Counters of ports.

use ovs_flow::OfPort;
use ovs_netdev::Statistics;
use ovs_openflow::{OfError, PortStats};

use crate::bridge::PortRecord;
use crate::switch::Switch;
use crate::switch::status::patch_statistics;

impl Switch {
    pub(super) fn port_stats(&mut self, bridge: &str, port: OfPort) -> Vec<PortStats> {
        let Some(state) = self.bridges.get(bridge) else { return Vec::new() };
        let wanted = |record: &&PortRecord| port == OfPort::NONE || record.number == port;
        let mut records: Vec<PortRecord> = state.ports.values().filter(wanted).cloned().collect();
        // A port that is not there has no entry, and the local port comes first, as in the original.
        records.sort_by_key(|record| (record.number != OfPort::LOCAL, record.number));
        records.into_iter().map(|record| self.one_port(&record)).collect()
    }

    fn one_port(&mut self, record: &PortRecord) -> PortStats {
        let told = match record.dp_port.filter(|_| record.tunnel.is_none()) {
            Some(dp_port) => self.dpif.port_statistics(dp_port).unwrap_or_default(),
            None => patch_statistics(record),
        };
        let mut stats = port_stats(record.number, &told);
        stats.duration = self.now.saturating_sub(record.added);
        stats
    }

    pub(super) fn check_queue_port(&self, bridge: &str, port: OfPort) -> Result<(), OfError> {
        let known = self.bridges.get(bridge).is_some_and(|bridge| bridge.ports.contains_key(&port));
        if known || matches!(port, OfPort::ALL | OfPort::NONE) { Ok(()) } else { Err(OfError::QofcBadPort) }
    }
}

fn port_stats(number: OfPort, told: &Statistics) -> PortStats {
    let known = |counter: Option<u64>| counter.unwrap_or(u64::MAX);
    let mut stats = PortStats::unknown(number);
    stats.rx_packets = known(told.rx_packets);
    stats.tx_packets = known(told.tx_packets);
    stats.rx_bytes = known(told.rx_bytes);
    stats.tx_bytes = known(told.tx_bytes);
    stats.rx_dropped = known(told.rx_dropped);
    stats.tx_dropped = known(told.tx_dropped);
    stats.rx_errors = known(told.rx_errors);
    stats.tx_errors = known(told.tx_errors);
    stats.rx_frame_errors = known(told.rx_frame_errors);
    stats.rx_over_errors = known(told.rx_over_errors);
    stats.rx_crc_errors = known(told.rx_crc_errors);
    stats.collisions = known(told.collisions);
    stats
}
