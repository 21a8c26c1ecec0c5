//! Rows of the `Mirror` table to desired state, and back to statistics.

use std::collections::BTreeMap;

use ovs_db::value::{Atom, Datum, Uuid};
use ovs_flow::VlanId;
use ovs_flow::text::{NoNames, parse_match};
use ovs_ofproto::{BridgeStatus, MirrorConfig, MirrorOutput};

use super::desired::Complaints;
use super::rows::{Row, Rows};

/// The mirrors of a bridge, by the identity of their rows. Those that cannot be are left out, and why is told.
pub fn mirrors(
    rows: &dyn Rows,
    bridge: &Row<'_>,
    complaints: &mut Complaints,
) -> BTreeMap<String, MirrorConfig> {
    let ports: BTreeMap<Uuid, &str> = bridge
        .references("ports")
        .filter_map(|uuid| Some((uuid, rows.get("Port", uuid)?.string("name"))))
        .collect();
    let mirrors = bridge.references("mirrors").filter_map(|uuid| rows.get("Mirror", uuid));
    let configs = mirrors.filter_map(|row| {
        let named = format!("bridge {}: mirror {}", bridge.string("name"), row.string("name"));
        let config = mirror(rows, &row, &ports, &named, complaints);
        config
            .map_err(|why| complaints.error(format!("{named} {why}")))
            .ok()
            .map(|c| (row.uuid.to_string(), c))
    });
    configs.collect()
}

fn mirror(
    rows: &dyn Rows,
    row: &Row<'_>,
    ports: &BTreeMap<Uuid, &str>,
    named: &str,
    complaints: &mut Complaints,
) -> Result<MirrorConfig, String> {
    let vlan = |n: i64| u16::try_from(n).ok().and_then(VlanId::new);
    let port = row.references("output_port").next();
    let output = match (port.map(|port| ports.get(&port)), row.integer("output_vlan").and_then(vlan)) {
        (Some(None), _) => return Err("outputs to port not on bridge".to_owned()),
        (Some(Some(port)), other) => {
            if other.is_some() {
                complaints.error(format!(
                    "{named} specifies both output port and output vlan; ignoring output vlan"
                ));
            }
            MirrorOutput::Port((*port).to_owned())
        }
        (None, Some(vlan)) => MirrorOutput::Vlan(vlan),
        (None, None) => return Err("does not specify output; ignoring".to_owned()),
    };
    let filter = match row.strings("filter").next().filter(|text| !text.is_empty()) {
        Some(text) => Some(parse_match(text, &NoNames).map_err(|why| format!("filter is invalid: {why}"))?),
        None => None,
    };
    let mut selected = |column| -> Vec<String> {
        let wanted = row.references(column).filter_map(|uuid| {
            if let Some(name) = ports.get(&uuid) {
                return Some((*name).to_owned());
            }
            let name = rows.get("Port", uuid).map_or("", |port| port.string("name"));
            complaints.warn(format!("{named} cannot match on nonexistent port {name}"));
            None
        });
        wanted.collect()
    };
    let (src, dst) = (selected("select_src_port"), selected("select_dst_port"));
    Ok(MirrorConfig::new(row.string("name"), output)
        .select_all(row.boolean("select_all", false))
        .src_ports(src)
        .dst_ports(dst)
        .vlans(row.integers("select_vlan").filter_map(vlan))
        .filter(filter)
        .snaplen(row.integer("snaplen").and_then(|n| u32::try_from(n).ok())))
}

/// The `statistics` column of a mirror's row; `None` for a mirror that is not there.
pub fn statistics(bridge: &BridgeStatus, row: Uuid) -> Option<Datum> {
    let told = bridge.mirrors.get(&row.to_string())?;
    let pairs = [("tx_bytes", told.tx_bytes), ("tx_packets", told.tx_packets)];
    Some(Datum::map(pairs.map(|(name, count)| (name, Atom::Integer(count as i64)))))
}
