//! The queues that a worker receives from.

use ovs_classifier::FlowId;
use ovs_classifier::rcu::Guard;
use ovs_flow::DpPort;
use ovs_netdev::{RxError, RxQueue, Wait};
use ovs_packet::{Batch, Pool};

use super::Worker;
use crate::userspace::message::Reply;

struct Receiver {
    port: DpPort,
    queue: Box<dyn RxQueue>,
    gone: bool,
    /// The megaflow that the whole last batch has hit.
    hint: Option<FlowId>,
}

/// Receive queues, and whose turn it is.
#[derive(Default)]
pub(super) struct Receivers {
    queues: Vec<Receiver>,
    next: usize,
}

impl Receivers {
    pub fn add(&mut self, port: DpPort, queue: Box<dyn RxQueue>) {
        self.queues.push(Receiver { port, queue, gone: false, hint: None });
    }

    pub fn remove(&mut self, port: DpPort) {
        self.queues.retain(|r| r.port != port);
        self.next = 0;
    }

    /// Whether any of the queues cannot be slept on.
    pub fn is_polling(&self) -> bool {
        self.queues.iter().any(|r| !r.gone && r.queue.is_polled())
    }

    pub fn clear(&mut self) {
        self.queues.clear();
    }

    pub fn waits(&self, wait: &mut dyn FnMut(Wait<'_>)) {
        self.queues.iter().filter(|r| !r.gone).for_each(|r| wait(r.queue.wait()));
    }

    /// Receives one batch from the queue whose turn it is. The queue's index, and whether its device is gone.
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Option<(usize, bool)> {
        if self.next >= self.queues.len() {
            self.next = 0;
        }
        let index = self.next;
        let receiver = self.queues.get_mut(index)?;
        self.next += 1;
        if receiver.gone {
            return Some((index, false));
        }
        // Another error than "gone" is the device's to count; there may have been packets before it.
        receiver.gone = matches!(receiver.queue.receive(pool, batch), Err(RxError::Gone));
        Some((index, receiver.gone))
    }
}

impl Worker {
    /// Takes one batch from each queue in turn, and again from all while any gives a full one and the budget lasts,
    /// starting where the last turn ended; says how many packets that were, and whether there may be more.
    pub(super) fn receive(&mut self, budget: usize, guard: &Guard<'_>) -> (usize, bool) {
        let mut packets = 0;
        loop {
            let mut more = false;
            for _ in 0..self.receivers.queues.len() {
                if packets >= budget {
                    return (packets, true);
                }
                let (count, full) = self.receive_one(guard);
                packets += count;
                more |= full;
            }
            if !more {
                return (packets, false);
            }
        }
    }

    /// Takes one batch from the queue whose turn it is; says how many packets that were, and whether it was full.
    fn receive_one(&mut self, guard: &Guard<'_>) -> (usize, bool) {
        let batch = &mut self.scratch.packets;
        let Some((index, gone)) = self.receivers.receive(&mut self.engine.pool, batch) else {
            return (0, false);
        };
        let (count, full) = (batch.len(), batch.is_full());
        let receiver = &mut self.receivers.queues[index];
        let port = receiver.port;
        if count > 0 {
            self.engine.ledger.received += count as u64;
            self.scratch.came_by(port, receiver.hint);
            let common = self.process(guard);
            self.receivers.queues[index].hint = common;
        }
        if gone {
            self.reply(Reply::RxGone(port));
        }
        (count, full)
    }
}
