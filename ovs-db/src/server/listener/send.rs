//! Getting messages to clients: answers first, then what everybody is told.

use std::sync::Arc;

use super::Listener;
use crate::jsonrpc::Message;
use crate::server::effect::{SessionId, Written};

/// How many clients may count as those that were just answered.
const RECENT: usize = 8;

impl Listener {
    /// Sends a message to a session.
    pub(super) fn deliver(&mut self, session: SessionId, message: Message) {
        self.keep_order(session);
        if let Some(connection) = self.connections.get_mut(&session) {
            connection.send(&message);
            if matches!(message, Message::Reply { .. } | Message::Error { .. }) {
                connection.dirty = true;
                self.answered.push(session);
            } else {
                self.mark_dirty(session);
            }
        } else {
            self.deliver_local(session, message);
        }
    }

    /// Sends a message that is text already to a session. One that is the same for many goes out at the end of the turn from
    /// where it lies, unless more comes behind it.
    pub(super) fn deliver_written(&mut self, session: SessionId, text: Written) {
        match text.into_whole() {
            Ok(body) => {
                // Sessions are told in order: this is another change.
                if self.told.last().is_some_and(|(last, _)| session < *last) {
                    self.queue_told();
                }
                self.told.push((session, body));
            }
            Err(text) => {
                self.keep_order(session);
                self.queue(session, &text);
            }
        }
    }

    /// Nothing that a session gets now may overtake what it is to be told.
    fn keep_order(&mut self, session: SessionId) {
        if self.told.binary_search_by_key(&session, |(told, _)| *told).is_ok() {
            self.queue_told();
        }
    }

    fn queue_told(&mut self) {
        let mut told = std::mem::take(&mut self.told);
        for (session, body) in told.drain(..) {
            self.queue(session, &Written::whole(body));
        }
        self.told = told;
    }

    fn queue(&mut self, session: SessionId, text: &Written) {
        if let Some(connection) = self.connections.get_mut(&session) {
            connection.send_written(text);
            self.mark_dirty(session);
        } else if let Some(message) = text.to_message() {
            self.deliver_local(session, message);
        }
    }

    /// Tells each session what waits for it.
    fn flush_told(&mut self) {
        let mut told = std::mem::take(&mut self.told);
        for i in 0..told.len() {
            let (session, body) = &told[i];
            if told.get(i + 1).is_some_and(|(next, _)| next == session) {
                self.queue(*session, &Written::whole(Arc::clone(body)));
                continue;
            }
            match self.connections.get_mut(session) {
                Some(connection) => {
                    if !connection.tell(body) {
                        connection.dirty = true;
                        self.flush_connection(*session);
                    }
                }
                None => self.queue(*session, &Written::whole(Arc::clone(body))),
            }
        }
        told.clear();
        self.told = told;
    }

    /// Whether somebody is to be flushed.
    pub(super) fn has_dirty(&self) -> bool {
        !(self.answered.is_empty() && self.told.is_empty() && self.dirty.is_empty())
    }

    pub(super) fn mark_dirty(&mut self, session: SessionId) {
        if let Some(connection) = self.connections.get_mut(&session)
            && !std::mem::replace(&mut connection.dirty, true)
        {
            self.dirty.push(session);
        }
    }

    /// Sends what was queued in this turn, and sees what each client that was touched waits for now. Who waits for an
    /// answer comes first: those who are only told of changes may be many.
    pub(super) fn flush_dirty(&mut self) {
        self.flush_answered();
        self.flush_told();
        let mut sessions = std::mem::take(&mut self.dirty);
        for session in &sessions {
            self.flush_connection(*session);
        }
        sessions.clear();
        self.dirty = sessions;
    }

    /// Sends answers, and what their receivers were to be told before.
    pub(super) fn flush_answered(&mut self) {
        let mut answered = std::mem::take(&mut self.answered);
        for session in &answered {
            self.flush_connection(*session);
        }
        if !answered.is_empty() {
            answered.dedup();
            answered.truncate(RECENT);
            self.recent = answered;
        }
    }

    /// Sends what waits for a client that had its turn, and sees what it waits for now.
    pub(super) fn flush_touched(&mut self, session: SessionId) {
        if let Some(connection) = self.connections.get_mut(&session) {
            connection.dirty = true;
            self.flush_connection(session);
        }
    }

    fn flush_connection(&mut self, session: SessionId) {
        let Some(connection) = self.connections.get_mut(&session) else { return };
        if !std::mem::take(&mut connection.dirty) {
            return;
        }
        connection.flush();
        connection.update_watch(&self.poller, session, &self.config);
        if connection.is_due(&self.config) {
            self.due.insert(session);
        }
        if let Some(at) = connection.deadline() {
            self.silence = Some(self.silence.map_or(at, |first| first.min(at)));
        }
    }
}
