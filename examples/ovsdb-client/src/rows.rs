//! Rows as a server sends them, and `dump`.

use std::cmp::Ordering;

use ovs_db::error::DbError;
use ovs_db::json::Json;
use ovs_db::output::{Cell, Table};
use ovs_db::schema::{AtomType, BaseType, ColumnType, Schema, TableSchema};
use ovs_db::value::{Datum, NoNames};

use crate::fault::Fault;
use crate::server::Server;

/// The type of a column, `_uuid` and `_version` among them.
pub fn column_type(table: &TableSchema, name: &str) -> Option<ColumnType> {
    if matches!(name, "_uuid" | "_version") {
        return Some(ColumnType::scalar(AtomType::Uuid));
    }
    Some(table.columns.get(table.column(name)?.0)?.kind.clone())
}

/// Reads a value by its type alone: whether constraints are met is the server's business, and a difference may have
/// other numbers of elements than a value.
pub fn read(json: &Json, kind: &ColumnType) -> Result<Datum, DbError> {
    let loose = ColumnType {
        key: BaseType::new(kind.key.kind),
        value: kind.value.as_ref().map(|value| BaseType::new(value.kind)),
        min: 0,
        max: usize::MAX,
    };
    Datum::from_json(json, &loose, &mut NoNames)
}

/// The order in which `dump` prints: by the number of elements, then by the elements, then by what they map to.
fn compare(a: &Datum, b: &Datum) -> Ordering {
    let values = |datum: &Datum| datum.pairs().map(|(_, value)| value.clone()).collect::<Vec<_>>();
    a.len().cmp(&b.len()).then_with(|| a.keys().cmp(b.keys())).then_with(|| values(a).cmp(&values(b)))
}

/// The columns that `dump` prints of a table.
fn columns(table: &TableSchema, wanted: &[String]) -> Result<Vec<(String, ColumnType)>, Fault> {
    let mut names: Vec<String> = if wanted.is_empty() {
        let all = table.columns.iter().map(|column| column.name.clone());
        std::iter::once("_uuid".to_owned()).chain(all).collect()
    } else {
        wanted.to_vec()
    };
    names.sort();
    names.dedup();
    let known = |name: String| match column_type(table, &name) {
        Some(kind) => Ok((name, kind)),
        None => Err(Fault::NoColumn { table: table.name.clone(), column: name }),
    };
    names.into_iter().map(known).collect()
}

/// Rows of tables, all as of one moment.
pub fn select(
    server: &mut Server,
    database: &str,
    tables: &[(&TableSchema, Vec<(String, ColumnType)>)],
) -> Result<Vec<Vec<Vec<Datum>>>, Fault> {
    let mut params = vec![Json::from(database)];
    params.extend(tables.iter().map(|(table, columns)| {
        Json::object([
            ("op", Json::from("select")),
            ("table", Json::from(table.name.as_str())),
            ("where", Json::array([])),
            ("columns", Json::array(columns.iter().map(|(name, _)| Json::from(name.as_str())))),
        ])
    }));
    let answer = server.call("transact", params, "transaction")?;
    let results = answer.as_array().unwrap_or_default();
    if let Some(error) = results.iter().find(|result| result.get("error").is_some()) {
        return Err(Fault::Refused { what: "transaction".to_owned(), error: error.clone() });
    }
    let mut all = Vec::new();
    for (i, (_, columns)) in tables.iter().enumerate() {
        let rows = results.get(i).and_then(|result| result.get("rows")?.as_array());
        let rows = rows.ok_or(Fault::Answer("select"))?.iter().map(|row| {
            let values = columns.iter().map(|(name, kind)| {
                let json = row.get(name).ok_or(Fault::Answer("select"))?;
                Ok(read(json, kind)?)
            });
            values.collect::<Result<Vec<Datum>, Fault>>()
        });
        all.push(rows.collect::<Result<_, _>>()?);
    }
    Ok(all)
}

/// What `dump` prints: a table for each table that has the wanted columns.
pub fn dump(server: &mut Server, schema: &Schema, args: &[String]) -> Result<Vec<Table>, Fault> {
    let (wanted_table, wanted) = args.split_first().map_or((None, args), |(table, rest)| (Some(table), rest));
    let mut tables = Vec::new();
    for (_, table) in schema.tables().filter(|(_, table)| wanted_table.is_none_or(|t| *t == table.name)) {
        tables.push((table, columns(table, wanted)?));
    }
    if let (Some(name), true) = (wanted_table, tables.is_empty()) {
        return Err(Fault::NoTable(name.clone()));
    }
    let contents = select(server, schema.name(), &tables)?;
    let mut out = Vec::new();
    for ((table, columns), mut rows) in tables.into_iter().zip(contents) {
        // Identities say nothing to people: they decide only between rows that are otherwise alike.
        let names_rows = |i: &usize| columns[*i].1.key.kind == AtomType::Uuid;
        let (identities, own): (Vec<usize>, Vec<usize>) = (0..columns.len()).partition(names_rows);
        let order: Vec<usize> = own.into_iter().chain(identities).collect();
        rows.sort_by(|a, b| {
            let unequal = order.iter().map(|i| compare(&a[*i], &b[*i])).find(|order| order.is_ne());
            unequal.unwrap_or(Ordering::Equal)
        });
        let headings = columns.iter().map(|(name, _)| name.as_str());
        let mut text = Table::new(headings).caption(format!("{} table", table.name));
        for row in rows {
            text.row(
                row.into_iter().zip(&columns).map(|(datum, (_, kind))| Cell::Datum(datum, kind.clone())),
            );
        }
        out.push(text);
    }
    Ok(out)
}
