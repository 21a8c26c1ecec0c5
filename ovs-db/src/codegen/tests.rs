use super::Codegen;
use crate::schema::Schema;

#[test]
fn one_table() {
    let schema: Schema = r#"{"name":"d","version":"1.2.3","tables":{"Open_vSwitch":{"columns":{
        "type":{"type":{"key":{"type":"string","enum":["set",["a`b","x\ny"]]},"min":0}},
        "n":{"type":{"key":{"type":"integer","minInteger":1,"maxInteger":9},"max":4},"mutable":false}}}}}"#
        .parse()
        .unwrap();
    let expected = r#"use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// The database's name.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
pub const DATABASE: &str = "d";
/// The schema's version.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
pub const VERSION: &str = "1.2.3";

/// A row of table `Open_vSwitch`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenVSwitch(Row);

impl Table for OpenVSwitch {
    const TABLE: &'static str = "Open_vSwitch";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "n",
        "type",
    ];

    fn from_row(row: Row) -> Self {
        OpenVSwitch(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl OpenVSwitch {
    /// `n`: a set of integer (1 to 9), at most 4, at least one; set by the insert only.
    pub const N: Column<OpenVSwitch, Vec<i64>> = Column::new("n");
    /// `type`: at most one string (one of `a'b`, `x\ny`).
    pub const TYPE: Column<OpenVSwitch, Option<String>> = Column::new("type");

    /// `n`: a set of integer (1 to 9), at most 4, at least one; set by the insert only.
    pub fn n(&self) -> Vec<i64> {
        Self::N.of(self)
    }

    /// `type`: at most one string (one of `a'b`, `x\ny`).
    pub fn r#type(&self) -> Option<&str> {
        self.0.get_optional_string("type")
    }
}
"#;
    assert_eq!(Codegen::new(&schema).text(), expected);
    let files = Codegen::new(&schema).crate_path("crate").files();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["mod.rs", "open_vswitch.rs"]);
    assert!(files["mod.rs"].contains("mod open_vswitch;\n\npub use open_vswitch::OpenVSwitch;\n"));
    assert!(files["open_vswitch.rs"].contains("use crate::client::Row;"));
}
