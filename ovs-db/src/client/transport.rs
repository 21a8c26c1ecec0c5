//! Ways to carry messages to a server.

use ovs_stream::{Address, Stream, StreamConfig, StreamError, Wait};

use crate::json::{Framer, JsonError};
use crate::jsonrpc::{Message, MessageError};

/// Why a transport is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The stream could not be connected, or broke.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// What came is not JSON. (Peer.)
    #[error("{0}")]
    Json(#[from] JsonError),
    /// What came is not JSON-RPC. (Peer.)
    #[error("{0}")]
    Message(#[from] MessageError),
}

/// A connection to a server that carries whole messages and never blocks.
pub trait Transport: Send {
    /// Whether the connection stands; `false` while it is being made.
    fn poll_connect(&mut self) -> Result<bool, TransportError>;
    /// Queues a message and sends what can be sent at once.
    fn send(&mut self, message: &Message) -> Result<(), TransportError>;
    /// Sends what is queued.
    fn flush(&mut self) -> Result<(), TransportError>;
    /// The next message, if one is there.
    fn receive(&mut self) -> Result<Option<Message>, TransportError>;
    /// What to sleep on until something can be done.
    fn wait(&self) -> Wait<'_>;
}

/// Makes transports to one server.
pub trait Connector: Send {
    /// What the server is called in notices.
    fn name(&self) -> String;
    /// Whether a silent server should be probed.
    fn wants_probes(&self) -> bool;
    /// Begins a connection.
    fn connect(&mut self) -> Result<Box<dyn Transport>, TransportError>;
}

/// Connects over a stream.
#[derive(Clone, Debug)]
pub struct StreamConnector {
    address: Address,
    config: StreamConfig,
}

impl StreamConnector {
    /// Connects to `address`.
    pub fn new(address: Address, config: StreamConfig) -> Self {
        StreamConnector { address, config }
    }
}

impl Connector for StreamConnector {
    fn name(&self) -> String {
        self.address.to_string()
    }

    fn wants_probes(&self) -> bool {
        self.address.wants_probes()
    }

    fn connect(&mut self) -> Result<Box<dyn Transport>, TransportError> {
        let stream = Stream::connect(&self.address, &self.config)?;
        Ok(Box::new(StreamTransport { stream, framer: Framer::default(), more: false }))
    }
}

#[derive(Debug)]
struct StreamTransport {
    stream: Stream,
    framer: Framer,
    /// The last read filled its buffer or a whole message was there: more may be at hand without any readiness.
    more: bool,
}

impl Transport for StreamTransport {
    fn poll_connect(&mut self) -> Result<bool, TransportError> {
        Ok(self.stream.poll_connect()?)
    }

    fn send(&mut self, message: &Message) -> Result<(), TransportError> {
        Ok(self.stream.send(&message.to_bytes())?)
    }

    fn flush(&mut self) -> Result<(), TransportError> {
        self.stream.flush()?;
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let mut chunk = [0u8; 16 << 10];
        loop {
            if let Some(json) = self.framer.next_message()? {
                self.more = true;
                return Ok(Some(Message::from_json(json)?));
            }
            self.more = false;
            match self.stream.read(&mut chunk)? {
                Some(n) => self.framer.push(&chunk[..n]),
                None => return Ok(None),
            }
        }
    }

    fn wait(&self) -> Wait<'_> {
        if self.more { Wait::Ready } else { self.stream.wait(true) }
    }
}
