//! Clients in the same process, without sockets.

use std::collections::VecDeque;

use ovs_stream::Wait;
use thiserror::Error;

use super::Listener;
use crate::client::Pipe;
use crate::jsonrpc::Message;
use crate::server::effect::{Now, SessionId};

/// How many messages of one pipe are handled in a turn.
const BUDGET: usize = 64;

/// A session is gone.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the server closed the session")]
pub struct SessionClosed;

/// A client over a pipe.
#[derive(Debug)]
pub(super) struct Piped {
    pipe: Pipe,
    /// The connection of the pipe that `session` belongs to.
    connection: u64,
    session: Option<SessionId>,
}

impl Piped {
    /// What to sleep on.
    pub(super) fn wait(&self) -> Wait<'_> {
        let ready = self.pipe.connection() != self.connection || self.pipe.has_message();
        if ready { Wait::Ready } else { Wait::Never }
    }
}

impl Listener {
    /// Opens a session without a socket, for this process itself.
    pub fn open_local(&mut self) -> SessionId {
        let session = self.server.open_session();
        self.local.insert(session, VecDeque::new());
        session
    }

    /// Sends a message in a local session.
    pub fn send_local(&mut self, session: SessionId, message: Message, now: Now) {
        let effects = self.server.handle(session, message, now);
        self.carry_out(effects);
        self.settle(now);
    }

    /// The next message that came to a local session; `None` if there is none. A session that the server
    /// closed gives an error once.
    pub fn receive_local(&mut self, session: SessionId) -> Result<Option<Message>, SessionClosed> {
        self.local.get_mut(&session).map(VecDeque::pop_front).ok_or(SessionClosed)
    }

    /// Closes a local session.
    pub fn close_local(&mut self, session: SessionId, now: Now) {
        self.local.remove(&session);
        let effects = self.server.close_session(session);
        self.carry_out(effects);
        self.settle(now);
    }

    /// Serves a client of this process, whose [`Connection`](crate::client::Connection) has the other end of `pipe`.
    pub fn add_pipe(&mut self, pipe: Pipe) {
        self.pipes.push(Piped { pipe, connection: 0, session: None });
    }

    /// Gives each pipe its turn.
    pub(super) fn poll_pipes(&mut self, now: Now) {
        for i in 0..self.pipes.len() {
            let piped = &mut self.pipes[i];
            let current = piped.pipe.connection();
            if current != piped.connection {
                piped.connection = current;
                let new = self.server.open_session();
                if let Some(old) = piped.session.replace(new) {
                    let effects = self.server.close_session(old);
                    self.carry_out(effects);
                }
            }
            for _ in 0..BUDGET {
                let piped = &self.pipes[i];
                let Some((session, message)) = piped.session.zip(piped.pipe.take()) else { break };
                let effects = self.server.handle(session, message, now);
                self.carry_out(effects);
            }
        }
    }

    /// Gives a message to a session of this process.
    pub(super) fn deliver_local(&mut self, session: SessionId, message: Message) {
        if let Some(queue) = self.local.get_mut(&session) {
            queue.push_back(message);
        } else if let Some(piped) = self.pipes.iter().find(|piped| piped.session == Some(session)) {
            piped.pipe.deliver(message);
        }
    }

    /// Ends a session of this process; a client over a pipe will connect again.
    pub(super) fn end_local(&mut self, session: SessionId) {
        self.local.remove(&session);
        if let Some(piped) = self.pipes.iter_mut().find(|piped| piped.session == Some(session)) {
            piped.pipe.close();
            piped.session = None;
        }
    }
}
