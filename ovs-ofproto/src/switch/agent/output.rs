//! Bytes that wait to be sent.

/// A queue of bytes that is taken from its front.
#[derive(Debug, Default)]
pub(in crate::switch) struct Output {
    bytes: Vec<u8>,
    taken: usize,
    /// Asynchronous messages that found no room.
    pub dropped: u64,
    /// What was said on the connection, both ways and in order, if somebody listens.
    pub heard: Option<Vec<u8>>,
}

impl Output {
    pub fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Where to append what nobody is to hear.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends whole messages, and lets who listens hear them.
    pub fn say<R>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let before = self.bytes.len();
        let result = append(&mut self.bytes);
        if let Some(heard) = &mut self.heard {
            heard.extend_from_slice(&self.bytes[before..]);
        }
        result
    }

    /// Lets who listens hear what the other side said.
    pub fn hear(&mut self, message: &[u8]) {
        if let Some(heard) = &mut self.heard {
            heard.extend_from_slice(message);
        }
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

    #[test]
    fn who_listens_hears_both_sides() {
        let mut output = Output::default();
        output.say(|bytes| bytes.push(1));
        output.heard = Some(Vec::new());
        output.hear(&[2]);
        output.say(|bytes| bytes.extend([3, 4]));
        output.tail().push(5);
        assert_eq!((output.len(), output.heard), (4, Some(vec![2, 3, 4])));
    }
}
