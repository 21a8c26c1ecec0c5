//! Following another server: as its backup (`ovsdb-server(7)`, "Active-Backup Database Service Model"), or as a relay
//! in front of it ("Relay Service Model").
//!
//! ```text
//!   source ──messages──▶ Replica ──▶ Server (replicate, adopt_schema)      a backup has files of its own
//!          ◀──requests── (no I/O) ◀── transactions of a relay's clients     a relay has none
//! ```
//!
//! A backup asks which server it talks to (not itself), compares schemas, and then monitors every table that is not
//! excluded. What comes first is the whole contents: what is different is changed in one transaction, so clients that
//! monitor the backup see only that. A relay takes the schema from its source, and hands transactions that write on to
//! it; a reply comes after the update that shows its effects. What its source says in `_Server` decides whether it is
//! one to follow: a member of a cluster that has lost the others, or is behind what was seen of another one, is not.

mod apply;

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::effect::{DatabaseId, Effect, Now, SessionId};
use super::{Server, catalog};
use crate::client::fitness::{self, Fitness};
use crate::client::{SessionConfig, SessionError};
use crate::error::DbError;
use crate::json::Json;
use crate::jsonrpc::Message;
use crate::schema::Schema;

/// Names of databases and tables that are not followed.
pub type Excluded = BTreeSet<(String, String)>;

/// Why a source cannot be followed.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The source is this server itself. (Configuration.)
    #[error("the source is this server itself")]
    Itself,
    /// The source has none of the databases. (Configuration.)
    #[error("the source serves none of the databases that are served here")]
    NothingInCommon,
    /// The schemas of a database differ. (Configuration.)
    #[error("the schema of database {0} is another one at the source")]
    SchemaMismatch(String),
    /// A request was refused. (Peer.)
    #[error("the source refused {method}: {error}")]
    Refused {
        /// The request.
        method: String,
        /// What the source said.
        error: String,
    },
    /// What came cannot be understood. (Peer.)
    #[error("the source sent something unexpected in answer to {0}")]
    Unexpected(String),
    /// The source says itself that it is not to be followed now. (Peer.)
    #[error(transparent)]
    Source(#[from] SessionError),
    /// What came cannot be applied here. (Peer.)
    #[error("database {database}: {error}")]
    Apply {
        /// The database.
        database: String,
        /// What is wrong with it.
        error: DbError,
    },
}

/// What is followed.
#[derive(Clone, Debug)]
enum Mode {
    /// All databases, or one.
    Backup { database: Option<String>, excluded: Excluded },
    /// One database, of a server that is not known to be unfit.
    Relay { config: Box<SessionConfig>, fitness: Box<Fitness> },
}

/// What an answer will be the answer to.
#[derive(Clone, Debug)]
enum Asked {
    ServerId,
    Databases,
    /// What a relay's source says about its database.
    Fitness,
    Schema(String),
    Monitor(String),
    /// A client's transaction.
    Transaction(SessionId, Json),
}

impl Asked {
    fn method(&self) -> String {
        match self {
            Asked::ServerId => "get_server_id",
            Asked::Databases => "list_dbs",
            Asked::Schema(_) => "get_schema",
            Asked::Monitor(_) => "monitor",
            Asked::Fitness => "monitor_cond",
            Asked::Transaction(..) => "transact",
        }
        .to_owned()
    }
}

/// The protocol of a backup or a relay with its source.
#[derive(Debug)]
pub(super) struct Replica {
    mode: Mode,
    asked: BTreeMap<i64, Asked>,
    next: i64,
    output: Vec<Message>,
    following: BTreeSet<String>,
}

impl Replica {
    /// Follows all databases that are served here, or one of them, except for some tables.
    pub(super) fn backup(database: Option<String>, excluded: Excluded) -> Replica {
        Replica::new(Mode::Backup { database, excluded })
    }

    /// Follows one database, which lives in memory only.
    pub(super) fn relay(database: impl Into<String>) -> Replica {
        let config = Box::new(SessionConfig::new(database).leader_only(false));
        Replica::new(Mode::Relay { config, fitness: Box::default() })
    }

    fn new(mode: Mode) -> Replica {
        Replica { mode, asked: BTreeMap::new(), next: 0, output: Vec::new(), following: BTreeSet::new() }
    }

    /// The databases whose contents are the source's.
    pub(super) fn following(&self) -> &BTreeSet<String> {
        &self.following
    }

    /// Whether what is followed is a relay's.
    pub(super) fn is_relay(&self) -> bool {
        matches!(self.mode, Mode::Relay { .. })
    }

    /// The tables that are not followed.
    pub(super) fn excluded(&self) -> Excluded {
        match &self.mode {
            Mode::Backup { excluded, .. } => excluded.clone(),
            Mode::Relay { .. } => Excluded::new(),
        }
    }

    /// What is to be sent to the source.
    pub(super) fn take_output(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.output)
    }

    /// The connection stands.
    pub(super) fn connected(&mut self) {
        match &self.mode {
            Mode::Backup { .. } => self.ask("get_server_id", Vec::new(), Asked::ServerId),
            Mode::Relay { config, .. } => {
                let request = Fitness::request(&config.database);
                let aware = Message::request("set_db_change_aware", vec![Json::Bool(true)], "aware");
                self.output.push(aware);
                self.ask("monitor_cond", request, Asked::Fitness);
            }
        }
    }

    /// Takes what a relay's source says about its database; fails if the source will not do.
    fn judge(
        &mut self,
        take: impl FnOnce(&mut Fitness) -> Result<(), SessionError>,
    ) -> Result<(), ReplicaError> {
        let Mode::Relay { config, fitness } = &mut self.mode else { return Ok(()) };
        take(fitness)?;
        Ok(fitness.judge(config)?)
    }

    /// Asks for the schema of a relay's database.
    fn ask_schema(&mut self) {
        if let Mode::Relay { config, .. } = &self.mode {
            let database = config.database.clone();
            self.ask("get_schema", vec![Json::from(database.as_str())], Asked::Schema(database));
        }
    }

    /// The connection is gone: what was asked will not be answered.
    pub(super) fn disconnected(&mut self, server: &mut Server) -> Vec<Effect> {
        self.output.clear();
        if let Mode::Relay { fitness, .. } = &mut self.mode {
            fitness.disconnected();
        }
        for database in std::mem::take(&mut self.following) {
            self.tell_connected(server, &database, false);
        }
        for (_, asked) in std::mem::take(&mut self.asked) {
            if let Asked::Transaction(session, id) = asked {
                server.send(session, Message::error("canceled", id));
            }
        }
        server.take()
    }

    /// Hands a client's transaction on; it is canceled while the source cannot be reached.
    pub(super) fn forward(&mut self, session: SessionId, id: Json, params: Vec<Json>) -> Option<Effect> {
        if self.following.is_empty() {
            return Some(Effect::Send { session, message: Message::error("canceled", id) });
        }
        self.ask("transact", params, Asked::Transaction(session, id));
        None
    }

    fn ask(&mut self, method: &str, params: Vec<Json>, asked: Asked) {
        self.next += 1;
        self.output.push(Message::request(method, params, self.next));
        self.asked.insert(self.next, asked);
    }

    /// A message came from the source.
    pub(super) fn receive(
        &mut self,
        message: Message,
        server: &mut Server,
        now: Now,
    ) -> Result<Vec<Effect>, ReplicaError> {
        match message {
            Message::Request { method, params, id } if method == "echo" => {
                self.output.push(Message::reply(Json::Array(params), id));
            }
            Message::Request { id, .. } => self.output.push(Message::error("unknown method", id)),
            Message::Notify { method, params } => self.notified(&method, &params, server, now)?,
            Message::Reply { result, id } => {
                if let Some(asked) = self.take_asked(&id) {
                    self.answered(asked, &result, server, now)?;
                }
            }
            Message::Error { error, id } => match self.take_asked(&id) {
                Some(Asked::Transaction(session, id)) => server.send(session, Message::error(error, id)),
                // Servers before 2.9 have nothing to say about themselves.
                Some(Asked::Fitness) => self.ask_schema(),
                Some(asked) => {
                    return Err(ReplicaError::Refused { method: asked.method(), error: error.to_string() });
                }
                None => {}
            },
        }
        Ok(server.take())
    }

    fn take_asked(&mut self, id: &Json) -> Option<Asked> {
        if let Json::Integer(n) = id { self.asked.remove(n) } else { None }
    }

    fn notified(
        &mut self,
        method: &str,
        params: &[Json],
        server: &mut Server,
        now: Now,
    ) -> Result<(), ReplicaError> {
        match (method, params) {
            ("update2", [Json::String(name), updates]) if name == fitness::MONITOR => {
                self.judge(|fitness| fitness.update(updates))
            }
            ("update", [Json::String(database), updates]) if self.following.contains(database) => {
                self.apply(database, updates, false, server, now)
            }
            ("monitor_canceled", [Json::String(database)]) if self.following.contains(database) => {
                // The source's database was removed or converted: it is looked at again.
                Err(ReplicaError::SchemaMismatch(database.clone()))
            }
            _ => Ok(()),
        }
    }

    fn answered(
        &mut self,
        asked: Asked,
        result: &Json,
        server: &mut Server,
        now: Now,
    ) -> Result<(), ReplicaError> {
        match asked {
            Asked::ServerId => {
                if result.as_str() == Some(server.id.to_string().as_str()) {
                    return Err(ReplicaError::Itself);
                }
                self.ask("list_dbs", Vec::new(), Asked::Databases);
                Ok(())
            }
            Asked::Databases => {
                let there = result.as_array().unwrap_or_default();
                let here = server.database_names();
                let wanted = |name: &str| match &self.mode {
                    Mode::Backup { database: Some(only), .. } => name == only,
                    _ => name != catalog::NAME && here.contains(&name),
                };
                let common: Vec<String> = there
                    .iter()
                    .filter_map(Json::as_str)
                    .filter(|name| wanted(name))
                    .map(str::to_owned)
                    .collect();
                if common.is_empty() {
                    return Err(ReplicaError::NothingInCommon);
                }
                for name in common {
                    self.ask("get_schema", vec![Json::from(name.as_str())], Asked::Schema(name));
                }
                Ok(())
            }
            Asked::Fitness => {
                self.judge(|fitness| fitness.fill(result))?;
                self.ask_schema();
                Ok(())
            }
            Asked::Schema(name) => self.schema_came(&name, result, server),
            Asked::Monitor(name) => {
                self.apply(&name, result, true, server, now)?;
                self.tell_connected(server, &name, true);
                self.following.insert(name);
                Ok(())
            }
            Asked::Transaction(session, id) => {
                server.send(session, Message::reply(result.clone(), id));
                Ok(())
            }
        }
    }

    fn schema_came(&mut self, name: &str, schema: &Json, server: &mut Server) -> Result<(), ReplicaError> {
        let Some(id) = server.find(name) else { return Ok(()) };
        let unexpected = || ReplicaError::Unexpected("get_schema".to_owned());
        let theirs = Schema::from_json(schema).map_err(|_| unexpected())?;
        if theirs.name() != name {
            return Err(unexpected());
        }
        match &self.mode {
            Mode::Backup { .. } => {
                let same =
                    server.database(id).is_some_and(|db| db.schema().to_string() == theirs.to_string());
                if !same {
                    return Err(ReplicaError::SchemaMismatch(name.to_owned()));
                }
            }
            Mode::Relay { .. } => server.adopt_schema(id, theirs),
        }
        let Some(schema) = server.database(id).map(|db| db.schema().clone()) else { return Ok(()) };
        let excluded = self.excluded();
        let tables = schema.tables().map(|(_, table)| table);
        let wanted = tables.filter(|table| !excluded.contains(&(name.to_owned(), table.name.clone())));
        let requests = wanted.map(|table| {
            let columns = Json::array(table.columns.iter().map(|column| Json::from(column.name.as_str())));
            (table.name.as_str(), Json::object([("columns", columns)]))
        });
        let requests = Json::object(requests);
        let params = vec![Json::from(name), Json::from(name), requests];
        self.ask("monitor", params, Asked::Monitor(name.to_owned()));
        Ok(())
    }

    fn apply(
        &self,
        name: &str,
        updates: &Json,
        whole: bool,
        server: &mut Server,
        now: Now,
    ) -> Result<(), ReplicaError> {
        let Some(id) = server.find(name) else { return Ok(()) };
        server
            .replicate(id, updates, whole, &self.excluded(), now)
            .map_err(|error| ReplicaError::Apply { database: name.to_owned(), error })
    }

    /// Tells the clients of a relay whether its source can be reached.
    fn tell_connected(&self, server: &mut Server, database: &str, connected: bool) {
        if matches!(self.mode, Mode::Relay { .. }) {
            server.catalog_set(database, &[("connected", connected.into())]);
        }
    }
}

/// What a relay does itself: the operations neither write nor ask for a lock.
pub(super) fn only_reads(operations: &[Json]) -> bool {
    operations.iter().all(|operation| {
        let name = operation.get("op").and_then(Json::as_str);
        matches!(name, Some("select" | "wait" | "abort" | "comment"))
    })
}

impl Server {
    /// Serves `database` as a relay: its schema and contents are to come.
    pub(super) fn add_relay(
        &mut self,
        database: &str,
        now: Now,
    ) -> Result<(DatabaseId, Vec<Effect>), super::ServerError> {
        let empty = Json::object([
            ("name", Json::from(database)),
            ("version", Json::from("0.0.0")),
            ("tables", Json::object::<&str>([])),
        ]);
        let schema =
            Schema::from_json(&empty).map_err(|_| super::ServerError::Unknown(database.to_owned()))?;
        let db = crate::database::Database::new(std::sync::Arc::new(schema));
        let (id, mut effects) = self.add_database(db, false, now)?;
        if let Some(served) = self.databases.get_mut(&id) {
            served.relay = true;
        }
        let cells = [
            ("model", "relay".into()),
            ("connected", false.into()),
            ("leader", false.into()),
            ("schema", crate::value::Datum::empty_set()),
        ];
        self.catalog_set(database, &cells);
        effects.extend(self.take());
        Ok((id, effects))
    }
}
