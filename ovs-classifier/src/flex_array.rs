//! The flex array: a large array without a large allocation.
//!
//! Elements lie in *parts* of a page each, and one page of pointers leads to the parts:
//!
//! ```text
//!   pointers (one page)        parts (made when first needed)
//!   ┌───┬───┬───┬───┐
//!   │ ● │ ○ │ ● │ … │──▶ part 2: elements 2·n … 3·n−1
//!   └─┼─┴───┴───┴───┘
//!     └─────▶ part 0: elements 0 … n−1
//! ```
//!
//! An array that is larger than a page of pointers to single pages can lead to has parts of 2, 4, 8 …
//! pages. Parts never move and stay until the array is cleared or dropped, so a reader needs no guard, and a part
//! can be added under shared references.

use alloc::boxed::Box;
use core::fmt;

use crate::rcu::Once;

const PAGE: usize = 4096;
/// Pointers in a page.
const PARTS: usize = PAGE / size_of::<usize>();

/// An array of a fixed capacity in page-sized parts.
pub struct FlexArray<T> {
    parts: Box<[Once<Box<[T]>>]>,
    /// Elements in a part: 1 << this.
    part_bits: u32,
    capacity: usize,
}

impl<T> FlexArray<T> {
    /// An array for this many elements, without parts.
    pub fn with_capacity(capacity: usize) -> Self {
        let in_a_page = (PAGE / size_of::<T>().max(1)).max(1);
        let mut part_bits = in_a_page.ilog2();
        while capacity.div_ceil(1 << part_bits) > PARTS {
            part_bits += 1;
        }
        let parts = (0..capacity.div_ceil(1 << part_bits)).map(|_| Once::new()).collect();
        Self { parts, part_bits, capacity }
    }

    /// The elements that it can have.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Elements in a part.
    pub fn part_len(&self) -> usize {
        1 << self.part_bits
    }

    /// Parts that are there.
    pub fn parts(&self) -> usize {
        self.parts.iter().filter(|part| part.get().is_some()).count()
    }

    /// Element `index`; `None` beyond the capacity, or if its part is not there.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        let part = self.parts.get(index >> self.part_bits)?.get()?;
        part.get(index & (self.part_len() - 1))
    }

    /// [`FlexArray::get`] for the owner.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let within = index & (self.part_len() - 1);
        self.parts.get_mut(index >> self.part_bits)?.get_mut()?.get_mut(within)
    }

    /// Takes all parts away.
    pub fn clear(&mut self) {
        for part in &mut self.parts {
            drop(part.take());
        }
    }
}

impl<T: Default> FlexArray<T> {
    /// Element `index`, with its part made if need be; `None` beyond the capacity.
    pub fn get_or_make(&self, index: usize) -> Option<&T> {
        if index >= self.capacity {
            return None;
        }
        let number = index >> self.part_bits;
        let first = number << self.part_bits;
        let len = self.part_len().min(self.capacity - first);
        let part = self.parts.get(number)?.get_or_make(|| (0..len).map(|_| T::default()).collect());
        part.get(index - first)
    }

    /// Makes all parts.
    pub fn make_all(&self) {
        for first in (0..self.capacity).step_by(self.part_len()) {
            self.get_or_make(first);
        }
    }
}

impl<T> fmt::Debug for FlexArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlexArray")
            .field("capacity", &self.capacity)
            .field("part_len", &self.part_len())
            .field("parts", &self.parts())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_when_needed_and_stay() {
        let mut array = FlexArray::<u64>::with_capacity(1000);
        assert_eq!((array.part_len(), array.parts(), array.get(3)), (512, 0, None));
        assert_eq!(array.get_or_make(999), Some(&0));
        assert_eq!((array.parts(), array.get(0), array.get(512), array.get(1000)), (1, None, Some(&0), None));
        assert_eq!(array.get_or_make(1000), None);
        *array.get_mut(600).unwrap() = 7;
        assert_eq!(array.get(600), Some(&7));
        assert_eq!(array.get_mut(0), None);
        array.make_all();
        assert_eq!((array.parts(), array.get(600)), (2, Some(&7)));
        array.clear();
        assert_eq!(array.parts(), 0);
    }

    #[test]
    fn one_page_of_pointers_is_enough_for_any_size() {
        let array = FlexArray::<u64>::with_capacity(10_000_000);
        assert!(array.capacity().div_ceil(array.part_len()) <= 512);
        assert_eq!(FlexArray::<[u8; 10_000]>::with_capacity(3).part_len(), 1);
        assert_eq!(FlexArray::<()>::with_capacity(0).get_or_make(0), None);
    }
}
