//! Tables and columns with types: what [`codegen`](crate::codegen) makes of a schema, and what can be done with that.
//!
//! ```
//! use ovs_db::client::Row;
//! use ovs_db::client::typed::{Column, Ref, Table};
//!
//! // This is what `ovs_db::codegen` writes.
//! #[derive(Clone, Debug, PartialEq, Eq)]
//! pub struct Bridge(Row);
//! impl Table for Bridge {
//!     const TABLE: &'static str = "Bridge";
//!     const ALL_COLUMNS: &'static [&'static str] = &["fail_mode", "name"];
//!     fn from_row(row: Row) -> Self { Bridge(row) }
//!     fn row(&self) -> &Row { &self.0 }
//! }
//! impl Bridge {
//!     pub const NAME: Column<Bridge, String> = Column::new("name");
//!     pub const FAIL_MODE: Column<Bridge, Option<String>> = Column::new("fail_mode");
//! }
//!
//! // This is what a program does with it.
//! use ovs_db::client::{Session, SessionConfig, Transaction};
//! let config = SessionConfig::new("Open_vSwitch").table_of::<Bridge>().index_by(Bridge::NAME);
//! let session = Session::new(config);
//! let mut txn = Transaction::new();
//! for bridge in session.snapshot().find(Bridge::NAME, "br0") {
//!     txn.verify_column(&bridge, Bridge::FAIL_MODE);
//!     txn.put(bridge.reference(), Bridge::FAIL_MODE, "secure");
//! }
//! let new: Ref<Bridge> = txn.create();
//! txn.put(new, Bridge::NAME, "br1");
//! ```

mod access;
mod value;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

pub use value::{Element, IntoValue, Value};

use super::condition::{Clause, Function};
use super::row::Row;
use crate::value::Uuid;

/// A row of one table, by its type.
pub trait Table: Clone {
    /// The table's name in the schema.
    const TABLE: &'static str;
    /// The names of all columns that the type knows.
    const ALL_COLUMNS: &'static [&'static str];

    /// The row, with types. The row must be of this table.
    fn from_row(row: Row) -> Self;

    /// The row, without types.
    fn row(&self) -> &Row;

    /// What refers to this row.
    fn reference(&self) -> Ref<Self> {
        Ref::new(self.row().uuid())
    }
}

/// A reference to a row of the table `T`. The row may not be there (any more).
pub struct Ref<T> {
    uuid: Uuid,
    table: PhantomData<fn() -> T>,
}

impl<T> Ref<T> {
    /// Refers to a row by its identity.
    pub const fn new(uuid: Uuid) -> Self {
        Ref { uuid, table: PhantomData }
    }

    /// The row's identity.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<T> {}

impl<T> Default for Ref<T> {
    fn default() -> Self {
        Ref::new(Uuid::ZERO)
    }
}

impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<T> Eq for Ref<T> {}

impl<T> PartialOrd for Ref<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Ref<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<T> Hash for Ref<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref({})", self.uuid)
    }
}

impl<T> fmt::Display for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}

/// A column of the table `T` whose values are read and written as `V`.
pub struct Column<T, V> {
    name: &'static str,
    kind: PhantomData<fn() -> (T, V)>,
}

impl<T, V> Clone for Column<T, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V> Copy for Column<T, V> {}

impl<T, V> fmt::Debug for Column<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T, V> Column<T, V> {
    /// The column of that name.
    pub const fn new(name: &'static str) -> Self {
        Column { name, kind: PhantomData }
    }

    /// The column's name.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<T: Table, V: Value> Column<T, V> {
    /// The column's value; the default if it is not kept, not known to the server, or of another type.
    pub fn of(self, row: &T) -> V {
        row.row().get(self.name).and_then(V::from_datum).unwrap_or_default()
    }

    /// A clause for a [`Condition`](super::Condition).
    pub fn compare(self, function: Function, value: impl IntoValue<V>) -> Clause {
        Clause::new(self.name, function, value.into_datum())
    }

    /// The clause that the column has this value.
    pub fn is(self, value: impl IntoValue<V>) -> Clause {
        self.compare(Function::Equal, value)
    }
}
