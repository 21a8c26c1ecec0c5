//! Commands about the process: its end, its memory, its counters.

use std::fmt::Write as _;

use ovs_db::unixctl::Request;
use ovs_dpif::{DropReason, Ledger};

use super::super::Vswitchd;
use super::{Answer, Command, View, done, fail};

/// `exit`.
pub fn exit(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let cleanup = request.args.first().is_some_and(|arg| arg == "--cleanup");
    switchd.exit(request.id, cleanup);
    None
}

/// The ledgers of all datapaths together.
fn ledger(switchd: &Vswitchd) -> Ledger {
    let mut sum = Ledger::default();
    for datapath in switchd.datapaths.values() {
        sum.add(&datapath.switch.dpif().ledger());
    }
    sum
}

/// `coverage/show`: every counter that has counted. The averages need a history, which the counters of a worker
/// do not keep; totals are exact.
pub fn coverage_show(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let ledger = ledger(switchd);
    let mut text = String::from("Event coverage, totals since the start:\n");
    let mut never = 0;
    for reason in DropReason::ALL {
        match ledger.dropped_for(*reason) {
            0 => never += 1,
            count => {
                let _ = writeln!(text, "{:<32} total: {count}", reason.name());
            }
        }
    }
    let _ = writeln!(text, "{never} events never hit");
    done(text)
}

/// `coverage/read-counter`.
pub fn coverage_read_counter(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let Some(name) = request.args.first() else { return fail("No such counter") };
    match DropReason::ALL.iter().find(|reason| reason.name() == name) {
        Some(reason) => done(format!("{}\n", ledger(switchd).dropped_for(*reason))),
        None => fail("No such counter"),
    }
}

/// `ledger/show`: where all packets went, and whether the sums agree.
pub fn ledger_show(switchd: &Vswitchd) -> View {
    let ledger = ledger(switchd);
    let mut view = View::default()
        .row("received", ledger.received)
        .row("created: cloned", ledger.cloned)
        .row("created: injected", ledger.injected)
        .row("created: segmented", ledger.segmented)
        .row("sent", ledger.sent)
        .row("queued", ledger.queued)
        .row("consumed: punted", ledger.punted);
    for reason in DropReason::ALL.iter().filter(|reason| ledger.dropped_for(**reason) > 0) {
        view = view.row(format!("dropped: {}", reason.name()), ledger.dropped_for(*reason));
    }
    match ledger.imbalance() {
        0 => view.verdict("state", "balanced"),
        // Workers publish their counts once a turn, so a moment of traffic may show.
        difference => view.verdict("state", format!("in flight or unaccounted for: {difference}")),
    }
}

/// `memory/show`.
pub fn memory_show(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let mut words = Vec::new();
    let (mut ports, mut flows) = (0, 0);
    for datapath in switchd.datapaths.values() {
        ports += datapath.switch.dpif().ports().len();
        flows += datapath.switch.dpif().stats().flows;
    }
    let mut rules = 0;
    for datapath in switchd.datapaths.values_mut() {
        let names: Vec<String> = datapath.switch.bridge_names().map(str::to_owned).collect();
        rules += names
            .iter()
            .filter_map(|name| Some(datapath.switch.bridge(name).ok()?.flow_count()))
            .sum::<usize>();
    }
    words.push(format!("idl-cells-Open_vSwitch:{}", switchd.database.cells()));
    words.push(format!("ports:{ports}"));
    words.push(format!("rules:{rules}"));
    words.push(format!("udpif keys:{flows}"));
    done(words.join(" ") + "\n")
}
