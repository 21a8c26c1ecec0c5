//! Cutting a byte stream into JSON texts.
//!
//! OVSDB puts messages back to back on a stream, with nothing but optional white space between them, so
//! the end of a message is the bracket that closes its first one. The framer finds it by counting
//! brackets outside strings. Each byte is looked at once however the stream is cut into pieces, and a
//! message is parsed once, when it is complete.

use super::error::{JsonError, JsonErrorKind as Kind};
use super::{Json, MAX_DEPTH};

/// Longest message that a [`Framer`] accepts unless told otherwise: 512 MiB.
pub const MAX_MESSAGE: usize = 512 << 20;

/// Collects bytes and gives complete messages.
///
/// After an error the stream has no recognisable message boundary any more: the framer stays failed and
/// the connection should be closed.
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Bytes of `buffer` that earlier messages used up.
    start: usize,
    /// Bytes of `buffer` that were scanned.
    scanned: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    limit: usize,
    failed: Option<JsonError>,
}

impl Default for Framer {
    fn default() -> Framer {
        Framer::new(MAX_MESSAGE)
    }
}

impl Framer {
    /// A framer that refuses messages of more than `limit` bytes.
    pub fn new(limit: usize) -> Framer {
        Framer {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            depth: 0,
            in_string: false,
            escaped: false,
            limit,
            failed: None,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            self.scanned = 0;
        } else if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes received that no returned message used.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Gives the next complete message (an object or an array), or `None` if more bytes are needed.
    pub fn next_message(&mut self) -> Result<Option<Json>, JsonError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.scan();
        if let Err(error) = result {
            self.failed = Some(error);
            self.buffer = Vec::new();
            self.start = 0;
            self.scanned = 0;
        }
        result
    }

    fn scan(&mut self) -> Result<Option<Json>, JsonError> {
        while let Some(&byte) = self.buffer.get(self.scanned) {
            let offset = self.scanned - self.start;
            self.scanned += 1;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'{' | b'[' if self.depth == MAX_DEPTH => return Err(Kind::TooDeep.at(offset)),
                b'{' | b'[' => self.depth += 1,
                b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 => self.start = self.scanned,
                _ if self.depth == 0 => return Err(Kind::NotContainer.at(offset)),
                b'"' => self.in_string = true,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return self.complete().map(Some);
                    }
                }
                _ => {}
            }
        }
        if self.pending() > self.limit {
            return Err(Kind::TooLong(self.limit).at(self.limit));
        }
        Ok(None)
    }

    fn complete(&mut self) -> Result<Json, JsonError> {
        let text = &self.buffer[self.start..self.scanned];
        if text.len() > self.limit {
            return Err(Kind::TooLong(self.limit).at(self.limit));
        }
        let message = Json::parse(text)?;
        self.start = self.scanned;
        Ok(message)
    }
}
