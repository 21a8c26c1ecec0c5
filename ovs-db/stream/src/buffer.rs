//! A bounded queue of bytes.

/// A buffer's limit would have been passed; nothing was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} bytes do not fit: {queued} of at most {limit} bytes are queued")]
pub struct BufferFull {
    /// How many bytes were to be added.
    pub wanted: usize,
    /// How many are in the buffer.
    pub queued: usize,
    /// How many it may hold.
    pub limit: usize,
}

/// A queue of bytes with a limit: appended at the end, consumed at the front, contiguous in memory.
///
/// Consumed space is reclaimed when it is at least half of what is stored, so each byte is moved at most once on
/// average.
#[derive(Clone, Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    head: usize,
    limit: usize,
}

impl Buffer {
    /// An empty buffer that may hold `limit` bytes. Nothing is allocated until bytes come.
    pub const fn new(limit: usize) -> Self {
        Buffer { bytes: Vec::new(), head: 0, limit }
    }

    /// The bytes that were added and not consumed.
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// How many bytes are stored.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.head
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes it may hold.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes can still be added.
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.len())
    }

    /// Appends all of `bytes`, or nothing if they would pass the limit.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        if bytes.len() > self.room() {
            return Err(BufferFull { wanted: bytes.len(), queued: self.len(), limit: self.limit });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Drops the first `n` bytes (all, if there are fewer).
    pub fn consume(&mut self, n: usize) {
        self.head = (self.head + n).min(self.bytes.len());
        if self.head == self.bytes.len() {
            self.bytes.clear();
            self.head = 0;
            // A burst must not hold its memory for ever.
            self.bytes.shrink_to(64 * 1024);
        } else if self.head >= self.bytes.len() / 2 {
            self.bytes.drain(..self.head);
            self.head = 0;
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.consume(usize::MAX - self.head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_by_name_beyond_its_limit() {
        let mut b = Buffer::new(4);
        b.push(b"abc").unwrap();
        let e = b.push(b"de").unwrap_err();
        assert_eq!(e, BufferFull { wanted: 2, queued: 3, limit: 4 });
        assert_eq!(e.to_string(), "2 bytes do not fit: 3 of at most 4 bytes are queued");
        b.consume(1);
        b.push(b"de").unwrap();
        assert_eq!(b.data(), b"bcde");
        b.clear();
        assert!(b.is_empty());
    }
}
