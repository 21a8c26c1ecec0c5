//! Whether a server is one to follow: what its own database `_Server` (`ovsdb-server(7)`) says about ours.

use crate::json::Json;
use crate::schema::{self, Schema};
use crate::value::Uuid;

use super::config::SessionConfig;
use super::session::{SessionError, Unfit};
use super::snapshot::{Snapshot, UpdateForm};

/// What names the monitor of `_Server`.
pub(crate) const MONITOR: &str = "server";

const COLUMNS: [&str; 8] = ["cid", "connected", "index", "leader", "model", "name", "schema", "sid"];

/// What the present server says about the database, and what former ones said that still matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fitness {
    /// `None` while there is no connection, and for servers without `_Server`.
    server: Option<Snapshot>,
    /// The cluster of the servers that were good.
    cluster: Option<Uuid>,
    /// The newest state of the cluster that was seen: a server that is behind it would take us back in time.
    index: i64,
}

impl Fitness {
    /// The parameters of `monitor_cond` for the database's row.
    pub(crate) fn request(database: &str) -> Vec<Json> {
        let columns = Json::array(COLUMNS.map(Json::from));
        let ours = Json::array([Json::from("name"), Json::from("=="), Json::from(database)]);
        let request = Json::object([("columns", columns), ("where", Json::array([ours]))]);
        let requests = Json::object([("Database", Json::array([request]))]);
        vec![Json::from("_Server"), Json::from(MONITOR), requests]
    }

    /// The connection is gone.
    pub(crate) fn disconnected(&mut self) {
        self.server = None;
    }

    /// Whether the server tells about the database.
    pub(super) fn is_told(&self) -> bool {
        self.server.is_some()
    }

    /// Takes the first content.
    pub(crate) fn fill(&mut self, content: &Json) -> Result<(), SessionError> {
        let config = SessionConfig::new("_Server").table("Database", COLUMNS);
        let schema: Schema = schema::SERVER.parse()?;
        let mut server = Snapshot::default();
        let selected = Snapshot::select(&config, &schema);
        server.replace(selected, &config, content, UpdateForm::Difference, None)?;
        self.server = Some(server);
        Ok(())
    }

    /// Takes a change.
    pub(crate) fn update(&mut self, content: &Json) -> Result<(), SessionError> {
        match &mut self.server {
            Some(server) => server.update(content, UpdateForm::Difference, None).map(|_| ()),
            None => Err(SessionError::BadUpdate),
        }
    }

    /// Whether the server will do.
    pub(crate) fn judge(&mut self, config: &SessionConfig) -> Result<(), SessionError> {
        let Some(server) = &self.server else { return Ok(()) };
        let Some(row) = server.rows("Database").values().next() else {
            return Err(SessionError::NoDatabase(config.database.clone()));
        };
        let unfit = |why| Err(SessionError::Unfit { database: config.database.clone(), why });
        let model = row.get_string("model");
        if matches!(model, "clustered" | "relay") && !row.get_bool("connected") {
            return unfit(Unfit::Disconnected);
        }
        if model != "clustered" {
            return Ok(());
        }
        let cluster = row.get_uuid("cid");
        if self.cluster.is_some() && self.cluster != cluster {
            return unfit(Unfit::OtherCluster);
        }
        if config.leader_only && !row.get_bool("leader") {
            return unfit(Unfit::NotLeader);
        }
        let index = row.get_int("index");
        if index < self.index {
            return unfit(Unfit::Stale);
        }
        (self.cluster, self.index) = (cluster, index);
        Ok(())
    }

    /// The database's schema, as text, where the server tells it.
    pub(super) fn schema(&self) -> Option<&str> {
        self.server.as_ref()?.rows("Database").values().next()?.get_optional_string("schema")
    }
}
