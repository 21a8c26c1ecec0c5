//! A split virtqueue (virtio 1.1 section 2.6).

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::chain::{Chain, DESCRIPTOR, Descriptor, INDIRECT, NEXT, Next, PIECES_MAX, Piece};
use super::inflight::Tracker;
use super::{ENTRIES_MAX, Setup, is_passed};
use crate::vhost::memory::{Memory, Place};
use crate::vhost::message::Malformed;
use crate::vhost::session::feature;

/// The driver does not want to be called.
const NO_INTERRUPT: u16 = 1;

/// See the module's head.
#[derive(Debug)]
pub(in crate::vhost) struct Split {
    memory: Arc<Memory>,
    entries: u16,
    descriptors: Place,
    available: Place,
    used: Place,
    next_available: u16,
    next_used: u16,
    /// What of `next_used` the driver sees.
    published: u16,
    indirect: bool,
    /// Both sides say at which number they want to be woken.
    events: bool,
    /// The number at which the driver kicks.
    armed: Option<u16>,
    tracker: Option<Tracker>,
    /// Chains that were in flight at the start, the next one last.
    again: Vec<u16>,
    broken: bool,
}

impl Split {
    pub fn new(setup: Setup) -> Result<Self, Malformed> {
        let [descriptors, available, used] = Self::places(&setup).ok_or(Malformed::Ring)?;
        let (indirect, events) = (setup.has(feature::INDIRECT_DESC), setup.has(feature::EVENT_IDX));
        let next_used = setup.memory.load(used, 2);
        let mut ring = Self {
            memory: setup.memory,
            entries: setup.entries as u16,
            descriptors,
            available,
            used,
            next_available: setup.base as u16,
            next_used,
            published: next_used,
            indirect,
            events,
            armed: None,
            tracker: None,
            again: Vec::new(),
            broken: false,
        };
        if let Some((memory, place)) = setup.inflight {
            let (tracker, found) = Tracker::new(memory, place, ring.entries, next_used)?;
            ring.tracker = Some(tracker);
            if let Some(again) = found {
                // What was taken is what came back and what did not, whatever a frontend whose backend died knows of it.
                ring.next_available = next_used.wrapping_add(again.len() as u16);
                ring.again = again;
            }
        }
        Ok(ring)
    }

    fn places(setup: &Setup) -> Option<[Place; 3]> {
        let ([descriptors, available, used], memory) = (setup.addresses, &setup.memory);
        if !setup.entries.is_power_of_two() || setup.entries > ENTRIES_MAX {
            return None;
        }
        if !descriptors.is_multiple_of(16) || !available.is_multiple_of(2) || !used.is_multiple_of(4) {
            return None;
        }
        let (count, event) = (setup.entries as usize, if setup.has(feature::EVENT_IDX) { 2 } else { 0 });
        let descriptors = memory.at_user(descriptors, DESCRIPTOR * count)?;
        let available = memory.at_user(available, 4 + 2 * count + event)?;
        let used = memory.at_user(used, 4 + 8 * count + event)?;
        (memory.is_even(available) && memory.is_even(used)).then_some([descriptors, available, used])
    }

    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// How many chains were taken, counted without end.
    pub fn base(&self) -> u32 {
        u32::from(self.next_available)
    }

    /// Chains that wait.
    fn pending(&self) -> u16 {
        self.memory.load(self.available, 2).wrapping_sub(self.next_available)
    }

    pub fn pop(&mut self, written: bool, pieces: &mut Vec<Piece>) -> Next {
        let again = self.again.pop();
        let head = match again {
            Some(head) => head,
            None => match self.next() {
                Ok(head) => head,
                Err(next) => return next,
            },
        };
        let chain = Chain { id: head, slots: 1, noted: head, again: again.is_some() };
        match self.walk(head, written, pieces) {
            Some(()) => Next::Chain(chain),
            None => Next::Bad(chain),
        }
    }

    /// Takes the next head out of the ring.
    fn next(&mut self) -> Result<u16, Next> {
        let pending = self.pending();
        if pending == 0 && !self.broken {
            return Err(Next::Empty);
        }
        self.broken |= pending > self.entries;
        if self.broken {
            return Err(Next::Broken);
        }
        let slot = usize::from(self.next_available & (self.entries - 1));
        let mut head = [0; 2];
        self.memory.read(self.available, 4 + 2 * slot, &mut head);
        let head = u16::from_le_bytes(head);
        if head >= self.entries {
            // It cannot even be given back.
            self.broken = true;
            return Err(Next::Broken);
        }
        self.next_available = self.next_available.wrapping_add(1);
        if let Some(tracker) = &mut self.tracker {
            tracker.take(head);
        }
        Ok(head)
    }

    /// Collects a chain's pieces; None if it is not as it must be.
    fn walk(&self, head: u16, written: bool, pieces: &mut Vec<Piece>) -> Option<()> {
        let (mut table, mut entries, mut within) = (self.descriptors, usize::from(self.entries), false);
        let mut at = head;
        for _ in 0..=PIECES_MAX {
            if usize::from(at) >= entries {
                return None;
            }
            let descriptor = Descriptor::read(&self.memory, table, usize::from(at));
            let [flags, next] = descriptor.numbers;
            if flags & INDIRECT != 0 {
                // It ends a chain, and there is none within one.
                if within || !self.indirect || flags & NEXT != 0 {
                    return None;
                }
                (table, entries) = descriptor.table(&self.memory)?;
                (at, within) = (0, true);
                continue;
            }
            pieces.push(descriptor.piece(&self.memory, flags, written)?);
            if flags & NEXT == 0 {
                return Some(());
            }
            at = next;
        }
        // Too long, or a loop.
        None
    }

    pub fn put_back(&mut self, chain: Chain) {
        if chain.again {
            self.again.push(chain.id);
            return;
        }
        if let Some(tracker) = &mut self.tracker {
            tracker.put_back(chain.id);
        }
        self.next_available = self.next_available.wrapping_sub(1);
    }

    pub fn give_back(&mut self, chain: Chain, len: u32) {
        let slot = usize::from(self.next_used & (self.entries - 1));
        let mut entry = [0; 8];
        entry[..4].copy_from_slice(&u32::from(chain.id).to_le_bytes());
        entry[4..].copy_from_slice(&len.to_le_bytes());
        self.memory.write(self.used, 4 + 8 * slot, &entry);
        self.next_used = self.next_used.wrapping_add(1);
        if let Some(tracker) = &mut self.tracker {
            tracker.give_back(chain.id);
        }
    }

    pub fn publish(&mut self) -> bool {
        let count = self.next_used.wrapping_sub(self.published);
        if count == 0 {
            return false;
        }
        self.memory.store(self.used, 2, self.next_used);
        self.published = self.next_used;
        if let Some(tracker) = &mut self.tracker {
            tracker.published(self.next_used);
        }
        // What it wants must be read after it can see the number.
        fence(Ordering::SeqCst);
        if self.events {
            let event = self.memory.load(self.available, 4 + 2 * usize::from(self.entries));
            is_passed(event.into(), self.next_used.into(), count.into(), 1 << 16)
        } else {
            self.memory.load(self.available, 0) & NO_INTERRUPT == 0
        }
    }

    pub fn arm(&mut self) -> bool {
        // Without numbers for it each chain comes with a kick.
        if !self.events || self.armed == Some(self.next_available) {
            return false;
        }
        self.armed = Some(self.next_available);
        self.memory.store(self.used, 4 + 8 * usize::from(self.entries), self.next_available);
        // Whether there is more must be read after the driver can see that.
        fence(Ordering::SeqCst);
        self.pending() != 0
    }
}
