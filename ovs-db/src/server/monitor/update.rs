//! What one row's change looks like to one monitor.

use crate::database::{Change, Row};
use crate::json::{Json, Object};
use crate::schema::TableSchema;
use crate::txn::ColumnRef;
use crate::value::Uuid;

use super::{Flavor, Occasion, Select, TableMonitor};

impl TableMonitor {
    fn wants(&self, uuid: Uuid, row: &Row) -> bool {
        let Some(clauses) = &self.condition else { return true };
        clauses.iter().any(|clause| clause.matches(uuid, row))
    }

    /// The columns wanted for a kind of change.
    fn columns(&self, kind: fn(&Select) -> bool) -> impl Iterator<Item = ColumnRef> {
        self.columns.iter().filter(move |(_, select)| kind(select)).map(|(column, _)| *column)
    }

    fn any(&self, kind: fn(&Select) -> bool) -> bool {
        kind(&self.select)
    }
}

/// The row before and after, as far as a monitor may see it.
fn visible<'a>(wanted: &TableMonitor, change: &'a Change) -> (Option<&'a Row>, Option<&'a Row>) {
    let see =
        |row: &'a Option<std::sync::Arc<Row>>| row.as_deref().filter(|row| wanted.wants(change.uuid, row));
    (see(&change.old), see(&change.new))
}

fn appears(occasion: Occasion) -> fn(&Select) -> bool {
    match occasion {
        Occasion::Initial => |select| select.initial,
        Occasion::Change => |select| select.insert,
    }
}

fn cells(table: &TableSchema, columns: impl Iterator<Item = ColumnRef>, uuid: Uuid, row: &Row) -> Json {
    Json::object(columns.map(|column| (column.name(table), column.value(uuid, row).to_json())))
}

/// A `<row-update>`: `new` and `old` rows.
pub(super) fn whole(
    table: &TableSchema,
    wanted: &TableMonitor,
    change: &Change,
    occasion: Occasion,
) -> Option<Json> {
    let uuid = change.uuid;
    match visible(wanted, change) {
        (None, None) => None,
        (None, Some(new)) => {
            let kind = appears(occasion);
            let row = || cells(table, wanted.columns(kind), uuid, new);
            wanted.any(kind).then(|| Json::object([("new", row())]))
        }
        (Some(old), None) => {
            let row = || cells(table, wanted.columns(|s| s.delete), uuid, old);
            wanted.any(|s| s.delete).then(|| Json::object([("old", row())]))
        }
        (Some(old), Some(new)) => {
            let changed: Vec<ColumnRef> = wanted
                .columns(|s| s.modify)
                .filter(|column| column.value(uuid, old) != column.value(uuid, new))
                .collect();
            if changed.is_empty() {
                return None;
            }
            let new = cells(table, wanted.columns(|s| s.modify), uuid, new);
            Some(Json::object([("old", cells(table, changed.into_iter(), uuid, old)), ("new", new)]))
        }
    }
}

/// A `<row-update2>`: `initial`, `insert`, `delete` or `modify`; columns with default values are left out
/// of new rows, and what is modified is given as a difference.
pub(super) fn difference(
    table: &TableSchema,
    wanted: &TableMonitor,
    change: &Change,
    occasion: Occasion,
    default: &Row,
) -> Option<Json> {
    let uuid = change.uuid;
    match visible(wanted, change) {
        (None, None) => None,
        (None, Some(new)) => {
            let kind = appears(occasion);
            let name = if occasion == Occasion::Initial { "initial" } else { "insert" };
            let row = || sparse(table, wanted.columns(kind), uuid, new, default);
            wanted.any(kind).then(|| Json::object([(name, row())]))
        }
        (Some(_), None) => wanted.any(|s| s.delete).then(|| Json::object([("delete", Json::Null)])),
        (Some(old), Some(new)) => {
            let mut cells = Object::new();
            for column in wanted.columns(|s| s.modify) {
                let (old, new) = (column.value(uuid, old), column.value(uuid, new));
                if old != new {
                    let whole = column.kind(table).max == 1;
                    let json = if whole { new.to_json() } else { old.diff(&new).to_json() };
                    cells.insert(column.name(table).to_owned(), json);
                }
            }
            (!cells.is_empty()).then(|| Json::object([("modify", Json::Object(cells))]))
        }
    }
}

fn sparse(
    table: &TableSchema,
    columns: impl Iterator<Item = ColumnRef>,
    uuid: Uuid,
    row: &Row,
    default: &Row,
) -> Json {
    let is_default = |column: &ColumnRef| match column {
        ColumnRef::Column(id) => row.get(*id) == default.get(*id),
        _ => false,
    };
    cells(table, columns.filter(|column| !is_default(column)), uuid, row)
}

/// What a new condition does to a row that did not change.
pub(super) fn moved(
    table: &TableSchema,
    before: &TableMonitor,
    after: &TableMonitor,
    uuid: Uuid,
    row: &Row,
    default: &Row,
    flavor: Flavor,
) -> Option<Json> {
    match (before.wants(uuid, row), after.wants(uuid, row)) {
        (false, true) => {
            let columns = after.columns(|s| s.insert);
            Some(match flavor {
                Flavor::Plain => Json::object([("new", cells(table, columns, uuid, row))]),
                _ => Json::object([("insert", sparse(table, columns, uuid, row, default))]),
            })
        }
        (true, false) => Some(match flavor {
            Flavor::Plain => Json::object([("old", cells(table, after.columns(|s| s.delete), uuid, row))]),
            _ => Json::object([("delete", Json::Null)]),
        }),
        _ => None,
    }
}
