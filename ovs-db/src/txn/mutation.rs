//! Mutations: changing a column's value relative to what it is.

use crate::database::Row;
use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::{AtomType, ColumnId, ColumnType, TableSchema};
use crate::value::{Atom, Datum, Real, UuidNames};

use super::condition::ColumnRef;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Insert,
    Delete,
}

/// One `<mutation>` of RFC 7047.
#[derive(Clone, Debug)]
pub(super) struct Mutation {
    column: ColumnId,
    mutator: Mutator,
    argument: Datum,
}

impl Mutation {
    /// Reads `[COLUMN, MUTATOR, VALUE]`.
    pub(super) fn from_json(
        table: &TableSchema,
        json: &Json,
        names: &mut dyn UuidNames,
    ) -> Result<Mutation, DbError> {
        let Some([column, mutator, argument]) = json.as_array() else {
            return Err(DbError::syntax(json, "mutation is not [COLUMN, MUTATOR, VALUE]"));
        };
        let column = ColumnRef::from_json(table, column)?;
        let immutable = || {
            let what = format!("column {} of table {} cannot be changed", column.name(table), table.name);
            DbError::new(ErrorTag::ConstraintViolation, what).about(json)
        };
        let ColumnRef::Column(id) = column else { return Err(immutable()) };
        let schema = &table.columns[id.0];
        if !schema.mutable {
            return Err(immutable());
        }
        let mutator = match mutator.as_str() {
            Some("+=") => Mutator::Add,
            Some("-=") => Mutator::Subtract,
            Some("*=") => Mutator::Multiply,
            Some("/=") => Mutator::Divide,
            Some("%=") => Mutator::Modulo,
            Some("insert") => Mutator::Insert,
            Some("delete") => Mutator::Delete,
            _ => {
                let what = format!("no mutator is named {mutator}");
                return Err(DbError::new(ErrorTag::UnknownMutator, what));
            }
        };
        let argument = read_argument(&schema.kind, mutator, json, argument, names)?;
        Ok(Mutation { column: id, mutator, argument })
    }

    /// The column, and which keys of a map are inserted or deleted.
    pub(super) fn touches<'a>(&'a self, table: &'a TableSchema) -> (&'a str, Option<&'a Datum>) {
        let schema = &table.columns[self.column.0];
        (&schema.name, schema.kind.is_map().then_some(&self.argument))
    }

    /// Changes `row`.
    pub(super) fn apply(&self, table: &TableSchema, row: &mut Row) -> Result<(), DbError> {
        let schema = &table.columns[self.column.0];
        let old = row.get(self.column);
        let new = match self.mutator {
            Mutator::Insert => old.union(&self.argument),
            Mutator::Delete => old.subtract(&self.argument),
            _ => self.calculate(&schema.kind, old)?,
        };
        schema.kind.check(&new).map_err(|e| {
            let what = format!("mutation of column {}: {}", schema.name, e.details);
            DbError::new(ErrorTag::ConstraintViolation, what)
        })?;
        row.set(self.column, new);
        Ok(())
    }

    fn calculate(&self, kind: &ColumnType, old: &Datum) -> Result<Datum, DbError> {
        let Some(argument) = self.argument.single() else { return Ok(old.clone()) };
        let results: Result<Vec<Atom>, ErrorTag> =
            old.keys().map(|atom| calculate(self.mutator, atom, argument)).collect();
        let results = results.map_err(|tag| {
            let what =
                format!("{old} cannot be changed by {argument}: division by zero or result out of range");
            DbError::new(tag, what)
        })?;
        let new = Datum::set(results);
        if new.len() < old.len() {
            let what = format!("mutation makes elements of a set of {} equal", kind.key.kind);
            return Err(DbError::new(ErrorTag::ConstraintViolation, what));
        }
        Ok(new)
    }
}

/// Reads a mutation's value, whose type follows from the column's and the mutator.
fn read_argument(
    kind: &ColumnType,
    mutator: Mutator,
    json: &Json,
    argument: &Json,
    names: &mut dyn UuidNames,
) -> Result<Datum, DbError> {
    let unlimited = ColumnType { min: 0, max: usize::MAX, ..kind.clone() };
    match mutator {
        Mutator::Insert | Mutator::Delete if kind.is_scalar() => {
            Err(DbError::syntax(json, "a scalar column has no elements to insert or delete"))
        }
        Mutator::Insert => {
            let some = ColumnType { min: 0, ..kind.clone() };
            Datum::from_json(argument, &some, names)
        }
        Mutator::Delete => {
            let keys = ColumnType { value: None, ..unlimited.clone() };
            match Datum::from_json(argument, &unlimited, names) {
                Err(_) if kind.is_map() => Datum::from_json(argument, &keys, names),
                result => result,
            }
        }
        _ => {
            let number = kind.key.kind;
            let allowed =
                number == AtomType::Integer || number == AtomType::Real && mutator != Mutator::Modulo;
            if kind.is_map() || !allowed {
                return Err(DbError::syntax(json, "mutator does not fit the column's type"));
            }
            Datum::from_json(argument, &ColumnType::scalar(number), names)
        }
    }
}

fn calculate(mutator: Mutator, a: &Atom, b: &Atom) -> Result<Atom, ErrorTag> {
    match (a, b) {
        (Atom::Integer(a), Atom::Integer(b)) => {
            let result = match mutator {
                Mutator::Divide | Mutator::Modulo if *b == 0 => return Err(ErrorTag::DomainError),
                Mutator::Add => a.checked_add(*b),
                Mutator::Subtract => a.checked_sub(*b),
                Mutator::Multiply => a.checked_mul(*b),
                Mutator::Divide => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            result.map(Atom::Integer).ok_or(ErrorTag::RangeError)
        }
        (Atom::Real(a), Atom::Real(b)) => {
            let (a, b) = (a.get(), b.get());
            let result = match mutator {
                Mutator::Divide if b == 0.0 => return Err(ErrorTag::DomainError),
                Mutator::Add => a + b,
                Mutator::Subtract => a - b,
                Mutator::Multiply => a * b,
                _ => a / b,
            };
            Real::new(result).map(Atom::Real).ok_or(ErrorTag::RangeError)
        }
        // Types were checked when the mutation was read.
        _ => Err(ErrorTag::DomainError),
    }
}
