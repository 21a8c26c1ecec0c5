//! What an explosion of masks does to the userspace datapath, between ports in memory.
//!
//! `taskset -c 1 cargo bench -p ovs-benches --bench explosion`
//!
//! A policy of four rules lets an attacker spawn a mask with each packet: 32 × 16 × 16 prefixes of the source address and the
//! two ports. The packets come among those of honest flows, from the same port, and, in the second part, from a port of
//! the attacker's own, beside a victim's. Megaflows are what our classifier reports for the policy.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and may fail by panicking"
)]

mod policy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ovs_benches::machine::megahertz;
use ovs_benches::null::{Frames, Null};
use ovs_benches::traffic;
use ovs_dpif::ovs_flow::DpPort;
use ovs_dpif::{Budget, Dpif, PortRequest, UserspaceConfig, UserspaceDatapath, Worker};
use policy::{OUT, Policy};

/// Packets of a turn's budget that are taken and upcalls that are answered.
const BUDGET: Budget = Budget { packets: 64, upcalls: 64, commands: 64 };
/// Packets before anything is measured: as many as a switch forwards in the eight seconds that the side-by-side measurement
/// of two switches gives either of them, at half a million a second.
const WARM_UP: usize = 4_000_000;
/// Packets before anything is measured when nothing is: `cargo test --benches` only tries whether it runs.
const TRIED: usize = 1_000;
/// Turns of a measurement; of so many measurements the lower quartile counts.
const TURNS: usize = 200;
const MEASUREMENTS: usize = 60;

/// Whether this is `cargo bench`.
fn is_measured() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}

fn main() {
    let mhz = megahertz();
    println!("cycles of {mhz:.0} MHz; policy of {} rules", Policy::RULES);
    explosion(mhz);
    victim(mhz);
}

/// A worker with an input port for each list of frames, from 1 on, and an output port for each of these.
struct Rig {
    datapath: UserspaceDatapath,
    worker: Worker,
    /// Packets sent of what came in by each input port.
    sent: Vec<Arc<AtomicU64>>,
}

impl Rig {
    fn new(inputs: &[&Frames], cache: usize) -> Self {
        let mut datapath = UserspaceDatapath::new(UserspaceConfig::default().seed(7).cache(cache, 100));
        datapath.set_handler(Arc::new(Policy::new(inputs.len() as u32)));
        let worker = datapath.add_worker(None);
        let sent: Vec<Arc<AtomicU64>> = inputs.iter().map(|_| Arc::default()).collect();
        for ((number, frames), sent) in (1..).zip(inputs).zip(&sent) {
            for (number, frames) in [(number, Some((*frames).clone())), (number + OUT, None)] {
                let device = Box::new(Null::new(format!("p{number}"), frames, sent));
                datapath
                    .add_port(PortRequest { device, number: Some(DpPort(number)) })
                    .expect("a fresh number");
            }
        }
        let mut rig = Self { datapath, worker, sent };
        let mut packets = 0;
        while packets < if is_measured() { WARM_UP } else { TRIED } {
            packets += rig.turn();
        }
        rig
    }

    fn turn(&mut self) -> usize {
        self.worker.poll(Duration::from_secs(1), BUDGET).packets
    }

    /// Nanoseconds of a packet over some turns.
    fn measure(&mut self) -> f64 {
        let start = Instant::now();
        let packets: usize = (0..if is_measured() { TURNS } else { 2 }).map(|_| self.turn()).sum();
        start.elapsed().as_nanos() as f64 / packets as f64
    }

    fn megaflows(&mut self) -> (u64, u64) {
        self.turn();
        let stats = self.datapath.stats();
        (stats.flows, stats.masks)
    }
}

/// Lower quartiles of measurements that are taken in turns.
fn quartiles(rigs: &mut [Rig]) -> Vec<f64> {
    let mut times = vec![Vec::new(); rigs.len()];
    for _ in 0..if is_measured() { MEASUREMENTS } else { 1 } {
        for (rig, times) in rigs.iter_mut().zip(&mut times) {
            times.push(rig.measure());
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    times.into_iter().map(|times| times[times.len() / 4]).collect()
}

/// Cycles of a packet, with and without the attack on the port that it comes from.
fn explosion(mhz: f64) {
    let (honest, attack) = (Frames::new(traffic::honest()), Frames::new(traffic::explosion()));
    for (name, cache) in [("with the exact-match cache", 1 << 20), ("without it", 0)] {
        let mut rigs = [Rig::new(&[&honest], cache), Rig::new(&[&attack], cache)];
        let counts = rigs.each_mut().map(Rig::megaflows);
        let times = quartiles(&mut rigs);
        println!(
            "\n{name:<34} {:>8} {:>8} {:>10} {:>10} {:>7}",
            "flows", "masks", "ns/packet", "cycles", "ratio"
        );
        for ((name, (flows, masks)), ns) in
            ["honest flows", "the same under attack"].iter().zip(counts).zip(&times)
        {
            let (cycles, ratio) = (ns * mhz / 1000.0, ns / times[0]);
            println!("  {name:<32} {flows:>8} {masks:>8} {ns:>10.1} {cycles:>10.0} {ratio:>7.2}");
        }
    }
}

/// What a victim on another port keeps: packets forwarded by 10,000 polls, and what a unit of the budget costs.
fn victim(mhz: f64) {
    let (calm, honest) = (Frames::new(traffic::honest()), Frames::new(traffic::honest()));
    let attack = Frames::new(traffic::explosion());
    let mut rigs = [Rig::new(&[&calm, &honest], 1 << 20), Rig::new(&[&calm, &attack], 1 << 20)];
    let forwarded = rigs.each_mut().map(|rig| {
        let before = rig.sent[0].load(Ordering::Relaxed);
        for _ in 0..10_000 {
            rig.turn();
        }
        rig.sent[0].load(Ordering::Relaxed) - before
    });
    let times = quartiles(&mut rigs);
    println!(
        "\n{:<34} {:>16} {:>22} {:>7}",
        "a victim beside", "in 10,000 polls", "cycles/unit of budget", "ratio"
    );
    for ((name, forwarded), ns) in
        ["another honest port", "an attacker's port"].iter().zip(forwarded).zip(&times)
    {
        let (cycles, ratio) = (ns * mhz / 1000.0, ns / times[0]);
        println!("  {name:<32} {forwarded:>16} {cycles:>22.0} {ratio:>7.2}");
    }
}
