//! Where connections live: in pages that never move.

use super::connection::Connection;

/// Connections of a page.
const PAGE: usize = 256;

struct Place {
    /// How many connections have lived here.
    generation: u32,
    connection: Option<Connection>,
}

/// Connections by slot.
#[derive(Default)]
pub(super) struct Slab {
    pages: Vec<Vec<Place>>,
    free: Vec<u32>,
    live: u32,
}

/// Names a connection for as long as it lives: never 0, and in use again only after 2^32 others in its place.
pub(super) fn name(slot: u32, generation: u32) -> u64 {
    (u64::from(generation) << 32) | (u64::from(slot) + 1)
}

impl Slab {
    /// Connections.
    pub fn len(&self) -> u32 {
        self.live
    }

    /// Slots, used or not.
    pub fn slots(&self) -> u32 {
        self.pages.last().map_or(0, |last| ((self.pages.len() - 1) * PAGE + last.len()) as u32)
    }

    fn place(&self, slot: u32) -> Option<&Place> {
        self.pages.get(slot as usize / PAGE)?.get(slot as usize % PAGE)
    }

    fn place_mut(&mut self, slot: u32) -> Option<&mut Place> {
        self.pages.get_mut(slot as usize / PAGE)?.get_mut(slot as usize % PAGE)
    }

    /// The connection in a slot.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&Connection> {
        self.place(slot)?.connection.as_ref()
    }

    /// The connection in a slot, to change.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Connection> {
        self.place_mut(slot)?.connection.as_mut()
    }

    /// The name of what lives in a slot.
    pub fn name(&self, slot: u32) -> u64 {
        self.place(slot).map_or(0, |place| name(slot, place.generation))
    }

    /// The slot of a name, if who had it still lives.
    pub fn named(&self, of: u64) -> Option<u32> {
        let slot = (of as u32).checked_sub(1)?;
        let place = self.place(slot)?;
        (place.connection.is_some() && name(slot, place.generation) == of).then_some(slot)
    }

    /// Takes a connection in.
    pub fn insert(&mut self, connection: Connection) -> u32 {
        self.live += 1;
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.place_mut(slot)
        {
            place.connection = Some(connection);
            return slot;
        }
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let slot = self.slots();
        if let Some(page) = self.pages.last_mut() {
            page.push(Place { generation: 0, connection: Some(connection) });
        }
        slot
    }

    /// Takes a connection out.
    pub fn remove(&mut self, slot: u32) -> Option<Connection> {
        let place = self.place_mut(slot)?;
        let connection = place.connection.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot);
        self.live -= 1;
        Some(connection)
    }
}
