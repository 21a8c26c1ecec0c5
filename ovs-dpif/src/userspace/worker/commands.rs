//! What the control side asks of a worker.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{TryRecvError, TrySendError};

use ovs_classifier::rcu::Guard;
use ovs_flow::{DpPort, SparseKey, extract_limited};

use super::Worker;
use crate::execute::{Context, Env, execute};
use crate::userspace::message::{Command, Reply};
use crate::{DpifError, DropReason, Execute, FlowPut, Ticket};

/// Megaflows that a flush removes in one turn.
const FLUSHED_PER_TURN: usize = 256;

impl Worker {
    /// Takes up to `budget` commands from the queue. While answers are parked or a flush goes on it takes none,
    /// so that what waits here stays bounded.
    pub(super) fn take_commands(&mut self, budget: usize) -> usize {
        self.send_parked();
        let mut count = 0;
        while count < budget && self.parked.is_empty() && self.flushing.is_none() && !self.closed {
            match self.ends.commands.try_recv() {
                Ok(command) => {
                    self.ends.shared.commands.fetch_sub(1, Ordering::Relaxed);
                    self.taken.push_back(command);
                    count += 1;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => self.close(),
            }
        }
        count
    }

    /// Runs what was taken, in order.
    pub(super) fn run_commands(&mut self, guard: &Guard<'_>) {
        self.go_on_flushing(guard);
        while self.flushing.is_none()
            && let Some(command) = self.taken.pop_front()
        {
            self.run(command, guard);
        }
    }

    fn run(&mut self, command: Command, guard: &Guard<'_>) {
        match command {
            Command::AddTx(port, queue) => self.engine.outputs.add(port, queue),
            Command::AddRx(handle) => self.receivers.add(handle),
            Command::GiveRx(port, number) => self.receivers.stop(port, number),
            Command::Retire => self.retiring = true,
            Command::RemovePort(port) => self.remove_port(port),
            Command::Handler(mut handler) => {
                handler.begin(self.engine.now);
                self.engine.handler = Some(handler);
            }
            Command::Meter(id, meter) => drop(self.engine.meters.set(id, meter)),
            Command::PoliceRx(port, policer) => self.receivers.police(port, policer),
            Command::PoliceTx(port, policer) => self.engine.outputs.police(port, policer),
            Command::Put(ticket, put) => self.put(ticket, *put, guard),
            Command::Delete(ticket, ufid) => {
                let result = self.tables.remove(ufid, guard).map(Some).ok_or(DpifError::NoFlow);
                self.reply(Reply::Done(ticket, result));
            }
            Command::Flush(ticket) => {
                self.flushing = Some((Some(ticket), Some(0)));
                self.go_on_flushing(guard);
            }
            Command::Sync(ticket) => self.reply(Reply::Done(ticket, Ok(None))),
            Command::Execute(ticket, execute) => self.execute(ticket, *execute, guard),
        }
    }

    fn put(&mut self, ticket: Ticket, put: FlowPut, guard: &Guard<'_>) {
        let limit = self.ends.shared.flow_limit.load(Ordering::Relaxed) as usize;
        let ufid = put.ufid.unwrap_or_else(|| crate::identity::flow_ufid(&put.key, &put.mask));
        self.is_fresh(DpPort(put.key.in_port));
        let result = self.tables.put(ufid, put, limit, guard);
        self.reply(Reply::Done(ticket, result));
    }

    fn execute(&mut self, ticket: Ticket, request: Execute, guard: &Guard<'_>) {
        let Execute { mut packet, mut metadata, actions } = request;
        self.engine.ledger.injected += 1;
        // Where the layers begin is all that is wanted of the key.
        extract_limited(&mut packet, &metadata, self.engine.max_vlans, &mut SparseKey::new());
        execute(&mut self.engine, &actions, packet, &mut metadata, Context::default());
        self.settle(guard);
        self.engine.outputs.send(&mut self.engine.ledger);
        self.reply(Reply::Done(ticket, Ok(None)));
    }

    fn remove_port(&mut self, port: DpPort) {
        self.receivers.remove(port);
        for waiting in self.engine.upcalls.forget(port) {
            self.engine.ledger.queued -= 1;
            self.engine.discard(waiting.packet, DropReason::InvalidPort);
        }
        self.engine.outputs.remove(port, &mut self.engine.ledger);
        self.reply(Reply::Released(port));
    }

    /// Removes some of the megaflows that a flush still has to remove.
    fn go_on_flushing(&mut self, guard: &Guard<'_>) {
        let Some((ticket, mut cursor)) = self.flushing else { return };
        if !self.parked.is_empty() {
            return;
        }
        for ufid in self.tables.some(&mut cursor, FLUSHED_PER_TURN, guard) {
            if let Some(stats) = self.tables.remove(ufid, guard) {
                self.reply(Reply::FlowGone(ufid, stats));
            }
        }
        self.flushing = cursor.map(|_| (ticket, cursor));
        if let (None, Some(ticket)) = (cursor, ticket) {
            self.reply(Reply::Done(ticket, Ok(None)));
        }
        self.changed = true;
    }

    /// Comes to an end, step by step: once the last queue is handed back and no packet waits, megaflows go, some in each
    /// turn, and then everything else.
    pub(super) fn retire(&mut self, guard: &Guard<'_>) {
        let busy = !self.receivers.is_empty() || self.engine.upcalls.len() > 0 || self.flushing.is_some();
        if busy || !self.parked.is_empty() || self.closed {
            return;
        }
        if self.tables.flows() > 0 {
            self.flushing = Some((None, Some(0)));
            return self.go_on_flushing(guard);
        }
        self.close();
        self.changed = true;
        self.publish();
        self.reply(Reply::Retired);
    }

    /// Answers. If the queue is full the answer waits here.
    pub(super) fn reply(&mut self, reply: Reply) {
        self.parked.push_back(reply);
        self.send_parked();
    }

    fn send_parked(&mut self) {
        let mut sent = false;
        while let Some(reply) = self.parked.pop_front() {
            match self.ends.replies.try_send(reply) {
                Ok(()) => sent = true,
                Err(TrySendError::Full(reply)) => {
                    self.parked.push_front(reply);
                    break;
                }
                Err(TrySendError::Disconnected(_)) => {
                    self.close();
                    self.parked.clear();
                    break;
                }
            }
        }
        self.ends.shared.parked.store(!self.parked.is_empty(), Ordering::Release);
        if sent && let Some(control) = &self.ends.control {
            control.wake();
        }
    }

    /// Lets go of everything: the datapath is gone, or needs this worker no more.
    fn close(&mut self) {
        self.closed = true;
        self.receivers.clear();
        self.engine.outputs.clear(&mut self.engine.ledger);
    }
}
