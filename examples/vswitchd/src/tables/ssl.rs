//! Table `SSL`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `SSL`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssl(Row);

impl Table for Ssl {
    const TABLE: &'static str = "SSL";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "bootstrap_ca_cert",
        "ca_cert",
        "certificate",
        "external_ids",
        "private_key",
    ];

    fn from_row(row: Row) -> Self {
        Ssl(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Ssl {
    /// `bootstrap_ca_cert`: boolean.
    pub const BOOTSTRAP_CA_CERT: Column<Ssl, bool> = Column::new("bootstrap_ca_cert");
    /// `ca_cert`: string.
    pub const CA_CERT: Column<Ssl, String> = Column::new("ca_cert");
    /// `certificate`: string.
    pub const CERTIFICATE: Column<Ssl, String> = Column::new("certificate");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Ssl, BTreeMap<String, String>> = Column::new("external_ids");
    /// `private_key`: string.
    pub const PRIVATE_KEY: Column<Ssl, String> = Column::new("private_key");

    /// `bootstrap_ca_cert`: boolean.
    pub fn bootstrap_ca_cert(&self) -> bool {
        Self::BOOTSTRAP_CA_CERT.of(self)
    }

    /// `ca_cert`: string.
    pub fn ca_cert(&self) -> &str {
        self.0.get_string("ca_cert")
    }

    /// `certificate`: string.
    pub fn certificate(&self) -> &str {
        self.0.get_string("certificate")
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `private_key`: string.
    pub fn private_key(&self) -> &str {
        self.0.get_string("private_key")
    }
}
