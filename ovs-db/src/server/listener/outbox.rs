//! What waits to be sent to one client.

use std::collections::VecDeque;
use std::sync::Arc;

use ovs_stream::{BufferFull, Stream, StreamError};

use crate::server::effect::Written;

/// How many bytes are handed to the stream at a time.
const CHUNK: usize = 256 << 10;

/// Shorter texts are copied, not shared.
const SHORT: usize = 4 << 10;

/// A piece of the queue.
#[derive(Debug)]
enum Piece {
    Own(Vec<u8>),
    Shared(Arc<String>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Own(bytes) => bytes,
            Piece::Shared(text) => text.as_bytes(),
        }
    }
}

/// A queue of messages, of which long texts may be shared with the queues of other clients.
///
/// It is bounded: nothing is added to a queue that is longer than the limit. One message may be of any length, so
/// that a client of a large database can be answered at all.
#[derive(Debug)]
pub(super) struct Outbox {
    pieces: VecDeque<Piece>,
    /// How much of the first piece is sent.
    sent: usize,
    queued: usize,
    limit: usize,
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Outbox {
        Outbox { pieces: VecDeque::new(), sent: 0, queued: 0, limit }
    }

    /// How many bytes wait here.
    pub(super) fn len(&self) -> usize {
        self.queued
    }

    /// Adds a message.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.check(bytes.len())?;
        self.own(bytes);
        Ok(())
    }

    /// Adds a message whose body may be shared.
    pub(super) fn push_written(&mut self, text: Written) -> Result<(), StreamError> {
        self.check(text.len())?;
        let (head, body, tail) = text.into_pieces();
        self.own(head.as_bytes());
        if body.len() < SHORT {
            self.own(body.as_bytes());
        } else {
            self.queued += body.len();
            self.pieces.push_back(Piece::Shared(body));
        }
        self.own(tail.as_bytes());
        Ok(())
    }

    /// Gives the stream what it takes; true once nothing is left.
    pub(super) fn flush(&mut self, stream: &mut Stream) -> Result<bool, StreamError> {
        while stream.flush()? {
            let Some(first) = self.pieces.front() else { return Ok(true) };
            let rest = &first.bytes()[self.sent..];
            let chunk = &rest[..rest.len().min(CHUNK)];
            stream.send(chunk)?;
            self.queued -= chunk.len();
            self.sent += chunk.len();
            if chunk.len() == rest.len() {
                self.pieces.pop_front();
                self.sent = 0;
            }
        }
        Ok(false)
    }

    fn check(&self, wanted: usize) -> Result<(), StreamError> {
        if self.queued > self.limit {
            return Err(StreamError::Full(BufferFull { wanted, queued: self.queued, limit: self.limit }));
        }
        Ok(())
    }

    fn own(&mut self, bytes: &[u8]) {
        self.queued += bytes.len();
        match self.pieces.back_mut() {
            Some(Piece::Own(last)) if last.len() < CHUNK => last.extend_from_slice(bytes),
            _ => self.pieces.push_back(Piece::Own(bytes.to_vec())),
        }
    }
}
