//! Geneve options one after the other.

/// Iterates over options (RFC 8926 §3.5: class, type, length in units of four bytes, data) and where each begins; stops at
/// one that is cut off.
pub(super) struct Options<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Options<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let units = self.bytes.get(at + 3)? & 0x1f;
        let option = self.bytes.get(at..at + 4 + usize::from(units) * 4)?;
        self.at += option.len();
        Some((at, option))
    }
}
