//! A packed virtqueue (virtio 1.1 section 2.7): one ring of descriptors, in which the driver's are replaced by the device's.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::chain::{Chain, DESCRIPTOR, Descriptor, INDIRECT, NEXT, Next, PIECES_MAX, Piece, WRITE};
use super::{ENTRIES_MAX, Setup, is_passed};
use crate::vhost::memory::{Memory, Place};
use crate::vhost::message::Malformed;
use crate::vhost::session::feature;

const AVAILABLE: u16 = 1 << 7;
const USED: u16 = 1 << 15;
/// Where a descriptor has its flags.
const FLAGS: usize = 14;

// A structure by which one side says when it wants to be woken: never, or at a place.
const EVENT: usize = 4;
const NEVER: u16 = 1;
const AT_PLACE: u16 = 2;

/// Where one side is in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    index: u16,
    /// True in the first round, false in the second, and so on.
    wrap: bool,
}

impl Position {
    const fn of(word: u16) -> Self {
        Self { index: word & 0x7fff, wrap: word & 0x8000 != 0 }
    }

    const fn word(self) -> u16 {
        self.index | (self.wrap as u16) << 15
    }

    /// So many entries later, in a ring of `entries`.
    fn after(self, count: u16, entries: u16) -> Self {
        let index = u32::from(self.index) + u32::from(count);
        match index.checked_sub(entries.into()) {
            None => Self { index: index as u16, ..self },
            Some(index) => Self { index: index as u16, wrap: !self.wrap },
        }
    }

    /// So many entries before.
    fn before(self, count: u16, entries: u16) -> Self {
        match self.index.checked_sub(count) {
            Some(index) => Self { index, ..self },
            None => Self { index: self.index + (entries - count), wrap: !self.wrap },
        }
    }

    /// Counted through two rounds.
    fn in_two_rounds(self, entries: u16) -> u32 {
        u32::from(self.index) + if self.wrap { 0 } else { u32::from(entries) }
    }
}

/// See the module's head.
#[derive(Debug)]
pub(in crate::vhost) struct Packed {
    memory: Arc<Memory>,
    entries: u16,
    descriptors: Place,
    /// What the driver says of being woken, and what we say.
    driver: Place,
    device: Place,
    next_available: Position,
    next_used: Position,
    /// The flags of the first chain that was given back and that the driver does not see yet, and their place: all that come after
    /// it are seen with it.
    held: Option<(u16, u16)>,
    /// Entries that were given back and that the driver does not see yet.
    given: u32,
    indirect: bool,
    events: bool,
    armed: Option<Position>,
    broken: bool,
}

impl Packed {
    pub fn new(setup: Setup) -> Result<Self, Malformed> {
        let [descriptors, driver, device] = Self::places(&setup).ok_or(Malformed::Ring)?;
        let (indirect, events) = (setup.has(feature::INDIRECT_DESC), setup.has(feature::EVENT_IDX));
        let next_available = Position::of(setup.base as u16);
        // Frontends that do not say where the used ones end mean that there is nothing in between.
        let used = (setup.base >> 16) as u16;
        let next_used = if used == 0 { next_available } else { Position::of(used) };
        let entries = setup.entries as u16;
        if next_available.index >= entries || next_used.index >= entries {
            return Err(Malformed::Ring);
        }
        Ok(Self {
            memory: setup.memory,
            entries,
            descriptors,
            driver,
            device,
            next_available,
            next_used,
            held: None,
            given: 0,
            indirect,
            events,
            armed: None,
            broken: false,
        })
    }

    fn places(setup: &Setup) -> Option<[Place; 3]> {
        let ([descriptors, driver, device], memory) = (setup.addresses, &setup.memory);
        if setup.entries == 0 || setup.entries > ENTRIES_MAX || !descriptors.is_multiple_of(16) {
            return None;
        }
        let descriptors = memory.at_user(descriptors, DESCRIPTOR * setup.entries as usize)?;
        let places = [descriptors, memory.at_user(driver, EVENT)?, memory.at_user(device, EVENT)?];
        places.iter().all(|place| memory.is_even(*place)).then_some(places)
    }

    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Both positions in one word.
    pub fn base(&self) -> u32 {
        u32::from(self.next_available.word()) | u32::from(self.next_used.word()) << 16
    }

    /// Whether the driver has made the next descriptor available.
    fn is_there(&self) -> bool {
        let flags =
            self.memory.load(self.descriptors, DESCRIPTOR * usize::from(self.next_available.index) + FLAGS);
        let wrap = self.next_available.wrap;
        (flags & AVAILABLE != 0) == wrap && (flags & USED != 0) != wrap
    }

    pub fn pop(&mut self, written: bool, pieces: &mut Vec<Piece>) -> Next {
        if self.broken {
            return Next::Broken;
        }
        if !self.is_there() {
            return Next::Empty;
        }
        let Some((chain, is_sound)) = self.walk(written, pieces) else {
            // It has no end, and thus no number by which it could be given back.
            self.broken = true;
            return Next::Broken;
        };
        self.next_available = self.next_available.after(chain.slots, self.entries);
        if is_sound { Next::Chain(chain) } else { Next::Bad(chain) }
    }

    /// Goes to a chain's end, which has its number, collects its pieces, and says whether they are as they must be. None if it
    /// has none, or is longer than any that makes sense.
    fn walk(&self, written: bool, pieces: &mut Vec<Piece>) -> Option<(Chain, bool)> {
        let (mut at, mut is_sound) = (usize::from(self.next_available.index), true);
        for slots in 1..=self.entries.min(PIECES_MAX as u16) {
            let descriptor = Descriptor::read(&self.memory, self.descriptors, at);
            let [id, flags] = descriptor.numbers;
            if is_sound {
                is_sound = if flags & INDIRECT == 0 {
                    let piece = descriptor.piece(&self.memory, flags, written);
                    pieces.extend(piece);
                    piece.is_some()
                } else {
                    // It is alone.
                    self.indirect
                        && slots == 1
                        && flags & NEXT == 0
                        && self.table(descriptor, written, pieces).is_some()
                };
            }
            if flags & NEXT == 0 {
                return Some((Chain { id, slots, noted: 0, again: false }, is_sound));
            }
            at = if at + 1 == usize::from(self.entries) { 0 } else { at + 1 };
        }
        None
    }

    /// Collects the pieces in a table: one after the other.
    fn table(&self, descriptor: Descriptor, written: bool, pieces: &mut Vec<Piece>) -> Option<()> {
        let (table, count) = descriptor.table(&self.memory)?;
        if count > PIECES_MAX {
            return None;
        }
        for at in 0..count {
            let descriptor = Descriptor::read(&self.memory, table, at);
            let [_, flags] = descriptor.numbers;
            let piece =
                if flags & INDIRECT == 0 { descriptor.piece(&self.memory, flags, written) } else { None };
            pieces.push(piece?);
        }
        Some(())
    }

    pub fn put_back(&mut self, chain: Chain) {
        self.next_available = self.next_available.before(chain.slots, self.entries);
    }

    pub fn give_back(&mut self, chain: Chain, len: u32) {
        let at = DESCRIPTOR * usize::from(self.next_used.index);
        let mut bytes = [0; 6];
        bytes[..4].copy_from_slice(&len.to_le_bytes());
        bytes[4..].copy_from_slice(&chain.id.to_le_bytes());
        self.memory.write(self.descriptors, at + 8, &bytes);
        let wrap = if self.next_used.wrap { AVAILABLE | USED } else { 0 };
        let flags = wrap | if len > 0 { WRITE } else { 0 };
        match self.held {
            None => self.held = Some((self.next_used.index, flags)),
            Some(_) => self.memory.store(self.descriptors, at + FLAGS, flags),
        }
        self.next_used = self.next_used.after(chain.slots, self.entries);
        self.given = self.given.saturating_add(chain.slots.into());
    }

    pub fn publish(&mut self) -> bool {
        let Some((first, flags)) = self.held.take() else { return false };
        self.memory.store(self.descriptors, DESCRIPTOR * usize::from(first) + FLAGS, flags);
        let given = std::mem::take(&mut self.given);
        // What it wants must be read after it can see them.
        fence(Ordering::SeqCst);
        match self.memory.load(self.driver, 2) {
            NEVER => false,
            AT_PLACE if self.events => {
                let event = Position::of(self.memory.load(self.driver, 0));
                let event = Position { index: event.index.min(self.entries - 1), ..event };
                let [event, new] = [event, self.next_used].map(|place| place.in_two_rounds(self.entries));
                is_passed(event, new, given, 2 * u32::from(self.entries))
            }
            _ => true,
        }
    }

    pub fn arm(&mut self) -> bool {
        if !self.events || self.armed == Some(self.next_available) {
            return false;
        }
        self.armed = Some(self.next_available);
        self.memory.store(self.device, 0, self.next_available.word());
        self.memory.store(self.device, 2, AT_PLACE);
        // Whether there is more must be read after the driver can see that.
        fence(Ordering::SeqCst);
        self.is_there()
    }
}
