//! A mixed load for minutes, and whether the switch afterwards holds no more than it did before.
//!
//! ```text
//!   start ─▶ warm up ─▶ rest ─▶ look ─▶ load … samples of resident memory … ─▶ rest ─▶ look again ─▶ Report
//!            (what use sizes     │                                               │
//!             gets its size)     └──────────── the same configuration ───────────┘
//! ```
//!
//! Looking counts live bytes and allocations (the switch is built with `count-allocations`), descriptors, threads,
//! devices, and reads the ledger of packets. Before each look the switch is brought to rest: the load ends, its rules
//! and learned addresses are deleted, its megaflows have expired, and the embedded database's history of
//! transactions (it keeps a hundred, for clients that come back) is filled with the same ones.
//!
//! While warming up hosts send as fast as they can: pools of packets keep the frames that the greatest burst took.

mod load;
mod look;
mod report;

use std::time::{Duration, Instant};

use crate::{BenchError, Database, Programs, Who, World};
pub use load::part_names;
use load::{HOSTS, Load};
use look::Look;
pub use report::Report;

/// How much load, and for how long.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long the load lasts that is judged.
    pub time: Duration,
    /// How long it lasts before the first look.
    pub warm_up: Duration,
    /// What iperf3 may send, as it reads it (`200M`); `0` is as much as it can.
    pub rate: String,
    /// How many flows are added and deleted in one go.
    pub flows: u32,
    /// The parts of the load by name; all, if empty.
    pub parts: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time: Duration::from_mins(10),
            warm_up: Duration::from_mins(1),
            rate: "200M".to_owned(),
            flows: 500,
            parts: Vec::new(),
        }
    }
}

impl Options {
    /// With this time under load.
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// With this time under load before the first look.
    pub fn warm_up(mut self, time: Duration) -> Self {
        self.warm_up = time;
        self
    }

    /// With this rate, as iperf3 reads it.
    pub fn rate(mut self, rate: impl Into<String>) -> Self {
        self.rate = rate.into();
        self
    }

    /// With these parts of the load alone, to find out which of them leaves something.
    pub fn parts(mut self, parts: Vec<String>) -> Self {
        self.parts = parts;
        self
    }
}

/// Resident memory at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// Since the load that is judged began.
    pub at: Duration,
    /// In KiB.
    pub resident: u64,
}

/// Carries it out; `tell` gets a line now and then.
pub fn soak(programs: &Programs, options: &Options, tell: &dyn Fn(&str)) -> Result<Report, BenchError> {
    let mut world = World::start(programs, Who::Ours, Database::Embedded)?;
    let client = world.add_host("h1", &format!("{}/24", HOSTS[0]))?;
    let server = world.add_host("h2", &format!("{}/24", HOSTS[1]))?;
    world.vsctl("add-br br0 -- add-port br0 h1 -- add-port br0 h2")?;
    // Megaflows expire soon, so that rest comes soon.
    world.vsctl("set Open_vSwitch . other_config:max-idle=1000")?;
    let mut load = Load::start(&world, &client, &server, options)?;
    let fresh = Look::at(&world)?;
    tell(&format!("fresh: {fresh}"));
    load.run(&mut world, options.warm_up, "0", &mut |_| Ok(()))?;
    rest(&world)?;
    let before = Look::at(&world)?;
    tell(&format!("before: {before}"));
    let (began, mut samples) = (Instant::now(), Vec::new());
    let interval = (options.time / 10).max(Duration::from_millis(500));
    load.run(&mut world, options.time, &options.rate, &mut |pid| {
        let at = began.elapsed();
        if at >= interval * (samples.len() as u32 + 1) {
            let resident = crate::process::Holdings::of(pid)?.resident;
            tell(&format!(
                "{:>5.1} min: {:.1} MiB resident",
                at.as_secs_f64() / 60.0,
                resident as f64 / 1024.0
            ));
            samples.push(Sample { at, resident });
        }
        Ok(())
    })?;
    let done = load.done();
    rest(&world)?;
    let after = Look::at(&world)?;
    tell(&format!("after: {after}"));
    world.switch().check()?;
    Ok(Report { time: options.time, fresh, before, after, samples, done })
}

/// How long the switch may take to come to rest.
const REST: Duration = Duration::from_mins(1);

/// As many transactions as the database keeps, and some.
const HISTORY: u32 = 110;

/// Deletes what the load has added and waits until nothing of it is left.
fn rest(world: &World) -> Result<(), BenchError> {
    world.ofctl(&format!("del-flows br0 cookie={}/-1", load::COOKIE))?;
    world.appctl("fdb/flush br0")?;
    world.appctl("revalidator/wait")?;
    let deadline = Instant::now() + REST;
    loop {
        // Hosts ask for each other's addresses for some seconds after their last packet.
        let flows = world.appctl("dpctl/dump-flows")?;
        if !flows.contains("actions:") {
            break;
        }
        if Instant::now() > deadline {
            return Err(BenchError::Patience { what: "the end of all megaflows".to_owned(), limit: REST });
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    world.appctl("fdb/flush br0")?;
    for n in 0..HISTORY {
        world.vsctl(&format!("--no-wait set Open_vSwitch . external_ids:rest={}", 1000 + n))?;
    }
    Ok(())
}
