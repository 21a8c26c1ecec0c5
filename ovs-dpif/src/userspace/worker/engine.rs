//! What a worker has beside its tables while it executes actions.

use std::time::Duration;

use ovs_flow::{DpPort, Metadata, TunnelKey};
use ovs_packet::{Batch, Packet, Pool};

use super::outputs::Outputs;
use super::upcalls::{Upcalls, Waiting};
use crate::execute::{Env, Tracking};
use crate::meter::Meters;
use crate::random::Random;
use crate::{Actions, DropReason, Ledger, MeterId, Punt, UpcallHandler};

/// Recirculated packets that wait for the end of the batch; more are dropped by name. A list of actions can
/// multiply a packet at each recirculation, so there must be some bound.
const RECIRCULATED: usize = 1024;

/// Everything but the tables.
pub(super) struct Engine {
    pub pool: Pool,
    pub ledger: Ledger,
    pub outputs: Outputs,
    pub handler: Option<Box<dyn UpcallHandler>>,
    pub upcalls: Upcalls,
    /// Packets that start over once the batch is done, in order.
    pub recirculated: Vec<Waiting>,
    pub random: Random,
    pub meters: Meters,
    pub tracking: Tracking,
    /// Memory for the outer headers of packets that come out of tunnels.
    #[expect(clippy::vec_box, reason = "metadata owns them by one pointer, so that it stays small")]
    pub outer: Vec<Box<TunnelKey>>,
    /// Tags that are parsed as tags.
    pub max_vlans: usize,
    pub now: Duration,
}

impl Engine {
    /// Queues a packet for its upcall, or drops it if its port has too many there.
    pub fn miss(&mut self, waiting: Waiting) -> bool {
        match self.upcalls.push(waiting) {
            Ok(()) => {
                self.ledger.queued += 1;
                true
            }
            Err(Waiting { packet, .. }) => {
                self.discard(packet, DropReason::UpcallBudget);
                false
            }
        }
    }
}

impl Env for Engine {
    fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }

    fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    fn output(&mut self, packet: Packet, port: DpPort) {
        self.outputs.push(packet, port, &mut self.pool, &mut self.ledger);
    }

    fn output_all(&mut self, packets: &mut Batch, port: DpPort) {
        self.outputs.push_all(packets, port, &mut self.pool, &mut self.ledger);
    }

    fn recirculate(&mut self, packet: Packet, metadata: Metadata, depth: u8) {
        if self.recirculated.len() >= RECIRCULATED {
            return self.discard(packet, DropReason::RecircDepth);
        }
        self.recirculated.push(Waiting { packet, metadata, depth, added: 0 });
    }

    fn punt(&mut self, punt: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        match &mut self.handler {
            Some(handler) => handler.punt(punt),
            None => Err(DropReason::Upcall),
        }
    }

    fn meter(&mut self, meter: MeterId, bytes: usize) -> bool {
        self.meters.admit(meter, bytes, self.now)
    }

    fn tracking(&mut self) -> (&mut Tracking, &mut Pool, &mut Ledger) {
        (&mut self.tracking, &mut self.pool, &mut self.ledger)
    }

    fn outer(&mut self) -> Box<TunnelKey> {
        self.outer.pop().unwrap_or_default()
    }

    fn done(&mut self, metadata: &mut Metadata) {
        if let Some(key) = metadata.tunnel.take()
            && self.outer.len() < RECIRCULATED
        {
            self.outer.push(key);
        }
    }

    fn random(&mut self) -> u32 {
        self.random.next()
    }

    fn now(&self) -> Duration {
        self.now
    }
}
