//! Packets that missed and wait for their upcall: a bounded queue for each port, served in turn.

use std::collections::{BTreeMap, VecDeque};

use ovs_flow::{DpPort, Metadata};
use ovs_packet::Packet;

/// A packet that waits.
pub(super) struct Waiting {
    pub packet: Packet,
    pub metadata: Metadata,
    /// How often it has recirculated.
    pub depth: u8,
    /// How many megaflows had been added when none was found for it.
    pub added: u32,
}

/// The queues.
pub(super) struct Upcalls {
    queues: BTreeMap<DpPort, VecDeque<Waiting>>,
    /// Ports whose queue is not empty, in the order in which they are served.
    turns: VecDeque<DpPort>,
    limit: usize,
    count: usize,
}

impl Upcalls {
    /// Queues of at most `limit` packets each.
    pub fn new(limit: usize) -> Self {
        Self { queues: BTreeMap::new(), turns: VecDeque::new(), limit, count: 0 }
    }

    /// Packets in all queues.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether a packet of this port waits.
    pub fn has(&self, port: DpPort) -> bool {
        self.queues.get(&port).is_some_and(|queue| !queue.is_empty())
    }

    /// Adds a packet at the end of its port's queue, or gives it back if that is full.
    pub fn push(&mut self, waiting: Waiting) -> Result<(), Waiting> {
        let port = waiting.metadata.in_port;
        let queue = self.queues.entry(port).or_default();
        if queue.len() >= self.limit {
            return Err(waiting);
        }
        if queue.is_empty() {
            self.turns.push_back(port);
        }
        queue.push_back(waiting);
        self.count += 1;
        Ok(())
    }

    /// Takes the next packet: one of each port in turn.
    pub fn pop(&mut self) -> Option<Waiting> {
        let port = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&port)?;
        let waiting = queue.pop_front()?;
        self.count -= 1;
        if !queue.is_empty() {
            self.turns.push_back(port);
        }
        Some(waiting)
    }

    /// Puts a packet back that [`Upcalls::pop`] gave: it is the next one again.
    pub fn unpop(&mut self, waiting: Waiting) {
        let port = waiting.metadata.in_port;
        let queue = self.queues.entry(port).or_default();
        if queue.is_empty() {
            self.turns.push_front(port);
        } else if let Some(at) = self.turns.iter().rposition(|p| *p == port) {
            self.turns.remove(at);
            self.turns.push_front(port);
        }
        queue.push_front(waiting);
        self.count += 1;
    }

    /// Takes all packets of a port out for a moment; [`Upcalls::give_back`] must follow.
    pub fn lend(&mut self, port: DpPort) -> VecDeque<Waiting> {
        let queue = self.queues.get_mut(&port).map(std::mem::take).unwrap_or_default();
        self.count -= queue.len();
        queue
    }

    /// Puts back what is left of a port's packets, in front of those that have come meanwhile.
    pub fn give_back(&mut self, port: DpPort, mut queue: VecDeque<Waiting>) {
        self.count += queue.len();
        let place = self.queues.entry(port).or_default();
        queue.append(place);
        let mut turns = usize::from(!queue.is_empty());
        // Its old turn stands, and one that has come meanwhile goes.
        self.turns.retain(|p| *p != port || std::mem::replace(&mut turns, 0) > 0);
        if turns > 0 {
            self.turns.push_back(port);
        }
        *place = queue;
    }

    /// Takes all packets of a port, whose queue is gone then.
    pub fn forget(&mut self, port: DpPort) -> VecDeque<Waiting> {
        self.turns.retain(|p| *p != port);
        let queue = self.queues.remove(&port).unwrap_or_default();
        self.count -= queue.len();
        queue
    }
}
