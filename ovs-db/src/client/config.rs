//! What a client wants of a server.

use std::collections::{BTreeMap, BTreeSet};

/// Which database, tables and columns a client keeps, and the lock that it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The database's name.
    pub database: String,
    /// The columns to keep, by table.
    pub tables: BTreeMap<String, BTreeSet<String>>,
    /// The lock without which nothing is to be written.
    pub lock: Option<String>,
}

impl SessionConfig {
    /// Wants the database, and nothing of it yet.
    pub fn new(database: impl Into<String>) -> Self {
        SessionConfig { database: database.into(), tables: BTreeMap::new(), lock: None }
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

    /// Wants the lock: every transaction then also checks that it is held.
    pub fn lock(mut self, name: impl Into<String>) -> Self {
        self.lock = Some(name.into());
        self
    }
}
