//! What a dummy device, its queues and its handles share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::DEFAULT_QUEUE;
use crate::{EtherAddr, Statistics};

/// Locks, also after another thread panicked while it held the lock: the state is plain counters and queues.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
pub(super) struct State {
    pub open: bool,
    pub mac: EtherAddr,
    pub mtu: u32,
    pub admin_up: bool,
    pub link_up: bool,
    pub link_resets: u64,
    pub changes: u64,
    pub ifindex: Option<u32>,
    /// By receive queue.
    pub inboxes: Vec<VecDeque<Vec<u8>>>,
    pub outbox: VecDeque<Vec<u8>>,
    pub keep_sent: bool,
    pub statistics: Statistics,
}

/// A test's grip on a dummy device. Clones are the same device.
#[derive(Clone, Debug)]
pub struct DummyHandle {
    name: Arc<str>,
    pub(super) state: Arc<Mutex<State>>,
}

impl DummyHandle {
    pub(super) fn new(name: &str, mac: EtherAddr, queues: usize) -> Self {
        let count = || Some(0);
        let statistics = Statistics {
            rx_packets: count(),
            tx_packets: count(),
            rx_bytes: count(),
            tx_bytes: count(),
            // Drops are unknown until there is one: the original's dummies never tell of any.
            ..Statistics::default()
        };
        let state = State {
            open: true,
            mac,
            mtu: 1500,
            admin_up: true,
            link_up: true,
            link_resets: 0,
            changes: 1,
            ifindex: None,
            inboxes: vec![VecDeque::new(); queues],
            outbox: VecDeque::new(),
            keep_sent: true,
            statistics,
        };
        Self { name: name.into(), state: Arc::new(Mutex::new(state)) }
    }

    /// The device's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the device still exists.
    pub fn is_open(&self) -> bool {
        lock(&self.state).open
    }

    /// Lets the device receive a frame, by its first queue. `false`, and one more `rx_dropped`, if the queue is full.
    pub fn receive(&self, frame: Vec<u8>) -> bool {
        self.receive_by(0, frame)
    }

    /// As [`DummyHandle::receive`], by a queue. `false` also if there is no such queue.
    pub fn receive_by(&self, queue: usize, frame: Vec<u8>) -> bool {
        let mut state = lock(&self.state);
        let Some(inbox) = state.inboxes.get_mut(queue).filter(|inbox| inbox.len() < DEFAULT_QUEUE) else {
            bump(&mut state.statistics.rx_dropped, 1);
            return false;
        };
        inbox.push_back(frame);
        true
    }

    /// How many receive queues it has.
    pub fn queues(&self) -> usize {
        lock(&self.state).inboxes.len()
    }

    /// Frames that wait to be received by the switch.
    pub fn pending(&self) -> usize {
        lock(&self.state).inboxes.iter().map(VecDeque::len).sum()
    }

    /// What the switch has sent since the last call, in order.
    pub fn take_sent(&self) -> Vec<Vec<u8>> {
        lock(&self.state).outbox.drain(..).collect()
    }

    /// Whether sent frames are kept for [`DummyHandle::take_sent`] (they are at first) or only counted.
    pub fn keep_sent(&self, keep: bool) {
        let mut state = lock(&self.state);
        state.keep_sent = keep;
        if !keep {
            state.outbox.clear();
        }
    }

    /// Sets carrier.
    pub fn set_link(&self, up: bool) {
        let mut state = lock(&self.state);
        if state.link_up != up {
            state.link_up = up;
            state.link_resets += 1;
            state.changes += 1;
        }
    }

    /// Sets the administrative state, as a user outside of the switch would.
    pub fn set_admin(&self, up: bool) {
        let mut state = lock(&self.state);
        if state.admin_up != up {
            state.admin_up = up;
            state.changes += 1;
        }
    }
}

pub(super) fn bump(counter: &mut Option<u64>, by: u64) {
    if by > 0 {
        *counter = Some(counter.unwrap_or(0) + by);
    }
}
