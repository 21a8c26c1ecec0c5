//! The control side's end of one worker.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError};

use super::super::Waker;
use super::super::message::{Command, Reply};
use super::super::tables::TableView;
use super::super::worker::Shared;
use crate::{Ticket, WorkerId};

/// Commands that wait on the control side for one worker before operations are refused.
const BACKLOG: usize = 4096;

/// One worker, seen from the control side.
pub(super) struct Link {
    pub id: WorkerId,
    /// It is for queues that cannot be slept on.
    pub polls: bool,
    pub shared: Arc<Shared>,
    pub flows: TableView,
    commands: SyncSender<Command>,
    replies: Receiver<Reply>,
    waker: Option<Arc<dyn Waker>>,
    /// Commands that found the queue full.
    backlog: VecDeque<Command>,
    /// Operations that this worker has not answered, in order.
    asked: VecDeque<Ticket>,
    /// The worker was dropped.
    pub gone: bool,
}

impl Link {
    pub fn new(
        id: WorkerId,
        polls: bool,
        commands: SyncSender<Command>,
        replies: Receiver<Reply>,
        shared: Arc<Shared>,
        flows: TableView,
        waker: Option<Arc<dyn Waker>>,
    ) -> Self {
        let (backlog, asked) = (VecDeque::new(), VecDeque::new());
        Self { id, polls, shared, flows, commands, replies, waker, backlog, asked, gone: false }
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
        let mut sent = false;
        while let Some(command) = self.backlog.pop_front() {
            // Counted first: the worker subtracts as soon as it has the command.
            self.shared.commands.fetch_add(1, Ordering::AcqRel);
            match self.commands.try_send(command) {
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
        match self.replies.try_recv() {
            Ok(reply) => {
                if let Reply::Done(..) = reply {
                    self.asked.pop_front();
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

    /// Operations that a worker which is gone will not answer.
    pub fn abandoned(&mut self) -> VecDeque<Ticket> {
        std::mem::take(&mut self.asked)
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }
}
