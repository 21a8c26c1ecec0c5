//! What a server wants its program to do.

use std::time::Duration;

use thiserror::Error;

use crate::jsonrpc::Message;
use crate::storage::Ticket;

/// The present, as the program knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time since the embedder's origin: decides when a `wait` times out.
    pub monotonic: Duration,
    /// Time since 1970-01-01 UTC: stands in the records of the journal.
    pub wall: Duration,
}

/// One connection to a server. Numbers are not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// One database of a server. Numbers are not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseId(pub u64);

/// Why a server wants a session closed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The list of databases changed, which this client does not expect. It will connect again.
    #[error("the list of databases changed")]
    DatabasesChanged,
    /// The client sent a response that belongs to no request.
    #[error("received a response to nothing")]
    UnexpectedResponse,
}

/// Something for the program to do. Effects are to be carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a message.
    Send {
        /// To whom.
        session: SessionId,
        /// What.
        message: Message,
    },
    /// Add bytes to a database's journal, and then call [`Server::stored`](super::Server::stored).
    Append {
        /// Whose journal.
        database: DatabaseId,
        /// Names the write in the call.
        ticket: Ticket,
        /// What to add.
        bytes: Vec<u8>,
        /// Whether the bytes must be durable before the call.
        sync: bool,
    },
    /// Replace a database's journal, durably, and then call [`Server::stored`](super::Server::stored).
    Replace {
        /// Whose journal.
        database: DatabaseId,
        /// Names the write in the call.
        ticket: Ticket,
        /// The new content.
        bytes: Vec<u8>,
    },
    /// Close a session, once what was sent to it is out, and then call
    /// [`Server::close_session`](super::Server::close_session).
    Close {
        /// Which one.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
}
