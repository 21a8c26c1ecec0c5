//! What datapaths are there, and their ports.

use std::fmt::Write as _;

use ovs_db::unixctl::Request;
use ovs_netdev::Statistics;

use super::super::Vswitchd;
use super::super::datapath::Datapath;
use super::{Answer, Command, done, fail};

/// `TYPE@NAME` of a datapath.
pub fn full_name(datapath: &Datapath) -> String {
    let dpif = datapath.switch.dpif();
    format!("{}@{}", dpif.kind(), dpif.name())
}

/// The datapath that a command names, or the only one; the error is what the user reads.
pub fn choose<'a>(switchd: &'a mut Vswitchd, named: Option<&str>) -> Result<&'a mut Datapath, String> {
    match named {
        None if switchd.datapaths.is_empty() => Err(format!("{}: no datapaths exist", switchd.program.name)),
        None if switchd.datapaths.len() > 1 => {
            Err(format!("{}: multiple datapaths, specify one", switchd.program.name))
        }
        None => switchd.datapaths.values_mut().next().ok_or_else(String::new),
        Some(name) => {
            let program = switchd.program.name.clone();
            let mut all = switchd.datapaths.values_mut();
            all.find(|dp| full_name(dp) == name || dp.switch.dpif().name() == name)
                .ok_or_else(|| format!("{program}: datapath not found (Invalid argument)"))
        }
    }
}

/// `dpctl/dump-dps`, `dpif/dump-dps`.
pub fn dump_dps(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    done(switchd.datapaths.values().map(|dp| full_name(dp) + "\n").collect::<String>())
}

/// `dpctl/show`.
pub fn dpctl_show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let mut statistics = false;
    let mut names: Vec<String> = Vec::new();
    for arg in &request.args {
        match arg.as_str() {
            "-s" | "--statistics" => statistics = true,
            name => names.push(name.to_owned()),
        }
    }
    if names.is_empty() {
        names = switchd.datapaths.values().map(full_name).collect();
    }
    let mut text = String::new();
    for name in names {
        match choose(switchd, Some(&name)) {
            Ok(datapath) => show_one(&mut text, datapath, statistics),
            Err(error) => return fail(error),
        }
    }
    done(text)
}

fn show_one(text: &mut String, datapath: &mut Datapath, with_statistics: bool) {
    let stats = datapath.switch.dpif().stats();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}:", full_name(datapath));
    let _ = writeln!(text, "  lookups: hit:{} missed:{} lost:{}", stats.hit, stats.missed, stats.lost);
    let _ = writeln!(text, "  flows: {}", stats.flows);
    for port in datapath.switch.dpif().ports() {
        let kind = if port.kind == "system" { String::new() } else { format!(" ({})", port.kind) };
        let _ = writeln!(text, "  port {}: {}{kind}", port.number, port.name);
        if with_statistics {
            let counters = datapath.switch.dpif_mut().port_statistics(port.number).unwrap_or_default();
            show_counters(text, &counters);
        }
    }
}

fn show_counters(text: &mut String, counters: &Statistics) {
    let known = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let lines = [
        format!(
            "RX packets:{} errors:{} dropped:{} overruns:{} frame:{}",
            known(counters.rx_packets),
            known(counters.rx_errors),
            known(counters.rx_dropped),
            known(counters.rx_over_errors),
            known(counters.rx_frame_errors)
        ),
        format!(
            "TX packets:{} errors:{} dropped:{} aborted:? carrier:?",
            known(counters.tx_packets),
            known(counters.tx_errors),
            known(counters.tx_dropped)
        ),
        format!("collisions:{}", known(counters.collisions)),
        format!(
            "RX bytes:{}{}  TX bytes:{}{}",
            known(counters.rx_bytes),
            scale(counters.rx_bytes),
            known(counters.tx_bytes),
            scale(counters.tx_bytes)
        ),
    ];
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
}

/// Large byte counts once more in binary units.
fn scale(bytes: Option<u64>) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let Some(bytes) = bytes else { return String::new() };
    let unit = UNITS.iter().find(|(size, _)| bytes >= *size);
    unit.map_or_else(String::new, |(size, name)| format!(" ({:.1} {name})", bytes as f64 / *size as f64))
}

/// `dpif/show`.
pub fn dpif_show(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let mut text = String::new();
    for datapath in switchd.datapaths.values_mut() {
        let stats = datapath.switch.dpif().stats();
        let _ = writeln!(text, "{}: hit:{} missed:{}", full_name(datapath), stats.hit, stats.missed);
        for (name, bridge) in datapath.switch.status().bridges {
            let _ = writeln!(text, "  {name}:");
            let there = bridge.interfaces.iter().filter_map(|(name, i)| Some((name, i.ofport?, i)));
            for (name, number, interface) in there {
                let port = interface.dp_port.map_or_else(|| "none".to_owned(), |p| p.to_string());
                let options = if interface.options.is_empty() {
                    String::new()
                } else {
                    let pairs: Vec<String> =
                        interface.options.iter().map(|(k, v)| format!("{k}={v}")).collect();
                    format!(": {}", pairs.join(", "))
                };
                let _ = writeln!(text, "    {name} {}/{port}: ({}{options})", number.0, interface.kind);
            }
        }
    }
    done(text)
}
