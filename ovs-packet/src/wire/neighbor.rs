//! Neighbour discovery: solicitations and advertisements (RFC 4861 section 4).

use super::field::{fixed, to_the_end, view};

view! {
    /// A neighbour solicitation (ICMPv6 type 135) or advertisement (136); the payload is options.
    view NeighborView, value NeighborHeader, 24 bytes, header fixed::<24>, end to_the_end;
    /// ICMPv6 type.
    kind set_kind: u8 = 0;
    /// ICMPv6 code.
    code set_code: u8 = 1;
    /// ICMPv6 checksum.
    checksum set_checksum: u16 = 2;
    /// An advertisement's flags (router, solicited, override in the highest bits); reserved in a solicitation.
    flags set_flags: u32 = 4;
    /// The address that is asked for or told.
    target set_target: [u8; 16] = 8;
}

impl<T: AsRef<[u8]>> NeighborView<T> {
    /// The options.
    pub fn options(&self) -> NeighborOptions<'_> {
        NeighborOptions { bytes: self.payload() }
    }
}

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighborOption<'a> {
    /// Type; 1 is the source's link-layer address, 2 the target's.
    pub kind: u8,
    /// Its bytes behind type and length.
    pub data: &'a [u8],
}

/// The options of a message; a malformed one ends them.
#[derive(Debug, Clone)]
pub struct NeighborOptions<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for NeighborOptions<'a> {
    type Item = NeighborOption<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let [kind, units] = *self.bytes.first_chunk()?;
        let len = usize::from(units) * 8;
        let data = self.bytes.get(2..len)?;
        self.bytes = &self.bytes[len..];
        Some(NeighborOption { kind, data })
    }
}
