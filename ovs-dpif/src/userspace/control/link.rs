//! The control side's end of one worker.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError};

use super::super::Waker;
use super::super::message::{Command, Reply};
use super::super::tables::TableView;
use super::super::worker::Shared;
use super::assign::Seat;
use crate::{Ticket, WorkerId};

/// Commands that wait on the control side for one worker before operations are refused.
const BACKLOG: usize = 4096;

/// One worker, seen from the control side.
pub(super) struct Link {
    pub id: WorkerId,
    /// It is for queues that cannot be slept on.
    pub polls: bool,
    /// The core that its thread is bound to.
    pub core: Option<usize>,
    /// The NUMA node of that core.
    pub numa: u32,
    /// It was asked to come to an end.
    pub retiring: bool,
    pub shared: Arc<Shared>,
    /// Its megaflows; none once it has come to its end.
    pub flows: Option<TableView>,
    /// The queues both ways; none once it is buried.
    queues: Option<(SyncSender<Command>, Receiver<Reply>)>,
    waker: Option<Arc<dyn Waker>>,
    /// Commands that found the queue full.
    backlog: VecDeque<Command>,
    /// Operations that this worker has not answered, in order.
    asked: VecDeque<Ticket>,
    /// The worker was dropped, or has come to its end.
    pub gone: bool,
}

impl Link {
    pub fn new(
        seat: Seat,
        commands: SyncSender<Command>,
        replies: Receiver<Reply>,
        shared: Arc<Shared>,
        flows: TableView,
        waker: Option<Arc<dyn Waker>>,
    ) -> Self {
        let (backlog, asked) = (VecDeque::new(), VecDeque::new());
        let (retiring, gone) = (false, false);
        let Seat { worker: id, polls, core, numa } = seat;
        let (flows, queues) = (Some(flows), Some((commands, replies)));
        Self { id, polls, core, numa, retiring, shared, flows, queues, waker, backlog, asked, gone }
    }

    /// Whether it may be given queues.
    pub fn takes_queues(&self) -> bool {
        !self.gone && !self.retiring
    }

    /// Whether another operation may be submitted.
    pub fn has_room(&self) -> bool {
        self.backlog.len() < BACKLOG
    }

    /// Whether the worker has answered everything that it was given.
    pub fn has_answered(&self) -> bool {
        self.asked.is_empty() && self.backlog.is_empty()
    }

    /// Submits an operation, which the worker will answer under this ticket.
    pub fn ask(&mut self, ticket: Ticket, command: Command) {
        self.asked.push_back(ticket);
        self.push(command);
    }

    /// Gives the worker a command.
    pub fn push(&mut self, command: Command) {
        self.backlog.push_back(command);
        self.flush();
    }

    /// Moves commands from the backlog into the queue while there is room.
    pub fn flush(&mut self) {
        let Some((commands, _)) = &self.queues else { return self.backlog.clear() };
        let mut sent = false;
        while let Some(command) = self.backlog.pop_front() {
            // Counted first: the worker subtracts as soon as it has the command.
            self.shared.commands.fetch_add(1, Ordering::AcqRel);
            match commands.try_send(command) {
                Ok(()) => sent = true,
                Err(error) => {
                    self.shared.commands.fetch_sub(1, Ordering::AcqRel);
                    match error {
                        TrySendError::Full(command) => self.backlog.push_front(command),
                        TrySendError::Disconnected(_) => self.backlog.clear(),
                    }
                    break;
                }
            }
        }
        if sent {
            self.wake();
        }
    }

    /// The next answer. The worker is gone for good when there is no answer and `gone` is set.
    pub fn answer(&mut self) -> Option<Reply> {
        match self.queues.as_ref()?.1.try_recv() {
            Ok(reply) => {
                match reply {
                    Reply::Done(..) => drop(self.asked.pop_front()),
                    Reply::Retired => {
                        self.gone = true;
                        self.flows = None;
                    }
                    _ => {}
                }
                if self.shared.parked.load(Ordering::Acquire) {
                    self.wake();
                }
                Some(reply)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.gone = true;
                None
            }
        }
    }

    /// Forgets a worker that is gone: operations that it will not answer; `None` if that was done before.
    pub fn bury(&mut self) -> Option<VecDeque<Ticket>> {
        // Their memory goes with the queues: workers may come and go for years.
        self.queues.take_if(|_| self.gone)?;
        self.backlog.clear();
        Some(std::mem::take(&mut self.asked))
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }
}
