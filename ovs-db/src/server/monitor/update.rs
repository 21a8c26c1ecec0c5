//! What one row's change looks like to one monitor, as text.

use crate::database::Row;
use crate::json::Json;
use crate::schema::TableSchema;
use crate::txn::ColumnRef;
use crate::value::Uuid;

use super::{Occasion, Select, TableMonitor};

impl TableMonitor {
    fn wants(&self, uuid: Uuid, row: &Row) -> bool {
        let Some(clauses) = &self.condition else { return true };
        clauses.iter().any(|clause| clause.matches(uuid, row))
    }
}

/// Writes the rows of one table: `"TABLE":{"UUID":{...},...}`.
pub(super) struct Rows<'a> {
    table: &'a TableSchema,
    wanted: &'a TableMonitor,
    default: &'a Row,
    whole: bool,
    out: &'a mut String,
    /// Where the table began, and where its first row would.
    start: (usize, usize),
}

/// A kind of change, as one chooses it.
type Kind = fn(&Select) -> bool;

impl<'a> Rows<'a> {
    /// Begins the table behind what `out` has, which ends in `{` or with another table.
    pub(super) fn begin(
        table: &'a TableSchema,
        wanted: &'a TableMonitor,
        default: &'a Row,
        whole: bool,
        out: &'a mut String,
    ) -> Rows<'a> {
        let start = out.len();
        separate(out);
        Json::write_str(&table.name, out);
        out.push_str(":{");
        let start = (start, out.len());
        Rows { table, wanted, default, whole, out, start }
    }

    /// Ends the table; one without rows leaves nothing.
    pub(super) fn end(self) {
        if self.out.len() == self.start.1 {
            self.out.truncate(self.start.0);
        } else {
            self.out.push('}');
        }
    }

    /// Writes a row that was `old` and is `new`.
    pub(super) fn row(&mut self, uuid: Uuid, old: Option<&Row>, new: Option<&Row>, occasion: Occasion) {
        let old = old.filter(|row| self.wanted.wants(uuid, row));
        let new = new.filter(|row| self.wanted.wants(uuid, row));
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) => self.appeared(uuid, new, occasion),
            (Some(old), None) => self.vanished(uuid, old),
            (Some(old), Some(new)) if self.whole => self.changed_whole(uuid, old, new),
            (Some(old), Some(new)) => self.changed(uuid, old, new),
        }
    }

    /// Writes what a new condition does to a row that did not change.
    pub(super) fn moved(&mut self, before: &TableMonitor, uuid: Uuid, row: &Row) {
        match (before.wants(uuid, row), self.wanted.wants(uuid, row)) {
            (false, true) => self.appeared(uuid, row, Occasion::Change),
            (true, false) => self.vanished(uuid, row),
            _ => {}
        }
    }

    fn appeared(&mut self, uuid: Uuid, row: &Row, occasion: Occasion) {
        let (kind, name): (Kind, _) = match occasion {
            Occasion::Initial => (|select| select.initial, "initial"),
            Occasion::Change => (|select| select.insert, "insert"),
        };
        if kind(&self.wanted.select) {
            self.open(uuid);
            let (name, sparse) = if self.whole { ("new", false) } else { (name, true) };
            self.member(name);
            self.cells(kind, uuid, row, sparse);
            self.out.push('}');
        }
    }

    fn vanished(&mut self, uuid: Uuid, row: &Row) {
        let kind: Kind = |select| select.delete;
        if kind(&self.wanted.select) {
            self.open(uuid);
            if self.whole {
                self.member("old");
                self.cells(kind, uuid, row, false);
            } else {
                self.member("delete");
                self.out.push_str("null");
            }
            self.out.push('}');
        }
    }

    /// `{"new": all columns, "old": those that changed}`
    fn changed_whole(&mut self, uuid: Uuid, old: &Row, new: &Row) {
        let mark = self.out.len();
        self.open(uuid);
        self.member("old");
        self.out.push('{');
        let mut any = false;
        for column in columns(self.wanted, |s| s.modify) {
            if column.differs(old, new) {
                any = true;
                cell(self.table, column, uuid, old, self.out);
            }
        }
        if !any {
            self.out.truncate(mark);
            return;
        }
        self.out.push('}');
        self.member("new");
        self.cells(|s| s.modify, uuid, new, false);
        self.out.push('}');
    }

    /// `{"modify": differences}`
    fn changed(&mut self, uuid: Uuid, old: &Row, new: &Row) {
        let mark = self.out.len();
        self.open(uuid);
        self.member("modify");
        self.out.push('{');
        let mut any = false;
        for column in columns(self.wanted, |s| s.modify) {
            if !column.differs(old, new) {
                continue;
            }
            any = true;
            let whole = column.kind(self.table).max == 1;
            match column {
                ColumnRef::Column(id) if !whole => {
                    name(self.table, column, self.out);
                    old.get(id).diff(new.get(id)).write_to(self.out);
                }
                _ => cell(self.table, column, uuid, new, self.out),
            }
        }
        if any {
            self.out.push_str("}}");
        } else {
            self.out.truncate(mark);
        }
    }

    fn open(&mut self, uuid: Uuid) {
        separate(self.out);
        self.out.push('"');
        uuid.write_to(self.out);
        self.out.push_str("\":{");
    }

    fn member(&mut self, name: &str) {
        separate(self.out);
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    /// The columns wanted for a kind of change; if `sparse`, without those that have their default values.
    fn cells(&mut self, kind: Kind, uuid: Uuid, row: &Row, sparse: bool) {
        self.out.push('{');
        for column in columns(self.wanted, kind) {
            let left_out =
                sparse && matches!(column, ColumnRef::Column(id) if row.get(id) == self.default.get(id));
            if !left_out {
                cell(self.table, column, uuid, row, self.out);
            }
        }
        self.out.push('}');
    }
}

fn columns(wanted: &TableMonitor, kind: Kind) -> impl Iterator<Item = ColumnRef> {
    wanted.columns.iter().filter(move |(_, select)| kind(select)).map(|(column, _)| *column)
}

fn name(table: &TableSchema, column: ColumnRef, out: &mut String) {
    separate(out);
    Json::write_str(column.name(table), out);
    out.push(':');
}

fn cell(table: &TableSchema, column: ColumnRef, uuid: Uuid, row: &Row, out: &mut String) {
    name(table, column, out);
    match column {
        ColumnRef::Column(id) => row.get(id).write_to(out),
        _ => column.value(uuid, row).write_to(out),
    }
}

/// A comma, unless something has just begun.
fn separate(out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
}
