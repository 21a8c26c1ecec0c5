//! What a server wants its program to do.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::json::Json;
use crate::jsonrpc::Message;
use crate::storage::{Snapshot, Ticket};

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
    /// A database has another schema now, which this client does not expect to happen. It will connect again.
    #[error("the schema of a database changed")]
    SchemaChanged,
    /// The server's part among others changed: it became active, or a backup.
    #[error("the server's role changed")]
    RoleChanged,
    /// The operator wants clients to connect again.
    #[error("asked to by the operator")]
    Operator,
    /// The client sent a response that belongs to no request.
    #[error("received a response to nothing")]
    UnexpectedResponse,
}

/// A message that is text already. The long part of it may be shared by many sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    head: String,
    body: Arc<String>,
    tail: &'static str,
}

impl Written {
    /// All of a message, which may go to many sessions.
    pub(super) fn whole(text: Arc<String>) -> Written {
        Written { head: String::new(), body: text, tail: "" }
    }

    /// The text, if all of it may go to many sessions.
    pub(super) fn into_whole(self) -> Result<Arc<String>, Written> {
        if self.head.is_empty() && self.tail.is_empty() { Ok(self.body) } else { Err(self) }
    }

    /// A notification: everything up to the last parameter, and that.
    pub(super) fn notify(head: String, body: Arc<String>) -> Written {
        Written { head, body, tail: NOTIFY_TAIL }
    }

    /// The reply to the request `id`: `before` and `body` and what closes `before`.
    pub(super) fn reply(id: &Json, before: &str, body: Arc<String>) -> Written {
        let head = format!("{{\"error\":null,\"id\":{id},\"result\":{before}");
        let tail = if before.is_empty() { "}" } else { "]}" };
        Written { head, body, tail }
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.pieces().map(str::len).iter().sum()
    }

    /// Never true: a message has at least its brackets.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces of the text, one behind the other. The second one may be long; the others may be empty.
    pub fn pieces(&self) -> [&str; 3] {
        [&self.head, &self.body, self.tail]
    }

    /// The second piece, which many sessions may share.
    pub fn body(&self) -> Arc<String> {
        Arc::clone(&self.body)
    }

    /// The message, for a session without a wire; `None` cannot come of what a server wrote.
    pub fn to_message(&self) -> Option<Message> {
        Message::from_json(self.pieces().concat().parse().ok()?).ok()
    }
}

/// What a notification ends with.
pub(super) const NOTIFY_TAIL: &str = "]}";

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
    /// Send a message that is text already.
    Write {
        /// To whom.
        session: SessionId,
        /// What.
        text: Written,
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
        snapshot: Snapshot,
    },
    /// Hand a transaction on to the source of a relay's database. Its reply goes to the session that sent it.
    Forward {
        /// The database.
        database: DatabaseId,
        /// Who sent it.
        session: SessionId,
        /// The `id` of the request.
        id: Json,
        /// The parameters of `transact`.
        params: Vec<Json>,
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

impl Effect {
    /// The message, and whom it is for, if this is about one.
    pub fn into_message(self) -> Option<(SessionId, Message)> {
        match self {
            Effect::Send { session, message } => Some((session, message)),
            Effect::Write { session, text } => Some((session, text.to_message()?)),
            _ => None,
        }
    }
}
