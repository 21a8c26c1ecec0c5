//! The parts of the load, each on a thread of its own.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Options;
use crate::world::ip;
use crate::{BenchError, Daemon, World, run};

/// The addresses of the two hosts.
pub const HOSTS: [&str; 2] = ["10.9.0.1", "10.9.0.2"];
/// How long a transfer waits for a server that is between two transfers.
const PATIENCE: Duration = Duration::from_secs(10);
/// The cookie of all flows that the load adds.
pub const COOKIE: &str = "0x50a";

/// What a part does once; `step` counts from 0. Returns how long it rests.
type Part = fn(&Load, &World, u64) -> Result<Duration, BenchError>;

/// All parts, by name.
const PARTS: [(&str, Part); 6] = [
    ("transfers", transfer),
    ("datagrams", datagrams),
    ("ports", port),
    ("flows", flows),
    ("packet-outs", packet_out),
    ("readings", reading),
];

/// The names of all parts.
pub fn part_names() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|(name, _)| *name)
}

/// The load on one switch.
#[derive(Debug)]
pub struct Load {
    _server: Daemon,
    client: String,
    rate: String,
    flows: u32,
    parts: Vec<String>,
    done: [AtomicU64; PARTS.len()],
    stop: AtomicBool,
}

impl Load {
    /// Sets up what the load needs; nothing runs yet but the server of iperf3.
    pub fn start(world: &World, client: &str, server: &str, options: &Options) -> Result<Self, BenchError> {
        let mut command = world.inside(server, "iperf3");
        command.args(["-s", "--forceflush"]);
        let mut daemon = Daemon::start("iperf3", world.folder(), command)?;
        daemon.wait_until("its socket", |daemon| daemon.printed().contains("listening"))?;
        Ok(Self {
            _server: daemon,
            client: client.to_owned(),
            rate: String::new(),
            flows: options.flows,
            parts: options.parts.clone(),
            done: Default::default(),
            stop: AtomicBool::new(false),
        })
    }

    /// Runs all parts for a time, TCP at that rate; `look` is called every tenth of a second with the switch's process.
    pub fn run(
        &mut self,
        world: &mut World,
        time: Duration,
        rate: &str,
        look: &mut dyn FnMut(u32) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        self.stop.store(false, Ordering::Relaxed);
        rate.clone_into(&mut self.rate);
        let (this, failure, end) = (&*self, Mutex::new(None), Instant::now() + time);
        let shared = &*world;
        std::thread::scope(|scope| {
            let wanted = |name: &str| this.parts.is_empty() || this.parts.iter().any(|part| part == name);
            for (index, (name, part)) in PARTS.iter().enumerate().filter(|(_, (name, _))| wanted(name)) {
                let failure = &failure;
                scope.spawn(move || {
                    if let Err(error) = this.repeat(shared, index, *part) {
                        this.stop.store(true, Ordering::Relaxed);
                        // The first failure is the reason of the others.
                        if let Ok(mut first) = failure.lock() {
                            first.get_or_insert((*name, error));
                        }
                    }
                });
            }
            while Instant::now() < end && !this.stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
                if let Err(error) = look(shared.pid())
                    && let Ok(mut first) = failure.lock()
                {
                    first.get_or_insert(("samples", error));
                    break;
                }
            }
            this.stop.store(true, Ordering::Relaxed);
        });
        world.switch().check()?;
        match failure.into_inner() {
            Ok(Some((name, error))) => {
                Err(BenchError::Command { command: format!("the load's {name}"), said: error.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// How often each part was done, by name.
    pub fn done(&self) -> Vec<(&'static str, u64)> {
        PARTS.iter().zip(&self.done).map(|((name, _), done)| (*name, done.load(Ordering::Relaxed))).collect()
    }

    fn repeat(&self, world: &World, index: usize, part: Part) -> Result<(), BenchError> {
        while !self.stop.load(Ordering::Relaxed) {
            let step = self.done[index].load(Ordering::Relaxed);
            let began = Instant::now();
            let pause = part(self, world, step)?;
            self.done[index].fetch_add(1, Ordering::Relaxed);
            while began.elapsed() < pause && !self.stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }
}

/// TCP from one host to the other, in turn one way, the other, and both.
fn transfer(load: &Load, world: &World, step: u64) -> Result<Duration, BenchError> {
    let way: &[&str] = [&[][..], &["-R"], &["--bidir"]][(step % 3) as usize];
    let began = Instant::now();
    loop {
        let mut command = world.inside(&load.client, "iperf3");
        command.args(["-c", HOSTS[1], "-P", "2", "-t", "1", "-b", &load.rate]).args(way);
        match run(&mut command) {
            Err(error) if is_between(&error) && began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other.map(|_| Duration::ZERO),
        }
    }
}

/// Whether iperf3's server was met between two transfers, when it closes its socket and opens it again: it refuses then, or
/// takes a connection along when it closes.
fn is_between(error: &BenchError) -> bool {
    let said = error.to_string();
    let words = ["unable to connect to server", "server is busy", "control message: Connection reset"];
    words.iter().any(|words| said.contains(words))
}

/// Datagrams to a thousand ports, most of them answered by an ICMP message: many megaflows, soon idle.
fn datagrams(load: &Load, world: &World, step: u64) -> Result<Duration, BenchError> {
    let first = 1024 + step * 100 % 1000;
    let script = format!(
        "for p in $(seq {first} {}); do echo x > /dev/udp/{}/$p; done 2> /dev/null; true",
        first + 99,
        HOSTS[1]
    );
    run(world.inside(&load.client, "bash").args(["-c", &script]))?;
    Ok(Duration::from_millis(200))
}

/// A port that comes and goes, once a second: of each kind, one that cannot be, and a whole bridge.
fn port(_load: &Load, world: &World, step: u64) -> Result<Duration, BenchError> {
    let name = format!("ot{}p", std::process::id());
    match step % 5 {
        0 => world.vsctl(&format!("add-port br0 {name} tag=7 -- set interface {name} type=internal"))?,
        1 => world.vsctl(&format!("add-port br0 {name} -- set interface {name} type=tap"))?,
        2 => {
            ip(&format!("-n {} link add {name} type veth peer name {name}x", world.namespace()))?;
            world.vsctl(&format!("add-port br0 {name} trunks=1,2,3"))?
        }
        3 => world.vsctl(&format!("add-port br0 {name}"))?,
        _ => world.vsctl(&format!(
            "add-br {name} -- add-port br0 {name}a -- set interface {name}a type=patch options:peer={name}b \
             -- add-port {name} {name}b -- set interface {name}b type=patch options:peer={name}a"
        ))?,
    };
    if step % 5 == 4 {
        world.vsctl(&format!("del-port br0 {name}a -- del-br {name}"))?;
    } else {
        world.vsctl(&format!("del-port br0 {name}"))?;
    }
    if step % 5 == 2 {
        ip(&format!("-n {} link del {name}", world.namespace()))?;
    }
    Ok(Duration::from_secs(1))
}

/// Flows are added, changed, dumped and deleted; one time in two as a bundle.
fn flows(load: &Load, world: &World, step: u64) -> Result<Duration, BenchError> {
    let mut text = String::new();
    for n in 0..load.flows {
        let port = 1024 + (step * 37 + u64::from(n)) % 1100;
        let actions = ["NORMAL", "drop", "resubmit(,1)", "dec_ttl,NORMAL", "set_field:5->reg1,resubmit(,2)"]
            [(n % 5) as usize];
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "cookie={COOKIE},priority={},udp,nw_dst=10.9.{}.0/24,tp_dst={port},actions={actions}",
            100 + n,
            n % 3
        );
    }
    let _ = writeln!(text, "cookie={COOKIE},table=1,priority=1,udp,actions=NORMAL");
    let _ = writeln!(text, "cookie={COOKIE},table=2,priority=1,reg1=5,idle_timeout=1,actions=NORMAL");
    let path = world.folder().join("flows");
    std::fs::write(&path, text).map_err(BenchError::system("writing flows"))?;
    let how = if step.is_multiple_of(2) { "-O OpenFlow13" } else { "-O OpenFlow14 --bundle" };
    world.ofctl(&format!("{how} add-flows br0 {}", path.display()))?;
    world.ofctl(&format!(
        "-O OpenFlow13 mod-flows br0 cookie={COOKIE}/-1,udp,nw_dst=10.9.2.0/24,actions=drop"
    ))?;
    let dumped = world.ofctl("-O OpenFlow13 dump-flows br0")?.matches(COOKIE).count();
    // One of the flows ends by itself after a second without packets.
    if dumped < load.flows as usize + 1 {
        return Err(BenchError::unexpected("flows in a dump", load.flows + 1, dumped));
    }
    world.ofctl(&format!("-O OpenFlow13 del-flows br0 cookie={COOKIE}/-1"))?;
    Ok(Duration::from_millis(300))
}

/// Packets from addresses that were never seen, for the bridge to learn.
fn packet_out(_load: &Load, world: &World, step: u64) -> Result<Duration, BenchError> {
    let source = step % 3000;
    world
        .ofctl(&format!("packet-out br0 1 NORMAL ffffffffffff02005e00{source:04x}88b5{}", "00".repeat(46)))?;
    Ok(Duration::from_millis(100))
}

/// What operators look at.
fn reading(_load: &Load, world: &World, step: u64) -> Result<Duration, BenchError> {
    const APPCTL: [&str; 10] = [
        "dpctl/dump-flows -m",
        "dpctl/show -s",
        "dpif/show",
        "coverage/show",
        "memory/show",
        "upcall/show",
        "fdb/show br0",
        "ledger/show",
        "bridge/dump-flows br0",
        "ofproto/trace br0 in_port=1,udp,nw_dst=10.9.0.2,udp_dst=1030",
    ];
    world.appctl(APPCTL[step as usize % APPCTL.len()])?;
    match step % 4 {
        0 => world.ofctl("-O OpenFlow13 dump-ports br0")?,
        1 => world.ofctl("-O OpenFlow13 dump-tables br0")?,
        2 => world.vsctl("list interface h1")?,
        _ => world.vsctl("show")?,
    };
    Ok(Duration::from_millis(250))
}
