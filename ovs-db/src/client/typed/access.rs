//! Configurations, snapshots, changes and transactions by types.

use super::{Column, IntoValue, Ref, Table, Value};
use crate::client::{Changes, Mutator, SessionConfig, Snapshot, Transaction};
use crate::value::Datum;

impl SessionConfig {
    /// Wants all columns of a table that its type knows.
    pub fn table_of<T: Table>(self) -> Self {
        self.table(T::TABLE, T::ALL_COLUMNS.iter().copied())
    }

    /// Wants one column of a table, beside those already wanted.
    pub fn column<T: Table, V>(self, column: Column<T, V>) -> Self {
        self.table(T::TABLE, [column.name()])
    }

    /// Keeps an index over one column, for [`Snapshot::find`].
    pub fn index_by<T: Table, V>(self, column: Column<T, V>) -> Self {
        self.index(T::TABLE, [column.name()])
    }
}

impl Snapshot {
    /// The rows of a table, in the order of their identities.
    pub fn all<T: Table>(&self) -> impl Iterator<Item = T> {
        self.rows(T::TABLE).values().cloned().map(T::from_row)
    }

    /// The row that is referred to.
    pub fn get<T: Table>(&self, reference: Ref<T>) -> Option<T> {
        self.row(T::TABLE, reference.uuid()).cloned().map(T::from_row)
    }

    /// The rows that are referred to, as far as they are there.
    pub fn get_all<T: Table>(&self, references: impl IntoIterator<Item = Ref<T>>) -> impl Iterator<Item = T> {
        references.into_iter().filter_map(|reference| self.get(reference))
    }

    /// The rows whose column has this value: by the index over that column, if there is one
    /// ([`SessionConfig::index_by`]), else by looking at every row.
    pub fn find<T: Table, V: Value>(
        &self,
        column: Column<T, V>,
        value: impl IntoValue<V>,
    ) -> impl Iterator<Item = T> {
        let key = [value.into_datum()];
        let index = self.index(T::TABLE, &[column.name()]);
        let looked_up = index.map(|index| index.find(&key));
        let rest = if looked_up.is_some() { None } else { Some(self.rows(T::TABLE).values()) };
        let searched = rest.into_iter().flatten();
        let searched = searched.filter(move |row| row.get(column.name()) == Some(&key[0]));
        looked_up.into_iter().flatten().chain(searched).cloned().map(T::from_row)
    }
}

impl Changes {
    /// The rows of a table that have changed: as they were (`None` for new ones) and as they are (`None` for those that
    /// are gone).
    pub fn of<T: Table>(&self) -> impl Iterator<Item = (Option<T>, Option<T>)> {
        self.table(T::TABLE)
            .map(|(_, change)| (change.old.clone().map(T::from_row), change.new.clone().map(T::from_row)))
    }
}

impl Transaction {
    /// Adds a row whose columns have their defaults until something is [`put`](Self::put) there.
    pub fn create<T: Table>(&mut self) -> Ref<T> {
        Ref::new(self.insert(T::TABLE, std::iter::empty::<(String, Datum)>()))
    }

    /// Sets a column of a row, which may be one that this transaction creates.
    pub fn put<T: Table, V: Value>(&mut self, row: Ref<T>, column: Column<T, V>, value: impl IntoValue<V>) {
        self.update(T::TABLE, row.uuid(), [(column.name(), value.into_datum())]);
    }

    /// Changes a column relative to the value that it has on the server.
    pub fn mutate_column<T: Table, V: Value>(
        &mut self,
        row: Ref<T>,
        column: Column<T, V>,
        mutator: Mutator,
        value: impl IntoValue<V>,
    ) {
        self.mutate(T::TABLE, row.uuid(), column.name(), mutator, value.into_datum());
    }

    /// Relies on a column's present value; see [`verify`](Self::verify).
    pub fn verify_column<T: Table, V>(&mut self, row: &T, column: Column<T, V>) {
        self.verify(row.row(), column.name());
    }

    /// Adds 1 to a column; see [`increment`](Self::increment).
    pub fn increment_column<T: Table>(&mut self, row: Ref<T>, column: Column<T, i64>) {
        self.increment(T::TABLE, row.uuid(), column.name());
    }

    /// Deletes a row.
    pub fn remove<T: Table>(&mut self, row: Ref<T>) {
        self.delete(T::TABLE, row.uuid());
    }
}
