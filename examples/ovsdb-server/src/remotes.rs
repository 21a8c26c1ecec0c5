//! Remotes that stand in a database: `db:DB,TABLE,COLUMN`.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_db::database::{Database, Row};
use ovs_db::json::Json;
use ovs_db::schema::{AtomType, ColumnId, TableId, TableSchema};
use ovs_db::server::{RemoteOptions, RemoteStatus, Server};
use ovs_db::value::{Atom, Datum, Uuid};

use crate::fault::Fault;

/// A column whose values are remotes, or refer to rows with a column `target` that are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DbRemote {
    database: String,
    table: String,
    column: String,
}

/// A remote that was found in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub options: RemoteOptions,
    /// The row that describes it, to which its status is written.
    pub row: Option<(String, String, Uuid)>,
}

impl DbRemote {
    /// Reads `db:DB,TABLE,COLUMN`; `None` if `remote` is of another kind.
    pub fn parse(remote: &str) -> Result<Option<DbRemote>, Fault> {
        let Some(rest) = remote.strip_prefix("db:") else { return Ok(None) };
        let parts: Vec<&str> = rest.split(',').collect();
        let [database, table, column] = parts.as_slice() else {
            return Err(Fault::DbRemote { remote: remote.to_owned(), what: "invalid syntax".to_owned() });
        };
        let owned = |part: &&str| (*part).to_owned();
        let (database, table, column) = (owned(database), owned(table), owned(column));
        Ok(Some(DbRemote { database, table, column }))
    }

    /// Fails if the server has no such column.
    pub fn check(&self, server: &Server, remote: &str) -> Result<(), Fault> {
        match self.find(server) {
            Ok(_) => Ok(()),
            Err(what) => Err(Fault::DbRemote { remote: remote.to_owned(), what }),
        }
    }

    /// The remotes that stand there now.
    pub fn targets(&self, server: &Server) -> BTreeMap<String, Found> {
        let Ok((db, table, column)) = self.find(server) else { return BTreeMap::new() };
        let mut targets = BTreeMap::new();
        let reference = db.schema().references(table).iter().find(|r| r.column == column);
        for (_, row) in db.rows(table) {
            for atom in row.get(column).keys() {
                if let Some(target) = atom.as_str().filter(|target| !target.is_empty()) {
                    targets.insert(target.to_owned(), Found { options: RemoteOptions::default(), row: None });
                }
                let Some((reference, uuid)) = reference.zip(atom.as_uuid()) else { continue };
                if let Some(row) = db.row(reference.target, &uuid) {
                    targets.extend(self.described(db, reference.target, uuid, row));
                }
            }
        }
        targets
    }

    /// The first text that stands there; `None` if there is none, or no such column.
    pub fn first_text(&self, server: &Server) -> Option<String> {
        let (db, table, column) = self.find(server).ok()?;
        let texts = db.rows(table).flat_map(|(_, row)| row.get(column).keys());
        texts.filter_map(Atom::as_str).find(|text| !text.is_empty()).map(str::to_owned)
    }

    /// The remote that a row describes.
    fn described(&self, db: &Database, table: TableId, uuid: Uuid, row: &Row) -> Option<(String, Found)> {
        let schema = db.schema().table(table);
        let datum = |name: &str| schema.column(name).map(|id| &**row.get(id));
        let target = datum("target")?.as_str().filter(|target| !target.is_empty())?.to_owned();
        let milliseconds = |name: &str| {
            let n = datum(name)?.as_integer()?;
            u64::try_from(n).ok().map(Duration::from_millis)
        };
        let probe = milliseconds("inactivity_probe").map(|time| Some(time).filter(|time| !time.is_zero()));
        let options = RemoteOptions::default()
            .max_backoff(milliseconds("max_backoff").map(|time| time.max(Duration::from_secs(1))))
            .probe_interval(probe)
            .read_only(datum("read_only").and_then(Datum::as_bool).unwrap_or(false))
            .role(datum("role").and_then(Datum::as_str).unwrap_or_default());
        let row = Some((self.database.clone(), schema.name.clone(), uuid));
        Some((target, Found { options, row }))
    }

    fn find<'a>(&self, server: &'a Server) -> Result<(&'a Database, TableId, ColumnId), String> {
        let DbRemote { database, table, column } = self;
        let db = server.find(database).and_then(|id| server.database(id));
        let db = db.ok_or_else(|| format!("no database named {database}"))?;
        let id = db.schema().table_id(table).ok_or_else(|| format!("no table named {table}"))?;
        let schema = db.schema().table(id);
        let column_id =
            schema.column(column).ok_or_else(|| format!("table {table} has no column named {column}"))?;
        let kind = &schema.columns[column_id.0].kind.key;
        match kind.kind {
            AtomType::String => Ok((db, id, column_id)),
            AtomType::Uuid if kind.reference().is_some() => Ok((db, id, column_id)),
            _ => Err(format!("column {column} in table {table} has neither strings nor references")),
        }
    }
}

/// The operation that writes a remote's status to the row that describes it; `None` if the row has it already, or has
/// no place for it.
pub fn status_update(server: &Server, found: &Found, status: &RemoteStatus) -> Option<Json> {
    let (database, table, uuid) = found.row.as_ref()?;
    let db = server.database(server.find(database)?)?;
    let id = db.schema().table_id(table)?;
    let (schema, row) = (db.schema().table(id), db.row(id, uuid)?);
    let cells: Vec<(&str, Json)> =
        [("is_connected", Datum::from(status.is_connected)), ("status", Datum::map(status_map(status)))]
            .into_iter()
            .filter(|(name, datum)| can_hold(schema, row, name, datum))
            .map(|(name, datum)| (name, datum.to_json()))
            .collect();
    if cells.is_empty() {
        return None;
    }
    let condition = Json::array([Json::from("_uuid"), Json::from("=="), Atom::Uuid(*uuid).to_json()]);
    Some(Json::object([
        ("op", Json::from("update")),
        ("table", Json::from(table.as_str())),
        ("where", Json::array([condition])),
        ("row", Json::object(cells)),
    ]))
}

/// Whether the column is there, takes the value, and has another one.
fn can_hold(schema: &TableSchema, row: &Row, name: &str, datum: &Datum) -> bool {
    let Some(column) = schema.column(name) else { return false };
    let kind = &schema.columns[column.0].kind;
    kind.is_map() == datum.is_map() && kind.check(datum).is_ok() && **row.get(column) != *datum
}

/// The pairs of the column `status`, as `ovs-vswitchd.conf.db(5)` has them for `Manager`.
fn status_map(status: &RemoteStatus) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    let mut put = |key, value: Option<String>| pairs.extend(value.map(|value| (key, value)));
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs().to_string());
    put("state", status.state.map(str::to_owned));
    put("last_error", status.last_error.clone());
    put("sec_since_connect", seconds(status.since_connect.filter(|_| status.connections < 2)));
    put("sec_since_disconnect", seconds(status.since_disconnect.filter(|_| status.connections < 2)));
    put("n_connections", (status.connections > 1).then(|| status.connections.to_string()));
    put("bound_port", status.bound_port.map(|port| port.to_string()));
    let some = |n: usize| (n > 0).then(|| n.to_string());
    put("locks_held", some(status.locks.held));
    put("locks_waiting", some(status.locks.waiting));
    put("locks_lost", some(status.locks.lost));
    pairs
}
