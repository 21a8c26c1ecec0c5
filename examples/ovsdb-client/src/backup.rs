//! `backup` and `restore`: a database as a file, and back.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::SystemTime;

use ovs_db::database::Database;
use ovs_db::json::{Json, Object};
use ovs_db::schema::{ColumnType, Schema, TableSchema};
use ovs_db::storage::{Journal, encode, replay};
use ovs_db::value::{Atom, Datum, Uuid, UuidSource};

use crate::fault::Fault;
use crate::rows::{column_type, select};
use crate::server::Server;

/// The columns that outlive a server.
fn stored(table: &TableSchema) -> Vec<(String, ColumnType)> {
    let columns = table.columns.iter().filter(|column| column.persistent);
    columns.map(|column| (column.name.clone(), column.kind.clone())).collect()
}

/// The bytes of a database file with what the server has now.
pub fn backup(server: &mut Server, database: &str) -> Result<Vec<u8>, Fault> {
    let json = server.schema_json(database)?;
    let schema = Schema::from_json(&json)?;
    let mut tables = Vec::new();
    for (_, table) in schema.tables() {
        let mut columns = stored(table);
        columns.extend(column_type(table, "_uuid").map(|kind| ("_uuid".to_owned(), kind)));
        tables.push((table, columns));
    }
    let contents = select(server, database, &tables)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut record = Object::from([
        ("_date".to_owned(), Json::from(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))),
        ("_comment".to_owned(), Json::from("produced by \"ovsdb-client backup\"")),
        ("_is_diff".to_owned(), Json::from(true)),
    ]);
    for ((table, columns), rows) in tables.iter().zip(contents).filter(|(_, rows)| !rows.is_empty()) {
        let mut members = Object::new();
        for row in rows {
            let uuid = row.last().and_then(Datum::as_uuid).ok_or(Fault::Answer("select"))?;
            let values = columns.iter().zip(&row).filter(|((name, _), _)| name != "_uuid");
            let values = values.map(|((name, _), datum)| (name.as_str(), datum.to_json()));
            members.insert(uuid.to_string(), Json::object(values));
        }
        record.insert(table.name.clone(), Json::Object(members));
    }
    Ok([encode(&json), encode(&Json::Object(record))].concat())
}

/// Reads a database file from standard input.
fn snapshot() -> Result<Database, Fault> {
    let mut bytes = Vec::new();
    let io = |source| Fault::Io { path: "standard input".to_owned(), what: "read", source };
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(io)?;
    let mut journal = Journal::new(&bytes);
    if journal.is_clustered() {
        return Err(Fault::NoSnapshot("it is of a cluster".to_owned()));
    }
    let damaged = |damage: &dyn std::fmt::Display| Fault::NoSnapshot(damage.to_string());
    let schema = journal.next_record().ok_or_else(|| damaged(&"it is empty"))?.map_err(|e| damaged(&e))?;
    let mut database = Database::new(Arc::new(Schema::from_json(&schema)?));
    // Rows keep their identities; their versions are never seen.
    let mut uuids = UuidSource::new(b"restore", "ovsdb-client");
    while let Some(record) = journal.next_record() {
        replay(&mut database, &record.map_err(|e| damaged(&e))?, &mut uuids)?;
    }
    Ok(database)
}

/// Puts what standard input holds in the place of the database's contents, in one transaction. Rows get new
/// identities, as servers before 3.0 choose those themselves.
pub fn restore(server: &mut Server, database: &str, force: bool) -> Result<(), Fault> {
    let old = snapshot()?;
    let schema = server.schema(database)?;
    let title = |schema: &Schema| {
        format!("{} {} {}", schema.name(), schema.version().unwrap_or("-"), schema.cksum().unwrap_or("-"))
    };
    let (file, present) = (title(old.schema()), title(&schema));
    if file != present && !force {
        return Err(Fault::OtherSchema { file, server: present });
    }
    let mut params = vec![Json::from(database)];
    for (_, table) in schema.tables() {
        params.push(Json::object([
            ("op", Json::from("delete")),
            ("table", Json::from(table.name.as_str())),
            ("where", Json::array([])),
        ]));
    }
    let names = names(&old);
    for (id, table) in old.schema().tables() {
        for (uuid, row) in old.rows(id) {
            let columns = table.ids().filter(|(_, column)| column.persistent);
            let columns = columns.map(|(id, column)| (column.name.as_str(), renamed(row.get(id), &names)));
            params.push(Json::object([
                ("op", Json::from("insert")),
                ("table", Json::from(table.name.as_str())),
                ("uuid-name", Json::from(name(*uuid))),
                ("row", Json::object(columns)),
            ]));
        }
    }
    let comment = "restored by \"ovsdb-client restore\"";
    params.push(Json::object([("op", Json::from("comment")), ("comment", Json::from(comment))]));
    let answer = server.call("transact", params, "restore")?;
    let results = answer.as_array().unwrap_or_default();
    match results.iter().find(|result| result.get("error").is_some()) {
        Some(error) => Err(Fault::Refused { what: "restore".to_owned(), error: error.clone() }),
        None => Ok(()),
    }
}

/// The rows of the snapshot, by the names that they have in the transaction.
fn names(database: &Database) -> BTreeMap<Uuid, String> {
    let tables = database.schema().tables();
    tables.flat_map(|(id, _)| database.rows(id)).map(|(uuid, _)| (*uuid, name(*uuid))).collect()
}

fn name(uuid: Uuid) -> String {
    format!("row{}", uuid.to_string().replace('-', "_"))
}

/// A value with rows of the snapshot by their names.
fn renamed(datum: &Datum, names: &BTreeMap<Uuid, String>) -> Json {
    let atom = |atom: &Atom| match atom.as_uuid().and_then(|uuid| names.get(&uuid)) {
        Some(name) => Json::array([Json::from("named-uuid"), Json::from(name.as_str())]),
        None => atom.to_json(),
    };
    let (tag, elements): (_, Vec<Json>) = if datum.is_map() {
        ("map", datum.pairs().map(|(k, v)| Json::array([atom(k), atom(v)])).collect())
    } else {
        ("set", datum.keys().map(atom).collect())
    };
    Json::array([Json::from(tag), Json::Array(elements)])
}
