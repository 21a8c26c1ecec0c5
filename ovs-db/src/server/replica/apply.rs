//! Making a database what another server says it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Excluded;
use crate::database::{ChangeSet, Database, Row};
use crate::error::{DbError, ErrorTag};
use crate::json::{Json, Object};
use crate::schema::{Schema, TableId, TableSchema};
use crate::server::Server;
use crate::server::effect::{DatabaseId, Effect, Now};
use crate::server::served::Pending;
use crate::storage::{Stamp, encode_changes};
use crate::txn::settle_rows;
use crate::value::{Datum, NoNames, Uuid};

impl Server {
    /// Makes the changes of another server's `updates` (RFC 7047, section 4.1.6), with the UUIDs that rows have there.
    /// If `whole`, the updates are all that is there: rows of tables that are not excluded and not in them go.
    ///
    /// Nothing is changed if this fails.
    pub(super) fn replicate(
        &mut self,
        database: DatabaseId,
        updates: &Json,
        whole: bool,
        excluded: &Excluded,
        now: Now,
    ) -> Result<(), DbError> {
        let Some(served) = self.databases.get_mut(&database) else { return Ok(()) };
        let rows = changed_rows(&served.db, updates, whole, excluded)?;
        let changes = Arc::new(settle_rows(&served.db, rows, Some(&mut served.uuids))?);
        if changes.is_empty() {
            return Ok(());
        }
        served.db.apply(&changes);
        self.append(database, None, Vec::new(), changes, String::new(), false, now);
        Ok(())
    }

    /// Serves a database under the schema that another server has for it, without any rows; does nothing if that is
    /// the schema already.
    pub(super) fn adopt_schema(&mut self, database: DatabaseId, schema: Schema) {
        let Some(served) = self.databases.get(&database) else { return };
        if served.db.schema().to_string() == schema.to_string() {
            return;
        }
        self.swap_database(database, Database::new(Arc::new(schema)));
        self.databases_changed();
    }

    /// Hands a transaction's record out, after its changes were applied, and tells everybody once it is stored.
    #[expect(clippy::too_many_arguments, reason = "what a transaction came to, and where it is to go")]
    pub(in crate::server) fn append(
        &mut self,
        database: DatabaseId,
        to: Option<(crate::server::SessionId, Json)>,
        results: Vec<Json>,
        changes: Arc<ChangeSet>,
        comment: String,
        durable: bool,
        now: Now,
    ) {
        let Some(served) = self.databases.get_mut(&database) else { return };
        let stamp = Stamp { date: now.wall.as_millis() as i64, comment };
        let record = served.stored.then(|| encode_changes(served.db.schema(), &changes, &stamp)).flatten();
        let Some(record) = record else {
            served.pending.push_back(Pending::Unrecorded { to, results, changes });
            self.publish(database, now);
            return;
        };
        let ticket = served.ticket();
        served.pending.push_back(Pending::Commit { ticket, stored: false, to, results, changes });
        served.appended += record.len() as u64;
        self.effects.push(Effect::Append { database, ticket, bytes: record, sync: durable });
    }
}

type Rows = Vec<(TableId, Uuid, Option<Row>)>;

fn changed_rows(db: &Database, updates: &Json, whole: bool, excluded: &Excluded) -> Result<Rows, DbError> {
    let none = Object::new();
    let members = match updates {
        Json::Object(members) => members,
        // Some servers say so that there is nothing.
        Json::Null => &none,
        _ => return Err(DbError::syntax(updates, "table updates are no object")),
    };
    let schema = db.schema();
    let is_excluded =
        |table: &TableSchema| excluded.contains(&(schema.name().to_owned(), table.name.clone()));
    let mut rows = Rows::new();
    for (name, updates) in members {
        let id = schema
            .table_id(name)
            .ok_or_else(|| DbError::new(ErrorTag::UnknownTable, format!("No table named {name}.")))?;
        let table = schema.table(id);
        let updates =
            updates.as_object().ok_or_else(|| DbError::syntax(updates, "row updates are no object"))?;
        if is_excluded(table) {
            continue;
        }
        for (uuid, update) in updates {
            let uuid: Uuid =
                uuid.parse().map_err(|e| DbError::syntax(update, format!("\"{uuid}\" is {e}")))?;
            let old = db.row(id, &uuid);
            match update.get("new").filter(|new| !new.is_null()) {
                None => rows.extend(old.map(|_| (id, uuid, None))),
                Some(new) => {
                    let row = read_row(table, old.unwrap_or_else(|| db.default_row(id)), new)?;
                    if old.is_none_or(|old| !old.same_values(&row)) {
                        rows.push((id, uuid, Some(row)));
                    }
                }
            }
        }
    }
    if whole {
        for (id, table) in schema.tables().filter(|(_, table)| !is_excluded(table)) {
            let there = members.get(table.name.as_str()).and_then(Json::as_object);
            let known: BTreeSet<Uuid> =
                there.into_iter().flatten().filter_map(|(uuid, _)| uuid.parse().ok()).collect();
            let gone = db.rows(id).map(|(uuid, _)| *uuid).filter(|uuid| !known.contains(uuid));
            rows.extend(gone.map(|uuid| (id, uuid, None)));
        }
    }
    Ok(rows)
}

/// A row with the values of `json`; columns that are not in it stay.
fn read_row(table: &TableSchema, base: &Arc<Row>, json: &Json) -> Result<Row, DbError> {
    let members = json.as_object().ok_or_else(|| DbError::syntax(json, "row is no object"))?;
    let mut row = (**base).clone();
    for (name, value) in members {
        let id = table.column(name).ok_or_else(|| {
            let what = format!("No column {name} in table {}.", table.name);
            DbError::new(ErrorTag::UnknownColumn, what)
        })?;
        row.set(id, Datum::from_json(value, &table.columns[id.0].kind, &mut NoNames)?);
    }
    Ok(row)
}
