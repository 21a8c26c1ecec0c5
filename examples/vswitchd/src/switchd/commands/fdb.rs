//! Commands about learned addresses.

use ovs_db::unixctl::Request;
use ovs_flow::VlanId;
use ovs_netdev::EtherAddr;
use ovs_ofproto::Bridge;

use super::super::Vswitchd;
use super::super::desired::ether_addr;
use super::ofproto::find;
use super::{Answer, Command, done, fail};

/// A bridge by its name.
fn bridge<'a>(switchd: &'a mut Vswitchd, name: Option<&String>) -> Result<Bridge<'a>, String> {
    let none = || "no such bridge".to_owned();
    let name = name.ok_or_else(none)?;
    let datapath = find(switchd, name).ok_or_else(none)?;
    datapath.switch.bridge(name).map_err(|_| none())
}

/// A VLAN and an address.
fn address(vlan: &str, mac: &str) -> Result<(VlanId, EtherAddr), String> {
    let mac = ether_addr(mac).ok_or("bad MAC address")?;
    let vlan = vlan.parse().ok().and_then(VlanId::new).ok_or("bad VLAN")?;
    Ok((vlan, mac))
}

/// `fdb/show`.
pub fn show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let Some(bridge) = request.args.first() else { return fail("no such bridge") };
    let now = switchd.clock.now();
    match find(switchd, bridge) {
        Some(datapath) => done(datapath.switch.fdb_text(bridge, now)),
        None => fail("no such bridge"),
    }
}

/// `fdb/add BRIDGE PORT VLAN MAC`.
pub fn add(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [name, port, vlan, mac] = &request.args[..] else { return fail("no such bridge") };
    let added = bridge(switchd, Some(name)).and_then(|mut bridge| {
        let (vlan, mac) = address(vlan, mac)?;
        bridge.add_static_mac(port, vlan, mac).map_err(|why| why.to_string())
    });
    switchd.settle();
    match added {
        Ok(None) => done(""),
        Ok(Some(before)) => {
            let kind = if before.is_static { "static" } else { "dynamic" };
            done(format!("Overriding already existing {kind} entry on {}", before.port.0))
        }
        Err(why) => fail(why),
    }
}

/// `fdb/del BRIDGE VLAN MAC`.
pub fn delete(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [name, vlan, mac] = &request.args[..] else { return fail("no such bridge") };
    let deleted = bridge(switchd, Some(name)).and_then(|mut bridge| {
        let (vlan, mac) = address(vlan, mac)?;
        Ok(bridge.remove_static_mac(vlan, mac))
    });
    switchd.settle();
    match deleted {
        Ok(true) => done(""),
        Ok(false) => fail("could not find static mac entry"),
        Err(why) => fail(why),
    }
}

/// Does something to the bridge that is named, or to all.
fn for_each(
    switchd: &mut Vswitchd,
    request: &Request<Command>,
    work: impl Fn(&mut Bridge<'_>),
) -> Result<(), String> {
    if let Some(name) = request.args.first() {
        work(&mut bridge(switchd, Some(name))?);
        return Ok(());
    }
    for datapath in switchd.datapaths.values_mut() {
        let names: Vec<String> = datapath.switch.bridge_names().map(str::to_owned).collect();
        for name in names {
            if let Ok(mut bridge) = datapath.switch.bridge(&name) {
                work(&mut bridge);
            }
        }
    }
    Ok(())
}

/// `fdb/flush`.
pub fn flush(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let flushed = for_each(switchd, request, |bridge| {
        bridge.flush_macs();
    });
    switchd.settle();
    match flushed {
        Ok(()) => done("table successfully flushed"),
        Err(why) => fail(why),
    }
}

/// `fdb/stats-show`.
pub fn stats_show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    match bridge(switchd, request.args.first()) {
        Ok(bridge) => done(bridge.mac_stats_text()),
        Err(why) => fail(why),
    }
}

/// `fdb/stats-clear`.
pub fn stats_clear(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let cleared = for_each(switchd, request, |bridge| {
        bridge.clear_mac_stats();
    });
    match cleared {
        Ok(()) => done("statistics successfully cleared"),
        Err(why) => fail(why),
    }
}
