//! select and wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::TableSchema;
use crate::value::{Datum, UuidNames};

use super::super::condition::ColumnRef;
use super::super::members::Members;
use super::super::rows::{read_columns, values, write_row};
use super::{State, Stop, take_condition, take_table};

/// `{"op":"select","table":T,"where":CONDITIONS,"columns":[COLUMN,...]}`; equal rows come once.
pub(super) fn select(state: &mut State<'_, '_, '_>, mut members: Members<'_>) -> Result<Json, Stop> {
    let (id, table) = take_table(state, &mut members)?;
    let condition = take_condition(state, &mut members, table)?;
    let names = members.array("columns")?;
    members.finish()?;
    let columns = read_columns(table, names)?;
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for uuid in state.view.select(id, &condition) {
        let Some(row) = state.view.row(id, uuid) else { continue };
        if columns.contains(&ColumnRef::Uuid) || seen.insert(values(&columns, uuid, row)) {
            rows.push(write_row(table, &columns, uuid, row));
        }
    }
    Ok(Json::object([("rows", Json::Array(rows))]))
}

/// `{"op":"wait","timeout":MS,"table":T,"where":CONDITIONS,"columns":[...],"until":"=="|"!=","rows":[...]}`
pub(super) fn wait(state: &mut State<'_, '_, '_>, mut members: Members<'_>) -> Result<Json, Stop> {
    let timeout = match members.take("timeout") {
        None => None,
        Some(Json::Integer(ms @ 0..)) => Some(Duration::from_millis(*ms as u64)),
        Some(_) => return Err(members.wrong("timeout", "a number of milliseconds").into()),
    };
    let (id, table) = take_table(state, &mut members)?;
    let condition = take_condition(state, &mut members, table)?;
    let names = members.array("columns")?;
    let until = members.need_str("until")?;
    let wanted = members.need_array("rows")?;
    let equal = match until {
        "==" => true,
        "!=" => false,
        _ => return Err(members.wrong("until", "\"==\" or \"!=\"").into()),
    };
    members.finish()?;
    let columns = match names {
        Some(names) => read_columns(table, Some(names))?,
        None => read_columns(table, None)?,
    };
    let mut resolver = state.names.with(state.context.uuids);
    let wanted = wanted.iter().map(|row| wanted_row(table, &columns, row, &mut resolver));
    let wanted: BTreeSet<Vec<Datum>> = wanted.collect::<Result<_, _>>()?;
    let uuids = state.view.select(id, &condition);
    let rows = uuids.iter().filter_map(|uuid| Some((uuid, state.view.row(id, *uuid)?)));
    let found: BTreeSet<Vec<Datum>> = rows.map(|(uuid, row)| values(&columns, *uuid, row)).collect();
    if (found == wanted) == equal {
        return Ok(Json::object::<&str>([]));
    }
    match timeout {
        Some(timeout) if state.context.waited >= timeout => {
            let what = format!("\"wait\" did not come true within {} ms", timeout.as_millis());
            Err(DbError::new(ErrorTag::TimedOut, what).into())
        }
        timeout => Err(Stop::Wait { timeout }),
    }
}

/// Reads a row to compare with; columns that it does not name have their default values.
fn wanted_row(
    table: &TableSchema,
    columns: &[ColumnRef],
    json: &Json,
    names: &mut dyn UuidNames,
) -> Result<Vec<Datum>, DbError> {
    let members = json.as_object().ok_or_else(|| DbError::syntax(json, "row is no object"))?;
    // Everything in the row must be good, also what is not compared.
    let mut given = BTreeMap::new();
    for (name, value) in members {
        let Some(column) = ColumnRef::find(table, name) else {
            let what = format!("No column {name} in table {}.", table.name);
            return Err(DbError::new(ErrorTag::UnknownColumn, what).about(json));
        };
        given.insert(column, Datum::from_json(value, &column.kind(table), names)?);
    }
    let cell =
        |column: &ColumnRef| given.remove(column).unwrap_or_else(|| Datum::default_of(&column.kind(table)));
    Ok(columns.iter().map(cell).collect())
}
