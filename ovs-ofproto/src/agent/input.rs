//! Bytes to messages.

use ovs_openflow::{HEADER_LEN, Header};

/// Bytes of a connection that were not handled yet.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// Where the next message begins.
    start: usize,
}

/// What stands next in an [`Inbox`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Not all of it has come.
    Incomplete,
    /// A header that no message can have: the stream cannot be followed any further.
    Broken,
    /// A whole message, as so many bytes.
    Message(usize),
}

impl Inbox {
    /// Takes bytes as long as fewer than `limit` wait; says how many.
    pub fn push(&mut self, bytes: &[u8], limit: usize) -> usize {
        let taken = bytes.len().min(limit.saturating_sub(self.len()));
        if self.start > 0 && self.start * 2 >= self.bytes.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// What stands next.
    pub fn peek(&self) -> Next {
        let waiting = &self.bytes[self.start..];
        match Header::parse(waiting) {
            None => Next::Incomplete,
            Some(header) if usize::from(header.length) < HEADER_LEN => Next::Broken,
            Some(header) if usize::from(header.length) > waiting.len() => Next::Incomplete,
            Some(header) => Next::Message(usize::from(header.length)),
        }
    }

    /// The bytes of the next message, and the inbox without it.
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        let end = (self.start + length).min(self.bytes.len());
        let message = self.bytes[self.start..end].to_vec();
        self.start = end;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
        message
    }
}
