//! Queues of ports: which there are, and what they have counted.

use ovs_flow::OfPort;
use ovs_openflow::{OfError, QueueConfig, QueueDesc, QueueStats};

use crate::switch::Switch;

impl Switch {
    /// Counters of queues; a queue that is asked for by its number has to be there.
    pub(super) fn queue_stats(
        &mut self,
        bridge: &str,
        port: OfPort,
        queue: u32,
    ) -> Result<Vec<QueueStats>, OfError> {
        self.check_queue_port(bridge, port)?;
        let now = self.now;
        let mut stats = Vec::new();
        for queued in self.queues(bridge, port) {
            for (number, view) in queued.queues.iter().filter(|(number, _)| is_wanted(queue, **number)) {
                let known = |counter: Option<u64>| counter.unwrap_or(u64::MAX);
                stats.push(QueueStats {
                    port: queued.number,
                    queue: *number,
                    tx_bytes: known(view.counters.bytes),
                    tx_packets: known(view.counters.packets),
                    tx_errors: known(view.counters.errors),
                    duration: now.saturating_sub(queued.since),
                });
            }
        }
        if stats.is_empty() && queue != QueueStats::ALL { Err(OfError::QofcBadQueue) } else { Ok(stats) }
    }

    /// Queues as OpenFlow 1.4 asks for them. Their rates are not told, as the original tells none.
    pub(super) fn queue_descs(
        &mut self,
        bridge: &str,
        port: OfPort,
        queue: u32,
    ) -> Result<Vec<QueueDesc>, OfError> {
        self.check_queue_port(bridge, port)?;
        let mut descs = Vec::new();
        for queued in self.queues(bridge, port) {
            for number in queued.queues.keys().filter(|number| is_wanted(queue, **number)) {
                descs.push(QueueDesc { port: queued.number, queue: *number, properties: Vec::new() });
            }
        }
        if descs.is_empty() && queue != QueueStats::ALL { Err(OfError::NxQofcQueueError) } else { Ok(descs) }
    }

    /// Queues as OpenFlow before 1.4 asks for them.
    pub(in crate::switch::agent) fn queue_configs(&mut self, bridge: &str, port: OfPort) -> Vec<QueueConfig> {
        let queued = self.queues(bridge, port);
        let numbers = queued.iter().flat_map(|queued| queued.queues.keys());
        numbers.map(|id| QueueConfig { id: *id, properties: Vec::new() }).collect()
    }
}

fn is_wanted(wanted: u32, number: u32) -> bool {
    wanted == QueueStats::ALL || wanted == number
}
