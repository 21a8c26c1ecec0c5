//! Bytes that wait to be sent, and who listens to them.

use super::queue::Queue;

/// What waits to be sent.
#[derive(Debug, Default)]
pub(in crate::switch) struct Output {
    queue: Queue,
    /// Asynchronous messages that found no room.
    pub dropped: u64,
    /// What was said on the connection, both ways and in order, if somebody listens.
    pub heard: Option<Vec<u8>>,
}

impl Output {
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Where to append what nobody is to hear.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        self.queue.tail()
    }

    /// Appends whole messages, and lets who listens hear them.
    pub fn say<R>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let bytes = self.queue.tail();
        let before = bytes.len();
        let result = append(bytes);
        if let Some(heard) = &mut self.heard {
            heard.extend_from_slice(&bytes[before..]);
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
        self.queue.take(max, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
