//! The side that listens, polled by the program.

use std::collections::BTreeMap;

use ovs_stream::{ListenError, Listener, PassiveAddress, Stream, StreamConfig, StreamError, Wait};

use crate::json::Json;

use super::registry::Registry;
use super::session::{Call, Format, Session, SessionError};

/// How many connections are served at a time; more are closed at once.
const MAX_CONNECTIONS: usize = 64;
/// How many bytes of one connection are taken in a turn.
const READ_BUDGET: usize = 64 << 10;

/// Names one request until it is answered. Ids are not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    connection: u64,
    serial: u64,
}

/// A command to carry out and then to answer, at once or later, by [`Server::reply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<C> {
    /// Names it in the answer.
    pub id: RequestId,
    /// What the registry has under the command's name.
    pub command: C,
    /// The arguments, without the command's name.
    pub args: Vec<String>,
    /// The form that the client wants; [`Server::reply_json`] serves both.
    pub format: Format,
}

/// Why a connection was given up, for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The peer broke the protocol.
    #[error("{peer}: {error}")]
    Protocol {
        /// The connection's name.
        peer: String,
        /// What it did.
        error: SessionError,
    },
    /// The connection broke. An orderly end is no fault.
    #[error("{peer}: receive error: {error}")]
    Stream {
        /// The connection's name.
        peer: String,
        /// What happened.
        error: StreamError,
    },
    /// As many connections are open as may be.
    #[error("{0}: too many connections, closed")]
    TooMany(String),
    /// Accepting failed.
    #[error(transparent)]
    Accept(#[from] ListenError),
}

#[derive(Debug)]
struct Connection {
    stream: Stream,
    session: Session,
    /// The serial number of the request that waits for its answer.
    serial: u64,
    /// An answer was given while more bytes were at hand, which no readiness will tell of.
    more: bool,
    /// The peer sent its end; kept until the waiting answer is sent.
    ended: bool,
}

/// A unixctl server.
///
/// In each turn of the program's loop: [`poll`](Self::poll), carry out what it gives, [`reply`](Self::reply), and sleep on
/// [`waits`](Self::waits).
#[derive(Debug)]
pub struct Server<C> {
    listener: Listener,
    registry: Registry<C>,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    faults: Vec<Fault>,
}

impl<C: Clone> Server<C> {
    /// Listens on `address`, for the commands of `registry`.
    pub fn bind(
        address: &PassiveAddress,
        config: &StreamConfig,
        registry: Registry<C>,
    ) -> Result<Self, ListenError> {
        let listener = Listener::bind(address, config)?;
        Ok(Server {
            listener,
            registry,
            connections: BTreeMap::new(),
            next_connection: 0,
            faults: Vec::new(),
        })
    }

    /// The commands.
    pub fn registry(&self) -> &Registry<C> {
        &self.registry
    }

    /// The commands, to change.
    pub fn registry_mut(&mut self) -> &mut Registry<C> {
        &mut self.registry
    }

    /// Accepts, reads and writes what can be done at once. Gives the new requests, older connections first, at most
    /// one for each connection.
    pub fn poll(&mut self) -> Vec<Request<C>> {
        self.accept();
        let mut requests = Vec::new();
        let mut closed = Vec::new();
        for (&id, connection) in &mut self.connections {
            match connection.poll(&self.registry) {
                Ok(Some(call)) => requests.push(Request {
                    id: RequestId { connection: id, serial: connection.serial },
                    command: call.command,
                    args: call.args,
                    format: call.format,
                }),
                Ok(None) => {}
                Err(fault) => {
                    closed.push(id);
                    self.faults.extend(fault);
                }
            }
        }
        for id in closed {
            self.connections.remove(&id);
        }
        requests
    }

    /// Answers a request. If its client has gone, nothing happens.
    pub fn reply(&mut self, id: RequestId, result: Result<String, String>) {
        self.answer(id, |session| session.reply(result));
    }

    /// Answers a request by JSON, which a client that wants text gets as text.
    pub fn reply_json(&mut self, id: RequestId, result: Json) {
        self.answer(id, |session| session.reply_json(result));
    }

    /// Sends what is left to send; `true` once nothing is. For a program about to exit.
    pub fn flush(&mut self) -> bool {
        self.connections.retain(|_, c| c.stream.flush().is_ok());
        self.connections.values().all(|c| c.stream.queued() == 0)
    }

    /// What went wrong since the last call.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// What to sleep on.
    pub fn waits(&self) -> impl Iterator<Item = Wait<'_>> {
        let connections = self.connections.values().map(|c| {
            // While a request waits for its answer nothing is read, so that a client cannot pile up more.
            if c.more { Wait::Ready } else { c.stream.wait(!c.session.is_busy() && !c.ended) }
        });
        std::iter::once(self.listener.wait()).chain(connections)
    }

    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok(Some(stream)) if self.connections.len() >= MAX_CONNECTIONS => {
                    self.faults.push(Fault::TooMany(stream.name().to_string()));
                }
                Ok(Some(stream)) => {
                    let connection = Connection {
                        stream,
                        session: Session::default(),
                        serial: 0,
                        more: false,
                        ended: false,
                    };
                    self.connections.insert(self.next_connection, connection);
                    self.next_connection += 1;
                }
                Ok(None) => return,
                Err(e) => {
                    self.faults.push(e.into());
                    return;
                }
            }
        }
    }

    fn answer(&mut self, id: RequestId, give: impl FnOnce(&mut Session)) {
        if let Some(connection) = self.connections.get_mut(&id.connection)
            && connection.session.is_busy()
            && connection.serial == id.serial
        {
            give(&mut connection.session);
            connection.more = connection.session.has_input() || connection.ended;
            if connection.send().is_err() {
                self.connections.remove(&id.connection);
            }
        }
    }
}

impl Connection {
    /// `Err` closes the connection, with a fault if it is one.
    fn poll<C: Clone>(&mut self, registry: &Registry<C>) -> Result<Option<Call<C>>, Option<Fault>> {
        self.more = false;
        if !self.session.is_busy() && !self.ended {
            self.read()
                .map_err(|error| Some(Fault::Stream { peer: self.stream.name().to_string(), error }))?;
        }
        let call = self
            .session
            .next_call(registry)
            .map_err(|error| Some(Fault::Protocol { peer: self.stream.name().to_string(), error }))?;
        if call.is_some() {
            self.serial += 1;
        }
        // A client that went away before its answer is none's fault.
        self.send().map_err(|_| None)?;
        if self.ended && !self.session.is_busy() && self.stream.queued() == 0 {
            return Err(None);
        }
        Ok(call)
    }

    fn read(&mut self) -> Result<(), StreamError> {
        let mut chunk = [0u8; 8 << 10];
        let mut left = READ_BUDGET;
        while left > 0 {
            match self.stream.read(&mut chunk) {
                Ok(Some(n)) => {
                    self.session.push(&chunk[..n]);
                    left = left.saturating_sub(n);
                }
                Ok(None) => break,
                Err(StreamError::Closed) => {
                    self.ended = true;
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), StreamError> {
        let output = self.session.take_output();
        if output.is_empty() { self.stream.flush().map(|_| ()) } else { self.stream.send(&output) }
    }
}
