//! Monitors: telling clients what changes (RFC 7047 sections 4.1.5 to 4.1.7, and the extensions
//! `monitor_cond`, `monitor_cond_since` and `monitor_cond_change` of `ovsdb-server(7)`).

mod request;
mod update;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::database::{ChangeSet, Database};
use crate::json::Json;
use crate::schema::TableId;
use crate::txn::{Clause, ColumnRef};
use crate::value::Uuid;

use super::effect::{DatabaseId, SessionId, Written};
pub(super) use request::{read_requests, read_where};
pub(super) use views::{Updates, Views};

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
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TableMonitor {
    /// Columns, each with the changes for which it is wanted.
    pub(super) columns: Vec<(ColumnRef, Select)>,
    /// The changes for which anything is wanted. Rows may be monitored without any of their columns.
    pub(super) select: Select,
    /// A row is wanted if it passes one of these; `None`: always.
    pub(super) condition: Option<Vec<Clause>>,
}

/// What a monitor wants to see. Monitors that want the same share one, so that it is written once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// Rows are given whole, as `update` has them, not as differences.
    pub(super) whole: bool,
    pub(super) tables: BTreeMap<TableId, TableMonitor>,
}

/// One monitor.
#[derive(Clone, Debug)]
pub(super) struct Monitor {
    pub(super) session: SessionId,
    /// What the client calls it.
    pub(super) id: Json,
    /// What each of its notifications begins with.
    head: Arc<str>,
    pub(super) database: DatabaseId,
    pub(super) flavor: Flavor,
    pub(super) view: Arc<View>,
}

/// How updates come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The rows that are there when the monitor begins.
    Initial,
    /// A transaction.
    Change,
}

impl View {
    /// The text of the rows that are there, as `<table-updates>` or `<table-updates2>`.
    pub(super) fn initial(&self, db: &Database) -> String {
        let text = self.write(db, |id, rows| {
            db.rows(id).for_each(|(uuid, row)| rows.row(*uuid, None, Some(row), Occasion::Initial));
        });
        text.unwrap_or_else(|| "{}".to_owned())
    }

    /// The text of what `changes` mean to this view; `None` if nothing.
    pub(super) fn updates(&self, db: &Database, changes: &ChangeSet) -> Option<String> {
        self.write(db, |id, rows| {
            for change in changes.of_table(id) {
                let (old, new) = (change.old.as_deref(), change.new.as_deref());
                rows.row(change.uuid, old, new, Occasion::Change);
            }
        })
    }

    /// Replaces conditions by `new` ones; gives the updates by which a client keeps up.
    pub(super) fn change_conditions(
        &self,
        db: &Database,
        new: BTreeMap<TableId, Option<Vec<Clause>>>,
    ) -> (View, Option<String>) {
        let mut after = self.clone();
        let mut changed = Vec::new();
        for (id, condition) in new {
            if let Some(wanted) = after.tables.get_mut(&id) {
                wanted.condition = condition;
                changed.push(id);
            }
        }
        let text = after.write(db, |id, rows| {
            if let Some(before) = self.tables.get(&id).filter(|_| changed.contains(&id)) {
                db.rows(id).for_each(|(uuid, row)| rows.moved(before, *uuid, row));
            }
        });
        (after, text)
    }

    /// Writes an object of tables; `None` if no table has a row.
    fn write(&self, db: &Database, mut rows: impl FnMut(TableId, &mut update::Rows<'_>)) -> Option<String> {
        let mut out = String::from("{");
        for (&id, wanted) in &self.tables {
            let table = db.schema().table(id);
            let mut writer = update::Rows::begin(table, wanted, db.default_row(id), self.whole, &mut out);
            rows(id, &mut writer);
            writer.end();
        }
        out.push('}');
        (out.len() > 2).then_some(out)
    }
}

impl Monitor {
    /// A monitor that its client calls `id`. What it wants to see is one of `views`.
    pub(super) fn new(
        session: SessionId,
        id: &Json,
        database: DatabaseId,
        flavor: Flavor,
        view: Arc<View>,
        views: &mut Views,
    ) -> Monitor {
        let head = views.share_head(head(flavor, id));
        Monitor { session, id: id.clone(), head, database, flavor, view }
    }

    /// Changes what its client calls it.
    pub(super) fn rename(&mut self, id: Json, views: &mut Views) {
        self.head = views.share_head(head(self.flavor, &id));
        self.id = id;
    }

    /// The notification that carries `updates`, which lead to the state `state`.
    pub(super) fn notification(&self, updates: Arc<String>, state: Uuid) -> Written {
        Written::notify(self.beginning(state), updates)
    }

    /// The notification up to the updates.
    fn beginning(&self, state: Uuid) -> String {
        let mut text = String::from(&*self.head);
        if self.flavor == Flavor::Since {
            text.push('"');
            state.write_to(&mut text);
            text.push_str("\",");
        }
        text
    }
}

/// A notification up to what differs between those of one monitor.
fn head(flavor: Flavor, id: &Json) -> String {
    let method = match flavor {
        Flavor::Plain => "update",
        Flavor::Cond => "update2",
        Flavor::Since => "update3",
    };
    format!("{{\"id\":null,\"method\":\"{method}\",\"params\":[{id},")
}
