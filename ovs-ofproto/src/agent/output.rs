//! Messages to bytes.

use ovs_openflow::{ErrorMsg, Message, OfError, Protocol};

/// Bytes of a connection that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// How many at the front are gone already.
    start: usize,
    /// The transaction of the last message that answers nothing.
    own_xid: u32,
}

impl Outbox {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Appends a message. One that cannot be written in the connection's version is left out and told as `false`:
    /// what a version cannot say, its controller cannot have asked for.
    pub fn send(&mut self, protocol: Protocol, xid: u32, message: &Message) -> bool {
        message.encode_into(protocol, xid, &mut self.bytes).is_ok()
    }

    /// Appends a message that answers nothing.
    pub fn send_own(&mut self, protocol: Protocol, message: &Message) -> bool {
        self.own_xid = self.own_xid.wrapping_add(1);
        let xid = self.own_xid;
        self.send(protocol, xid, message)
    }

    /// Appends the error that answers a request.
    pub fn refuse(&mut self, protocol: Protocol, xid: u32, error: OfError, request: &[u8]) {
        self.send(protocol, xid, &Message::Error(ErrorMsg::about(error, request)));
    }

    /// Appends bytes that are messages already.
    pub fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Moves up to `max` bytes to the end of `out`; says how many.
    pub fn take(&mut self, max: usize, out: &mut Vec<u8>) -> usize {
        let count = max.min(self.len());
        out.extend_from_slice(&self.bytes[self.start..self.start + count]);
        self.start += count;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start > 1 << 20 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        count
    }
}
