//! Operations on megaflows, and their completion.

use super::super::message::{Command, Reply};
use super::UserspaceDatapath;
use super::link::Link;
use crate::{
    Busy, Completion, DpifError, Event, Execute, FlowCursor, FlowStats, FlowView, Op, Ticket, WorkerId,
};

/// Events that wait to be polled, beyond which a sync asks the workers after all.
const MOST_EVENTS: usize = 1024;

/// An operation that some workers have not answered.
pub(super) struct Pending {
    /// Workers that will still answer.
    waiting: usize,
    completion: Completion,
    /// Whether one of them succeeded.
    done: bool,
    error: Option<DpifError>,
}

impl UserspaceDatapath {
    pub(super) fn submit_op(&mut self, op: Op) -> Result<Ticket, Busy> {
        match op {
            Op::FlowPut(put) => self.ask(put.worker, |ticket| Command::Put(ticket, Box::new(put.clone()))),
            Op::FlowDel { ufid, worker } => self.ask(worker, |ticket| Command::Delete(ticket, ufid)),
            Op::FlowFlush => self.ask(None, Command::Flush),
            Op::Sync => self.sync(),
        }
    }

    /// A worker that is between two turns and owes no answer begins its next one after this, so nobody needs to be
    /// woken to say so.
    fn sync(&mut self) -> Result<Ticket, Busy> {
        let now = self.domain.stamp();
        // Whoever submits without polling is refused in the end, as with every operation.
        let resting = self.events.len() < MOST_EVENTS && self.domain.oldest_stamp() > now;
        if resting && self.links.iter().all(|link| link.gone || link.has_answered()) {
            let ticket = self.ticket();
            self.await_answers(ticket, 0);
            return Ok(ticket);
        }
        self.ask(None, Command::Sync)
    }

    /// Asks one worker, or all.
    fn ask(&mut self, only: Option<WorkerId>, command: impl Fn(Ticket) -> Command) -> Result<Ticket, Busy> {
        let wanted = |id: WorkerId| only.is_none_or(|only| only == id);
        let mut chosen = self.links.iter_mut().filter(|link| !link.gone && wanted(link.id));
        if chosen.any(|link| !link.has_room()) {
            return Err(Busy);
        }
        let ticket = self.ticket();
        let mut waiting = 0;
        for link in self.links.iter_mut().filter(|link| !link.gone && wanted(link.id)) {
            link.ask(ticket, command(ticket));
            waiting += 1;
        }
        self.await_answers(ticket, waiting);
        Ok(ticket)
    }

    /// Packets are executed by the first worker that lives and stays.
    pub(super) fn submit_execute(&mut self, execute: Execute) -> Result<Ticket, Busy> {
        let stays = self.links.iter().position(Link::takes_queues);
        let link = stays.or_else(|| self.links.iter().position(|link| !link.gone));
        if link.is_some_and(|index| !self.links[index].has_room()) {
            return Err(Busy);
        }
        let ticket = self.ticket();
        if let Some(index) = link {
            self.links[index].ask(ticket, Command::Execute(ticket, Box::new(execute)));
        }
        self.await_answers(ticket, usize::from(link.is_some()));
        Ok(ticket)
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// Notes how many answers will come; without workers the operation has completed, with nothing done.
    fn await_answers(&mut self, ticket: Ticket, waiting: usize) {
        if waiting == 0 {
            let result = Ok(Completion::default());
            self.events.push_back(Event::Done { ticket, result });
            return;
        }
        let pending = Pending { waiting, completion: Completion::default(), done: false, error: None };
        self.pending.insert(ticket, pending);
    }

    /// Gives a worker what waits for it, and takes its answers.
    pub(super) fn exchange(&mut self, index: usize) {
        self.links[index].flush();
        while let Some(reply) = self.links[index].answer() {
            let worker = self.links[index].id;
            match reply {
                Reply::Done(ticket, result) => self.answered(worker, ticket, result),
                Reply::FlowGone(ufid, stats) => {
                    self.events.push_back(Event::FlowGone { ufid, worker, stats });
                }
                Reply::Released(port) => self.ports.released(port, worker),
                Reply::Rx(handle) => self.ports.queues.returned(handle, &mut self.links),
                Reply::Retired => {}
                Reply::RxGone(port) => self.events.push_back(Event::PortChanged(port)),
            }
        }
        if let Some(abandoned) = self.links[index].bury() {
            let worker = self.links[index].id;
            for ticket in abandoned {
                self.answered(worker, ticket, Err(DpifError::WorkerGone(worker)));
            }
            self.ports.worker_gone(worker);
        }
    }

    fn answered(&mut self, worker: WorkerId, ticket: Ticket, result: Result<Option<FlowStats>, DpifError>) {
        let Some(pending) = self.pending.get_mut(&ticket) else { return };
        pending.waiting -= 1;
        match result {
            Ok(stats) => {
                pending.done = true;
                pending.completion.stats.extend(stats.map(|stats| (worker, stats)));
            }
            Err(error) => pending.error = pending.error.take().or(Some(error)),
        }
        if pending.waiting > 0 {
            return;
        }
        let Some(pending) = self.pending.remove(&ticket) else { return };
        // A flow that only some workers have is changed or removed there, and that is success.
        let result = match pending.error {
            Some(DpifError::NoFlow) if pending.done => Ok(pending.completion),
            Some(error) => Err(error),
            None => Ok(pending.completion),
        };
        self.events.push_back(Event::Done { ticket, result });
    }

    pub(super) fn dump(
        &mut self,
        cursor: &mut FlowCursor,
        max: usize,
        show: &mut dyn FnMut(FlowView<'_>),
    ) -> bool {
        let guard = self.reader.enter();
        let mut left = max;
        while let Some(link) = self.links.get(cursor.worker as usize) {
            let limit = left;
            let mut count = |flow: FlowView<'_>| {
                left -= 1;
                show(flow);
            };
            let flows = link.flows.as_ref();
            let position =
                flows.and_then(|flows| flows.dump(cursor.position, limit, link.id, &guard, &mut count));
            match position {
                Some(position) => {
                    cursor.position = position;
                    return true;
                }
                None => *cursor = FlowCursor { worker: cursor.worker + 1, position: 0 },
            }
        }
        false
    }
}
