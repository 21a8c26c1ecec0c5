//! Monitors: telling clients what changes (RFC 7047 sections 4.1.5 to 4.1.7, and the extensions
//! `monitor_cond`, `monitor_cond_since` and `monitor_cond_change` of `ovsdb-server(7)`).

mod request;
mod update;

use std::collections::BTreeMap;

use crate::database::{ChangeSet, Database};
use crate::json::{Json, Object};
use crate::jsonrpc::Message;
use crate::schema::TableId;
use crate::txn::{Clause, ColumnRef};
use crate::value::Uuid;

use super::effect::{DatabaseId, SessionId};
pub(super) use request::{read_requests, read_where};

/// Which request made a monitor, and so which notifications it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavor {
    /// `monitor`: `update`, with whole rows.
    Plain,
    /// `monitor_cond`: `update2`, with differences.
    Cond,
    /// `monitor_cond_since`: `update3`, which also names the state.
    Since,
}

/// Which kinds of change are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Select {
    pub(super) initial: bool,
    pub(super) insert: bool,
    pub(super) delete: bool,
    pub(super) modify: bool,
}

/// What a monitor wants of one table.
#[derive(Clone, Debug)]
pub(super) struct TableMonitor {
    /// Columns, each with the changes for which it is wanted.
    pub(super) columns: Vec<(ColumnRef, Select)>,
    /// The changes for which anything is wanted. Rows may be monitored without any of their columns.
    pub(super) select: Select,
    /// A row is wanted if it passes one of these; `None`: always.
    pub(super) condition: Option<Vec<Clause>>,
}

/// One monitor.
#[derive(Clone, Debug)]
pub(super) struct Monitor {
    pub(super) session: SessionId,
    /// What the client calls it.
    pub(super) id: Json,
    pub(super) database: DatabaseId,
    pub(super) flavor: Flavor,
    pub(super) tables: BTreeMap<TableId, TableMonitor>,
}

/// How updates come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The rows that are there when the monitor begins.
    Initial,
    /// A transaction.
    Change,
}

impl Monitor {
    /// The rows that are there, as `<table-updates>` or `<table-updates2>`.
    pub(super) fn initial(&self, db: &Database) -> Json {
        let rows = db.snapshot_of(self.tables.keys().copied());
        self.updates(db, &rows, Occasion::Initial).unwrap_or_else(|| Json::Object(Object::new()))
    }

    /// What `changes` mean to this monitor; `None` if nothing.
    pub(super) fn updates(&self, db: &Database, changes: &ChangeSet, occasion: Occasion) -> Option<Json> {
        let mut tables = Object::new();
        for (&id, wanted) in &self.tables {
            let table = db.schema().table(id);
            let mut rows = Object::new();
            for change in changes.of_table(id) {
                let update = match self.flavor {
                    Flavor::Plain => update::whole(table, wanted, change, occasion),
                    Flavor::Cond | Flavor::Since => {
                        let default = db.default_row(id);
                        update::difference(table, wanted, change, occasion, default)
                    }
                };
                if let Some(update) = update {
                    rows.insert(change.uuid.to_string(), update);
                }
            }
            if !rows.is_empty() {
                tables.insert(table.name.clone(), Json::Object(rows));
            }
        }
        (!tables.is_empty()).then_some(Json::Object(tables))
    }

    /// The notification that carries `updates`, which lead to the state `state`.
    pub(super) fn notification(&self, updates: Json, state: Uuid) -> Message {
        let id = self.id.clone();
        match self.flavor {
            Flavor::Plain => Message::notify("update", vec![id, updates]),
            Flavor::Cond => Message::notify("update2", vec![id, updates]),
            Flavor::Since => Message::notify("update3", vec![id, Json::from(state.to_string()), updates]),
        }
    }

    /// Replaces conditions by `new` ones; gives the updates by which the client keeps up.
    pub(super) fn change_conditions(
        &mut self,
        db: &Database,
        new: BTreeMap<TableId, Option<Vec<Clause>>>,
    ) -> Option<Json> {
        let mut tables = Object::new();
        for (id, condition) in new {
            let Some(wanted) = self.tables.get_mut(&id) else { continue };
            let before = wanted.clone();
            wanted.condition = condition;
            let table = db.schema().table(id);
            let rows = db.rows(id).filter_map(|(uuid, row)| {
                let update =
                    update::moved(table, &before, wanted, *uuid, row, db.default_row(id), self.flavor)?;
                Some((uuid.to_string(), update))
            });
            let rows: Object = rows.collect();
            if !rows.is_empty() {
                tables.insert(table.name.clone(), Json::Object(rows));
            }
        }
        (!tables.is_empty()).then_some(Json::Object(tables))
    }
}
