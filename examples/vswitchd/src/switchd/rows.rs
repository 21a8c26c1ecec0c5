//! Reading configuration rows without ever failing: what is missing or odd reads as its default.

use std::collections::BTreeMap;

use ovs_db::client;
use ovs_db::value::{Datum, Uuid};

/// A row of the database.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its identity.
    pub uuid: Uuid,
    row: &'a client::Row,
}

impl<'a> Row<'a> {
    /// A view of a row.
    pub fn new(row: &'a client::Row) -> Self {
        Self { uuid: row.uuid(), row }
    }

    /// The value of a column, if the server has that column.
    pub fn datum(&self, column: &str) -> Option<&'a Datum> {
        self.row.get(column)
    }

    /// A string; empty if it is not set.
    pub fn string(&self, column: &str) -> &'a str {
        self.datum(column).and_then(Datum::as_str).unwrap_or_default()
    }

    /// An integer, if one is set.
    pub fn integer(&self, column: &str) -> Option<i64> {
        self.datum(column).and_then(Datum::as_integer)
    }

    /// A truth value; `default` if it is not set.
    pub fn boolean(&self, column: &str, default: bool) -> bool {
        self.datum(column).and_then(Datum::as_bool).unwrap_or(default)
    }

    /// The strings of a set.
    pub fn strings(&self, column: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.datum(column).into_iter().flat_map(Datum::atoms).filter_map(|a| a.as_str())
    }

    /// The integers of a set.
    pub fn integers(&self, column: &str) -> impl Iterator<Item = i64> + use<'a> {
        self.datum(column).into_iter().flat_map(Datum::atoms).filter_map(ovs_db::value::Atom::as_integer)
    }

    /// The rows that a column refers to, in order of their identity.
    pub fn references(&self, column: &str) -> impl Iterator<Item = Uuid> + use<'a> {
        self.datum(column).into_iter().flat_map(Datum::atoms).filter_map(ovs_db::value::Atom::as_uuid)
    }

    /// The rows that a map from strings refers to, by their keys.
    pub fn named_references(&self, column: &str) -> impl Iterator<Item = (&'a str, Uuid)> + use<'a> {
        let pairs = self.datum(column).into_iter().flat_map(Datum::pairs);
        pairs.filter_map(|(name, row)| Some((name.as_str()?, row.as_uuid()?)))
    }

    /// The rows that a map from integers refers to, by their keys.
    pub fn numbered_references(&self, column: &str) -> impl Iterator<Item = (i64, Uuid)> + use<'a> {
        let pairs = self.datum(column).into_iter().flat_map(Datum::pairs);
        pairs.filter_map(|(number, row)| Some((number.as_integer()?, row.as_uuid()?)))
    }

    /// A map of strings.
    pub fn map(&self, column: &str) -> BTreeMap<String, String> {
        let pairs = self.datum(column).into_iter().flat_map(Datum::pairs);
        pairs.filter_map(|(k, v)| Some((k.as_str()?.to_owned(), v.as_str()?.to_owned()))).collect()
    }

    /// The value of a key in a map of strings.
    pub fn key(&self, column: &str, key: &str) -> Option<&'a str> {
        self.datum(column).and_then(|d| d.get_str(key))
    }

    /// The value of a key in a map of strings, as a number.
    pub fn key_number<T: std::str::FromStr>(&self, column: &str, key: &str) -> Option<T> {
        self.key(column, key).and_then(|text| text.parse().ok())
    }
}

/// The rows that the switch is configured by.
pub trait Rows {
    /// All rows of a table, in order of their identity.
    fn all(&self, table: &str) -> Vec<Row<'_>>;

    /// One row.
    fn get(&self, table: &str, uuid: Uuid) -> Option<Row<'_>>;
}
