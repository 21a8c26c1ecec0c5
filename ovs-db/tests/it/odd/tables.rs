use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};
use ovs_db::value::Uuid;

/// The database's name.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
pub const DATABASE: &str = "Odd";

/// A row of table `A_b`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AB(Row);

impl Table for AB {
    const TABLE: &'static str = "A_b";
    const ALL_COLUMNS: &'static [&'static str] = &[];

    fn from_row(row: Row) -> Self {
        AB(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

/// A row of table `Uuid`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uuid2(Row);

impl Table for Uuid2 {
    const TABLE: &'static str = "Uuid";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "from_row",
        "uuid",
    ];

    fn from_row(row: Row) -> Self {
        Uuid2(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Uuid2 {
    /// `from_row`: integer.
    pub const FROM_ROW: Column<Uuid2, i64> = Column::new("from_row");
    /// `uuid`: a set of uuid.
    pub const UUID: Column<Uuid2, Vec<Uuid>> = Column::new("uuid");

    /// `from_row`: integer.
    pub fn from_row(&self) -> i64 {
        Self::FROM_ROW.of(self)
    }

    /// `uuid`: a set of uuid.
    pub fn uuid(&self) -> Vec<Uuid> {
        Self::UUID.of(self)
    }
}

/// A row of table `Vec`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vec2(Row);

impl Table for Vec2 {
    const TABLE: &'static str = "Vec";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "map",
        "reals",
    ];

    fn from_row(row: Row) -> Self {
        Vec2(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Vec2 {
    /// `map`: a map from real to string.
    pub const MAP: Column<Vec2, Vec<(f64, String)>> = Column::new("map");
    /// `reals`: a set of real, at most 3.
    pub const REALS: Column<Vec2, Vec<f64>> = Column::new("reals");

    /// `map`: a map from real to string.
    pub fn map(&self) -> Vec<(f64, String)> {
        Self::MAP.of(self)
    }

    /// `reals`: a set of real, at most 3.
    pub fn reals(&self) -> Vec<f64> {
        Self::REALS.of(self)
    }
}

/// A row of table `a_B`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AB2(Row);

impl Table for AB2 {
    const TABLE: &'static str = "a_B";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "counts",
        "queues",
        "text_map",
        "texts",
    ];

    fn from_row(row: Row) -> Self {
        AB2(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl AB2 {
    /// `counts`: a map from string to integer.
    pub const COUNTS: Column<AB2, BTreeMap<String, i64>> = Column::new("counts");
    /// `queues`: a map from integer (at least 0) to row of `A_b`.
    pub const QUEUES: Column<AB2, BTreeMap<i64, Ref<AB>>> = Column::new("queues");
    /// `text_map`: a map from string to string.
    pub const TEXT_MAP: Column<AB2, BTreeMap<String, String>> = Column::new("text_map");
    /// `texts`: a set of string.
    pub const TEXTS: Column<AB2, Vec<String>> = Column::new("texts");

    /// `counts`: a map from string to integer.
    pub fn counts(&self) -> BTreeMap<String, i64> {
        Self::COUNTS.of(self)
    }

    /// `queues`: a map from integer (at least 0) to row of `A_b`.
    pub fn queues(&self) -> BTreeMap<i64, Ref<AB>> {
        Self::QUEUES.of(self)
    }

    /// `text_map`: a map from string to string.
    pub fn text_map(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("text_map")
    }

    /// `texts`: a set of string.
    pub fn texts(&self) -> Vec<&str> {
        self.0.get_strings("texts")
    }
}

/// A row of table `mod`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mod(Row);

impl Table for Mod {
    const TABLE: &'static str = "mod";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "fn",
    ];

    fn from_row(row: Row) -> Self {
        Mod(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Mod {
    /// `fn`: a map from row of `Vec` to row of `mod` (weak).
    pub const FN: Column<Mod, BTreeMap<Ref<Vec2>, Ref<Mod>>> = Column::new("fn");

    /// `fn`: a map from row of `Vec` to row of `mod` (weak).
    pub fn r#fn(&self) -> BTreeMap<Ref<Vec2>, Ref<Mod>> {
        Self::FN.of(self)
    }
}

/// A row of table `self`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSelf(Row);

impl Table for TableSelf {
    const TABLE: &'static str = "self";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "Type",
        "row",
        "self",
        "type",
    ];

    fn from_row(row: Row) -> Self {
        TableSelf(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl TableSelf {
    /// `Type`: real.
    pub const TYPE: Column<TableSelf, f64> = Column::new("Type");
    /// `row`: boolean.
    pub const ROW: Column<TableSelf, bool> = Column::new("row");
    /// `self`: uuid.
    pub const SELF: Column<TableSelf, Uuid> = Column::new("self");
    /// `type`: string.
    pub const TYPE_2: Column<TableSelf, String> = Column::new("type");

    /// `Type`: real.
    pub fn r#type(&self) -> f64 {
        Self::TYPE.of(self)
    }

    /// `row`: boolean.
    pub fn row(&self) -> bool {
        Self::ROW.of(self)
    }

    /// `self`: uuid.
    pub fn self_column(&self) -> Uuid {
        Self::SELF.of(self)
    }

    /// `type`: string.
    pub fn type_2(&self) -> &str {
        self.0.get_string("type")
    }
}
