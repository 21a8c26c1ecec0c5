//! What a client wants of a server.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::Condition;

/// Which database, tables, columns and rows a client keeps, the lock that it wants, and which servers will do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The database's name.
    pub database: String,
    /// The columns to keep, by table.
    pub tables: BTreeMap<String, BTreeSet<String>>,
    /// Which rows to keep, by table; all where nothing is said.
    pub conditions: BTreeMap<String, Condition>,
    /// The indexes to keep: lists of columns, by table.
    pub indexes: BTreeMap<String, Vec<Vec<String>>>,
    /// The lock without which nothing is to be written.
    pub lock: Option<String>,
    /// Of a cluster, only its leader will do.
    pub leader_only: bool,
    /// Note which rows change, for [`Session::take_changes`](super::Session::take_changes).
    pub track_changes: bool,
}

impl SessionConfig {
    /// Wants the database, and nothing of it yet. Of a cluster, any member that is connected to the others will do.
    pub fn new(database: impl Into<String>) -> Self {
        SessionConfig {
            database: database.into(),
            tables: BTreeMap::new(),
            conditions: BTreeMap::new(),
            indexes: BTreeMap::new(),
            lock: None,
            leader_only: false,
            track_changes: false,
        }
    }

    /// Wants these columns of a table, beside those already wanted. A table may be wanted without columns, for the
    /// rows' existence.
    pub fn table<S: Into<String>>(
        mut self,
        table: impl Into<String>,
        columns: impl IntoIterator<Item = S>,
    ) -> Self {
        self.tables.entry(table.into()).or_default().extend(columns.into_iter().map(Into::into));
        self
    }

    /// Wants just those rows of a table for which the condition holds. It can be changed later:
    /// [`Session::set_condition`](super::Session::set_condition).
    pub fn condition(mut self, table: impl Into<String>, condition: impl Into<Condition>) -> Self {
        self.conditions.insert(table.into(), condition.into());
        self
    }

    /// Keeps an index of a table over these columns, which are then also wanted. See
    /// [`Snapshot::index`](super::Snapshot::index).
    pub fn index<S: Into<String>>(
        mut self,
        table: impl Into<String>,
        columns: impl IntoIterator<Item = S>,
    ) -> Self {
        let (table, columns) = (table.into(), columns.into_iter().map(Into::into).collect::<Vec<_>>());
        let indexes = self.indexes.entry(table.clone()).or_default();
        if !indexes.contains(&columns) {
            indexes.push(columns.clone());
        }
        self.table(table, columns)
    }

    /// Wants the lock: every transaction then also checks that it is held.
    pub fn lock(mut self, name: impl Into<String>) -> Self {
        self.lock = Some(name.into());
        self
    }

    /// Wants the leader of a cluster: its members forward what others ask, which takes longer, and may lag behind.
    pub fn leader_only(mut self, only: bool) -> Self {
        self.leader_only = only;
        self
    }

    /// Wants the changes of rows to be noted. Whoever asks for that is to take them: what is not taken is kept.
    pub fn track_changes(mut self, track: bool) -> Self {
        self.track_changes = track;
        self
    }
}
