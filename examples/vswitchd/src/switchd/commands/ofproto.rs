//! Commands about bridges: their rules, traces.

use ovs_db::unixctl::Request;

use super::super::Vswitchd;
use super::super::datapath::Datapath;
use super::{Answer, Command, done, fail};

/// The datapath that a bridge belongs to.
pub fn find<'a>(switchd: &'a mut Vswitchd, bridge: &str) -> Option<&'a mut Datapath> {
    switchd.datapaths.values_mut().find(|datapath| datapath.switch.has_bridge(bridge))
}

/// `ofproto/list`.
pub fn list(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let mut names: Vec<String> =
        switchd.datapaths.values().flat_map(|dp| dp.switch.bridge_names().map(str::to_owned)).collect();
    names.sort();
    done(names.into_iter().map(|name| name + "\n").collect::<String>())
}

/// `bridge/dump-flows`: all rules, those that OpenFlow hides too.
pub fn bridge_dump_flows(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let Some(bridge) = request.args.last() else { return fail("Unknown bridge") };
    let now = switchd.clock.now();
    match find(switchd, bridge) {
        Some(datapath) => done(datapath.switch.dump_rules(bridge, now)),
        None => fail("Unknown bridge"),
    }
}

/// `bridge/reconnect`.
pub fn bridge_reconnect(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let now = switchd.clock.now();
    if let Some(bridge) = request.args.first() {
        return match find(switchd, bridge) {
            Some(datapath) => {
                datapath.reconnect(bridge, now);
                done("")
            }
            None => fail("Unknown bridge"),
        };
    }
    for datapath in switchd.datapaths.values_mut() {
        let names: Vec<String> = datapath.switch.bridge_names().map(str::to_owned).collect();
        for name in names {
            datapath.reconnect(&name, now);
        }
    }
    done("")
}
