//! Reading what a client wants to monitor.

use std::collections::BTreeMap;

use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::{Schema, TableId, TableSchema};
use crate::txn::{Clause, ColumnRef, Members};
use crate::value::NoNames;

use super::{Select, TableMonitor};

const NOTHING: Select = Select { initial: false, insert: false, delete: false, modify: false };

/// Reads `<monitor-requests>`. Conditions are known to `monitor_cond` and its successors only.
pub(in crate::server) fn read_requests(
    schema: &Schema,
    json: &Json,
    with_conditions: bool,
) -> Result<BTreeMap<TableId, TableMonitor>, DbError> {
    let members = json.as_object().ok_or_else(|| DbError::syntax(json, "monitor requests are no object"))?;
    let mut tables = BTreeMap::new();
    for (name, requests) in members {
        let (id, table) = find_table(schema, name)?;
        let mut wanted = TableMonitor { columns: Vec::new(), select: NOTHING, condition: Some(Vec::new()) };
        let requests = requests.as_array().unwrap_or(std::slice::from_ref(requests));
        for request in requests {
            read_request(table, request, with_conditions, &mut wanted)?;
        }
        tables.insert(id, wanted);
    }
    Ok(tables)
}

/// Reads the `where` clauses by table of `monitor_cond_change`; the tables must be among those `monitored`.
pub(in crate::server) fn read_where(
    schema: &Schema,
    json: &Json,
    monitored: &BTreeMap<TableId, TableMonitor>,
) -> Result<BTreeMap<TableId, Option<Vec<Clause>>>, DbError> {
    let members = json.as_object().ok_or_else(|| DbError::syntax(json, "conditions are no object"))?;
    let mut tables = BTreeMap::new();
    for (name, requests) in members {
        let (id, table) = find_table(schema, name)?;
        if !monitored.contains_key(&id) {
            return Err(DbError::syntax(json, format!("the monitor is not about table {name}")));
        }
        let requests = requests.as_array().ok_or_else(|| DbError::syntax(requests, "expected an array"))?;
        let mut condition = Some(Vec::new());
        for request in requests {
            let mut members = Members::new(request, "condition change")?;
            let clauses = members.array("where")?;
            members.finish()?;
            add_clauses(table, clauses, &mut condition)?;
        }
        tables.insert(id, condition);
    }
    Ok(tables)
}

fn find_table<'a>(schema: &'a Schema, name: &str) -> Result<(TableId, &'a TableSchema), DbError> {
    let id = schema
        .table_id(name)
        .ok_or_else(|| DbError::new(ErrorTag::UnknownTable, format!("no table named {name}")))?;
    Ok((id, schema.table(id)))
}

fn read_request(
    table: &TableSchema,
    json: &Json,
    with_conditions: bool,
    wanted: &mut TableMonitor,
) -> Result<(), DbError> {
    let mut members = Members::new(json, "monitor request")?;
    let names = members.array("columns")?;
    let select = match members.take("select") {
        Some(select) => read_select(select)?,
        None => Select { initial: true, insert: true, delete: true, modify: true },
    };
    let clauses = if with_conditions { members.array("where")? } else { None };
    members.finish()?;
    let all = &mut wanted.select;
    all.initial |= select.initial;
    all.insert |= select.insert;
    all.delete |= select.delete;
    all.modify |= select.modify;
    add_clauses(table, clauses, &mut wanted.condition)?;
    let mut add = |column: ColumnRef| {
        if wanted.columns.iter().any(|(c, _)| *c == column) {
            let what = format!("column {} is named more than once", column.name(table));
            return Err(DbError::syntax(json, what));
        }
        wanted.columns.push((column, select));
        Ok(())
    };
    if let Some(names) = names {
        return names.iter().try_for_each(|name| {
            let column = ColumnRef::from_json(table, name);
            add(column.map_err(|e| DbError { tag: ErrorTag::SyntaxError, ..e })?)
        });
    }
    let all = table.ids().map(|(id, _)| ColumnRef::Column(id));
    [ColumnRef::Version].into_iter().chain(all).try_for_each(add)
}

/// Adds one request's conditions; none at all means every row.
fn add_clauses(
    table: &TableSchema,
    clauses: Option<&[Json]>,
    condition: &mut Option<Vec<Clause>>,
) -> Result<(), DbError> {
    let read = |clause: &Json| Clause::from_json(table, clause, &mut NoNames);
    match (clauses, condition.as_mut()) {
        (None | Some([]), _) => *condition = None,
        (Some(clauses), Some(all)) => {
            for clause in clauses {
                all.push(read(clause)?);
            }
        }
        (Some(clauses), None) => {
            for clause in clauses {
                read(clause)?;
            }
        }
    }
    Ok(())
}

fn read_select(json: &Json) -> Result<Select, DbError> {
    let mut members = Members::new(json, "select")?;
    let select = Select {
        initial: members.bool_or("initial", true)?,
        insert: members.bool_or("insert", true)?,
        delete: members.bool_or("delete", true)?,
        modify: members.bool_or("modify", true)?,
    };
    members.finish()?;
    Ok(select)
}
