//! Changing a database's schema while it is served.

use std::sync::Arc;

use super::effect::{CloseReason, DatabaseId, Effect, Now, SessionId};
use super::served::Pending;
use super::{Server, served::Served};
use crate::database::Database;
use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::jsonrpc::Message;
use crate::schema::Schema;
use crate::storage::{Snapshot, Stamp};
use crate::txn::convert;

impl Server {
    /// Converts a database of which nothing is pending. The reply is sent once the new file is durable.
    pub(super) fn start_convert(
        &mut self,
        database: DatabaseId,
        session: SessionId,
        id: &Json,
        schema: &Json,
        now: Now,
    ) -> Result<(), DbError> {
        let Some(served) = self.databases.get_mut(&database) else { return Ok(()) };
        let relay = served.relay.then_some("the schema of a relay's database is its source's");
        let by_role = relay.or((self.backup || served.backup).then_some(super::transact::BACKUP));
        if let Some(why) = served.read_only.as_deref().or(by_role) {
            return Err(DbError::new(ErrorTag::NotAllowed, why));
        }
        let schema = Schema::from_json(schema)?;
        if schema.name() != served.name() {
            let what = format!("the schema is of database {}, not of {}", schema.name(), served.name());
            return Err(DbError::new(ErrorTag::SyntaxError, what));
        }
        let converted = convert(&served.db, &Arc::new(schema), &mut served.uuids)?;
        let stamp = Stamp {
            date: now.wall.as_millis() as i64,
            comment: "ovsdb-server: converted by a client's request".to_owned(),
        };
        let snapshot = Snapshot::new(&converted, stamp);
        let ticket = served.ticket();
        let stored = !served.stored;
        let to = Some((session, id.clone()));
        served.pending.push_back(Pending::Convert { ticket, stored, to, converted: Box::new(converted) });
        if stored {
            self.publish(database, now);
        } else {
            self.effects.push(Effect::Replace { database, ticket, snapshot });
        }
        Ok(())
    }

    /// Serves the converted database instead of the old one.
    pub(super) fn finish_convert(
        &mut self,
        database: DatabaseId,
        to: Option<(SessionId, Json)>,
        converted: Database,
    ) {
        self.swap_database(database, converted);
        if let Some((session, id)) = to {
            self.send(session, Message::reply(Json::object::<&str>([]), id));
        }
        self.reconnect_unaware(CloseReason::SchemaChanged);
    }

    /// Puts other contents, under another schema, in a database's place: what waits and what monitors ends.
    pub(super) fn swap_database(&mut self, database: DatabaseId, db: Database) {
        self.cancel_waiting(database);
        self.cancel_monitors(database);
        let Some(served) = self.databases.get_mut(&database) else { return };
        served.db = db;
        served.forget_history();
        let (name, text) = (served.name().to_owned(), served.db.schema().to_string());
        self.catalog_set(&name, &[("schema", text.into())]);
    }

    /// A converted file could not be written: the old one, and the old schema, stay.
    pub(super) fn convert_failed(&mut self, to: Option<(SessionId, Json)>, error: &DbError) {
        if let Some((session, id)) = to {
            self.send(session, Message::error(error.to_json(), id));
        }
    }

    /// Ends the monitors of a database, and tells their owners.
    pub(super) fn cancel_monitors(&mut self, database: DatabaseId) {
        let gone: Vec<_> = self
            .monitors
            .iter()
            .filter(|(_, m)| m.database == database)
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            if let Some(monitor) = self.monitors.remove(&key) {
                self.send(key.0, Message::notify("monitor_canceled", vec![monitor.id]));
            }
        }
    }
}

impl Served {
    /// True while something is under way behind which requests have to wait.
    pub(super) fn is_converting(&self) -> bool {
        self.pending.iter().any(|pending| matches!(pending, Pending::Convert { .. }))
    }
}
