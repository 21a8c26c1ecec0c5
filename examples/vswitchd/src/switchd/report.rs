//! Status to database rows: what the switch has to tell, as changes of columns.

use std::collections::BTreeMap;

use ovs_db::value::{Atom, Datum, Uuid};
use ovs_dpif::Features;
use ovs_netdev::{Duplex, Statistics};
use ovs_ofproto::{BridgeStatus, InterfaceStatus, Status};

use super::openflow::ControllerState;
use super::rows::{Row, Rows};

/// New values of columns of one row.
#[derive(Clone, Debug)]
pub struct Update {
    /// The table.
    pub table: &'static str,
    /// The row.
    pub uuid: Uuid,
    /// The columns that change.
    pub columns: BTreeMap<String, Datum>,
}

/// What of the status is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but counters.
    State,
    /// Counters.
    Statistics,
}

/// The columns in which rows of bridges and interfaces differ from the status, by datapath type.
pub fn updates(rows: &dyn Rows, statuses: &BTreeMap<String, Status>, part: Part) -> Vec<Update> {
    let mut updates = Vec::new();
    for row in rows.all("Bridge") {
        let kind = super::desired::datapath_type(&row);
        let Some(bridge) = statuses.get(kind).and_then(|s| s.bridges.get(row.string("name"))) else {
            continue;
        };
        if part == Part::State {
            push(&mut updates, "Bridge", &row, bridge_columns(bridge));
        }
        if part == Part::Statistics {
            for mirror in row.references("mirrors").filter_map(|uuid| rows.get("Mirror", uuid)) {
                let counted = super::mirrors::statistics(bridge, mirror.uuid);
                push(
                    &mut updates,
                    "Mirror",
                    &mirror,
                    counted.map(|told| ("statistics", told)).into_iter().collect(),
                );
            }
        }
        for port in row.references("ports").filter_map(|uuid| rows.get("Port", uuid)) {
            for interface in port.references("interfaces").filter_map(|uuid| rows.get("Interface", uuid)) {
                let columns = match (bridge.interfaces.get(interface.string("name")), part) {
                    (Some(status), Part::State) => interface_columns(status),
                    (Some(status), Part::Statistics) => vec![("statistics", statistics(&status.statistics))],
                    (None, Part::State) => interface_columns(&InterfaceStatus::default()),
                    (None, Part::Statistics) => continue,
                };
                push(&mut updates, "Interface", &interface, columns);
            }
        }
    }
    updates
}

/// Adds an update of the columns that differ and that the server has.
pub fn push(
    updates: &mut Vec<Update>,
    table: &'static str,
    row: &Row<'_>,
    columns: Vec<(&'static str, Datum)>,
) {
    let changed = columns.into_iter().filter(|(name, value)| row.datum(name).is_some_and(|old| old != value));
    let columns: BTreeMap<String, Datum> = changed.map(|(name, value)| (name.to_owned(), value)).collect();
    if !columns.is_empty() {
        updates.push(Update { table, uuid: row.uuid, columns });
    }
}

fn bridge_columns(bridge: &BridgeStatus) -> Vec<(&'static str, Datum)> {
    vec![
        ("datapath_id", text(Some(format!("{:016x}", bridge.datapath_id)))),
        ("datapath_version", Datum::scalar("<built-in>")),
    ]
}

fn interface_columns(status: &InterfaceStatus) -> Vec<(&'static str, Datum)> {
    let up = |up: Option<bool>| text(up.map(|up| if up { "up" } else { "down" }.to_owned()));
    let duplex = status.duplex.map(|d| match d {
        Duplex::Half => "half".to_owned(),
        Duplex::Full => "full".to_owned(),
    });
    vec![
        ("bfd_status", Datum::map(status.bfd.iter().map(|(k, v)| (k.as_str(), v.as_str())))),
        ("ofport", Datum::scalar(Atom::Integer(status.ofport.map_or(-1, |p| i64::from(p.0))))),
        ("error", text(status.error.clone())),
        ("mac_in_use", text(status.mac_in_use.map(|mac| mac.to_string()))),
        ("admin_state", up(status.admin_up)),
        ("link_state", up(status.link_up)),
        ("link_resets", number(status.ofport.map(|_| status.link_resets as i64))),
        ("link_speed", number(status.link_speed.map(|speed| speed as i64))),
        ("duplex", text(duplex)),
        ("mtu", number(status.mtu.map(i64::from))),
        ("ifindex", number(status.ofport.map(|_| i64::from(status.ifindex.unwrap_or(0))))),
        ("status", Datum::map(status.details.iter().map(|(k, v)| (k.as_str(), v.as_str())))),
    ]
}

/// What the datapaths can do, in the rows that somebody made for them.
pub fn capabilities(rows: &dyn Rows, features: &BTreeMap<String, Features>) -> Vec<Update> {
    let mut updates = Vec::new();
    let Some(root) = rows.all("Open_vSwitch").into_iter().next() else { return updates };
    for (kind, uuid) in root.named_references("datapaths") {
        let (Some(features), Some(row)) = (features.get(kind), rows.get("Datapath", uuid)) else { continue };
        let told: Vec<(&str, String)> = features.capabilities().collect();
        let told = Datum::map(told.iter().map(|(key, value)| (*key, value.as_str())));
        push(&mut updates, "Datapath", &row, vec![("capabilities", told)]);
    }
    updates
}

/// A set of at most one string.
pub fn text(value: Option<String>) -> Datum {
    Datum::set(value.map(|v| Atom::String(v.into())))
}

/// A set of at most one integer.
pub fn number(value: Option<i64>) -> Datum {
    Datum::set(value.map(Atom::Integer))
}

fn statistics(counters: &Statistics) -> Datum {
    let named = [
        ("collisions", counters.collisions),
        ("ovs_rx_qos_drops", counters.rx_policed),
        ("ovs_tx_qos_drops", counters.tx_policed),
        ("rx_bytes", counters.rx_bytes),
        ("rx_crc_err", counters.rx_crc_errors),
        ("rx_dropped", counters.rx_dropped),
        ("rx_errors", counters.rx_errors),
        ("rx_frame_err", counters.rx_frame_errors),
        ("rx_missed_errors", counters.rx_missed_errors),
        ("rx_multicast_packets", counters.multicast),
        ("rx_over_err", counters.rx_over_errors),
        ("rx_packets", counters.rx_packets),
        ("tx_bytes", counters.tx_bytes),
        ("tx_dropped", counters.tx_dropped),
        ("tx_errors", counters.tx_errors),
        ("tx_packets", counters.tx_packets),
    ];
    Datum::map(named.into_iter().filter_map(|(name, count)| Some((name, Atom::Integer(count? as i64)))))
}

/// What is told of a controller.
pub fn controller_columns(state: Option<&ControllerState>) -> Vec<(&'static str, Datum)> {
    let Some(state) = state else { return Vec::new() };
    let mut status = BTreeMap::from([("state", state.state.to_owned())]);
    if let Some(seconds) = state.since_connect {
        status.insert("sec_since_connect", seconds.to_string());
    }
    if let Some(seconds) = state.since_disconnect {
        status.insert("sec_since_disconnect", seconds.to_string());
    }
    vec![
        ("is_connected", Datum::scalar(state.connected)),
        ("role", text(state.role.map(str::to_owned))),
        ("status", Datum::map(status.iter().map(|(k, v)| (*k, v.as_str())))),
    ]
}
