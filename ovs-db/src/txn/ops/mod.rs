//! The operations, each by itself.

mod control;
mod read;
mod write;

use std::time::Duration;

use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::{TableId, TableSchema};
use crate::value::Uuid;

use super::Context;
use super::condition::Condition;
use super::members::Members;
use super::names::Names;
use super::view::View;

/// A transaction under way.
pub(super) struct State<'db, 'c, 'u> {
    pub(super) view: View<'db>,
    pub(super) names: Names,
    pub(super) comment: String,
    pub(super) durable: bool,
    pub(super) context: &'c mut Context<'u>,
}

impl State<'_, '_, '_> {
    /// A UUID that no row of `table` has. A source that was seeded as in an earlier run would repeat
    /// itself; rows must not be overwritten by that.
    fn fresh_uuid(&mut self, table: TableId) -> Uuid {
        loop {
            let uuid = self.context.uuids.generate();
            if !self.view.is_known(table, uuid) {
                return uuid;
            }
        }
    }
}

/// Why the operations stop.
pub(super) enum Stop {
    /// One failed.
    Error(DbError),
    /// One has to wait.
    Wait { timeout: Option<Duration> },
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Stop {
        Stop::Error(error)
    }
}

/// Executes one operation and gives its result.
pub(super) fn execute(state: &mut State<'_, '_, '_>, json: &Json) -> Result<Json, Stop> {
    let mut members = Members::new(json, "operation")?;
    let op = members.need_str("op")?;
    if let ("insert" | "update" | "mutate" | "delete", Some(why)) = (op, state.context.read_only) {
        return Err(DbError::new(ErrorTag::NotAllowed, format!("{op}: {why}")).into());
    }
    match op {
        "insert" => write::insert(state, json, members),
        "update" => write::update(state, members),
        "mutate" => write::mutate(state, members),
        "delete" => write::delete(state, members),
        "select" => read::select(state, members),
        "wait" => read::wait(state, members),
        "commit" => control::commit(state, members),
        "abort" => control::abort(members),
        "comment" => control::comment(state, members),
        "assert" => control::assert(state, members),
        _ => {
            let what = format!("no operation is named \"{op}\"");
            Err(DbError::new(ErrorTag::UnknownOperation, what).into())
        }
    }
}

/// Reads the member `table`.
fn take_table<'db>(
    state: &State<'db, '_, '_>,
    members: &mut Members<'_>,
) -> Result<(TableId, &'db TableSchema), DbError> {
    let name = members.need_str("table")?;
    match state.view.schema().table_id(name) {
        Some(id) => Ok((id, state.view.table(id))),
        None => Err(DbError::new(ErrorTag::UnknownTable, format!("No table named {name}."))),
    }
}

/// Reads the member `where`.
fn take_condition(
    state: &mut State<'_, '_, '_>,
    members: &mut Members<'_>,
    table: &TableSchema,
) -> Result<Condition, DbError> {
    let clauses = members.need_array("where")?;
    let mut names = state.names.with(state.context.uuids);
    Condition::from_json(table, clauses, &mut names)
}
