//! The configuration database: a client of it, and with `--embedded-db` the server too.

mod embedded;
mod storage;

use std::time::Duration;

use ovs_db::client::{Connection, Event, Outcome, SessionConfig, Transaction, TransactionId};
use ovs_db::value::{Datum, Uuid};
use ovs_stream::{Address, NoticeLevel, Role, StreamConfig, Tls};

use super::SwitchdError;
use super::report::Update;
use super::rows::{Row, Rows};
use super::sleep::Sleeper;
use crate::cli::Cli;
use crate::daemon::Program;
use embedded::Embedded;

/// The columns that the switch reads or writes, by table.
const COLUMNS: &[(&str, &[&str])] = &[
    (
        "Open_vSwitch",
        &[
            "bridges",
            "datapaths",
            "ssl",
            "cur_cfg",
            "next_cfg",
            "other_config",
            "external_ids",
            "manager_options",
            "ovs_version",
            "db_version",
            "datapath_types",
            "iface_types",
            "dpdk_initialized",
            "dpdk_version",
        ],
    ),
    (
        "Bridge",
        &[
            "name",
            "ports",
            "controller",
            "datapath_type",
            "datapath_id",
            "datapath_version",
            "fail_mode",
            "flood_vlans",
            "flow_tables",
            "ipfix",
            "mcast_snooping_enable",
            "mirrors",
            "netflow",
            "protocols",
            "rstp_enable",
            "sflow",
            "stp_enable",
            "other_config",
            "external_ids",
            "status",
        ],
    ),
    (
        "Port",
        &[
            "name",
            "interfaces",
            "tag",
            "trunks",
            "cvlans",
            "vlan_mode",
            "protected",
            "qos",
            "other_config",
            "status",
        ],
    ),
    (
        "Mirror",
        &[
            "name",
            "select_all",
            "select_src_port",
            "select_dst_port",
            "select_vlan",
            "filter",
            "output_port",
            "output_vlan",
            "snaplen",
            "statistics",
        ],
    ),
    (
        "Interface",
        &[
            "name",
            "type",
            "options",
            "ofport_request",
            "ofport",
            "error",
            "mac",
            "mac_in_use",
            "mtu",
            "mtu_request",
            "bfd",
            "bfd_status",
            "ingress_policing_rate",
            "ingress_policing_burst",
            "ingress_policing_kpkts_rate",
            "ingress_policing_kpkts_burst",
            "admin_state",
            "link_state",
            "link_resets",
            "link_speed",
            "duplex",
            "ifindex",
            "status",
            "statistics",
            "other_config",
            "external_ids",
        ],
    ),
    (
        "Controller",
        &[
            "connection_mode",
            "target",
            "enable_async_messages",
            "inactivity_probe",
            "max_backoff",
            "is_connected",
            "role",
            "status",
            "other_config",
        ],
    ),
    ("Datapath", &["capabilities"]),
    ("Manager", &["connection_mode", "target", "inactivity_probe", "is_connected", "status"]),
    ("Datapath", &["ct_zones", "ct_zone_default_limit"]),
    ("CT_Zone", &["timeout_policy", "limit"]),
    ("CT_Timeout_Policy", &["timeouts"]),
    ("QoS", &["type", "queues", "other_config"]),
    ("Queue", &["dscp", "other_config"]),
    ("Flow_Table", &["name", "flow_limit", "groups", "overflow_policy", "prefixes"]),
    (
        "SSL",
        &[
            "private_key",
            "certificate",
            "ca_cert",
            "bootstrap_ca_cert",
            "ssl_protocols",
            "ssl_ciphers",
            "ssl_ciphersuites",
        ],
    ),
];

/// The lock without which no switch acts on the database.
const LOCK: &str = "ovs_vswitchd";

/// See the module's head.
pub struct Database {
    client: Connection,
    embedded: Option<Embedded>,
    pending: Vec<TransactionId>,
    /// Transactions failed in a way that building them anew may mend.
    stale: bool,
    complained: bool,
}

impl Database {
    /// As the command line says; an embedded database is opened, or made, at once.
    pub fn open(program: &Program, cli: &Cli, tls: Tls, now: Duration) -> Result<Self, SwitchdError> {
        let streams = StreamConfig::default().rundir(&program.dirs.run).tls(tls);
        let mut config = SessionConfig::new("Open_vSwitch").lock(LOCK);
        for (table, columns) in COLUMNS {
            config = config.table(*table, columns.iter().copied());
        }
        let (client, embedded) = if let Some(file) = &cli.switch.embedded_db {
            let file = file.clone().unwrap_or_else(|| program.dirs.db.join("conf.db"));
            let (embedded, connector) = Embedded::open(&file, streams, now)?;
            (Connection::with_connectors(config, vec![Box::new(connector)], now), Some(embedded))
        } else {
            let text = cli.database().map_or_else(|| "unix:db.sock".to_owned(), str::to_owned);
            let address =
                Address::parse(&text, Role::Ovsdb).map_err(|e| SwitchdError::Database(e.to_string()))?;
            (Connection::new(config, vec![address], &streams, now), None)
        };
        Ok(Self { client, embedded, pending: Vec::new(), stale: false, complained: false })
    }

    /// Takes in what has changed; says whether anything has.
    pub fn poll(&mut self, now: Duration) -> bool {
        if let Some(embedded) = &mut self.embedded {
            embedded.poll(now);
        }
        let events = self.client.poll(now);
        let changed = !events.is_empty();
        for event in events {
            self.take(event);
        }
        self.serve_managers(now);
        if let Some(embedded) = &mut self.embedded {
            embedded.poll(now);
        }
        changed
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Done(id, outcome) => {
                self.pending.retain(|pending| *pending != id);
                match outcome {
                    Outcome::Committed { .. } | Outcome::Unchanged => {}
                    Outcome::Failed { error, details } => {
                        tracing::error!(target: "bridge", "the database refused a status update: {error}: {details}");
                    }
                    _ => self.stale = true,
                }
            }
            Event::LockLost if !self.complained && self.client.is_connected() => {
                self.complained = true;
                tracing::error!(
                    target: "bridge",
                    "another ovs-vswitchd process is running, disabling this process (pid {}) until it goes away",
                    std::process::id()
                );
            }
            Event::Locked => self.complained = false,
            Event::Notice { level: NoticeLevel::Debug, remote, notice } => {
                tracing::debug!(target: "reconnect", "{remote}: {notice}");
            }
            // A database that is not there yet is awaited, quietly.
            Event::Notice { remote, notice, .. } => tracing::info!(target: "reconnect", "{remote}: {notice}"),
            Event::Unusable { remote, error } => tracing::warn!(target: "ovsdb_cs", "{remote}: {error}"),
            Event::Garbage { remote, error } => tracing::warn!(target: "jsonrpc", "{remote}: {error}"),
            _ => {}
        }
    }

    /// An embedded server listens where the `Manager` rows say.
    fn serve_managers(&mut self, now: Duration) {
        let Some(embedded) = &mut self.embedded else { return };
        let rows = self.client.session().rows("Manager");
        embedded.set_managers(rows.values().map(|row| row.get_string("target").to_owned()).collect(), now);
    }

    /// Whether the snapshot is complete and this switch is the one to act on it.
    pub fn may_act(&self) -> bool {
        let session = self.client.session();
        // A connection that breaks does not take the configuration away; only another switch does.
        session.snapshot().seqno() > 0 && (session.has_lock() || (!self.complained && !session.is_synced()))
    }

    /// Moves when the snapshot has changed; `None` before there is one.
    pub fn serial(&self) -> Option<u64> {
        Some(self.client.session().snapshot().seqno()).filter(|serial| *serial > 0)
    }

    /// Whether status has to be told again from the start, once.
    pub fn take_stale(&mut self) -> bool {
        self.client.session().is_synced() && std::mem::take(&mut self.stale)
    }

    /// Whether every transaction was answered.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Writes changes in one transaction.
    pub fn submit(&mut self, updates: Vec<Update>, now: Duration) {
        if updates.is_empty() || !self.client.session().is_synced() {
            return;
        }
        let mut transaction = Transaction::new();
        for update in updates {
            transaction.update(update.table, update.uuid, update.columns);
        }
        self.pending.push(self.client.transact(&transaction));
        if let Some(embedded) = &mut self.embedded {
            embedded.poll(now);
        }
    }

    /// Values that the snapshot holds, for `memory/show`.
    pub fn cells(&self) -> usize {
        let session = self.client.session();
        let of_row =
            |row: &ovs_db::client::Row| row.columns().map(|(_, datum)| Datum::len(datum)).sum::<usize>();
        COLUMNS.iter().flat_map(|(table, _)| session.rows(table).values()).map(of_row).sum()
    }

    /// Lets clients have their last answers, and closes the file.
    pub fn close(&mut self, now: Duration) {
        if let Some(embedded) = &mut self.embedded {
            embedded.close(now);
        }
    }

    /// Whether there is anything to take in or to carry on, as far as the last sleep knows.
    pub fn is_due(&self, slept: &Sleeper, now: Duration) -> bool {
        self.client.waits().iter().any(|wait| slept.is_due(wait, now))
            || self.embedded.as_ref().is_some_and(|embedded| embedded.is_due(slept, now))
    }

    /// What to sleep on.
    pub fn waits(&self, sleeper: &mut Sleeper) {
        for wait in self.client.waits() {
            sleeper.stream(wait);
        }
        if let Some(embedded) = &self.embedded {
            embedded.waits(sleeper);
        }
    }
}

impl Rows for Database {
    fn all(&self, table: &str) -> Vec<Row<'_>> {
        self.client.session().rows(table).values().map(Row::new).collect()
    }

    fn get(&self, table: &str, uuid: Uuid) -> Option<Row<'_>> {
        self.client.session().row(table, uuid).map(Row::new)
    }
}
