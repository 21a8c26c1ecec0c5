//! Lines of a stream that come in segments.

/// The longest lines that are looked at; of longer ones the rest is not, until the next begins.
pub(super) const LONGEST: usize = 512;

/// What of one direction was seen, up to where its segments came one behind the other.
///
/// A segment that is sent again must be read alike, so what was carried over into the last one is kept until the next comes.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Lines {
    /// Where the last segment began, and what of a line had come before it.
    seq: u32,
    carried: Vec<u8>,
    /// Where the next one begins, and what of a line has come so far.
    next: u32,
    partial: Vec<u8>,
    /// The line that is coming is too long.
    cut: bool,
}

impl Lines {
    /// Whether nothing is kept.
    pub fn is_idle(&self) -> bool {
        self.carried.is_empty() && self.partial.is_empty() && !self.cut
    }

    /// What of a line has come before the segment at `seq`; none if that is a line too long to be read.
    pub fn before(&self, seq: u32) -> Option<&[u8]> {
        if seq == self.next {
            (!self.cut).then_some(&self.partial)
        } else if seq == self.seq {
            Some(&self.carried)
        } else {
            Some(&[])
        }
    }

    /// The segment at `seq` has come. True if a line has become too long by it.
    pub fn note(&mut self, seq: u32, payload: &[u8]) -> bool {
        if seq != self.next {
            if seq == self.seq {
                // Sent again.
                return false;
            }
            self.partial.clear();
            self.cut = false;
        }
        let carried = std::mem::take(&mut self.partial);
        let tail = payload.iter().rposition(|byte| is_end(*byte)).map_or(0, |end| end + 1);
        let whole = tail > 0;
        let mut partial = if whole { Vec::new() } else { carried.clone() };
        let was_cut = self.cut && !whole;
        let rest = &payload[tail..];
        self.cut = was_cut || partial.len() + rest.len() > LONGEST;
        if self.cut {
            partial.clear();
        } else {
            partial.extend_from_slice(rest);
        }
        *self = Self { seq, carried, next: seq.wrapping_add(payload.len() as u32), partial, cut: self.cut };
        self.cut && !was_cut
    }
}

/// Whether a byte ends a line.
pub(super) fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_pieces() {
        let mut lines = Lines::default();
        assert!(!lines.note(100, b"USER x\r\nPO"));
        assert_eq!(lines.before(110), Some(&b"PO"[..]));
        assert!(!lines.note(110, b"RT 1"));
        assert_eq!(lines.before(114), Some(&b"PORT 1"[..]));
        // Sent again it is read as it was the first time.
        assert_eq!(lines.before(110), Some(&b"PO"[..]));
        assert!(!lines.note(110, b"RT 1"));
        assert!(!lines.note(114, b"\r\n"));
        assert!(lines.before(116).is_some_and(<[u8]>::is_empty));
        // What does not follow begins a line.
        assert!(lines.before(500).is_some_and(<[u8]>::is_empty));
    }

    #[test]
    fn long_lines_are_cut_once() {
        let mut lines = Lines::default();
        let long = [b'x'; 300];
        assert!(!lines.note(0, &long) && lines.note(300, &long) && !lines.note(600, &long));
        assert_eq!(lines.before(900), None);
        assert!(!lines.note(900, b"x\r\nPO"));
        assert_eq!(lines.before(905), Some(&b"PO"[..]));
    }
}
