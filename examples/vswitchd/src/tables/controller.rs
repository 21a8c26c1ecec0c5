//! Table `Controller`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `Controller`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller(Row);

impl Table for Controller {
    const TABLE: &'static str = "Controller";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "connection_mode",
        "controller_burst_limit",
        "controller_queue_size",
        "controller_rate_limit",
        "enable_async_messages",
        "external_ids",
        "inactivity_probe",
        "is_connected",
        "local_gateway",
        "local_ip",
        "local_netmask",
        "max_backoff",
        "other_config",
        "role",
        "status",
        "target",
        "type",
    ];

    fn from_row(row: Row) -> Self {
        Controller(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Controller {
    /// `connection_mode`: at most one string (one of `in-band`, `out-of-band`).
    pub const CONNECTION_MODE: Column<Controller, Option<String>> = Column::new("connection_mode");
    /// `controller_burst_limit`: at most one integer (at least 25).
    pub const CONTROLLER_BURST_LIMIT: Column<Controller, Option<i64>> = Column::new("controller_burst_limit");
    /// `controller_queue_size`: at most one integer (1 to 512).
    pub const CONTROLLER_QUEUE_SIZE: Column<Controller, Option<i64>> = Column::new("controller_queue_size");
    /// `controller_rate_limit`: at most one integer (at least 100).
    pub const CONTROLLER_RATE_LIMIT: Column<Controller, Option<i64>> = Column::new("controller_rate_limit");
    /// `enable_async_messages`: at most one boolean.
    pub const ENABLE_ASYNC_MESSAGES: Column<Controller, Option<bool>> = Column::new("enable_async_messages");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Controller, BTreeMap<String, String>> = Column::new("external_ids");
    /// `inactivity_probe`: at most one integer.
    pub const INACTIVITY_PROBE: Column<Controller, Option<i64>> = Column::new("inactivity_probe");
    /// `is_connected`: boolean; not kept over a restart.
    pub const IS_CONNECTED: Column<Controller, bool> = Column::new("is_connected");
    /// `local_gateway`: at most one string.
    pub const LOCAL_GATEWAY: Column<Controller, Option<String>> = Column::new("local_gateway");
    /// `local_ip`: at most one string.
    pub const LOCAL_IP: Column<Controller, Option<String>> = Column::new("local_ip");
    /// `local_netmask`: at most one string.
    pub const LOCAL_NETMASK: Column<Controller, Option<String>> = Column::new("local_netmask");
    /// `max_backoff`: at most one integer (at least 1000).
    pub const MAX_BACKOFF: Column<Controller, Option<i64>> = Column::new("max_backoff");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<Controller, BTreeMap<String, String>> = Column::new("other_config");
    /// `role`: at most one string (one of `master`, `other`, `slave`); not kept over a restart.
    pub const ROLE: Column<Controller, Option<String>> = Column::new("role");
    /// `status`: a map from string to string; not kept over a restart.
    pub const STATUS: Column<Controller, BTreeMap<String, String>> = Column::new("status");
    /// `target`: string.
    pub const TARGET: Column<Controller, String> = Column::new("target");
    /// `type`: at most one string (one of `primary`, `service`).
    pub const TYPE: Column<Controller, Option<String>> = Column::new("type");

    /// `connection_mode`: at most one string (one of `in-band`, `out-of-band`).
    pub fn connection_mode(&self) -> Option<&str> {
        self.0.get_optional_string("connection_mode")
    }

    /// `controller_burst_limit`: at most one integer (at least 25).
    pub fn controller_burst_limit(&self) -> Option<i64> {
        Self::CONTROLLER_BURST_LIMIT.of(self)
    }

    /// `controller_queue_size`: at most one integer (1 to 512).
    pub fn controller_queue_size(&self) -> Option<i64> {
        Self::CONTROLLER_QUEUE_SIZE.of(self)
    }

    /// `controller_rate_limit`: at most one integer (at least 100).
    pub fn controller_rate_limit(&self) -> Option<i64> {
        Self::CONTROLLER_RATE_LIMIT.of(self)
    }

    /// `enable_async_messages`: at most one boolean.
    pub fn enable_async_messages(&self) -> Option<bool> {
        Self::ENABLE_ASYNC_MESSAGES.of(self)
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `inactivity_probe`: at most one integer.
    pub fn inactivity_probe(&self) -> Option<i64> {
        Self::INACTIVITY_PROBE.of(self)
    }

    /// `is_connected`: boolean; not kept over a restart.
    pub fn is_connected(&self) -> bool {
        Self::IS_CONNECTED.of(self)
    }

    /// `local_gateway`: at most one string.
    pub fn local_gateway(&self) -> Option<&str> {
        self.0.get_optional_string("local_gateway")
    }

    /// `local_ip`: at most one string.
    pub fn local_ip(&self) -> Option<&str> {
        self.0.get_optional_string("local_ip")
    }

    /// `local_netmask`: at most one string.
    pub fn local_netmask(&self) -> Option<&str> {
        self.0.get_optional_string("local_netmask")
    }

    /// `max_backoff`: at most one integer (at least 1000).
    pub fn max_backoff(&self) -> Option<i64> {
        Self::MAX_BACKOFF.of(self)
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }

    /// `role`: at most one string (one of `master`, `other`, `slave`); not kept over a restart.
    pub fn role(&self) -> Option<&str> {
        self.0.get_optional_string("role")
    }

    /// `status`: a map from string to string; not kept over a restart.
    pub fn status(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("status")
    }

    /// `target`: string.
    pub fn target(&self) -> &str {
        self.0.get_string("target")
    }

    /// `type`: at most one string (one of `primary`, `service`).
    pub fn r#type(&self) -> Option<&str> {
        self.0.get_optional_string("type")
    }
}
