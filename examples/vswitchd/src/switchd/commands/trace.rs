//! Traces, and the way back: `ofproto/trace`, `ofproto/trace-packet-out`, `ofproto/detrace`.

use ovs_db::json::Json;
use ovs_db::unixctl::Request;
use ovs_ofproto::trace::{NodeKind, TraceCommand, TraceError, TraceReport, TraceTarget, Tracked, TreeNode};

use super::super::Vswitchd;
use super::super::datapath::Datapath;
use super::datapath::full_name;
use super::megaflow::ufid_of;
use super::ofproto::find;
use super::{Command, Told};

/// `ofproto/trace {[DP] ODP_FLOW | BRIDGE FLOW} [OPTIONS] [-generate | PACKET]`.
pub fn trace(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<Told, String> {
    run(switchd, request, false).map_err(|error| error.to_string())
}

/// `ofproto/trace-packet-out`: the same, and actions in place of a lookup.
pub fn trace_packet_out(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<Told, String> {
    run(switchd, request, true).map_err(|error| error.to_string())
}

fn run(switchd: &mut Vswitchd, request: &Request<Command>, packet_out: bool) -> Result<Told, TraceError> {
    let args: Vec<&str> = request.args.iter().map(String::as_str).collect();
    let command = TraceCommand::parse(&args, packet_out)?;
    let now = switchd.clock.now();
    let datapath = match command.target() {
        TraceTarget::Bridge(name) => {
            find(switchd, name).ok_or_else(|| TraceError::NoBridge(name.to_owned()))?
        }
        TraceTarget::Datapath(name) => one_of(switchd, name).ok_or(TraceError::NoDatapath)?,
    };
    let report = datapath.switch.run_trace(&command, now)?;
    Ok(Told { text: report.to_string(), more: vec![("trace", json(&report))] })
}

/// The datapath of a name; without one, the only one.
fn one_of<'a>(switchd: &'a mut Vswitchd, name: Option<&str>) -> Option<&'a mut Datapath> {
    let alone = switchd.datapaths.len() == 1;
    let named = |dp: &Datapath| match name {
        Some(name) => dp.switch.dpif().name() == name || full_name(dp) == name,
        None => alone,
    };
    switchd.datapaths.values_mut().find(|dp| named(dp))
}

/// `ofproto/detrace UFID [pmd=ID]`: the rules and buckets that a megaflow came by. All workers' megaflows of one
/// identity came by the same, so the worker is not looked at.
pub fn detrace(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<Told, String> {
    let text = request.args.first().map_or("", String::as_str);
    let ufid = ufid_of(text.strip_prefix("ufid:").unwrap_or(text)).ok_or("failed to parse ufid")?;
    if let Some(worker) = request.args.get(1) {
        let number = worker.strip_prefix("pmd=").and_then(|number| number.parse::<i64>().ok());
        number.ok_or("Invalid pmd argument format. Expecting 'pmd=PMD-ID'")?;
    }
    let mut all = switchd.datapaths.values_mut();
    let lines = all.find_map(|datapath| datapath.switch.detrace(ufid)).unwrap_or_default();
    let text = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let lines = Json::Array(lines.into_iter().map(Json::from).collect());
    Ok(Told { text, more: vec![("origins", lines)] })
}

/// A report as `docs/trace.md` describes it.
fn json(report: &TraceReport) -> Json {
    let mut members = vec![
        ("flow", Json::from(report.flow_text())),
        ("steps", steps(report.tree.roots())),
        ("final-flow", Json::from(report.last_text())),
        ("megaflow", Json::from(report.megaflow_text())),
        ("datapath-actions", Json::from(report.actions_text())),
    ];
    if report.flow.recirc_id != 0 {
        members.push(("recirc-id", Json::from(i64::from(report.flow.recirc_id))));
    }
    if let Some(error) = report.result.error {
        members.push(("error", Json::from(error.to_string())));
    }
    if let Some(why) = report.slow_text() {
        members.push(("slow-path", Json::from(why)));
    }
    if let Some(tracked) = &report.tracked {
        members.push(("tracked", state(tracked)));
    }
    if !report.resumed.is_empty() {
        members.push(("resumed", Json::Array(report.resumed.iter().map(json).collect())));
    }
    Json::object(members)
}

fn state(tracked: &Tracked) -> Json {
    let mut members =
        vec![("ct-state", Json::from(tracked.state_text())), ("by-default", Json::from(tracked.by_default))];
    if let Some((before, after)) = &tracked.translated {
        members.push(("before-nat", Json::from(before.as_str())));
        members.push(("after-nat", Json::from(after.as_str())));
    }
    Json::object(members)
}

fn steps(nodes: &[TreeNode]) -> Json {
    let step = |node: &TreeNode| {
        let kind = match node.kind {
            NodeKind::Bridge => "bridge",
            NodeKind::Table => "table",
            NodeKind::Bucket => "bucket",
            NodeKind::Action => "action",
            NodeKind::Thaw => "thaw",
            NodeKind::Warning => "warning",
            NodeKind::Error => "error",
            _ => "detail",
        };
        let mut members = vec![("kind", Json::from(kind)), ("text", Json::from(node.text.as_str()))];
        if !node.inner.is_empty() {
            members.push(("steps", steps(&node.inner)));
        }
        Json::object(members)
    };
    Json::Array(nodes.iter().map(step).collect())
}
