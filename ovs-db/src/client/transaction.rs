//! Building transactions.

use std::collections::BTreeMap;

use crate::json::{Json, Object};
use crate::schema::Schema;
use crate::value::{Atom, Datum, Uuid};

use super::row::Row;

/// The ways in which a mutation changes a column (RFC 7047, section 5.1, "mutation").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mutator {
    /// Adds to each number.
    Add,
    /// Subtracts from each number.
    Subtract,
    /// Puts elements into a set, or pairs into a map unless their key is there.
    Insert,
    /// Takes elements out of a set; pairs, or keys whatever their value, out of a map.
    Delete,
}

impl Mutator {
    const fn symbol(self) -> &'static str {
        match self {
            Mutator::Add => "+=",
            Mutator::Subtract => "-=",
            Mutator::Insert => "insert",
            Mutator::Delete => "delete",
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Insert { temporary: Uuid, chosen: Option<Uuid>, columns: BTreeMap<String, Datum> },
    Update { uuid: Uuid, columns: BTreeMap<String, Datum> },
    Delete { uuid: Uuid },
    Mutate { uuid: Uuid, column: String, mutator: Mutator, value: Datum },
    Verify { uuid: Uuid, columns: BTreeMap<String, Datum> },
}

/// Changes that happen together or not at all.
///
/// New rows get a temporary identity that other rows of the same transaction may refer to; the true ones come with
/// [`Outcome::Committed`](super::Outcome::Committed). Columns and tables that the server does not have are left out.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    ops: Vec<(String, Op)>,
    /// The operation that sets columns of a row, to which more can be added.
    setters: BTreeMap<Uuid, usize>,
    /// The operation that relies on columns of a row.
    verifiers: BTreeMap<Uuid, usize>,
    comments: Vec<String>,
    inserts: u64,
    increment: Option<(String, Uuid, String)>,
}

/// What [`Outcome::read`](super::Outcome) needs to know of a transaction that was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared {
    pub(super) operations: Vec<Json>,
    /// Temporary identities and the operations that made them.
    pub(super) inserts: Vec<(Uuid, usize)>,
    /// Which operation tells the incremented value, and of which column.
    pub(super) increment: Option<(usize, String)>,
}

impl Transaction {
    /// A transaction that does nothing.
    pub fn new() -> Self {
        Transaction::default()
    }

    /// Whether it does nothing. Comments alone are nothing.
    pub fn is_empty(&self) -> bool {
        self.ops.iter().all(|(_, op)| matches!(op, Op::Verify { .. })) && self.increment.is_none()
    }

    /// Adds a row and gives its temporary identity.
    pub fn insert<S: Into<String>>(
        &mut self,
        table: &str,
        columns: impl IntoIterator<Item = (S, Datum)>,
    ) -> Uuid {
        self.insert_row(table, None, columns)
    }

    /// As [`insert`](Self::insert), with an identity that the client chooses (a server before 3.0 refuses that). What is given
    /// back stands for the row in this transaction, as with other new rows.
    pub fn insert_as<S: Into<String>>(
        &mut self,
        table: &str,
        uuid: Uuid,
        columns: impl IntoIterator<Item = (S, Datum)>,
    ) -> Uuid {
        self.insert_row(table, Some(uuid), columns)
    }

    fn insert_row<S: Into<String>>(
        &mut self,
        table: &str,
        chosen: Option<Uuid>,
        columns: impl IntoIterator<Item = (S, Datum)>,
    ) -> Uuid {
        self.inserts += 1;
        let temporary = temporary_uuid(self.inserts);
        let columns = columns.into_iter().map(|(name, value)| (name.into(), value)).collect();
        self.setters.insert(temporary, self.ops.len());
        self.ops.push((table.to_string(), Op::Insert { temporary, chosen, columns }));
        temporary
    }

    /// Sets columns of a row, which may be one that this transaction inserts.
    pub fn update<S: Into<String>>(
        &mut self,
        table: &str,
        uuid: Uuid,
        columns: impl IntoIterator<Item = (S, Datum)>,
    ) {
        let new = columns.into_iter().map(|(name, value)| (name.into(), value));
        let same_row = self.setters.get(&uuid).and_then(|at| self.ops.get_mut(*at));
        if let Some((_, Op::Insert { columns, .. } | Op::Update { columns, .. })) = same_row {
            columns.extend(new);
        } else {
            self.setters.insert(uuid, self.ops.len());
            self.ops.push((table.to_string(), Op::Update { uuid, columns: new.collect() }));
        }
    }

    /// Sets a column of a row unless it has that value already. Gives whether it is to be set.
    pub fn set(&mut self, row: &Row, column: &str, value: impl Into<Datum>) -> bool {
        let value = value.into();
        let differs = row.get(column) != Some(&value);
        if differs {
            self.update(row.table(), row.uuid(), [(column, value)]);
        }
        differs
    }

    /// Deletes a row.
    pub fn delete(&mut self, table: &str, uuid: Uuid) {
        self.setters.remove(&uuid);
        self.ops.push((table.to_string(), Op::Delete { uuid }));
    }

    /// Changes a column relative to the value that it has on the server.
    pub fn mutate(
        &mut self,
        table: &str,
        uuid: Uuid,
        column: &str,
        mutator: Mutator,
        value: impl Into<Datum>,
    ) {
        // What is set later is to be set after this.
        self.setters.remove(&uuid);
        let op = Op::Mutate { uuid, column: column.into(), mutator, value: value.into() };
        self.ops.push((table.to_string(), op));
    }

    /// Relies on a column's present value: if it has changed on the server, nothing is done and the outcome is
    /// [`Outcome::TryAgain`](super::Outcome::TryAgain).
    pub fn verify(&mut self, row: &Row, column: &str) {
        let Some(value) = row.get(column) else { return };
        let same_row = self.verifiers.get(&row.uuid()).and_then(|at| self.ops.get_mut(*at));
        if let Some((_, Op::Verify { columns, .. })) = same_row {
            columns.entry(column.into()).or_insert_with(|| value.clone());
        } else {
            self.verifiers.insert(row.uuid(), self.ops.len());
            let columns = [(column.to_string(), value.clone())].into();
            self.ops.push((row.table().to_string(), Op::Verify { uuid: row.uuid(), columns }));
        }
    }

    /// Adds 1 to an integer column and asks for the value that it then has. A transaction holds one such; a second
    /// replaces the first.
    pub fn increment(&mut self, table: &str, uuid: Uuid, column: &str) {
        self.increment = Some((table.into(), uuid, column.into()));
    }

    /// Says in the server's log what this is for.
    pub fn comment(&mut self, text: impl Into<String>) {
        self.comments.push(text.into());
    }

    /// The operations of RFC 7047, as far as the server's schema has what they name.
    pub(super) fn prepare(&self, schema: &Schema, lock: Option<&str>) -> Prepared {
        let mut prepared = Prepared::default();
        let known = |table: &str, column: &str| {
            schema.table_id(table).is_some_and(|id| schema.table(id).column(column).is_some())
        };
        if let Some(lock) = lock {
            prepared
                .operations
                .push(Json::object([("op", Json::from("assert")), ("lock", Json::from(lock))]));
        }
        // What is relied on is checked before anything is changed.
        let (first, then): (Vec<_>, Vec<_>) =
            self.ops.iter().partition(|(_, op)| matches!(op, Op::Verify { .. }));
        for (table, op) in first.into_iter().chain(then) {
            if schema.table_id(table).is_none() {
                continue;
            }
            if let Some(json) = op.to_json(table, |column| known(table, column)) {
                if let Op::Insert { temporary, .. } = op {
                    prepared.inserts.push((*temporary, prepared.operations.len()));
                }
                prepared.operations.push(json);
            }
        }
        if let Some((table, uuid, column)) = self.increment.as_ref().filter(|(t, _, c)| known(t, c)) {
            let one = Json::array([Json::from(column.as_str()), Json::from("+="), Json::from(1)]);
            prepared.operations.push(operation("mutate", table, *uuid, [("mutations", Json::array([one]))]));
            prepared.increment = Some((prepared.operations.len(), column.clone()));
            let columns = Json::array([Json::from(column.as_str())]);
            prepared.operations.push(operation("select", table, *uuid, [("columns", columns)]));
        }
        if prepared.operations.len() > usize::from(lock.is_some()) && !self.comments.is_empty() {
            let text = self.comments.join("\n");
            let comment = Json::object([("op", Json::from("comment")), ("comment", Json::from(text))]);
            prepared.operations.push(comment);
        }
        prepared
    }
}

impl Op {
    /// The operation, unless nothing is left of it.
    fn to_json(&self, table: &str, known: impl Fn(&str) -> bool) -> Option<Json> {
        let row = |columns: &BTreeMap<String, Datum>| -> Object {
            let known = columns.iter().filter(|(name, _)| known(name));
            known.map(|(name, value)| (name.clone(), datum_json(value))).collect()
        };
        match self {
            Op::Insert { temporary, chosen, columns } => {
                let name = temporary_name(*temporary).unwrap_or_default();
                let members = [
                    ("op", Json::from("insert")),
                    ("table", Json::from(table)),
                    ("uuid-name", Json::from(name)),
                    ("row", Json::Object(row(columns))),
                ];
                let chosen = chosen.map(|uuid| ("uuid", Json::from(uuid.to_string())));
                Some(Json::object(members.into_iter().chain(chosen)))
            }
            Op::Update { uuid, columns } => {
                let row = row(columns);
                let json = |row| operation("update", table, *uuid, [("row", Json::Object(row))]);
                (!row.is_empty()).then(|| json(row))
            }
            Op::Delete { uuid } => Some(operation("delete", table, *uuid, [])),
            Op::Mutate { uuid, column, mutator, value } => known(column).then(|| {
                let mutation = Json::array([
                    Json::from(column.as_str()),
                    Json::from(mutator.symbol()),
                    datum_json(value),
                ]);
                operation("mutate", table, *uuid, [("mutations", Json::array([mutation]))])
            }),
            Op::Verify { uuid, columns } => {
                let row = row(columns);
                let names = Json::array(row.keys().map(|name| Json::from(name.as_str())));
                let wait = |row| {
                    let members = [
                        ("columns", names),
                        ("rows", Json::array([Json::Object(row)])),
                        ("timeout", Json::from(0)),
                        ("until", Json::from("==")),
                    ];
                    operation("wait", table, *uuid, members)
                };
                (!row.is_empty()).then(|| wait(row))
            }
        }
    }
}

/// An operation on one row.
fn operation<const N: usize>(op: &str, table: &str, uuid: Uuid, members: [(&str, Json); N]) -> Json {
    let condition = Json::array([Json::from("_uuid"), Json::from("=="), atom_json(&Atom::from(uuid))]);
    let common = [("op", Json::from(op)), ("table", Json::from(table)), ("where", Json::array([condition]))];
    Json::object(common.into_iter().chain(members))
}

/// The identity of the `n`th inserted row until the server gives it one. Identities that servers give carry a
/// version number where this has a zero, so they never meet.
fn temporary_uuid(n: u64) -> Uuid {
    let mut bytes = *b"newrow\0\0\0\0\0\0\0\0\0\0";
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    Uuid(bytes)
}

/// The name that a temporary identity has in the protocol.
fn temporary_name(uuid: Uuid) -> Option<String> {
    let number = uuid.0.strip_prefix(b"newrow\0\0")?;
    let number = u64::from_be_bytes(number.try_into().ok()?);
    Some(format!("row{number}"))
}

/// Like [`Atom::to_json`], with temporary identities by name.
fn atom_json(atom: &Atom) -> Json {
    match atom.as_uuid().and_then(temporary_name) {
        Some(name) => Json::array([Json::from("named-uuid"), Json::from(name)]),
        None => atom.to_json(),
    }
}

/// Like [`Datum::to_json`], with temporary identities by name.
fn datum_json(datum: &Datum) -> Json {
    if !datum.atoms().any(|a| a.as_uuid().and_then(temporary_name).is_some()) {
        return datum.to_json();
    }
    let (tag, elements): (_, Vec<Json>) = if datum.is_map() {
        ("map", datum.pairs().map(|(k, v)| Json::array([atom_json(k), atom_json(v)])).collect())
    } else {
        ("set", datum.keys().map(atom_json).collect())
    };
    Json::array([Json::from(tag), Json::Array(elements)])
}
