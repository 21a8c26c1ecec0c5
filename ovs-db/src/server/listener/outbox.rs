//! What waits to be sent to one client.

use std::collections::VecDeque;
use std::sync::Arc;

use ovs_stream::{BufferFull, Stream, StreamError};

use crate::jsonrpc::Message;
use crate::server::effect::Written;

/// How many bytes are handed to the stream at a time.
const CHUNK: usize = 256 << 10;

/// Shorter texts are copied, not shared.
const SHORT: usize = 4 << 10;

/// A buffer that is larger is given back once it is empty.
const KEPT: usize = 16 << 10;

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
/// that a client of a large database can be answered at all. What is in it goes to the system from where it lies.
#[derive(Debug)]
pub(super) struct Outbox {
    pieces: VecDeque<Piece>,
    /// How much of the first piece is sent.
    sent: usize,
    queued: usize,
    limit: usize,
    /// The last buffer that was emptied, for the next message.
    spare: Vec<u8>,
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Outbox {
        Outbox { pieces: VecDeque::new(), sent: 0, queued: 0, limit, spare: Vec::new() }
    }

    /// How many bytes wait here.
    pub(super) fn len(&self) -> usize {
        self.queued
    }

    /// Adds a message.
    pub(super) fn push(&mut self, message: &Message) -> Result<(), StreamError> {
        let text = message.to_bytes();
        self.check(text.len())?;
        self.own(&[&text]);
        Ok(())
    }

    /// Adds a message whose body may be shared.
    pub(super) fn push_written(&mut self, text: &Written) -> Result<(), StreamError> {
        self.check(text.len())?;
        let [head, body, tail] = text.pieces().map(str::as_bytes);
        // What goes out at once needs no copy, and what waits had better be one piece.
        let alone = self.pieces.is_empty() && head.is_empty() && tail.is_empty();
        if body.len() < SHORT && !alone {
            self.own(&[head, body, tail]);
            return Ok(());
        }
        if !head.is_empty() {
            self.own(&[head]);
        }
        self.queued += body.len();
        self.pieces.push_back(Piece::Shared(text.body()));
        if !tail.is_empty() {
            self.own(&[tail]);
        }
        Ok(())
    }

    /// Adds a message of which the first bytes were sent, to an empty queue.
    pub(super) fn push_rest(&mut self, text: Arc<String>, sent: usize) {
        self.queued += text.len() - sent;
        self.sent = sent;
        self.pieces.push_back(Piece::Shared(text));
    }

    /// Gives the stream what it takes; true once nothing is left.
    pub(super) fn flush(&mut self, stream: &mut Stream) -> Result<bool, StreamError> {
        while let Some(first) = self.pieces.front() {
            let rest = &first.bytes()[self.sent..];
            let chunk = &rest[..rest.len().min(CHUNK)];
            let taken = stream.write(chunk)?;
            self.queued -= taken;
            self.sent += taken;
            if taken < chunk.len() {
                return Ok(false);
            }
            if taken == rest.len() {
                self.sent = 0;
                if let Some(Piece::Own(mut buffer)) = self.pieces.pop_front()
                    && buffer.capacity() <= KEPT
                {
                    buffer.clear();
                    self.spare = buffer;
                }
            }
        }
        stream.flush()
    }

    fn check(&self, wanted: usize) -> Result<(), StreamError> {
        if self.queued > self.limit {
            return Err(StreamError::Full(BufferFull { wanted, queued: self.queued, limit: self.limit }));
        }
        Ok(())
    }

    fn own(&mut self, parts: &[&[u8]]) {
        let mut last = match self.pieces.pop_back() {
            Some(Piece::Own(last)) if last.len() < CHUNK => last,
            other => {
                self.pieces.extend(other);
                std::mem::take(&mut self.spare)
            }
        };
        let before = last.len();
        for part in parts {
            last.extend_from_slice(part);
        }
        self.queued += last.len() - before;
        self.pieces.push_back(Piece::Own(last));
    }
}
