//! The queues that a worker receives from.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovs_classifier::rcu::Guard;
use ovs_flow::DpPort;
use ovs_netdev::{RxError, Wait};
use ovs_packet::{Batch, Pool};

use super::Worker;
use super::glance::Hint;
use crate::DropReason;
use crate::police::RxPolicer;
use crate::userspace::message::{Reply, RxHandle};

struct Receiver {
    handle: RxHandle,
    gone: bool,
    /// Asked back: nothing is received by it any more.
    leaving: bool,
    hint: Hint,
    policer: Option<Arc<RxPolicer>>,
}

/// Receive queues, and whose turn it is.
#[derive(Default)]
pub(super) struct Receivers {
    queues: Vec<Receiver>,
    next: usize,
    /// By port, for queues that are still to come.
    policers: BTreeMap<DpPort, Arc<RxPolicer>>,
}

impl Receivers {
    pub fn add(&mut self, handle: RxHandle) {
        let policer = self.policers.get(&handle.port).cloned();
        self.queues.push(Receiver { handle, gone: false, leaving: false, hint: Hint::default(), policer });
    }

    pub fn remove(&mut self, port: DpPort) {
        self.queues.retain(|r| r.handle.port != port);
        self.policers.remove(&port);
        self.next = 0;
    }

    /// Sets what polices a port.
    pub fn police(&mut self, port: DpPort, policer: Option<Arc<RxPolicer>>) {
        for receiver in self.queues.iter_mut().filter(|r| r.handle.port == port) {
            receiver.policer.clone_from(&policer);
        }
        match policer {
            Some(policer) => drop(self.policers.insert(port, policer)),
            None => drop(self.policers.remove(&port)),
        }
    }

    /// Receives no more by a queue, which is to be handed back.
    pub fn stop(&mut self, port: DpPort, number: u32) {
        let wanted = |r: &&mut Receiver| r.handle.port == port && r.handle.number == number;
        if let Some(receiver) = self.queues.iter_mut().find(wanted) {
            receiver.leaving = true;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Whether a queue is to be handed back.
    pub fn any_leaving(&self) -> bool {
        self.queues.iter().any(|r| r.leaving)
    }

    /// Takes out a queue that is to be handed back and of whose port, as `rests` says, nothing is under way.
    fn take_leaving(&mut self, rests: impl Fn(DpPort) -> bool) -> Option<RxHandle> {
        let index = self.queues.iter().position(|r| r.leaving && rests(r.handle.port))?;
        self.next = 0;
        Some(self.queues.remove(index).handle)
    }

    /// Whether any of the queues cannot be slept on.
    pub fn is_polling(&self) -> bool {
        self.queues.iter().any(|r| !r.gone && r.handle.rx.is_polled())
    }

    pub fn clear(&mut self) {
        self.queues.clear();
    }

    pub fn waits(&self, wait: &mut dyn FnMut(Wait<'_>)) {
        self.queues.iter().filter(|r| !r.gone && !r.leaving).for_each(|r| wait(r.handle.rx.wait()));
    }

    /// Receives one batch from the queue whose turn it is. The queue's index, and whether its device is gone.
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Option<(usize, bool)> {
        if self.next >= self.queues.len() {
            self.next = 0;
        }
        let index = self.next;
        let receiver = self.queues.get_mut(index)?;
        self.next += 1;
        if receiver.gone || receiver.leaving {
            return Some((index, false));
        }
        // Another error than "gone" is the device's to count; there may have been packets before it.
        receiver.gone = matches!(receiver.handle.rx.receive(pool, batch), Err(RxError::Gone));
        Some((index, receiver.gone))
    }
}

impl Worker {
    /// Takes one batch from each queue in turn, and again from all while any gives a full one and the budget lasts,
    /// starting where the last turn ended; says how many packets that were, and whether there may be more.
    pub(super) fn receive(&mut self, budget: usize, guard: &Guard<'_>) -> (usize, bool) {
        let mut packets = 0;
        let mut clock = self.cycles.map(|cycles| cycles());
        loop {
            let mut more = false;
            for _ in 0..self.receivers.queues.len() {
                if packets >= budget {
                    return (packets, true);
                }
                let (count, full) = self.receive_one(&mut clock, guard);
                packets += count;
                more |= full;
            }
            if !more {
                return (packets, false);
            }
        }
    }

    /// Takes one batch from the queue whose turn it is; says how many packets that were, and whether it was full.
    /// Its cost is what has passed since `clock`.
    fn receive_one(&mut self, clock: &mut Option<u64>, guard: &Guard<'_>) -> (usize, bool) {
        let batch = &mut self.scratch.packets;
        let Some((index, gone)) = self.receivers.receive(&mut self.engine.pool, batch) else {
            return (0, false);
        };
        let (count, full) = (batch.len(), batch.is_full());
        let receiver = &mut self.receivers.queues[index];
        let port = receiver.handle.port;
        self.engine.ledger.received += count as u64;
        if let Some(policer) = &receiver.policer {
            let now = self.engine.now;
            batch.retain(|packet| policer.admit(packet.len(), now));
            self.engine.ledger.drop_many(DropReason::RxPolicer, (count - batch.len()) as u64);
        }
        if !batch.is_empty() {
            let hint = receiver.hint;
            if !self.process_at_a_glance(hint, guard) {
                self.receivers.queues[index].hint = self.process_from(port, hint, guard);
            }
            let receiver = &mut self.receivers.queues[index];
            if let (Some(cycles), Some(before)) = (self.cycles, clock) {
                let now = cycles();
                let passed = now.wrapping_sub(std::mem::replace(before, now));
                receiver.handle.meter.add(passed, count as u64);
            }
        }
        if gone {
            self.reply(Reply::RxGone(port));
        }
        (count, full)
    }

    /// Hands queues back that were asked back, as soon as nothing of their ports waits here. What came by them has been
    /// sent by then: this is done at the end of a turn.
    pub(super) fn hand_back(&mut self) {
        while let Some(handle) = self.receivers.take_leaving(|port| !self.engine.upcalls.has(port)) {
            self.reply(Reply::Rx(handle));
        }
    }
}
