//! Finding rows by the values of columns.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeBounds};

use crate::value::{Datum, Uuid};

use super::row::Row;

/// The rows of a table by the values of some columns, in the order of those values.
#[derive(Clone, Debug)]
pub(super) struct IndexData {
    /// The columns' names, as asked for.
    pub(super) columns: Vec<String>,
    entries: BTreeMap<Vec<Datum>, BTreeSet<Uuid>>,
}

impl IndexData {
    pub(super) fn new(columns: &[String]) -> IndexData {
        IndexData { columns: columns.to_vec(), entries: BTreeMap::new() }
    }

    /// Follows the change of a row.
    pub(super) fn change(&mut self, old: Option<&Row>, new: Option<&Row>) {
        let key = |row: &Row| -> Vec<Datum> {
            let column = |name: &String| row.get(name).cloned().unwrap_or_else(Datum::empty_set);
            self.columns.iter().map(column).collect()
        };
        let (before, after) = (old.map(key), new.map(key));
        if before == after && old.map(Row::uuid) == new.map(Row::uuid) {
            return;
        }
        if let (Some(row), Some(key)) = (old, before)
            && let Some(rows) = self.entries.get_mut(&key)
        {
            rows.remove(&row.uuid());
            if rows.is_empty() {
                self.entries.remove(&key);
            }
        }
        if let (Some(row), Some(key)) = (new, after) {
            self.entries.entry(key).or_default().insert(row.uuid());
        }
    }
}

/// The rows of a table in the order of some columns' values; from [`Snapshot::index`](super::Snapshot::index).
///
/// A key is one value for each column, in the order in which the index names them. Rows with equal keys come in the
/// order of their identities. A column that the server does not have counts as the empty set.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a> {
    pub(super) data: &'a IndexData,
    pub(super) rows: &'a BTreeMap<Uuid, Row>,
}

impl<'a> Index<'a> {
    /// The rows with this key.
    pub fn find(&self, key: &[Datum]) -> impl Iterator<Item = &'a Row> + use<'a> {
        let rows = self.rows;
        self.data.entries.get(key).into_iter().flatten().filter_map(move |uuid| rows.get(uuid))
    }

    /// The rows with keys in a range. A range that ends before it begins is empty.
    pub fn range<R: RangeBounds<[Datum]>>(&self, range: R) -> impl Iterator<Item = &'a Row> + use<'a, R> {
        let bounds = (range.start_bound(), range.end_bound());
        let rows = self.rows;
        let sets = (!is_inverted(bounds)).then(|| self.data.entries.range::<[Datum], _>(bounds));
        sets.into_iter().flatten().flat_map(|(_, set)| set).filter_map(move |uuid| rows.get(uuid))
    }

    /// The rows whose keys begin with these values.
    pub fn prefix<'k>(&self, prefix: &'k [Datum]) -> impl Iterator<Item = &'a Row> + use<'a, 'k> {
        let rows = self.rows;
        self.data
            .entries
            .range::<[Datum], _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .flat_map(|(_, set)| set)
            .filter_map(move |uuid| rows.get(uuid))
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = &'a Row> + use<'a> {
        self.prefix(&[])
    }
}

/// Ranges that the standard map refuses with a panic.
fn is_inverted((start, end): (Bound<&[Datum]>, Bound<&[Datum]>)) -> bool {
    use Bound::{Excluded, Included};
    match (start, end) {
        (Excluded(a), Excluded(b)) => a >= b,
        (Included(a) | Excluded(a), Included(b) | Excluded(b)) => a > b,
        _ => false,
    }
}
