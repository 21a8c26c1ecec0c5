//! MPLS label stack entries (RFC 3032 section 2.1, RFC 5462).
//!
//! ```text
//!  0                   1                   2                   3
//! ├───────────────────────────────────────┼─────┼─┼───────────────┤
//! │                 label                 │ tc  │S│      ttl      │
//! └───────────────────────────────────────┴─────┴─┴───────────────┘
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::field::{fixed, to_the_end, view};
use super::super::list::{Item, Items, head};

view! {
    /// One label stack entry; the payload is the next entry or, at the bottom, the packet.
    view MplsView, value MplsHeader, 4 bytes, header fixed::<4>, end to_the_end;
    /// Label (20 bits), traffic class (3), bottom of stack (1), time to live (8).
    entry set_entry: u32 = 0 {
        /// Label.
        label set_label: u32 = 12, 20;
        /// Traffic class.
        traffic_class set_traffic_class: u8 = 9, 3;
        /// True for the last entry of the stack.
        is_bottom set_is_bottom: bool = 8, 1;
        /// Time to live.
        ttl set_ttl: u8 = 0, 8;
    };
}

/// A label stack: its entries down to the bottom. What is behind it, [`payload`](Self::payload) tells.
#[derive(Debug, Clone)]
pub struct MplsStack<'a> {
    entries: Items<'a, MplsHeader>,
    done: bool,
}

impl<'a> MplsStack<'a> {
    /// The stack with which `bytes` begin.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { entries: Items::new(bytes, 0), done: false }
    }

    /// Walks to the bottom and returns what is behind it; none if the bytes end before.
    pub fn payload(mut self) -> Option<&'a [u8]> {
        while self.next()?.is_ok() {
            if self.done {
                return Some(self.entries.rest());
            }
        }
        None
    }
}

impl Iterator for MplsStack<'_> {
    type Item = Result<MplsHeader, super::super::ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let entry = self.entries.next();
        self.done = entry.is_none_or(|entry| entry.is_ok_and(|entry| entry.is_bottom()));
        entry
    }
}

impl Item<'_> for MplsHeader {
    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        Ok(Some((Self::from_bytes(&head(bytes)?), Self::LEN)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_bytes());
    }
}
