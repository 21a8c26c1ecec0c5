//! What the workers of a datapath do, thread by thread.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ovs_db::unixctl::Request;
use ovs_dpif::{Core, WorkerId};

use super::super::Vswitchd;
use super::super::datapath::Datapath;
use super::super::workers::{Spent, Times, WorkerThread};
use super::{Answer, Command, done, fail};

/// What one worker has counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) sent_batches: u64,
    pub(super) hit: u64,
    pub(super) missed: u64,
    pub(super) lost: u64,
    pub(super) cache_hit: u64,
    pub(super) alike_hit: u64,
    pub(super) probes: u64,
    pub(super) busy: Spent,
    pub(super) idle: Spent,
    pub(super) slept: Spent,
    /// When this was read, and when counting began.
    pub(super) until: Duration,
    pub(super) since: Duration,
}

impl Counts {
    /// Since the worker began.
    pub(super) fn of(datapath: &Datapath, worker: WorkerId, now: Duration) -> Self {
        let (ledger, stats) = datapath.switch.dpif().worker_stats(worker).unwrap_or_default();
        let thread = datapath.threads().iter().find(|thread| thread.id() == worker);
        let spent = |of: fn(&Times) -> Spent| thread.map(|thread| of(thread.times())).unwrap_or_default();
        Self {
            received: ledger.received,
            sent: ledger.sent,
            sent_batches: stats.sent_batches,
            hit: stats.hit,
            missed: stats.missed,
            lost: stats.lost,
            cache_hit: stats.cache_hit,
            alike_hit: stats.alike_hit,
            probes: stats.mask_hit,
            busy: spent(Times::busy),
            idle: spent(Times::idle),
            slept: spent(Times::slept),
            until: now,
            since: thread.map_or(now, WorkerThread::began),
        }
    }

    /// What has come since it was `before`; nothing was, if that is not told.
    pub(super) fn since(&self, before: Option<&Self>) -> Self {
        let Some(before) = before else { return *self };
        Self {
            received: self.received.saturating_sub(before.received),
            sent: self.sent.saturating_sub(before.sent),
            sent_batches: self.sent_batches.saturating_sub(before.sent_batches),
            hit: self.hit.saturating_sub(before.hit),
            missed: self.missed.saturating_sub(before.missed),
            lost: self.lost.saturating_sub(before.lost),
            cache_hit: self.cache_hit.saturating_sub(before.cache_hit),
            alike_hit: self.alike_hit.saturating_sub(before.alike_hit),
            probes: self.probes.saturating_sub(before.probes),
            busy: self.busy.since(before.busy),
            idle: self.idle.since(before.idle),
            slept: self.slept.since(before.slept),
            until: self.until,
            since: before.until,
        }
    }

    /// Packets that went through the tables, each time that they did.
    pub(super) fn passes(&self) -> u64 {
        self.hit + self.missed
    }

    /// Packets whose megaflow was searched for.
    pub(super) fn searched(&self) -> u64 {
        self.hit.saturating_sub(self.cache_hit + self.alike_hit)
    }
}

/// Where counting began anew, by worker.
pub type Baselines = BTreeMap<WorkerId, Counts>;

/// The workers of a datapath in the order in which they are shown, with their cores: the main one last.
pub(super) fn workers(datapath: &Datapath, only: Option<usize>) -> Vec<(WorkerId, Option<Core>)> {
    let mut all: Vec<_> = datapath.workers().collect();
    all.retain(|(_, core)| only.is_none() || core.map(|core| core.number) == only);
    all.sort_by_key(|(id, core)| (core.is_none(), core.map(|core| core.number), *id));
    all
}

pub(super) fn head(core: Option<Core>) -> String {
    core.map_or_else(
        || "main thread:\n".to_owned(),
        |core| format!("pmd thread numa_id {} core_id {}:\n", core.numa, core.number),
    )
}

/// The datapath and the core that the arguments name.
pub(super) fn target(switchd: &mut Vswitchd, args: &[String]) -> Result<(String, Option<usize>), String> {
    let (mut core, mut name, mut args) = (None, None, args.iter());
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.len()) {
            ("-secs", 1..) => drop(args.next()),
            ("-pmd", 1..) => core = args.next().and_then(|text| text.parse().ok()),
            (text, _) => name = Some(text.to_owned()),
        }
    }
    // Only a datapath with workers has something to show.
    let named = |kind: &String, dp: &Datapath| match &name {
        Some(name) => dp.switch.dpif().name() == name || super::datapath::full_name(dp) == *name,
        None => kind == "netdev" || kind == "dummy",
    };
    let found = switchd.datapaths.iter().find(|(kind, dp)| named(kind, dp)).map(|(kind, _)| kind.clone());
    let found = found.or_else(|| switchd.datapaths.keys().next().filter(|_| name.is_none()).cloned());
    found.map(|kind| (kind, core)).ok_or_else(|| "please specify an existing datapath".to_owned())
}

/// `dpif-netdev/pmd-stats-show`.
pub fn stats_show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (kind, core) = match target(switchd, &request.args) {
        Ok(target) => target,
        Err(error) => return fail(error),
    };
    let hz = cycles_per_second();
    let Some(datapath) = switchd.datapaths.get(&kind) else { return done("") };
    let mut text = String::new();
    for (worker, core) in workers(datapath, core) {
        let counts = Counts::of(datapath, worker, datapath.clock().now());
        text += &head(core);
        show(&mut text, &counts.since(datapath.baselines.get(&worker)), core.is_some(), hz);
    }
    done(text)
}

/// A part of something, or of several, if there is that.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn show(text: &mut String, counts: &Counts, timed: bool, hz: f64) {
    let (passes, searched) = (counts.passes(), counts.searched());
    let rows: &[(&str, String)] = &[
        ("packets received", counts.received.to_string()),
        ("packet recirculations", passes.saturating_sub(counts.received).to_string()),
        ("avg. datapath passes per packet", format!("{:.2}", ratio(passes, counts.received))),
        ("phwol hits", "0".to_owned()),
        ("mfex opt hits", "0".to_owned()),
        ("simple match hits", counts.alike_hit.to_string()),
        ("emc hits", counts.cache_hit.to_string()),
        ("smc hits", "0".to_owned()),
        ("megaflow hits", searched.to_string()),
        ("avg. subtable lookups per megaflow hit", format!("{:.2}", ratio(counts.probes, searched))),
        ("miss with success upcall", counts.missed.saturating_sub(counts.lost).to_string()),
        ("miss with failed upcall", counts.lost.to_string()),
    ];
    for (name, value) in rows {
        let _ = writeln!(text, "  {name}: {value}");
    }
    let [busy, idle] = [counts.busy, counts.idle].map(|spent| spent.time.as_secs_f64() * hz);
    let all = busy + idle;
    if !timed || all <= 0.0 {
        return;
    }
    let _ = writeln!(text, "  idle cycles: {idle:.0} ({:.2}%)", 100.0 * idle / all);
    let _ = writeln!(text, "  processing cycles: {busy:.0} ({:.2}%)", 100.0 * busy / all);
    if counts.received > 0 {
        let n = counts.received as f64;
        let _ = writeln!(text, "  avg cycles per packet: {:.2} ({all:.0}/{n:.0})", all / n);
        let _ = writeln!(text, "  avg processing cycles per packet: {:.2} ({busy:.0}/{n:.0})", busy / n);
    }
}

/// `dpif-netdev/pmd-stats-clear`.
pub fn stats_clear(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (kind, core) = match target(switchd, &request.args) {
        Ok(target) => target,
        Err(error) => return fail(error),
    };
    if let Some(datapath) = switchd.datapaths.get_mut(&kind) {
        for (worker, _) in workers(datapath, core) {
            let counts = Counts::of(datapath, worker, datapath.clock().now());
            datapath.baselines.insert(worker, counts);
        }
    }
    done("")
}

/// The rate of the time-stamp counter, in which the original counts too, as the system tells it at start.
pub(super) fn cycles_per_second() -> f64 {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("bogomips"));
    let bogomips =
        line.and_then(|line| line.split(':').nth(1)).and_then(|text| text.trim().parse::<f64>().ok());
    // Twice the counter's rate on the processors that have one; a nanosecond elsewhere.
    bogomips.map_or(1e9, |bogomips| bogomips * 1e6 / 2.0)
}
