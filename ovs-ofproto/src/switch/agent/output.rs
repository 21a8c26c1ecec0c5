//! Bytes that wait to be sent.

/// A queue of bytes that is taken from its front.
#[derive(Debug, Default)]
pub(in crate::switch) struct Output {
    bytes: Vec<u8>,
    taken: usize,
    /// Asynchronous messages that found no room.
    pub dropped: u64,
}

impl Output {
    pub fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Where to append.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Moves up to `max` bytes to the end of `out`.
    pub fn take(&mut self, max: usize, out: &mut Vec<u8>) -> usize {
        let n = self.len().min(max);
        out.extend_from_slice(&self.bytes[self.taken..self.taken + n]);
        self.taken += n;
        if self.taken == self.bytes.len() {
            self.bytes.clear();
            self.taken = 0;
        } else if self.taken > 1 << 16 && self.taken * 2 > self.bytes.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_once_and_in_order() {
        let mut output = Output::default();
        output.tail().extend(0..200_u8);
        let mut out = Vec::new();
        assert_eq!((output.take(50, &mut out), output.take(1000, &mut out)), (50, 150));
        assert_eq!((out, output.len()), ((0..200).collect(), 0));
    }
}
