//! A tunnel's port in a datapath: a number and a name. It has no queue to receive by, because what comes through a tunnel comes
//! out of `tnl_pop`; and what is sent to it without an outer header is refused.

use ovs_packet::Batch;

use crate::{ConfigError, Netdev, RxQueue, Sent, Status, TxQueue};

/// See the module's head.
#[derive(Debug)]
pub struct TunnelPort {
    name: String,
    kind: &'static str,
}

impl TunnelPort {
    /// A port called `name`, of a type such as `vxlan`.
    pub fn new(name: impl Into<String>, kind: &'static str) -> Self {
        Self { name: name.into(), kind }
    }
}

impl Netdev for TunnelPort {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn status(&mut self) -> Status {
        Status { admin_up: true, link_up: true, ..Status::default() }
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        Vec::new()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(Refuse))
    }
}

struct Refuse;

impl TxQueue for Refuse {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let refused = batch.len() as u64;
        batch.clear();
        Sent { refused, ..Sent::default() }
    }
}
