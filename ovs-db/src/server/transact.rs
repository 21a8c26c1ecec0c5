//! Transactions from request to reply.

use std::sync::Arc;

use super::effect::{DatabaseId, Effect, Now, SessionId};
use super::monitor::Updates;
use super::served::{Pending, Request};
use super::{Server, served::Served};
use crate::database::ChangeSet;
use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::jsonrpc::Message;
use crate::storage::{StorageError, Ticket};
use crate::txn::{Access, Context, Done, Outcome, execute};

/// Why a client of a remote with `read_only` may not write.
pub(super) const READ_ONLY_REMOTE: &str = "this remote is for reading only";

/// Why nobody may write to a backup.
pub(super) const BACKUP: &str = "this server is the backup of another one";

impl Server {
    /// Executes a transaction; it is answered now, when its record is stored, or when it has waited.
    pub(super) fn transact(&mut self, database: DatabaseId, mut request: Request, now: Now) {
        let backup = self.backup;
        let Server { databases, locks, config, sessions, .. } = self;
        let Some(served) = databases.get_mut(&database) else { return };
        let by_role = (backup || served.backup).then_some(BACKUP);
        let Served { db, uuids, read_only, .. } = served;
        let session = request.session;
        let options = sessions.get(&session).map(|session| &session.options);
        let by_remote = options.filter(|options| options.read_only).map(|_| READ_ONLY_REMOTE);
        let mut context = Context {
            uuids,
            holds_lock: &|name| locks.holds(session, name),
            waited: now.monotonic.saturating_sub(request.since),
            read_only: read_only.as_deref().or(by_remote).or(by_role),
            access: options.and_then(|options| Access::find(db, options)),
        };
        match execute(db, &request.operations, &mut context) {
            Outcome::Done(done) => self.commit(database, request, done, now),
            Outcome::Wait { timeout } => {
                let waiting = served.waiting.iter().filter(|r| r.session == session).count();
                if waiting >= config.max_waiting {
                    let what = format!("{waiting} transactions of this session are waiting already");
                    let error = DbError::new(ErrorTag::ResourcesExhausted, what).to_json();
                    self.send(session, Message::error(error, request.id));
                    return;
                }
                request.timeout = timeout;
                served.waiting.push(request);
            }
        }
    }

    fn commit(&mut self, database: DatabaseId, request: Request, done: Done, now: Now) {
        let Some(served) = self.databases.get_mut(&database) else { return };
        let Request { session, id, .. } = request;
        let Done { results, changes, comment, durable } = done;
        if changes.is_none() {
            self.counters.failures += 1;
        }
        let changes = Arc::new(changes.unwrap_or_default());
        served.db.apply(&changes);
        self.append(database, Some((session, id)), results, changes, comment, durable, now);
    }

    /// A write succeeded.
    pub(super) fn write_done(&mut self, database: DatabaseId, ticket: Ticket, now: Now) {
        if let Some(served) = self.databases.get_mut(&database) {
            if served.compacting == Some(ticket) {
                served.compacting = None;
            }
            served.mark(ticket);
            self.publish(database, now);
        }
    }

    /// Lets everybody see what is stored, in order, and goes on with what waited for it.
    pub(super) fn publish(&mut self, database: DatabaseId, now: Now) {
        let mut changed = false;
        while let Some(pending) = self.databases.get_mut(&database).and_then(Served::take_ready) {
            match pending {
                Pending::Commit { to, results, changes, .. }
                | Pending::Unrecorded { to, results, changes } => {
                    changed |= !changes.is_empty();
                    self.announce(database, changes);
                    if let Some((session, id)) = to {
                        self.send(session, Message::reply(Json::Array(results), id));
                    }
                }
                Pending::Convert { to, converted, .. } => self.finish_convert(database, to, *converted),
            }
        }
        if changed {
            self.retry_waiting(database, now);
        }
        self.release_held(database, now);
    }

    /// Tells the monitors of a database what changed.
    pub(super) fn announce(&mut self, database: DatabaseId, changes: Arc<ChangeSet>) {
        let Server { databases, monitors, effects, counters, .. } = self;
        let Some(served) = databases.get_mut(&database).filter(|_| !changes.is_empty()) else { return };
        counters.commits += 1;
        let state = served.uuids.generate();
        let mut updates = Updates::new(&served.db, &changes, state);
        for monitor in monitors.values().filter(|monitor| monitor.database == database) {
            if let Some(text) = updates.notification(monitor) {
                counters.updates += 1;
                effects.push(Effect::Write { session: monitor.session, text });
            }
        }
        served.history.push(state, changes);
    }

    /// Executes the waiting transactions of a database again.
    pub(super) fn retry_waiting(&mut self, database: DatabaseId, now: Now) {
        // A transaction that comes true may make others true: they are looked at in a further round, not
        // in a nested call, whose depth clients could choose.
        let Some(served) = self.databases.get_mut(&database) else { return };
        served.retry = true;
        if std::mem::replace(&mut served.retrying, true) {
            return;
        }
        while let Some(served) = self.databases.get_mut(&database) {
            if !std::mem::take(&mut served.retry) {
                served.retrying = false;
                return;
            }
            for request in std::mem::take(&mut served.waiting) {
                self.transact(database, request, now);
            }
        }
    }

    /// Handles messages that were held back, as long as nothing is pending in front of them.
    fn release_held(&mut self, database: DatabaseId, now: Now) {
        loop {
            let Some(served) = self.databases.get_mut(&database) else { return };
            if served.is_busy() {
                return;
            }
            let Some((session, message)) = served.held.pop_front() else { return };
            // What is behind this one is still held: it must not be overtaken by it.
            let rest = std::mem::take(&mut served.held);
            self.dispatch(session, message, now);
            if let Some(served) = self.databases.get_mut(&database) {
                served.held.extend(rest);
            }
        }
    }

    /// A write failed: nothing that is pending can be kept. If it was the journal's rewriting, the old one stays
    /// as it is, and so does everything else.
    pub(super) fn write_failed(
        &mut self,
        database: DatabaseId,
        ticket: Ticket,
        error: &StorageError,
        now: Now,
    ) {
        let Some(served) = self.databases.get_mut(&database) else { return };
        let details = DbError::new(ErrorTag::IoError, error.to_string());
        if served.compacting == Some(ticket) {
            served.compacting = None;
            self.release_held(database, now);
            return;
        }
        let failed = std::mem::take(&mut served.pending);
        for pending in failed.iter().rev() {
            if let Pending::Commit { changes, .. } | Pending::Unrecorded { changes, .. } = pending {
                served.db.revert(changes);
            }
        }
        if failed.iter().any(|pending| matches!(pending, Pending::Commit { .. })) {
            served.read_only = Some(format!("the database is read-only since a write failed: {error}"));
        }
        let json = details.to_json();
        for pending in failed {
            match pending {
                Pending::Commit { to, mut results, .. } | Pending::Unrecorded { to, mut results, .. } => {
                    self.counters.failures += 1;
                    results.push(json.clone());
                    if let Some((session, id)) = to {
                        self.send(session, Message::reply(Json::Array(results), id));
                    }
                }
                Pending::Convert { to, .. } => self.convert_failed(to, &details),
            }
        }
        self.release_held(database, now);
    }

    /// Ends a transaction that waits, or is held back; true if there was one.
    pub(super) fn cancel(&mut self, session: SessionId, id: &Json) -> bool {
        let mut found = false;
        for served in self.databases.values_mut() {
            let before = served.waiting.len() + served.held.len();
            served.waiting.retain(|request| request.session != session || request.id != *id);
            served.held.retain(|(owner, message)| {
                *owner != session || !matches!(message, Message::Request { id: held, .. } if held == id)
            });
            found |= served.waiting.len() + served.held.len() < before;
        }
        if found {
            self.send(session, Message::error("canceled", id.clone()));
        }
        found
    }

    /// Ends all transactions that wait in a database.
    pub(super) fn cancel_waiting(&mut self, database: DatabaseId) {
        let Some(served) = self.databases.get_mut(&database) else { return };
        for request in std::mem::take(&mut served.waiting) {
            self.send(request.session, Message::error("canceled", request.id));
        }
    }
}
