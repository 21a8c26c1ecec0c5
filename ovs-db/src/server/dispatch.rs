//! The methods that clients may call.

use std::sync::Arc;

use super::effect::{CloseReason, DatabaseId, Effect, Now, SessionId, Written};
use super::monitor::{Flavor, Monitor, View, read_requests, read_where};
use super::replica::only_reads;
use super::served::Request;
use super::transact::{BACKUP, READ_ONLY_REMOTE};
use super::{Server, served::Served};
use crate::error::{DbError, ErrorTag};
use crate::json::{Json, Object};
use crate::jsonrpc::Message;
use crate::schema::is_id;
use crate::value::Uuid;

/// Why a request is answered by an error.
enum Refusal {
    /// An OVSDB error.
    Error(DbError),
    /// A bare string.
    Text(&'static str),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Refusal {
        Refusal::Error(error)
    }
}

/// A result to send now, or `None` if it is sent later or has been.
type Answer = Result<Option<Json>, Refusal>;

impl Server {
    /// Handles one message of a session that is open.
    pub(super) fn dispatch(&mut self, session: SessionId, message: Message, now: Now) {
        match message {
            Message::Request { method, params, id } => {
                let answer = self.request(session, &method, params, &id, now);
                match answer {
                    Ok(None) => {}
                    Ok(Some(result)) => self.send(session, Message::reply(result, id)),
                    Err(Refusal::Error(error)) => self.send(session, Message::error(error.to_json(), id)),
                    Err(Refusal::Text(text)) => self.send(session, Message::error(text, id)),
                }
            }
            Message::Notify { method, params } => {
                if let ("cancel", [id]) = (method.as_str(), params.as_slice()) {
                    self.cancel(session, id);
                }
            }
            // The server asks nothing, except that its I/O layer may send echo probes.
            Message::Reply { id, .. } | Message::Error { id, .. } if id.as_str() == Some("echo") => {}
            Message::Reply { .. } | Message::Error { .. } => {
                self.effects.push(Effect::Close { session, reason: CloseReason::UnexpectedResponse });
            }
        }
    }

    fn request(
        &mut self,
        session: SessionId,
        method: &str,
        params: Vec<Json>,
        id: &Json,
        now: Now,
    ) -> Answer {
        match method {
            "echo" => Ok(Some(Json::Array(params))),
            "list_dbs" => {
                let names = self.database_names().into_iter().map(Json::from);
                Ok(Some(Json::array(names)))
            }
            "get_server_id" => Ok(Some(Json::from(self.id.to_string()))),
            "set_db_change_aware" => {
                let [Json::Bool(aware)] = params.as_slice() else {
                    return Err(bad_params(method, "[BOOLEAN]", params).into());
                };
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.db_change_aware = *aware;
                }
                Ok(Some(empty()))
            }
            "get_schema" => {
                let database = self.database_param(method, &params)?;
                Ok(self.databases.get(&database).map(|served| served.db.schema().to_json()))
            }
            "transact" => self.start_transaction(session, params, id, now),
            "monitor" => self.start_monitor(session, Flavor::Plain, params, id),
            "monitor_cond" | "monitor_cond_since" if self.without_conditions => {
                Err(Refusal::Text("unknown method"))
            }
            "monitor_cond" => self.start_monitor(session, Flavor::Cond, params, id),
            "monitor_cond_since" => self.start_monitor(session, Flavor::Since, params, id),
            "monitor_cond_change" => self.change_monitor(session, params, id),
            "monitor_cancel" => self.end_monitor(session, &params),
            "lock" | "steal" | "unlock" => self.lock_request(session, method, params),
            "convert" => self.convert_request(session, params, id, now),
            _ => Err(Refusal::Text("unknown method")),
        }
    }

    /// The database that the first parameter names.
    fn database_param(&self, method: &str, params: &[Json]) -> Result<DatabaseId, DbError> {
        let all = || Json::Array(params.to_vec());
        let Some(Json::String(name)) = params.first() else {
            return Err(DbError::syntax(&all(), format!("{method} needs a database's name first")));
        };
        self.find(name).ok_or_else(|| {
            DbError::new(ErrorTag::UnknownDatabase, format!("no database named {name}")).about(&all())
        })
    }

    /// Holds a message back while the database has something pending that it must not see. Gives it back
    /// if it may go on.
    fn hold(
        &mut self,
        database: DatabaseId,
        session: SessionId,
        method: &str,
        params: Vec<Json>,
        id: &Json,
    ) -> Option<Vec<Json>> {
        let served = self.databases.get_mut(&database)?;
        let busy = match method {
            "transact" => served.is_converting(),
            "convert" => served.is_busy() || served.compacting.is_some(),
            _ => served.is_busy(),
        };
        if busy || !served.held.is_empty() {
            served.held.push_back((session, Message::request(method, params, id.clone())));
            return None;
        }
        Some(params)
    }

    fn start_transaction(&mut self, session: SessionId, params: Vec<Json>, id: &Json, now: Now) -> Answer {
        let database = self.database_param("transact", &params)?;
        let Some(mut params) = self.hold(database, session, "transact", params, id) else { return Ok(None) };
        let relayed = self.databases.get(&database).is_some_and(|served| served.relay);
        if relayed && !only_reads(params.get(1..).unwrap_or_default()) {
            self.forward(database, session, params, id);
            return Ok(None);
        }
        params.drain(..1);
        let operations = params.into();
        let request = Request { session, id: id.clone(), operations, since: now.monotonic, timeout: None };
        self.transact(database, request, now);
        Ok(None)
    }

    /// Has a transaction handed on to a relay's source, within what the session may do here.
    fn forward(&mut self, database: DatabaseId, session: SessionId, params: Vec<Json>, id: &Json) {
        let read_only = self.sessions.get(&session).is_some_and(|session| session.options.read_only);
        if read_only {
            let error = DbError::new(ErrorTag::NotAllowed, READ_ONLY_REMOTE).to_json();
            self.send(session, Message::reply(Json::array([error]), id.clone()));
        } else {
            self.effects.push(Effect::Forward { database, session, id: id.clone(), params });
        }
    }

    fn start_monitor(&mut self, session: SessionId, flavor: Flavor, params: Vec<Json>, id: &Json) -> Answer {
        let method = match flavor {
            Flavor::Plain => "monitor",
            Flavor::Cond => "monitor_cond",
            Flavor::Since => "monitor_cond_since",
        };
        let database = self.database_param(method, &params)?;
        let Some(params) = self.hold(database, session, method, params, id) else { return Ok(None) };
        let (name, requests, since) = match (flavor, params.as_slice()) {
            (Flavor::Since, [_, name, requests, Json::String(since)]) => {
                let since: Uuid =
                    since.parse().map_err(|_| bad_params(method, SINCE_PARAMS, params.clone()))?;
                (name, requests, Some(since))
            }
            (Flavor::Plain | Flavor::Cond, [_, name, requests]) => (name, requests, None),
            _ => return Err(bad_params(method, MONITOR_PARAMS, params).into()),
        };
        let Some(served) = self.databases.get(&database) else { return Ok(None) };
        let key = (session, name.to_string());
        if self.monitors.contains_key(&key) {
            return Err(DbError::syntax(name, "a monitor of this name exists").into());
        }
        let own = self.monitors.range((session, String::new())..).take_while(|(key, _)| key.0 == session);
        if own.count() >= self.config.max_monitors {
            let what = "this session has as many monitors as it may have";
            return Err(DbError::new(ErrorTag::ResourcesExhausted, what).into());
        }
        let tables = read_requests(served.db.schema(), requests, flavor != Flavor::Plain)?;
        let name = name.clone();
        let Some(served) = self.databases.get_mut(&database) else { return Ok(None) };
        let view = served.views.share(View { whole: flavor == Flavor::Plain, tables });
        let text = match since {
            None => Written::reply(id, "", served.initial(&view)),
            Some(since) => since_reply(served, &view, id, since),
        };
        let monitor = Monitor::new(session, &name, database, flavor, view, &mut served.views);
        self.monitors.insert(key, monitor);
        self.effects.push(Effect::Write { session, text });
        Ok(None)
    }

    fn change_monitor(&mut self, session: SessionId, params: Vec<Json>, id: &Json) -> Answer {
        let method = "monitor_cond_change";
        let [old, new, conditions] = params.as_slice() else {
            return Err(bad_params(method, "[ID, NEW-ID, {TABLE: [{\"where\": ...}]}]", params).into());
        };
        let key = (session, old.to_string());
        let unknown = || DbError::syntax(old, "no monitor has this name");
        let database = self.monitors.get(&key).ok_or_else(unknown)?.database;
        if self.databases.get(&database).is_some_and(|db| db.is_busy() || !db.held.is_empty()) {
            self.hold(database, session, method, params, id);
            return Ok(None);
        }
        let new_key = (session, new.to_string());
        if new_key != key && self.monitors.contains_key(&new_key) {
            return Err(DbError::syntax(new, "a monitor of this name exists").into());
        }
        let new = new.clone();
        let Some(served) = self.databases.get_mut(&database) else { return Ok(None) };
        let monitored = &self.monitors.get(&key).ok_or_else(unknown)?.view.tables;
        let conditions = read_where(served.db.schema(), conditions, monitored)?;
        let mut monitor = self.monitors.remove(&key).ok_or_else(unknown)?;
        let (view, updates) = monitor.view.change_conditions(&served.db, conditions);
        monitor.view = served.views.share(view);
        // The notification still carries the old name: the new one holds from the reply on.
        if let Some(updates) = updates {
            let text = monitor.notification(Arc::new(updates), served.history.last());
            self.effects.push(Effect::Write { session, text });
        }
        monitor.rename(new, &mut served.views);
        self.monitors.insert(new_key, monitor);
        Ok(Some(empty()))
    }

    fn convert_request(&mut self, session: SessionId, params: Vec<Json>, id: &Json, now: Now) -> Answer {
        let database = self.database_param("convert", &params)?;
        let Some(params) = self.hold(database, session, "convert", params, id) else { return Ok(None) };
        let [_, schema] = params.as_slice() else {
            return Err(bad_params("convert", "[DATABASE, SCHEMA]", params).into());
        };
        self.start_convert(database, session, id, schema, now)?;
        Ok(None)
    }

    fn end_monitor(&mut self, session: SessionId, params: &[Json]) -> Answer {
        let [name] = params else {
            return Err(bad_params("monitor_cancel", "[ID]", params.to_vec()).into());
        };
        match self.monitors.remove(&(session, name.to_string())) {
            Some(_) => Ok(Some(empty())),
            None => Err(Refusal::Text("unknown monitor")),
        }
    }

    fn lock_request(&mut self, session: SessionId, method: &str, params: Vec<Json>) -> Answer {
        let name = match params.as_slice() {
            [Json::String(name)] if is_id(name) => name.clone(),
            _ => return Err(bad_params(method, "[ID]", params).into()),
        };
        if self.backup {
            return Err(DbError::new(ErrorTag::NotAllowed, BACKUP).into());
        }
        let locked = |yes: bool| Ok(Some(Json::object([("locked", Json::Bool(yes))])));
        let params = Json::Array(params);
        let asked = || DbError::syntax(&params, "this session asked for the lock before");
        match method {
            "lock" => locked(self.locks.lock(session, &name).ok_or_else(asked)?),
            "steal" => {
                let notices = self.locks.steal(session, &name).ok_or_else(asked)?;
                self.tell(notices);
                locked(true)
            }
            _ => {
                let not_asked = || DbError::syntax(&params, "this session did not ask for the lock");
                let notices = self.locks.unlock(session, &name).ok_or_else(not_asked)?;
                self.tell(notices);
                Ok(Some(empty()))
            }
        }
    }
}

const MONITOR_PARAMS: &str = "[DATABASE, ID, REQUESTS]";
const SINCE_PARAMS: &str = "[DATABASE, ID, REQUESTS, LAST-TXN-ID]";

/// The reply to `monitor_cond_since`: whether the client's state is known, the present state, and what
/// leads from the one to the other (or everything).
fn since_reply(served: &mut Served, view: &Arc<View>, id: &Json, since: Uuid) -> Written {
    let last = served.history.last();
    let changes = served.history.since(since);
    let before = format!("[{},\"{last}\",", changes.is_some());
    let text = match changes {
        Some(changes) => Arc::new(view.updates(&served.db, &changes).unwrap_or_else(|| "{}".to_owned())),
        None => served.initial(view),
    };
    Written::reply(id, &before, text)
}

fn bad_params(method: &str, expected: &str, params: Vec<Json>) -> DbError {
    DbError::syntax(&Json::Array(params), format!("{method} takes {expected}"))
}

fn empty() -> Json {
    Json::Object(Object::new())
}
