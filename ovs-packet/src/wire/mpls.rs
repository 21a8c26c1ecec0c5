//! MPLS label stack entries (RFC 3032 section 2.1).

use super::field::{fixed, to_the_end, view};

view! {
    /// One label stack entry; the payload is the next entry or, at the bottom, the packet.
    view MplsView, value MplsHeader, 4 bytes, header fixed::<4>, end to_the_end;
    /// Label (20 bits), traffic class (3), bottom of stack (1), time to live (8).
    entry set_entry: u32 = 0;
}

impl<T: AsRef<[u8]>> MplsView<T> {
    /// Label.
    pub fn label(&self) -> u32 {
        self.entry() >> 12
    }

    /// Traffic class.
    pub fn traffic_class(&self) -> u8 {
        (self.entry() >> 9) as u8 & 7
    }

    /// True for the last entry of the stack.
    pub fn is_bottom(&self) -> bool {
        self.entry() & 0x100 != 0
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        self.entry() as u8
    }
}
