//! Receive queues of polling threads: who has them, what they cost, how long the threads rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ovs_db::unixctl::Request;
use ovs_dpif::RxLoad;

use super::super::Vswitchd;
use super::pmd::{head, target, workers};
use super::{Answer, Command, done, fail};

/// How far back loads are known.
const MOST: u64 = RxLoad::INTERVAL.as_secs() * RxLoad::INTERVALS as u64;

/// The seconds that the arguments ask for, as many as are kept.
fn seconds(args: &[String]) -> u64 {
    let asked = args.iter().skip_while(|arg| *arg != "-secs").nth(1);
    let step = RxLoad::INTERVAL.as_secs();
    asked.and_then(|text| text.parse::<u64>().ok()).unwrap_or(MOST).clamp(1, MOST).div_ceil(step) * step
}

/// `dpif-netdev/pmd-rxq-show`.
pub fn show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (kind, core) = match target(switchd, &request.args) {
        Ok(target) => target,
        Err(error) => return fail(error),
    };
    let Some(datapath) = switchd.datapaths.get(&kind) else { return done("") };
    let dpif = datapath.switch.dpif();
    let names: BTreeMap<_, _> = dpif.ports().into_iter().map(|port| (port.number, port.name)).collect();
    let window = Duration::from_secs(seconds(&request.args));
    let queues = dpif.rx_queues(window);
    let mut text = format!("Displaying last {} seconds pmd usage %\n", window.as_secs());
    for (worker, core) in workers(datapath, core).into_iter().filter(|(_, core)| core.is_some()) {
        let own = || queues.iter().filter(|queue| queue.worker == Some(worker));
        text += &head(core);
        let isolated = datapath.isolates()
            && own().any(|queue| queue.pinned.is_some() && queue.pinned == core.map(|core| core.number));
        let _ = writeln!(text, "  isolated : {isolated}");
        for queue in own() {
            let name = names.get(&queue.port).map_or("", String::as_str);
            let usage = queue.load.map_or("NOT AVAIL".to_owned(), |load| format!("{:2} %", load.percent()));
            let number = queue.queue;
            let _ =
                writeln!(text, "  port: {name:<16}  queue-id: {number:>2} (enabled)   pmd usage: {usage}");
        }
        // What the thread was busy with beside these queues.
        let thread = datapath.threads().iter().find(|thread| thread.id() == worker);
        let known: Option<u64> = own().map(|queue| queue.load.map(|load| load.percent())).sum();
        let overhead = thread
            .and_then(|thread| thread.busy_percent(window))
            .zip(known)
            .map_or("NOT AVAIL".to_owned(), |(busy, known)| format!("{:2} %", busy.saturating_sub(known)));
        let _ = writeln!(text, "  overhead: {overhead}");
    }
    done(text)
}

/// `dpif-netdev/pmd-rxq-rebalance`.
pub fn rebalance(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (kind, _) = match target(switchd, &request.args) {
        Ok(target) => target,
        Err(error) => return fail(error),
    };
    if let Some(datapath) = switchd.datapaths.get_mut(&kind) {
        datapath.switch.dpif_mut().rebalance();
    }
    done("pmd rxq rebalance requested.\n")
}

/// `dpif-netdev/pmd-sleep-show`.
pub fn sleep_show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (kind, core) = match target(switchd, &request.args) {
        Ok(target) => target,
        Err(error) => return fail(error),
    };
    let Some(datapath) = switchd.datapaths.get(&kind) else { return done("") };
    let mut text = format!("Default max sleep: {:4} us\n", datapath.sleep.default);
    for core in workers(datapath, core).into_iter().filter_map(|(_, core)| core) {
        text += &head(Some(core));
        let _ = writeln!(text, "  max sleep: {:4} us", datapath.sleep.on(core.number));
    }
    done(text)
}
