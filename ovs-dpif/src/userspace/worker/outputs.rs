//! The ports that a worker sends by, each with a batch that fills up.

use std::sync::Arc;
use std::time::Duration;

use ovs_flow::DpPort;
use ovs_netdev::{Sent, TxQueue};
use ovs_packet::{Batch, Packet, Pool};

use crate::finish::finish;
use crate::police::TxPolicer;
use crate::{DropReason, Ledger};

/// Port numbers that a datapath can have: all below this.
pub(crate) const PORT_NUMBERS: u32 = 1 << 16;

struct TxPort {
    queue: Box<dyn TxQueue>,
    batch: Batch,
    /// Sent by since the last flush.
    used: bool,
    /// Whether it stands in the list of ports to be sent by.
    listed: bool,
    policer: Option<Arc<TxPolicer>>,
    /// Batches given to the device since the last flush.
    batches: u64,
}

/// Ports by number.
pub(super) struct Outputs {
    ports: Vec<Option<Box<TxPort>>>,
    /// Ports with packets to be sent or passed on.
    pending: Vec<u32>,
    /// When this turn began.
    pub now: Duration,
    /// Batches given to devices, as of the last flush.
    pub batches: u64,
}

impl Outputs {
    pub fn new() -> Self {
        Self { ports: Vec::new(), pending: Vec::with_capacity(64), now: Duration::ZERO, batches: 0 }
    }

    /// Adds a port; its number is below [`PORT_NUMBERS`].
    pub fn add(&mut self, port: DpPort, queue: Box<dyn TxQueue>) {
        let index = port.0 as usize;
        if self.ports.len() <= index {
            self.ports.resize_with(index + 1, || None);
        }
        let (batch, used, listed, policer) = (Batch::new(), false, false, None);
        let port = TxPort { queue, batch, used, listed, policer, batches: 0 };
        self.ports[index] = Some(Box::new(port));
        self.pending.reserve(self.ports.len());
    }

    /// Sets what polices a port.
    pub fn police(&mut self, port: DpPort, policer: Option<Arc<TxPolicer>>) {
        if let Some(Some(tx)) = self.ports.get_mut(port.0 as usize) {
            tx.policer = policer;
        }
    }

    /// Lets go of a port, after what it has been given is sent.
    pub fn remove(&mut self, port: DpPort, ledger: &mut Ledger) {
        if let Some(mut tx) = self.ports.get_mut(port.0 as usize).and_then(Option::take) {
            transmit(&mut tx, ledger);
            pass_on(&mut tx, ledger);
            self.batches += tx.batches;
        }
    }

    /// Lets go of all ports.
    pub fn clear(&mut self, ledger: &mut Ledger) {
        self.flush(ledger);
        self.ports.clear();
    }

    /// Puts a packet into its port's batch.
    pub fn push(&mut self, packet: Packet, port: DpPort, pool: &mut Pool, ledger: &mut Ledger) {
        let Some(Some(tx)) = self.ports.get_mut(port.0 as usize) else {
            ledger.drop_one(DropReason::InvalidPort);
            return pool.recycle(packet);
        };
        if !tx.listed {
            tx.listed = true;
            self.pending.push(port.0);
        }
        let now = self.now;
        if !packet.facts().is_unfinished() {
            return put(tx, packet, now, ledger);
        }
        let offloads = tx.queue.offloads();
        finish(packet, offloads, pool, ledger, &mut |packet, ledger| put(tx, packet, now, ledger));
    }

    /// Puts all packets of a batch into their port's batch.
    pub fn push_all(&mut self, packets: &mut Batch, port: DpPort, pool: &mut Pool, ledger: &mut Ledger) {
        let Some(Some(tx)) = self.ports.get_mut(port.0 as usize) else {
            ledger.drop_many(DropReason::InvalidPort, packets.len() as u64);
            return packets.clear();
        };
        let alone = tx.batch.is_empty() && tx.policer.is_none();
        if !alone || packets.iter().any(|packet| packet.facts().is_unfinished()) {
            packets.drain().for_each(|packet| self.push(packet, port, pool, ledger));
            return;
        }
        std::mem::swap(&mut tx.batch, packets);
        if !std::mem::replace(&mut tx.listed, true) {
            self.pending.push(port.0);
        }
    }

    /// Sends all batches.
    pub fn send(&mut self, ledger: &mut Ledger) {
        for port in &self.pending {
            if let Some(Some(tx)) = self.ports.get_mut(*port as usize) {
                transmit(tx, ledger);
            }
        }
    }

    /// Sends all batches and lets the devices pass on what they kept.
    pub fn flush(&mut self, ledger: &mut Ledger) {
        for port in self.pending.drain(..) {
            if let Some(Some(tx)) = self.ports.get_mut(port as usize) {
                transmit(tx, ledger);
                pass_on(tx, ledger);
                self.batches += std::mem::take(&mut tx.batches);
                tx.listed = false;
            }
        }
    }
}

fn put(tx: &mut TxPort, packet: Packet, now: Duration, ledger: &mut Ledger) {
    if let Some(policer) = &tx.policer
        && !policer.admit(&packet, now)
    {
        return ledger.drop_one(DropReason::TxPolicer);
    }
    if tx.batch.is_full() {
        transmit(tx, ledger);
    }
    if tx.batch.push(packet).is_err() {
        // A queue that does not empty the batch it is given has refused what is in it.
        ledger.drop_one(DropReason::TxRefused);
    }
}

fn transmit(tx: &mut TxPort, ledger: &mut Ledger) {
    let count = tx.batch.len() as u64;
    if count > 0 {
        let sent = tx.queue.send(&mut tx.batch);
        tx.used = true;
        tx.batches += 1;
        account(sent, count, ledger);
    }
}

/// Accounts for `count` packets that were given to a device.
fn account(sent: Sent, count: u64, ledger: &mut Ledger) {
    let lost = sent.full + sent.refused + sent.down;
    ledger.sent += count.saturating_sub(lost);
    drops(sent, ledger);
}

fn drops(sent: Sent, ledger: &mut Ledger) {
    for (reason, count) in [
        (DropReason::TxFull, sent.full),
        (DropReason::TxRefused, sent.refused),
        (DropReason::TxDown, sent.down),
    ] {
        if count > 0 {
            ledger.drop_many(reason, count);
        }
    }
}

/// Flushes a queue. Packets that it had taken and could not pass on were counted as sent.
fn pass_on(tx: &mut TxPort, ledger: &mut Ledger) {
    if std::mem::take(&mut tx.used) {
        let sent = tx.queue.flush();
        ledger.sent = ledger.sent.saturating_sub(sent.full + sent.refused + sent.down);
        drops(sent, ledger);
    }
}
