//! `dpif-netdev/pmd-perf-show`: what polling threads do with their turns.
//!
//! What the original tells beside this where `other_config:pmd-perf-metrics` is set (histograms and histories of turns) is
//! not collected here.

use std::fmt::{Display, Write as _};
use std::time::SystemTime;

use ovs_db::unixctl::Request;

use super::super::Vswitchd;
use super::pmd::{Counts, cycles_per_second, head, ratio, target, workers};
use super::{Answer, Command, done, fail};
use crate::vlog;

/// The command.
pub fn show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (kind, core) = match target(switchd, &arguments(&request.args)) {
        Ok(target) => target,
        Err(error) => return fail(error),
    };
    let Some(datapath) = switchd.datapaths.get(&kind) else { return done("") };
    let (now, hz) = (datapath.clock().now(), cycles_per_second());
    let time = vlog::local_time(SystemTime::now(), "%H:%M:%S.###");
    let mut shown = String::new();
    for (worker, core) in workers(datapath, core).into_iter().filter(|(_, core)| core.is_some()) {
        let counts = Counts::of(datapath, worker, now).since(datapath.baselines.get(&worker));
        let duration = counts.until.saturating_sub(counts.since).as_secs_f64();
        let _ = writeln!(shown, "\nTime: {time}\nMeasurement duration: {duration:.3} s\n\n{}", head(core));
        table(&mut shown, &counts, hz);
    }
    done(shown)
}

/// The arguments that say what to show, without those that say how much of what is not there.
fn arguments(all: &[String]) -> Vec<String> {
    let (mut kept, mut all) = (Vec::new(), all.iter());
    while let Some(arg) = all.next() {
        match arg.as_str() {
            "-nh" => {}
            "-it" | "-ms" => drop(all.next()),
            _ => kept.push(arg.clone()),
        }
    }
    kept
}

/// A line whose number ends in the 34th column.
fn line(text: &mut String, name: &str, number: impl Display, more: impl Display) {
    let name = format!("  {name}:");
    let _ = writeln!(text, "{name}{number:>width$}{more}", width = 34_usize.saturating_sub(name.len()));
}

fn table(text: &mut String, counts: &Counts, hz: f64) {
    let Counts { busy, idle, slept, .. } = *counts;
    let turns = busy.turns + idle.turns;
    let [busy_time, idle_time] = [busy, idle].map(|spent| spent.time.as_secs_f64());
    let (used, passed) = (busy_time + idle_time, counts.until.saturating_sub(counts.since).as_secs_f64());
    let part = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let percent = |some: f64, whole: f64| 100.0 * part(some, whole);
    line(text, "Iterations", turns, format_args!("  ({:.2} us/it)", part(1e6 * used, turns as f64)));
    let of_total = format_args!("  ({:5.1} % of total cycles)", percent(used, passed)).to_string();
    line(text, "- Used TSC cycles", format_args!("{:.0}", used * hz).to_string(), of_total);
    for (name, spent, time) in
        [("- idle iterations", idle, idle_time), ("- busy iterations", busy, busy_time)]
    {
        line(text, name, spent.turns, format_args!("  ({:5.1} % of used cycles)", percent(time, used)));
    }
    let sleeps = percent(slept.turns as f64, turns as f64);
    line(text, "- sleep iterations", slept.turns, format_args!("  ({sleeps:5.1} % of iterations)"));
    let micros = slept.time.as_micros();
    let average = part(micros as f64, turns as f64);
    line(text, "Sleep time (us)", micros, format_args!("  ({average:3.0} us/iteration avg.)"));
    packets(text, counts, busy_time * hz, passed);
}

fn packets(text: &mut String, counts: &Counts, busy_cycles: f64, passed: f64) {
    let thousands = |packets: u64| if passed > 0.0 { packets as f64 / passed / 1e3 } else { 0.0 };
    if counts.received == 0 {
        line(text, "Rx packets", 0, "");
    } else {
        let (rate, cost) = (thousands(counts.received), busy_cycles / counts.received as f64);
        line(text, "Rx packets", counts.received, format_args!("  ({rate:.0} Kpps, {cost:.0} cycles/pkt)"));
        let passes = counts.passes();
        let each = ratio(passes, counts.received);
        line(text, "Datapath passes", passes, format_args!("  ({each:.2} passes/pkt)"));
        let hits = |text: &mut String, name: &str, count, more: String| {
            let percent = 100.0 * ratio(count, passes);
            line(text, name, count, format_args!("  ({percent:5.1} %{more})"));
        };
        hits(text, "- PHWOL hits", 0, String::new());
        hits(text, "- MFEX Opt hits", 0, String::new());
        hits(text, "- Simple Match hits", counts.alike_hit, String::new());
        hits(text, "- EMC hits", counts.cache_hit, String::new());
        hits(text, "- SMC hits", 0, String::new());
        let probes = ratio(counts.probes, counts.searched());
        hits(text, "- Megaflow hits", counts.searched(), format!(", {probes:.2} subtbl lookups/hit"));
        // Their time is not told apart from that of the turns in which they are.
        hits(text, "- Upcalls", counts.missed, ", 0.0 us/upcall".to_owned());
        hits(text, "- Lost upcalls", counts.lost, String::new());
    }
    if counts.sent == 0 {
        line(text, "Tx packets", 0, "");
    } else {
        line(text, "Tx packets", counts.sent, format_args!("  ({:.0} Kpps)", thousands(counts.sent)));
        let each = ratio(counts.sent, counts.sent_batches);
        line(text, "Tx batches", counts.sent_batches, format_args!("  ({each:.2} pkts/batch)"));
    }
    text.push('\n');
}
