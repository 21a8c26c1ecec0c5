//! Commands about tunnels: neighbours, ports, routes.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use ovs_db::unixctl::Request;
use ovs_ofproto::Switch;
use ovs_ofproto::router::{Prefix, Route, RoutingRule};

use super::super::Vswitchd;
use super::super::desired::ether_addr;
use super::{Answer, Command, done, fail};

/// `tnl/neigh/show`, `tnl/arp/show`.
pub fn neighbors(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let mut text = format!("{:<45} {:<19} Bridge\n{}\n", "IP", "MAC", "=".repeat(74));
    for (device, address, mac) in switchd.datapaths.values().flat_map(|dp| dp.switch.neighbors()) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<45} {:<19} {device}", address.to_string(), mac.to_string());
    }
    done(text)
}

/// `tnl/neigh/set`, `tnl/arp/set`.
pub fn set_neighbor(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [device, address, mac] = &request.args[..] else { return fail("bad IP address") };
    let Ok(address) = address.parse::<IpAddr>() else { return fail("bad IP address") };
    let Some(mac) = ether_addr(mac) else { return fail("bad MAC address") };
    let now = switchd.clock.now();
    each(switchd, |switch| switch.set_neighbor(device, address, mac, now));
    done("OK")
}

/// `tnl/neigh/flush`, `tnl/arp/flush`.
pub fn flush_neighbors(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    each(switchd, Switch::flush_neighbors);
    done("OK")
}

/// `tnl/neigh/aging`, `tnl/arp/aging`.
pub fn neighbor_aging(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let Some(text) = request.args.first() else {
        let aging = switchd.datapaths.values().next().map(|dp| dp.switch.neighbor_aging());
        return done(format!("{}", aging.unwrap_or(Duration::from_mins(15)).as_secs()));
    };
    match text.parse() {
        Ok(seconds @ 1..=3600) => {
            each(switchd, |switch| switch.set_neighbor_aging(Duration::from_secs(seconds)));
            done("OK")
        }
        _ => fail("bad aging value"),
    }
}

/// `tnl/ports/show`.
pub fn ports(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let more = request.args.first().is_some_and(|arg| arg == "-v");
    let mut text = String::from("Listening ports:\n");
    for datapath in switchd.datapaths.values_mut() {
        let all = datapath.switch.tunnel_ports_text(more);
        text.push_str(all.strip_prefix("Listening ports:\n").unwrap_or(&all));
    }
    done(text)
}

/// `tnl/egress_port_range`.
pub fn source_ports(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [least, most] = &request.args[..] else {
        let range = switchd.datapaths.values().next().map(|dp| dp.switch.tunnel_source_ports());
        let (least, most) = range.unwrap_or((32768, 61000));
        return done(format!("Tunnel UDP source port range: {least}-{most}"));
    };
    let Ok(least @ 1..) = least.parse::<u16>() else { return fail("Invalid min.") };
    let Ok(most @ 1..) = most.parse::<u16>() else { return fail("Invalid max.") };
    each(switchd, |switch| switch.set_tunnel_source_ports(least.min(most), most.max(least)));
    done("OK")
}

/// `ofproto/list-tunnels`.
pub fn list(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    done(switchd.datapaths.values().map(|dp| dp.switch.tunnels_text()).collect::<String>())
}

/// `ovs/route/show`.
pub fn routes(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    match switchd.datapaths.values().next() {
        Some(datapath) => done(datapath.switch.router().to_string()),
        None => done("Route Table:\n"),
    }
}

/// What may follow the first arguments of a command about routes.
#[derive(Default)]
struct More {
    gateway: Option<IpAddr>,
    source: Option<IpAddr>,
    mark: u32,
}

fn more(args: &[String]) -> Option<More> {
    let mut more = More::default();
    for arg in args {
        match arg.split_once('=') {
            Some(("pkt_mark", mark)) => more.mark = number(mark)?,
            Some(("src", source)) => more.source = Some(source.parse().ok()?),
            _ => more.gateway = Some(arg.parse().ok()?),
        }
    }
    Some(more)
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `ovs/route/add`.
pub fn add_route(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [prefix, device, rest @ ..] = &request.args[..] else { return fail("Invalid parameters") };
    let Ok(prefix) = prefix.parse::<Prefix>() else { return fail("Invalid parameters") };
    let Some(more) = more(rest) else { return fail("Invalid pkt_mark or gateway") };
    let route = Route::new(prefix.network(), device)
        .gateway(more.gateway)
        .source(more.source.or_else(|| source_near(switchd, device, prefix)))
        .mark(more.mark);
    answer_first(switchd, |switch| switch.add_route(route.clone()))
}

/// The source of a route that was written with an address: the device's in the network of that.
fn source_near(switchd: &Vswitchd, device: &str, prefix: Prefix) -> Option<IpAddr> {
    let own = switchd.datapaths.values().flat_map(|dp| dp.switch.router().addresses(device));
    let near = own.filter(|own| own.contains(prefix.address()));
    near.max_by_key(|own| own.len()).map(Prefix::address)
}

/// `ovs/route/del`.
pub fn remove_route(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [prefix, rest @ ..] = &request.args[..] else { return fail("Invalid parameters") };
    let Ok(prefix) = prefix.parse::<Prefix>() else { return fail("Invalid parameters") };
    let Some(more) = more(rest) else { return fail("Invalid pkt_mark") };
    answer_first(switchd, |switch| switch.remove_route(prefix.network(), more.mark))
}

/// `ovs/route/lookup`.
pub fn look_up(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [address, rest @ ..] = &request.args[..] else { return fail("Invalid parameters") };
    let Ok(address) = address.parse::<IpAddr>() else { return fail("Invalid parameters") };
    let Some(more) = more(rest) else { return fail("Invalid pkt_mark") };
    let mut routers = switchd.datapaths.values().map(|dp| dp.switch.router());
    match routers.find_map(|router| router.lookup(address, more.source, more.mark)) {
        Some(hop) => done(hop.to_string()),
        None => fail("Not found"),
    }
}

/// `ovs/route/rule/show`.
pub fn rules(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let ipv6 = request.args.first().is_some_and(|arg| arg == "-6");
    let rules = switchd.datapaths.values().next().map(|dp| dp.switch.router().rules()).unwrap_or_default();
    let mut text = String::new();
    for rule in rules.iter().filter(|rule| rule.ipv6 == ipv6) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{rule}");
    }
    done(text)
}

/// `ovs/route/rule/add`.
pub fn add_rule(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (mut ipv6, mut invert, mut priority, mut from, mut table) = (false, false, None, None, None);
    for arg in &request.args {
        match arg.split_once('=') {
            None if arg == "-6" => ipv6 = true,
            None if arg == "not" => invert = true,
            Some(("prio", text)) => priority = number(text),
            Some(("from", "all")) => {}
            Some(("from", text)) => match text.parse::<Prefix>() {
                Ok(prefix) => from = Some(prefix),
                Err(_) => return fail("Invalid 'from' address"),
            },
            Some(("table", text)) => table = number(text),
            _ => return fail(format!("Invalid parameter: {arg}")),
        }
    }
    let Some(table) = table else { return fail("Missing or invalid 'table'") };
    let ipv6 = from.map_or(ipv6, |from: Prefix| from.address().is_ipv6());
    let rule = RoutingRule::new(priority.unwrap_or(0), ipv6, table).from(from).invert(invert);
    each(switchd, |switch| switch.add_routing_rule(rule.clone()));
    done("OK")
}

/// `ovs/route/rule/del`.
pub fn remove_rule(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let priority = request.args.first().and_then(|arg| number(arg.strip_prefix("prio=")?));
    let Some(priority) = priority else { return fail("Missing or invalid 'prio'") };
    let mut removed = false;
    each(switchd, |switch| removed |= switch.remove_routing_rules(priority));
    if removed { done("OK") } else { fail("Not found") }
}

/// Tells every datapath, and lets what follows from it happen.
fn each(switchd: &mut Vswitchd, mut change: impl FnMut(&mut Switch)) {
    switchd.datapaths.values_mut().for_each(|datapath| change(&mut datapath.switch));
    switchd.settle();
}

/// The same; it has worked if it has in one of them.
fn answer_first<E: std::fmt::Display>(
    switchd: &mut Vswitchd,
    mut change: impl FnMut(&mut Switch) -> Result<(), E>,
) -> Answer {
    let mut results = Vec::new();
    each(switchd, |switch| results.push(change(switch)));
    match results.into_iter().reduce(Result::or) {
        Some(Ok(())) => done("OK"),
        Some(Err(error)) => fail(error.to_string()),
        None => fail("Not found"),
    }
}

/// `netdev-dummy/ip4addr`, `netdev-dummy/ip6addr`.
pub fn dummy_address(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [device, prefix] = &request.args[..] else { return fail("Invalid parameters") };
    let Ok(prefix) = prefix.parse::<Prefix>() else { return fail("Invalid parameters") };
    if switchd.dummies.handle(device).is_none() {
        return fail("Unknown Dummy Interface");
    }
    switchd.dummy_addresses.entry(device.clone()).or_default().push(prefix);
    switchd.tell_network();
    switchd.settle();
    done("OK")
}
