//! Conditions: which rows an operation or a monitor means.

use std::borrow::Cow;

use crate::database::Row;
use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::{AtomType, ColumnId, ColumnType, TableSchema};
use crate::value::{Atom, Datum, Uuid, UuidNames};

/// How a clause compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    GreaterEqual,
    /// `>`
    Greater,
    /// Every element of the argument is in the column.
    Includes,
    /// No element of the argument is in the column.
    Excludes,
}

impl Function {
    fn from_json(json: &Json) -> Result<Function, DbError> {
        Ok(match json.as_str() {
            Some("<") => Function::Less,
            Some("<=") => Function::LessEqual,
            Some("==") => Function::Equal,
            Some("!=") => Function::NotEqual,
            Some(">=") => Function::GreaterEqual,
            Some(">") => Function::Greater,
            Some("includes") => Function::Includes,
            Some("excludes") => Function::Excludes,
            _ => return Err(DbError::new(ErrorTag::UnknownFunction, format!("no function is named {json}"))),
        })
    }

    fn is_order(self) -> bool {
        matches!(self, Function::Less | Function::LessEqual | Function::GreaterEqual | Function::Greater)
    }
}

/// A column of a table, or one of those that every table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnRef {
    /// `_uuid`
    Uuid,
    /// `_version`
    Version,
    /// A column of the schema.
    Column(ColumnId),
}

impl ColumnRef {
    /// The column called `name`.
    pub fn find(table: &TableSchema, name: &str) -> Option<ColumnRef> {
        match name {
            "_uuid" => Some(ColumnRef::Uuid),
            "_version" => Some(ColumnRef::Version),
            _ => table.column(name).map(ColumnRef::Column),
        }
    }

    /// Reads a column's name.
    pub fn from_json(table: &TableSchema, json: &Json) -> Result<ColumnRef, DbError> {
        let name = json.as_str().ok_or_else(|| DbError::syntax(json, "column name must be a string"))?;
        ColumnRef::find(table, name).ok_or_else(|| {
            let what = format!("No column {name} in table {}.", table.name);
            DbError::new(ErrorTag::UnknownColumn, what).about(json)
        })
    }

    /// The column's name.
    pub fn name(self, table: &TableSchema) -> &str {
        match self {
            ColumnRef::Uuid => "_uuid",
            ColumnRef::Version => "_version",
            ColumnRef::Column(id) => &table.columns[id.0].name,
        }
    }

    /// The column's type.
    pub fn kind(self, table: &TableSchema) -> Cow<'_, ColumnType> {
        match self {
            ColumnRef::Uuid | ColumnRef::Version => Cow::Owned(ColumnType::scalar(AtomType::Uuid)),
            ColumnRef::Column(id) => Cow::Borrowed(&table.columns[id.0].kind),
        }
    }

    /// True if two states of one row differ in the column.
    pub fn differs(self, old: &Row, new: &Row) -> bool {
        match self {
            ColumnRef::Uuid => false,
            ColumnRef::Version => old.version != new.version,
            ColumnRef::Column(id) => old.get(id) != new.get(id),
        }
    }

    /// The column's value in a row.
    pub fn value(self, uuid: Uuid, row: &Row) -> Cow<'_, Datum> {
        match self {
            ColumnRef::Uuid => Cow::Owned(Datum::scalar(uuid)),
            ColumnRef::Version => Cow::Owned(Datum::scalar(row.version)),
            ColumnRef::Column(id) => Cow::Borrowed(row.get(id)),
        }
    }
}

/// One test on a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Clause {
    /// True for every row, or for none.
    Constant(bool),
    /// Compares a column with a value.
    Test {
        /// The column.
        column: ColumnRef,
        /// How to compare.
        function: Function,
        /// What with.
        argument: Datum,
    },
}

impl Clause {
    /// Reads a `<condition>` of RFC 7047, or a boolean.
    pub fn from_json(table: &TableSchema, json: &Json, names: &mut dyn UuidNames) -> Result<Clause, DbError> {
        if let Json::Bool(constant) = json {
            return Ok(Clause::Constant(*constant));
        }
        let Some([column, function, argument]) = json.as_array() else {
            return Err(DbError::syntax(json, "condition is not [COLUMN, FUNCTION, VALUE]"));
        };
        let column = ColumnRef::from_json(table, column)?;
        let function = Function::from_json(function)?;
        let mut kind = column.kind(table).into_owned();
        let numeric = matches!(kind.key.kind, AtomType::Integer | AtomType::Real);
        match function {
            Function::Equal | Function::NotEqual => {}
            Function::Includes | Function::Excludes => {
                if !kind.is_scalar() {
                    kind.min = 0;
                }
                if function == Function::Excludes && !kind.is_scalar() {
                    kind.max = usize::MAX;
                }
            }
            _ if numeric && (kind.is_scalar() || kind.is_optional()) => {}
            _ => {
                let name = column.name(table);
                return Err(DbError::syntax(json, format!("\"{name}\" cannot be compared by size")));
            }
        }
        if function.is_order() {
            kind.min = 1;
        }
        let argument = Datum::from_json(argument, &kind, names)?;
        Ok(Clause::Test { column, function, argument })
    }

    /// True if the row passes.
    pub fn matches(&self, uuid: Uuid, row: &Row) -> bool {
        let Clause::Test { column, function, argument } = self else {
            return *self == Clause::Constant(true);
        };
        let value = column.value(uuid, row);
        match function {
            Function::Equal => *value == *argument,
            Function::NotEqual => *value != *argument,
            Function::Includes => value.includes(argument),
            Function::Excludes => value.excludes(argument),
            order => match (value.single(), argument.single()) {
                (Some(value), Some(argument)) => ordered(*order, value, argument),
                // An optional column that is empty is neither less nor greater than anything.
                _ => false,
            },
        }
    }
}

fn ordered(function: Function, value: &Atom, argument: &Atom) -> bool {
    match function {
        Function::Less => value < argument,
        Function::LessEqual => value <= argument,
        Function::GreaterEqual => value >= argument,
        _ => value > argument,
    }
}

/// The clauses of a `where`: a row is meant if it passes all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// The clauses.
    pub clauses: Vec<Clause>,
}

impl Condition {
    /// Reads a `where`.
    pub fn from_json(
        table: &TableSchema,
        clauses: &[Json],
        names: &mut dyn UuidNames,
    ) -> Result<Condition, DbError> {
        let clauses = clauses.iter().map(|clause| Clause::from_json(table, clause, names));
        Ok(Condition { clauses: clauses.collect::<Result<_, _>>()? })
    }

    /// True if the row passes all clauses.
    pub fn matches(&self, uuid: Uuid, row: &Row) -> bool {
        self.clauses.iter().all(|clause| clause.matches(uuid, row))
    }

    /// The only row that can pass, if a clause demands one UUID.
    pub(super) fn row(&self) -> Option<Uuid> {
        self.clauses.iter().find_map(|clause| match clause {
            Clause::Test { column: ColumnRef::Uuid, function: Function::Equal, argument } => {
                argument.as_uuid()
            }
            _ => None,
        })
    }

    /// What the condition demands of `column` to be equal to.
    pub(super) fn equal(&self, wanted: ColumnId) -> Option<&Datum> {
        self.clauses.iter().find_map(|clause| match clause {
            Clause::Test { column, function: Function::Equal, argument }
                if *column == ColumnRef::Column(wanted) =>
            {
                Some(argument)
            }
            _ => None,
        })
    }
}
