//! The database `_Server`, in which a server describes the databases that it serves.

use std::sync::Arc;

use super::Server;
use super::effect::{DatabaseId, Now};
use crate::database::{Change, ChangeSet, Database};
use crate::schema::{SERVER, Schema, TableId};
use crate::value::{Datum, Uuid};

/// Its name.
pub(super) const NAME: &str = "_Server";

impl Server {
    /// Serves `_Server` itself.
    pub(super) fn add_catalog(&mut self, now: Now) {
        // The schema is part of this program, and a test reads it.
        let Ok(schema) = SERVER.parse::<Schema>() else { return };
        let id = self.insert_database(Database::new(Arc::new(schema)), false, now);
        if let Some(served) = self.databases.get_mut(&id) {
            served.read_only = Some("the _Server database belongs to the server".to_owned());
        }
        self.catalog_add(NAME);
    }

    /// Describes the database `name`, which is served already.
    pub(super) fn catalog_add(&mut self, name: &str) {
        let text =
            self.find(name).and_then(|id| self.databases.get(&id)).map(|db| db.db.schema().to_string());
        let (Some(schema), Some((catalog, table))) = (text, self.catalog()) else { return };
        let Some(served) = self.databases.get_mut(&catalog) else { return };
        let mut row = (**served.db.default_row(table)).clone();
        row.version = served.uuids.generate();
        let uuid = served.uuids.generate();
        let cells = [
            ("name", Datum::from(name)),
            ("model", Datum::from("standalone")),
            ("connected", Datum::from(true)),
            ("leader", Datum::from(true)),
            ("schema", Datum::from(schema)),
        ];
        for (column, datum) in cells {
            if let Some(column) = served.db.schema().table(table).column(column) {
                row.set(column, datum);
            }
        }
        let change = Change { table, uuid, old: None, new: Some(Arc::new(row)) };
        self.change_catalog(catalog, change);
    }

    /// Removes the description of the database `name`.
    pub(super) fn catalog_remove(&mut self, name: &str) {
        let Some((catalog, table)) = self.catalog() else { return };
        let Some(served) = self.databases.get(&catalog) else { return };
        let column = served.db.schema().table(table).column("name");
        let is_it = |row: &crate::database::Row| column.is_some_and(|c| row.get(c).as_str() == Some(name));
        let found: Option<(Uuid, _)> =
            served.db.rows(table).find(|(_, row)| is_it(row)).map(|(uuid, row)| (*uuid, row.clone()));
        if let Some((uuid, row)) = found {
            self.change_catalog(catalog, Change { table, uuid, old: Some(row), new: None });
        }
    }

    /// Changes the description of the database `name`.
    pub(super) fn catalog_set(&mut self, name: &str, cells: &[(&str, Datum)]) {
        let Some((catalog, table)) = self.catalog() else { return };
        let Some(served) = self.databases.get_mut(&catalog) else { return };
        let schema = served.db.schema().clone();
        let schema = schema.table(table);
        let Some(column) = schema.column("name") else { return };
        let mut rows = served.db.rows(table);
        let Some((uuid, old)) = rows.find(|(_, row)| row.get(column).as_str() == Some(name)) else { return };
        let (uuid, old) = (*uuid, old.clone());
        drop(rows);
        let mut row = (*old).clone();
        for (column, datum) in cells {
            if let Some(column) = schema.column(column) {
                row.set(column, datum.clone());
            }
        }
        if !row.same_values(&old) {
            row.version = served.uuids.generate();
            self.change_catalog(catalog, Change { table, uuid, old: Some(old), new: Some(Arc::new(row)) });
        }
    }

    fn catalog(&self) -> Option<(DatabaseId, TableId)> {
        let id = self.find(NAME)?;
        let table = self.databases.get(&id)?.db.schema().table_id("Database")?;
        Some((id, table))
    }

    fn change_catalog(&mut self, catalog: DatabaseId, change: Change) {
        let changes = Arc::new(ChangeSet::new(vec![change]));
        if let Some(served) = self.databases.get_mut(&catalog) {
            served.db.apply(&changes);
        }
        self.announce(catalog, changes);
    }
}
