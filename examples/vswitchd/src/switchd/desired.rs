//! Database rows to desired state: what each datapath shall be.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_flow::{OfPort, VlanId};
use ovs_netdev::EtherAddr;
use ovs_ofproto::bfd::BfdConfig;
use ovs_ofproto::ovs_classifier::PrefixField;
use ovs_ofproto::{
    BridgeConfig, ControllerConfig, DesiredState, FailMode, InterfaceConfig, PortConfig, PriorityTags,
    TableConfig, VlanMode,
};
use ovs_openflow::{Version, VersionSet};

use super::rows::{Row, Rows};
use super::{in_band, zones};

/// How device types are mapped where the database names a role rather than a device.
#[derive(Clone, Copy, Debug)]
pub struct Kinds {
    /// What an `internal` port is opened as.
    pub internal: &'static str,
}

/// What of the database cannot be done, for the log.
#[derive(Debug, Default)]
pub struct Complaints(Vec<(bool, String)>);

impl Complaints {
    /// Something that is wrong in the database.
    pub fn error(&mut self, text: String) {
        self.0.push((true, text));
    }

    /// Something that has no effect.
    pub fn warn(&mut self, text: String) {
        self.0.push((false, text));
    }

    /// Logs them.
    pub fn log(&self) {
        for (is_error, text) in &self.0 {
            if *is_error {
                tracing::error!(target: "bridge", "{text}");
            } else {
                tracing::warn!(target: "bridge", "{text}");
            }
        }
    }
}

/// A VLAN's number.
fn vlan(number: i64) -> Option<VlanId> {
    u16::try_from(number).ok().and_then(VlanId::new)
}

/// Names what a bridge's row asks for and does not get.
fn complain_of_bridge(row: &Row<'_>, complaints: &mut Complaints) {
    let name = row.string("name");
    let asked = [
        ("stp_enable", row.boolean("stp_enable", false), "there is no spanning tree here"),
        ("rstp_enable", row.boolean("rstp_enable", false), "there is no spanning tree here"),
        ("mcast_snooping_enable", row.boolean("mcast_snooping_enable", false), "multicast is flooded"),
        ("netflow", row.references("netflow").next().is_some(), "no flows are exported"),
        ("sflow", row.references("sflow").next().is_some(), "no packets are sampled"),
        ("ipfix", row.references("ipfix").next().is_some(), "no flows are exported"),
    ];
    for (column, _, why) in asked.into_iter().filter(|(_, asked, _)| *asked) {
        complaints.warn(format!("bridge {name}: {column} has no effect: {why}"));
    }
}

/// Names what a port's row asks for and does not get.
fn complain_of_port(rows: &dyn Rows, bridge: &Row<'_>, row: &Row<'_>, complaints: &mut Complaints) {
    let (bridge, name) = (bridge.string("name"), row.string("name"));
    let members = row.references("interfaces").filter(|uuid| rows.get("Interface", *uuid).is_some());
    if members.count() > 1 {
        let why = "there are no bonds here: the first interface carries what the port sends";
        complaints.warn(format!("bridge {bridge}: port {name} has several interfaces, and {why}"));
    }
}

/// The desired state of each datapath type that a bridge names, by that type.
pub fn desired(
    rows: &dyn Rows,
    kinds: impl Fn(&str) -> Kinds,
    complaints: &mut Complaints,
) -> BTreeMap<String, DesiredState> {
    let mut datapaths: BTreeMap<String, DesiredState> = BTreeMap::new();
    let Some(root) = rows.all("Open_vSwitch").into_iter().next() else { return datapaths };
    if root.key("other_config", "pmd-perf-metrics") == Some("true") {
        complaints.warn("pmd-perf-metrics has no effect: threads keep sums of their turns alone".to_owned());
    }
    for bridge in root.references("bridges").filter_map(|uuid| rows.get("Bridge", uuid)) {
        let kind = datapath_type(&bridge);
        let state = datapaths.entry(kind.to_owned()).or_default();
        let config = bridge_config(rows, &bridge, kinds(kind), complaints);
        *state = std::mem::take(state).bridge(config);
    }
    for (kind, state) in &mut datapaths {
        let idle = root.key_number("other_config", "max-idle").map(Duration::from_millis);
        let limit = root.key_number("other_config", "flow-limit");
        *state = std::mem::take(state).max_idle(idle).flow_limit(limit).zones(zones::of(rows, &root, kind));
    }
    datapaths
}

/// A bridge's datapath type; none means `system`.
pub fn datapath_type<'a>(bridge: &Row<'a>) -> &'a str {
    match bridge.string("datapath_type") {
        "" => "system",
        kind => kind,
    }
}

fn bridge_config(rows: &dyn Rows, row: &Row<'_>, kinds: Kinds, complaints: &mut Complaints) -> BridgeConfig {
    let other = |key| row.key("other_config", key);
    let mut config = BridgeConfig::new(row.string("name"))
        .datapath_type(datapath_type(row))
        .fail_mode(if row.string("fail_mode") == "secure" { FailMode::Secure } else { FailMode::Standalone })
        .mac(other("hwaddr").and_then(ether_addr))
        .datapath_id(other("datapath-id").and_then(datapath_id))
        .description(other("dp-desc").map(str::to_owned))
        .serial(other("dp-sn").map(str::to_owned))
        .forward_bpdu(other("forward-bpdu") == Some("true"))
        .in_band_queue(row.key_number("other_config", "in-band-queue"))
        .flood_vlans(row.integers("flood_vlans").filter_map(vlan))
        .other_config(row.map("other_config"));
    for (key, mirror) in super::mirrors::mirrors(rows, row, complaints) {
        config = config.mirror(key, mirror);
    }
    for remote in in_band::remotes(rows, row) {
        config = config.in_band(remote);
    }
    complain_of_bridge(row, complaints);
    let protocols: VersionSet =
        row.strings("protocols").filter_map(|name| name.parse::<Version>().ok()).collect();
    if protocols != VersionSet::NONE {
        config = config.protocols(protocols);
    }
    if let Some(seconds) = row.key_number("other_config", "mac-aging-time") {
        config = config.mac_aging(Duration::from_secs(seconds));
    }
    if let Some(size) = row.key_number("other_config", "mac-table-size") {
        config = config.mac_table_size(size);
    }
    for controller in row.references("controller").filter_map(|uuid| rows.get("Controller", uuid)) {
        config = config.controller(controller_config(&controller));
    }
    for port in row.references("ports").filter_map(|uuid| rows.get("Port", uuid)) {
        complain_of_port(rows, row, &port, complaints);
        config = config.port(port_config(rows, &port, row, kinds));
    }
    for (number, uuid) in table_references(row) {
        if let Some(table) = rows.get("Flow_Table", uuid) {
            config = config.flow_table(number, table_config(&table));
        }
    }
    config
}

/// The pairs of the `flow_tables` column: table number and row.
fn table_references(row: &Row<'_>) -> Vec<(u8, ovs_db::value::Uuid)> {
    let numbered = row.numbered_references("flow_tables");
    numbered.filter_map(|(number, uuid)| Some((u8::try_from(number).ok()?, uuid))).collect()
}

fn table_config(row: &Row<'_>) -> TableConfig {
    let name = Some(row.string("name")).filter(|name| !name.is_empty()).map(str::to_owned);
    let config = TableConfig::default()
        .name(name)
        .evict(
            row.string("overflow_policy") == "evict",
            row.strings("groups").filter_map(|field| field.parse().ok()),
        )
        .flow_limit(row.integer("flow_limit").and_then(|n| usize::try_from(n).ok()));
    let prefixes: Vec<&str> = row.strings("prefixes").collect();
    if prefixes.is_empty() {
        return config;
    }
    // `none` among them means none at all.
    let named = prefixes.iter().filter_map(|name| PrefixField::named(name));
    config.prefixes(named.filter(|_| !prefixes.contains(&"none")))
}

fn controller_config(row: &Row<'_>) -> ControllerConfig {
    let probe =
        row.integer("inactivity_probe").and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    ControllerConfig::new(row.string("target"))
        .enable_async(row.boolean("enable_async_messages", true))
        .inactivity_probe(probe)
}

fn port_config(rows: &dyn Rows, row: &Row<'_>, bridge: &Row<'_>, kinds: Kinds) -> PortConfig {
    let mode = match row.string("vlan_mode") {
        "access" => Some(VlanMode::Access),
        "trunk" => Some(VlanMode::Trunk),
        "native-tagged" => Some(VlanMode::NativeTagged),
        "native-untagged" => Some(VlanMode::NativeUntagged),
        "dot1q-tunnel" => Some(VlanMode::Dot1qTunnel),
        _ => None,
    };
    let priority_tags = match row.key("other_config", "priority-tags") {
        Some("always") => PriorityTags::Always,
        Some("if-nonzero" | "true") => PriorityTags::IfNonzero,
        _ => PriorityTags::Never,
    };
    let service_tpid =
        if row.key("other_config", "qinq-ethtype") == Some("802.1q") { 0x8100 } else { 0x88a8 };
    let mut config = PortConfig::new(row.string("name"))
        .vlan_mode(mode)
        .tag(row.integer("tag").and_then(vlan))
        .trunks(row.integers("trunks").filter_map(vlan))
        .cvlans(row.integers("cvlans").filter_map(vlan))
        .service_tpid(service_tpid)
        .qos(super::qos::config(rows, row))
        .protected(row.boolean("protected", false))
        .priority_tags(priority_tags)
        .other_config(row.map("other_config"));
    let mut interfaces: Vec<_> =
        row.references("interfaces").filter_map(|uuid| rows.get("Interface", uuid)).collect();
    interfaces.sort_by_key(|row| row.string("name"));
    for interface in interfaces {
        config = config.interface(interface_config(&interface, bridge, kinds));
    }
    config
}

fn interface_config(row: &Row<'_>, bridge: &Row<'_>, kinds: Kinds) -> InterfaceConfig {
    let name = row.string("name");
    let is_local = name == bridge.string("name");
    // The local port's address is its bridge's.
    let own = if is_local { bridge.key("other_config", "hwaddr").and_then(ether_addr) } else { None };
    let kind = match row.string("type") {
        // The local port is a device of the switch, whatever the row says.
        _ if is_local => kinds.internal,
        "internal" => kinds.internal,
        "" => "system",
        kind => kind,
    };
    InterfaceConfig::new(name, kind)
        .options(row.map("options"))
        .ofport_request(row.integer("ofport_request").and_then(|n| u16::try_from(n).ok()).map(OfPort))
        .mac(own.or_else(|| ether_addr(row.string("mac"))))
        .policing(super::qos::policing(row))
        .bfd(BfdConfig::from_map(&row.map("bfd")))
        .mtu_request(row.integer("mtu_request").and_then(|n| u32::try_from(n).ok()))
}

/// Reads `aa:bb:cc:dd:ee:ff`; `None` for anything else, and for the address of all zeros or a group address.
pub fn ether_addr(text: &str) -> Option<EtherAddr> {
    text.parse().ok().filter(|mac: &EtherAddr| *mac != EtherAddr::default() && mac.0[0] & 1 == 0)
}

/// Reads a datapath identifier: 16 hexadecimal digits, or fewer after `0x`; zero is none.
fn datapath_id(text: &str) -> Option<u64> {
    let digits = match text.strip_prefix("0x") {
        Some(digits) if (1..=16).contains(&digits.len()) => digits,
        None if text.len() == 16 => text,
        _ => return None,
    };
    u64::from_str_radix(digits, 16).ok().filter(|id| *id != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_identifiers_are_read_strictly() {
        assert_eq!(ether_addr("02:00:00:00:00:42"), Some(EtherAddr([2, 0, 0, 0, 0, 0x42])));
        for bad in
            ["", "02:00:00:00:00", "02:00:00:00:00:42:1", "01:00:00:00:00:00", "0:0:0:0:0:0", "xx:0:0:0:0:0"]
        {
            assert_eq!(ether_addr(bad), None, "{bad}");
        }
        assert_eq!(datapath_id("0000000000000042"), Some(0x42));
        assert_eq!(datapath_id("0x42"), Some(0x42));
        for bad in ["42", "0000000000000000", "0x", "00000000000000zz"] {
            assert_eq!(datapath_id(bad), None, "{bad}");
        }
    }
}
