//! insert, update, mutate, delete.

use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::value::{Atom, Uuid};

use super::super::members::Members;
use super::super::mutation::Mutation;
use super::super::rows::{Purpose, read_row};
use super::{State, Stop, take_condition, take_table};

/// `{"op":"insert","table":T,"row":ROW,"uuid-name":ID,"uuid":UUID}`; the last two are optional.
pub(super) fn insert(
    state: &mut State<'_, '_, '_>,
    json: &Json,
    mut members: Members<'_>,
) -> Result<Json, Stop> {
    let (id, table) = take_table(state, &mut members)?;
    let name = members.string("uuid-name")?;
    let chosen: Option<Uuid> = match members.string("uuid")? {
        Some(text) => {
            let uuid = text.parse().map_err(|_| members.wrong("uuid", "a UUID of 36 characters"))?;
            Some(uuid)
        }
        None => None,
    };
    let row_json = members.need("row")?;
    members.finish()?;

    if let Some(uuid) = chosen
        && state.view.is_known(id, uuid)
    {
        let what = "a row with this UUID is in the table, or was deleted by this transaction";
        return Err(DbError::new(ErrorTag::DuplicateUuid, what).about(json).into());
    }
    let uuid = match name {
        Some(name) => state.names.insert(name, chosen, state.context.uuids, json)?,
        None => match chosen {
            Some(uuid) => uuid,
            None => state.fresh_uuid(id),
        },
    };
    let mut names = state.names.with(state.context.uuids);
    let cells = read_row(table, row_json, &mut names, Purpose::Insert)?;
    let mut row = (**state.view.db().default_row(id)).clone();
    row.version = state.context.uuids.generate();
    let mut named = vec![false; table.columns.len()];
    for (column, datum) in cells {
        named[column.0] = true;
        row.set(column, datum);
    }
    // Defaults are values like others: an enumeration or a range may not allow them.
    for (column, schema) in table.ids() {
        if !named[column.0] {
            schema
                .kind
                .check(row.get(column))
                .map_err(|e| DbError { details: format!("column {}: {}", schema.name, e.details), ..e })?;
        }
    }
    if let Some(access) = state.context.access {
        access.insert(table)?;
    }
    state.view.put(id, uuid, row);
    Ok(Json::object([("uuid", Atom::Uuid(uuid).to_json())]))
}

/// `{"op":"update","table":T,"where":CONDITIONS,"row":ROW}`
pub(super) fn update(state: &mut State<'_, '_, '_>, mut members: Members<'_>) -> Result<Json, Stop> {
    let (id, table) = take_table(state, &mut members)?;
    let row_json = members.need("row")?;
    let mut names = state.names.with(state.context.uuids);
    let cells = read_row(table, row_json, &mut names, Purpose::Update)?;
    if let Some((column, _)) = cells.iter().find(|(column, _)| !table.columns[column.0].mutable) {
        let what =
            format!("column {} of table {} cannot be changed", table.columns[column.0].name, table.name);
        return Err(DbError::new(ErrorTag::ConstraintViolation, what).about(row_json).into());
    }
    let condition = take_condition(state, &mut members, table)?;
    members.finish()?;
    let uuids = state.view.select(id, &condition);
    for uuid in &uuids {
        let Some(row) = state.view.row(id, *uuid) else { continue };
        if let Some(access) = state.context.access {
            access.update(
                table,
                row,
                cells.iter().map(|(column, _)| (table.columns[column.0].name.as_str(), None)),
            )?;
        }
        let mut row = (**row).clone();
        for (column, datum) in &cells {
            row.set(*column, datum.clone());
        }
        state.view.put(id, *uuid, row);
    }
    Ok(count(uuids.len()))
}

/// `{"op":"mutate","table":T,"where":CONDITIONS,"mutations":[[COLUMN,MUTATOR,VALUE],...]}`
pub(super) fn mutate(state: &mut State<'_, '_, '_>, mut members: Members<'_>) -> Result<Json, Stop> {
    let (id, table) = take_table(state, &mut members)?;
    let list = members.need_array("mutations")?;
    let mut names = state.names.with(state.context.uuids);
    let mutations = list.iter().map(|m| Mutation::from_json(table, m, &mut names));
    let mutations = mutations.collect::<Result<Vec<_>, _>>()?;
    let condition = take_condition(state, &mut members, table)?;
    members.finish()?;
    let uuids = state.view.select(id, &condition);
    for uuid in &uuids {
        let Some(row) = state.view.row(id, *uuid) else { continue };
        if let Some(access) = state.context.access {
            access.update(table, row, mutations.iter().map(|mutation| mutation.touches(table)))?;
        }
        let mut row = (**row).clone();
        for mutation in &mutations {
            mutation.apply(table, &mut row)?;
        }
        state.view.put(id, *uuid, row);
    }
    Ok(count(uuids.len()))
}

/// `{"op":"delete","table":T,"where":CONDITIONS}`
pub(super) fn delete(state: &mut State<'_, '_, '_>, mut members: Members<'_>) -> Result<Json, Stop> {
    let (id, table) = take_table(state, &mut members)?;
    let condition = take_condition(state, &mut members, table)?;
    members.finish()?;
    let uuids = state.view.select(id, &condition);
    for uuid in &uuids {
        if let (Some(access), Some(row)) = (state.context.access, state.view.row(id, *uuid)) {
            access.delete(table, row)?;
        }
        state.view.delete(id, *uuid);
    }
    Ok(count(uuids.len()))
}

fn count(n: usize) -> Json {
    Json::object([("count", Json::from(n as i64))])
}
