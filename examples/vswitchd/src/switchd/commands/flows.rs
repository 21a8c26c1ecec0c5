//! Dumps of megaflows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ovs_db::unixctl::Request;
use ovs_dpif::text::{DisplayActions, DisplayTcpFlags, DisplayUsed};
use ovs_dpif::{FlowCursor, FlowView, WorkerId};
use ovs_flow::DpPort;
use ovs_flow::text::{DpDisplay, DpPortNames};

use super::super::Vswitchd;
use super::super::datapath::Datapath;
use super::datapath::choose;
use super::{Answer, Command, done, fail};

/// Flows that are shown between two looks at anything else.
const CHUNK: usize = 4096;

/// Names of a datapath's ports, if names are wanted.
pub(super) struct Names {
    by_number: BTreeMap<DpPort, String>,
}

impl Names {
    /// Of the ports that there are, or of none.
    pub fn of(datapath: &Datapath, wanted: bool) -> Self {
        let ports = if wanted { datapath.switch.dpif().ports() } else { Vec::new() };
        Self { by_number: ports.into_iter().map(|port| (port.number, port.name)).collect() }
    }
}

impl DpPortNames for Names {
    fn name(&self, port: DpPort) -> Option<&str> {
        self.by_number.get(&port).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<DpPort> {
        self.by_number.iter().find(|(_, n)| *n == name).map(|(number, _)| *number)
    }
}

/// How much a dump shows.
#[derive(Clone, Copy, Default)]
pub(super) struct Style {
    /// Also what is not looked at, and the ufid.
    pub more: bool,
    /// Names instead of numbers of ports.
    pub names: bool,
    /// What only `dpctl` shows.
    pub dpctl: bool,
}

/// Appends one line of a dump.
pub(super) fn line(text: &mut String, flow: &FlowView<'_>, names: &Names, style: Style, now: Duration) {
    // Writing to a string does not fail.
    if style.more {
        let _ = write!(text, "ufid:{}{} ", flow.ufid, if style.dpctl { "," } else { "" });
    }
    let _ = write!(text, "{}", DpDisplay::masked(flow.key, flow.mask, names).verbose(style.more));
    let stats = flow.stats;
    let used = DisplayUsed { used: stats.used, now };
    let _ = write!(text, ", packets:{}, bytes:{}, used:{used}", stats.packets, stats.bytes);
    if stats.tcp_flags != 0 {
        let _ = write!(text, ", flags:{}", DisplayTcpFlags(stats.tcp_flags));
    }
    if style.more && style.dpctl {
        text.push_str(", dp:ovs");
    }
    let _ = writeln!(text, ", actions:{}", DisplayActions::new(flow.actions, names));
}

/// Shows every megaflow of a datapath, worker by worker.
fn each(datapath: &mut Datapath, mut show: impl FnMut(&FlowView<'_>)) {
    let mut cursor = FlowCursor::default();
    while datapath.switch.dpif_mut().dump_flows(&mut cursor, CHUNK, &mut |flow| show(&flow)) {}
}

/// `dpctl/dump-flows`.
pub fn dpctl_dump_flows(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let mut style = Style { dpctl: true, ..Style::default() };
    let (mut named, mut filter) = (None, None);
    for arg in &request.args {
        match arg.as_str() {
            "-m" | "--more" => (style.more, style.names) = (true, true),
            "--names" => style.names = true,
            "--no-names" => style.names = false,
            text if text.starts_with("filter=") => filter = Some(text["filter=".len()..].to_owned()),
            text if text.starts_with("type=") && ["ovs", "non-offloaded"].contains(&&text[5..]) => {}
            text if text.starts_with("type=") => return fail(format!("{text}: no such flows here")),
            text if text.starts_with("pmd=") && text["pmd=".len()..].parse::<i64>().is_ok() => {}
            name => named = Some(name.to_owned()),
        }
    }
    let filter =
        match filter.map(|text| ovs_flow::text::parse_match(&text, &ovs_flow::text::NoNames)).transpose() {
            Ok(filter) => filter,
            Err(error) => return fail(format!("Failed to parse filter ({error})")),
        };
    let now = switchd.clock.now();
    let datapath = match choose(switchd, named.as_deref()) {
        Ok(datapath) => datapath,
        Err(error) => return fail(error),
    };
    let names = Names::of(datapath, style.names);
    let (mut text, mut worker) = (String::new(), None);
    each(datapath, |flow| {
        if filter.as_ref().is_some_and(|filter| !filter.matches(flow.key)) {
            return;
        }
        if worker.replace(flow.worker) != Some(flow.worker) {
            text.push_str(&heading(flow.worker));
        }
        line(&mut text, flow, &names, style, now);
    });
    done(text)
}

/// Workers that may sleep are what the original's main thread is.
fn heading(worker: WorkerId) -> String {
    match worker {
        WorkerId(0) => "flow-dump from the main thread:\n".to_owned(),
        WorkerId(n) => format!("flow-dump from worker {n}:\n"),
    }
}

/// `dpif/dump-flows`: the megaflows whose packets come in by a bridge.
pub fn dpif_dump_flows(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let mut style = Style::default();
    let mut bridge = "";
    for arg in &request.args {
        match arg.as_str() {
            "-m" => (style.more, style.names) = (true, true),
            "--names" => style.names = true,
            "--no-names" => style.names = false,
            name => bridge = name,
        }
    }
    let now = switchd.clock.now();
    for datapath in switchd.datapaths.values_mut() {
        let Some(status) = datapath.switch.status().bridges.remove(bridge) else { continue };
        let ports: Vec<DpPort> = status.interfaces.values().filter_map(|i| i.dp_port).collect();
        let names = Names::of(datapath, style.names);
        let mut text = String::new();
        each(datapath, |flow| {
            if ports.contains(&flow.key.dp_port()) {
                line(&mut text, flow, &names, style, now);
            }
        });
        return done(text);
    }
    fail("no such bridge")
}
