//! Messages to a server in the same program.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ovs_stream::{StreamError, Wait};

use crate::jsonrpc::Message;

use super::transport::{Connector, Transport, TransportError};

#[derive(Debug, Default)]
struct Shared {
    /// Which connection this is; 0 before the first.
    connection: u64,
    open: bool,
    to_server: VecDeque<Message>,
    to_client: VecDeque<Message>,
}

/// The server's side of an in-process connection. The program moves messages between it and the server.
#[derive(Clone, Debug)]
pub struct Pipe(Arc<Mutex<Shared>>);

/// The client's side: hand it to [`Connection::with_connectors`](super::Connection::with_connectors).
#[derive(Clone, Debug)]
pub struct PipeConnector(Arc<Mutex<Shared>>);

/// Makes both sides.
pub fn pipe() -> (Pipe, PipeConnector) {
    let shared = Arc::new(Mutex::new(Shared::default()));
    (Pipe(Arc::clone(&shared)), PipeConnector(shared))
}

impl Pipe {
    /// Counts the connections that the client made: when it changes, the server is to end the old session and begin
    /// a new one. 0 means none yet.
    pub fn connection(&self) -> u64 {
        lock(&self.0).connection
    }

    /// The next message for the server.
    pub fn take(&self) -> Option<Message> {
        lock(&self.0).to_server.pop_front()
    }

    /// Whether a message for the server waits.
    pub fn has_message(&self) -> bool {
        !lock(&self.0).to_server.is_empty()
    }

    /// Gives the client a message of the server.
    pub fn deliver(&self, message: Message) {
        let mut shared = lock(&self.0);
        if shared.open {
            shared.to_client.push_back(message);
        }
    }

    /// Ends the connection; the client will make another.
    pub fn close(&self) {
        lock(&self.0).open = false;
    }
}

impl Connector for PipeConnector {
    fn name(&self) -> String {
        "embedded".to_string()
    }

    fn wants_probes(&self) -> bool {
        false
    }

    fn connect(&mut self) -> Result<Box<dyn Transport>, TransportError> {
        let mut shared = lock(&self.0);
        let connection = shared.connection + 1;
        *shared = Shared { connection, open: true, ..Shared::default() };
        Ok(Box::new(PipeTransport { shared: Arc::clone(&self.0), connection }))
    }
}

struct PipeTransport {
    shared: Arc<Mutex<Shared>>,
    connection: u64,
}

impl PipeTransport {
    /// The queues, while the connection stands.
    fn open(&self) -> Option<MutexGuard<'_, Shared>> {
        Some(lock(&self.shared)).filter(|s| s.open && s.connection == self.connection)
    }
}

impl Transport for PipeTransport {
    fn poll_connect(&mut self) -> Result<bool, TransportError> {
        Ok(true)
    }

    fn send(&mut self, message: &Message) -> Result<(), TransportError> {
        let mut shared = self.open().ok_or(StreamError::Closed)?;
        shared.to_server.push_back(message.clone());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        // What was delivered before the end is to be seen first.
        let mut shared = lock(&self.shared);
        if shared.connection == self.connection
            && let Some(message) = shared.to_client.pop_front()
        {
            return Ok(Some(message));
        }
        if shared.open && shared.connection == self.connection {
            Ok(None)
        } else {
            Err(StreamError::Closed.into())
        }
    }

    fn wait(&self) -> Wait<'_> {
        match self.open() {
            Some(shared) if shared.to_client.is_empty() => Wait::Never,
            _ => Wait::Ready,
        }
    }
}

impl Drop for PipeTransport {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        if shared.connection == self.connection {
            shared.open = false;
        }
    }
}

/// A queue is whole whatever a panicking thread left undone.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
