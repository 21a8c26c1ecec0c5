//! Whom a bridge is controlled by over the network that it is a part of.

use std::net::{SocketAddr, SocketAddrV4};

use ovs_stream::{Address, Role};

use super::rows::{Row, Rows};

/// Controllers of a bridge and managers of the switch that are reached over IPv4 and not by another network; none if the
/// bridge does without (`other_config:disable-in-band`).
pub fn remotes(rows: &dyn Rows, bridge: &Row<'_>) -> Vec<SocketAddrV4> {
    if bridge.key("other_config", "disable-in-band") == Some("true") {
        return Vec::new();
    }
    let controllers = of(rows, bridge, "controller", "Controller", Role::OpenFlow);
    let managers = rows.all("Open_vSwitch").into_iter().next();
    let managers = managers.map(|root| of(rows, &root, "manager_options", "Manager", Role::Ovsdb));
    controllers.into_iter().chain(managers.unwrap_or_default()).collect()
}

/// Those that a column names.
fn of(rows: &dyn Rows, row: &Row<'_>, column: &str, table: &str, role: Role) -> Vec<SocketAddrV4> {
    let named = row.references(column).filter_map(|uuid| rows.get(table, uuid));
    let in_band = named.filter(|row| row.string("connection_mode") != "out-of-band");
    in_band.filter_map(|row| address(row.string("target"), role)).collect()
}

fn address(target: &str, role: Role) -> Option<SocketAddrV4> {
    match Address::parse(target, role).ok()? {
        Address::Tcp(SocketAddr::V4(address)) | Address::Ssl(SocketAddr::V4(address)) => Some(address),
        _ => None,
    }
}
