//! Bytes that wait: to be served, or to be sent.

/// Bytes that were taken from the front before the others move up.
const GAP: usize = 1 << 16;

/// A queue of bytes that is taken from its front.
#[derive(Debug, Default)]
pub(in crate::switch) struct Queue {
    bytes: Vec<u8>,
    taken: usize,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// What waits, the oldest first.
    pub fn front(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Where to append.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Moves up to `max` bytes to the end of `out`.
    pub fn take(&mut self, max: usize, out: &mut Vec<u8>) -> usize {
        let n = self.len().min(max);
        out.extend_from_slice(&self.front()[..n]);
        self.taken += n;
        if self.taken == self.bytes.len() {
            self.clear();
        } else if self.taken > GAP && self.taken * 2 > self.bytes.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        n
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_once_and_in_order() {
        let mut queue = Queue::default();
        queue.tail().extend(0..200_u8);
        let mut out = Vec::new();
        assert_eq!((queue.take(50, &mut out), queue.front()[0], queue.take(1000, &mut out)), (50, 50, 150));
        assert_eq!((out, queue.len()), ((0..200).collect(), 0));
    }
}
