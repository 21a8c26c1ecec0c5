//! One OpenFlow connection without input or output: bytes in, messages out, and the other way round.
//!
//! ```text
//!            feed(bytes)                    next()
//!   socket ─────────────▶ input buffer ─────────────▶ Event::{Negotiated, Message, Rejected, Failed}
//!   socket ◀───────────── output buffer ◀──────────── send(xid, message), echo replies, errors
//!            output(), sent(n)
//! ```
//!
//! The order of calls: [`Connection::feed`] what arrived, [`Connection::next`] until it gives `None`, send what is
//! to be sent, write [`Connection::output`] to the socket and tell how much of it went by
//! [`Connection::sent`]. Echo requests are answered inside; a message that is wrong is answered with its error and
//! reported.

use crate::header::HEADER_LEN;
use crate::{
    EncodeError, ErrorCode, ErrorMsg, Header, Hello, Message, OfError, Protocol, Rejected, Version,
    VersionSet,
};

/// What came of the bytes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Both hellos are there and this version is spoken from now on.
    Negotiated(Version),
    /// A message, with its transaction.
    Message(u32, Message),
    /// A message that was wrong; the error has been put into the output.
    Rejected(Rejected),
    /// The connection cannot go on: after the output is sent, close it.
    Failed(Failure),
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The peer's first message was no hello.
    #[error("first message is of type {0}, not hello")]
    NoHello(u8),
    /// No version is common to both.
    #[error("version negotiation failed: we speak {ours:#x}, the peer {theirs:#x} (bitmaps)")]
    NoCommonVersion {
        /// Ours, as a bitmap.
        ours: u32,
        /// The peer's, as a bitmap.
        theirs: u32,
    },
    /// A header whose length is below its own: where the next message begins cannot be known.
    #[error("message of {0} bytes is shorter than its header")]
    BadLength(u16),
    /// The peer refused our hello.
    #[error("peer refused: {0:?}")]
    Refused(ErrorCode),
}

/// The output buffer holds as much as it may; the peer does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The limit would be passed.
    #[error("output buffer of {limit} bytes is full")]
    Full {
        /// How many bytes it may hold.
        limit: usize,
    },
    /// The message cannot be written in this version.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Hello,
    Open,
    Failed,
}

/// A connection, from the first byte on.
///
/// ```
/// use ovs_openflow::connection::{Connection, Event};
/// use ovs_openflow::{Message, SUPPORTED, Version};
///
/// let (mut a, mut b) = (Connection::new(SUPPORTED), Connection::new(SUPPORTED));
/// b.feed(a.output());
/// a.feed(b.output());
/// assert_eq!(b.next(), Some(Event::Negotiated(Version::V15)));
/// assert_eq!(a.next(), Some(Event::Negotiated(Version::V15)));
/// let sent = a.output().len();
/// a.sent(sent);
/// a.send(7, &Message::FeaturesRequest).unwrap();
/// b.feed(a.output());
/// assert_eq!(b.next(), Some(Event::Message(7, Message::FeaturesRequest)));
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    ours: VersionSet,
    protocol: Protocol,
    state: State,
    input: Vec<u8>,
    /// Bytes of `input` that are done with.
    taken: usize,
    output: Vec<u8>,
    /// Bytes of `output` that went.
    gone: usize,
    limit: usize,
    next_xid: u32,
}

impl Connection {
    /// How many bytes may wait for a peer that does not read, if nothing else is said.
    pub const DEFAULT_LIMIT: usize = 16 << 20;

    /// A connection that offers these versions; its hello already is in the output.
    pub fn new(versions: VersionSet) -> Self {
        let version = versions.newest().unwrap_or(Version::V10);
        let mut this = Self {
            ours: versions,
            protocol: Protocol::new(version),
            state: State::Hello,
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
            gone: 0,
            limit: Self::DEFAULT_LIMIT,
            next_xid: 1,
        };
        let xid = this.xid();
        // A hello can be said in every version and fits every limit.
        let _ = Message::Hello(Hello { versions }).encode_into(this.protocol, xid, &mut this.output);
        this
    }

    /// With another limit of waiting output, in bytes.
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// What is agreed on; before [`Event::Negotiated`] a guess.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Changes the extensions that are in use. The version stays.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = Protocol { version: self.protocol.version, ..protocol };
    }

    /// Whether hellos have been exchanged and nothing has failed.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// A transaction number for a message of our own.
    pub fn xid(&mut self) -> u32 {
        let xid = self.next_xid;
        self.next_xid = self.next_xid.wrapping_add(1);
        xid
    }

    /// Takes bytes that arrived. Their number is up to the caller: feed no more while messages wait, and no
    /// more than one message of 64 KiB is ever kept between calls.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.input.drain(..self.taken);
            self.taken = 0;
        }
        if self.state != State::Failed {
            self.input.extend_from_slice(bytes);
        }
    }

    /// The next thing that the bytes say, or `None` if they are used up.
    #[expect(clippy::should_implement_trait, reason = "more may come after None")]
    pub fn next(&mut self) -> Option<Event> {
        while self.state != State::Failed {
            let header = Header::parse(&self.input[self.taken..])?;
            let len = usize::from(header.length);
            if len < HEADER_LEN {
                return Some(self.fail(Failure::BadLength(header.length)));
            }
            if self.input.len() - self.taken < len {
                return None;
            }
            let start = self.taken;
            self.taken += len;
            let event = match self.state {
                State::Hello => Some(self.negotiate(header, start..start + len)),
                _ => self.dispatch(start..start + len),
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    fn fail(&mut self, failure: Failure) -> Event {
        self.state = State::Failed;
        self.input = Vec::new();
        self.taken = 0;
        Event::Failed(failure)
    }

    fn negotiate(&mut self, header: Header, range: core::ops::Range<usize>) -> Event {
        let bytes = &self.input[range];
        let theirs = match Message::decode(self.protocol, bytes) {
            Ok((_, Message::Hello(hello))) => hello.versions,
            Ok((_, Message::Error(error))) => return self.fail(Failure::Refused(error.error)),
            _ => return self.fail(Failure::NoHello(header.kind)),
        };
        if let Some(version) = self.ours.and(theirs).newest() {
            self.protocol = Protocol::new(version);
            self.state = State::Open;
            return Event::Negotiated(version);
        }
        let failure = Failure::NoCommonVersion { ours: self.ours.bitmap(), theirs: theirs.bitmap() };
        // The refusal goes in the newest version that the peer can read, with a text (OpenFlow 1.3.1, 6.3.1).
        let version = theirs.newest().unwrap_or(Version::V10);
        let error = ErrorMsg {
            error: ErrorCode::Known(OfError::HfcIncompatible),
            data: failure.to_string().into_bytes(),
        };
        let _ = Message::Error(error).encode_into(Protocol::new(version), header.xid, &mut self.output);
        self.fail(failure)
    }

    fn dispatch(&mut self, range: core::ops::Range<usize>) -> Option<Event> {
        let bytes = &self.input[range];
        match Message::decode(self.protocol, bytes) {
            // A second hello says nothing new.
            Ok((_, Message::Hello(_))) => None,
            Ok((xid, Message::EchoRequest(data))) => {
                // A peer that asks without reading is not answered beyond the limit.
                let _ = self.send(xid, &Message::EchoReply(data));
                None
            }
            Ok((xid, message)) => Some(Event::Message(xid, message)),
            Err(rejected) => {
                let error = ErrorMsg::about(rejected.error, bytes);
                let _ = self.send(rejected.header.xid, &Message::Error(error));
                Some(Event::Rejected(rejected))
            }
        }
    }

    /// Puts a message into the output.
    pub fn send(&mut self, xid: u32, message: &Message) -> Result<(), SendError> {
        let before = self.output.len();
        message.encode_into(self.protocol, xid, &mut self.output)?;
        if self.waiting() > self.limit {
            self.output.truncate(before);
            return Err(SendError::Full { limit: self.limit });
        }
        Ok(())
    }

    /// Answers a message that was well-formed but cannot be done, quoting its bytes.
    pub fn send_error(&mut self, xid: u32, error: OfError, request: &[u8]) -> Result<(), SendError> {
        self.send(xid, &Message::Error(ErrorMsg::about(error, request)))
    }

    /// Puts messages that are encoded already into the output.
    pub fn send_bytes(&mut self, messages: &[u8]) -> Result<(), SendError> {
        if self.waiting() + messages.len() > self.limit {
            return Err(SendError::Full { limit: self.limit });
        }
        self.output.extend_from_slice(messages);
        Ok(())
    }

    /// What waits to be written.
    pub fn output(&self) -> &[u8] {
        &self.output[self.gone..]
    }

    /// How many bytes wait to be written.
    pub fn waiting(&self) -> usize {
        self.output.len() - self.gone
    }

    /// Forgets the first `n` bytes of the output, which were written.
    pub fn sent(&mut self, n: usize) {
        self.gone = (self.gone + n).min(self.output.len());
        // The buffer is moved up only when half of it has gone, so that each byte moves a bounded number of times.
        if self.gone * 2 >= self.output.len() {
            self.output.drain(..self.gone);
            self.gone = 0;
        }
    }
}
