//! Where connections live: places in pages that never move, never go, and are found without a lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::place::Place;

/// Places of a page, pages of a book, books.
const PLACES: u32 = 256;
const PAGES: u32 = 256;
const BOOKS: u32 = 256;
/// Places that are taken at once.
pub(super) const CHUNK: u32 = 32;

type Page = Box<[Place]>;
type Book = Box<[OnceLock<Page>]>;

/// Places by number.
pub(in super::super) struct Slab {
    books: Box<[OnceLock<Book>]>,
    /// Places that are taken, from the first on.
    taken: AtomicU32,
}

impl Default for Slab {
    fn default() -> Self {
        Self { books: (0..BOOKS).map(|_| OnceLock::new()).collect(), taken: AtomicU32::new(0) }
    }
}

impl Slab {
    /// The place with a number, if it is taken.
    #[inline]
    pub fn get(&self, id: u32) -> Option<&Place> {
        let book = self.books.get((id / PLACES / PAGES) as usize)?.get()?;
        book.get((id / PLACES % PAGES) as usize)?.get()?.get((id % PLACES) as usize)
    }

    /// Places that are taken.
    pub fn len(&self) -> u32 {
        self.taken.load(Ordering::Acquire)
    }

    /// Takes [`CHUNK`] more; gives the first, or none if all are taken.
    pub fn take(&self) -> Option<u32> {
        let more = |taken: u32| (taken < BOOKS * PAGES * PLACES).then(|| taken + CHUNK);
        let first = self.taken.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).ok()?;
        let book = self.books.get((first / PLACES / PAGES) as usize)?;
        let book = book.get_or_init(|| (0..PAGES).map(|_| OnceLock::new()).collect());
        let page = book.get((first / PLACES % PAGES) as usize)?;
        page.get_or_init(|| (0..PLACES).map(|_| Place::default()).collect());
        Some(first)
    }
}
