//! Packets through a datapath with DPDK's ports: one that gives the same packets over and over, out of memory, and one
//! that forgets what it is sent.

use std::fmt::Write as _;
use std::fs;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, Instant};

use ovs_dpif::ovs_packet::pcap::Writer;

use crate::process::Threads;
use crate::traffic::{Access, Frame, explosion, flows, short_lived};
use crate::world::ip;
use crate::{BenchError, Database, Programs, Who, World, machine};

/// The rules of the access list.
const ACCESS: usize = 500;
/// By how much the share that is sent may differ from what the rules say, beside what chance does to few packets.
const INEXACT: f64 = 0.01;

/// How many times the wanted time it may measure before what is sent counts as wrong.
const WINDOWS: u32 = 4;

/// How long packets may take to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a switch is given to do.
struct Load {
    rules: String,
    frames: Vec<Frame>,
    /// The part of the packets that the rules let pass.
    share: f64,
    /// How many seconds it may take to come to rest.
    warm_up: u64,
    /// The type of the tunnel that is port 3; what comes out of it leaves by port 2 of another bridge.
    tunnel: Option<&'static str>,
}

impl Load {
    fn new(rules: &str, frames: Vec<Frame>) -> Self {
        Self { rules: rules.to_owned(), frames, share: 1.0, warm_up: 2, tunnel: None }
    }

    fn warm_up(self, warm_up: u64) -> Self {
        Self { warm_up, ..self }
    }

    /// Through a tunnel of such a type.
    fn tunnel(self, kind: &'static str) -> Self {
        Self { tunnel: Some(kind), ..self }
    }

    /// The bridge of port 2.
    fn way_out(&self) -> &'static str {
        if self.tunnel.is_some() { UNDERLAY } else { "br0" }
    }

    /// With the share of packets that `passes` says of.
    fn sharing(self, passes: impl Fn(&Frame) -> bool) -> Self {
        let passed = self.frames.iter().filter(|frame| passes(frame)).count();
        Self { share: passed as f64 / self.frames.len() as f64, ..self }
    }

    /// Whether what is sent is the share of what is received that the rules let pass, but for chance.
    fn is_right(&self, received: u64, sent: u64) -> bool {
        let chance = 3.0 * (self.share * (1.0 - self.share) / received as f64).sqrt();
        received > 0 && (sent as f64 / received as f64 - self.share).abs() <= INEXACT + chance
    }
}

/// The bridge that tunnels go out by.
const UNDERLAY: &str = "br-phy";
const INTO_TUNNEL: &str = "in_port=1,actions=output:3\n";
const BY_PORT: &str = "in_port=1,actions=output:2\n";
const BY_NETWORK: &str = "in_port=1,udp,nw_dst=10.0.0.0/8,actions=output:2\n";
const TRACKED: &str = "table=0,in_port=1,udp,ct_state=-trk,actions=ct(table=1)\n\
                       table=1,in_port=1,udp,ct_state=+trk+new,actions=ct(commit),output:2\n\
                       table=1,in_port=1,udp,ct_state=+trk+est,actions=output:2\n";
const SHORT_LIVED: &str = "table=0,in_port=1,tcp,ct_state=-trk,actions=ct(table=1)\n\
                           table=1,in_port=1,tcp,ct_state=+trk+new,actions=ct(commit),output:2\n\
                           table=1,in_port=1,tcp,ct_state=+trk-new,actions=output:2\n";
const ZONES: &str = "table=0,in_port=1,udp,actions=ct(commit,zone=1,table=1)\n\
                     table=1,in_port=1,udp,actions=ct(commit,zone=2,table=2)\n\
                     table=2,in_port=1,udp,actions=ct(commit,zone=3,table=3)\n\
                     table=3,in_port=1,udp,actions=ct(commit,zone=4,table=4)\n\
                     table=4,in_port=1,udp,actions=ct(commit,zone=5,table=5)\n\
                     table=5,in_port=1,udp,actions=output:2\n";
const POLICY: &str = "priority=100,in_port=1,udp,tp_dst=80,actions=output:2\n\
                      priority=90,in_port=1,udp,tp_src=12345,actions=output:2\n\
                      priority=80,in_port=1,udp,nw_src=10.0.0.1,actions=output:2\n\
                      priority=1,in_port=1,actions=drop\n";

/// One megaflow, 1,000 keys.
pub fn simple(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(BY_PORT, flows(1000)))
}

/// One megaflow by network, 1,000 keys.
pub fn emc1k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(BY_NETWORK, flows(1000)))
}

/// One megaflow by network, 10,000 keys.
pub fn warm10k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(BY_NETWORK, flows(10_000)))
}

/// One megaflow by network, 100,000 keys.
pub fn cold100k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(BY_NETWORK, flows(100_000)).warm_up(3))
}

/// A switch that learns.
pub fn normal1k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new("actions=NORMAL\n", flows(1000)))
}

/// A thousand tracked connections.
pub fn ct1k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(TRACKED, flows(1000)).warm_up(3))
}

/// A hundred thousand tracked connections.
pub fn ct100k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(TRACKED, flows(100_000)).warm_up(5))
}

/// Every other packet begins a connection, in the place of one that was reset.
pub fn ctnew(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(SHORT_LIVED, short_lived(50_000)).warm_up(5))
}

/// Half a million tracked connections, five for each flow.
pub fn ct500k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(ZONES, flows(100_000)).warm_up(8))
}

/// A thousand flows into a VXLAN tunnel.
pub fn vxlan1k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(INTO_TUNNEL, flows(1000)).tunnel("vxlan"))
}

/// A thousand flows into a Geneve tunnel.
pub fn geneve1k(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    measure(programs, who, seconds, &Load::new(INTO_TUNNEL, flows(1000)).tunnel("geneve"))
}

/// An access list of 500 rules, 20,000 keys.
pub fn acl(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    let list = Access::list(ACCESS);
    let mut rules = "priority=1,in_port=1,actions=drop\n".to_owned();
    for (n, Access { network, length, port }) in list.iter().enumerate() {
        let [a, b, c, d] = network.to_be_bytes();
        // Writing to a string does not fail.
        let _ = writeln!(
            rules,
            "priority={},in_port=1,udp,nw_dst={a}.{b}.{c}.{d}/{length},tp_dst={port},actions=output:2",
            10 + n
        );
    }
    let load = Load::new(&rules, Access::traffic(&list, 20_000)).warm_up(5);
    measure(programs, who, seconds, &load.sharing(|frame| list.iter().any(|rule| rule.admits(frame))))
}

/// A policy under which an attacker spawns 8,192 masks.
pub fn tse(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    let load = Load::new(POLICY, explosion()).warm_up(8);
    measure(programs, who, seconds, &load.sharing(|frame| frame[36..38] == 80_u16.to_be_bytes()))
}

/// Cycles of the time stamp counter that the worker has run for each packet received.
fn measure(programs: &Programs, who: Who, seconds: u32, load: &Load) -> Result<f64, BenchError> {
    let _pages = machine::HugePages::at_least(1024)?;
    let world = World::start(&programs.clone().dpdk(), who, Database::Server)?;
    let trace = world.folder().join("trace.pcap");
    write(&trace, &load.frames).map_err(BenchError::system("writing a trace"))?;
    let settings = [
        "dpdk-init=true",
        "dpdk-extra=--no-pci --in-memory",
        "pmd-cpu-mask=0x2",
        "dpdk-lcore-mask=0x1",
        "dpdk-socket-mem=1024",
    ];
    let settings = settings.map(|setting| format!("other_config:{setting}"));
    let set = ["--no-wait", "set", "Open_vSwitch", "."].into_iter();
    world.vsctl_words(set.chain(settings.iter().map(String::as_str)))?;
    world.vsctl("add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure")?;
    let rules = world.folder().join("rules");
    fs::write(&rules, &load.rules).map_err(BenchError::system("writing rules"))?;
    world.ofctl(&format!("add-flows br0 {}", rules.display()))?;
    if let Some(kind) = load.tunnel {
        underlay(&world, kind)?;
    }
    let out = load.way_out();
    world.vsctl(&format!(
        "add-port {out} p2 -- set Interface p2 type=dpdk ofport_request=2 options:dpdk-devargs=net_null_b,no-rx=1"
    ))?;
    world.vsctl(&format!(
        "add-port br0 p1 -- set Interface p1 type=dpdk ofport_request=1 \
         options:dpdk-devargs=net_pcap_a,rx_pcap={},infinite_rx=1",
        trace.display()
    ))?;
    await_traffic(&world, out)?;
    std::thread::sleep(Duration::from_secs(load.warm_up));
    let (before, threads) = (counters(&world, out)?, Threads::of(world.pid())?);
    for _ in 0..WINDOWS {
        std::thread::sleep(Duration::from_secs(seconds.into()));
        let (after, time) = (counters(&world, out)?, Threads::of(world.pid())?.busiest_since(&threads));
        let (received, sent) = (after.0 - before.0, after.1 - before.1);
        if load.is_right(received, sent) {
            return Ok(time.as_secs_f64() * machine::megahertz() * 1e6 / received as f64);
        }
        // Ports are read one after another: what passes in between matters the less, the longer one measures.
    }
    let after = counters(&world, out)?;
    let (received, sent) = (after.0 - before.0, after.1 - before.1);
    let expected = format!("{:.1}% of what it received", 100.0 * load.share);
    Err(BenchError::unexpected("packets sent", expected, format!("{sent} of {received}")))
}

fn write(path: &Path, frames: &[Frame]) -> std::io::Result<()> {
    let mut writer = Writer::new(BufWriter::new(fs::File::create(path)?))?;
    for frame in frames {
        writer.write(0, frame)?;
    }
    writer.flush()
}

/// Waits for the first packet: memory for packets may take the system many seconds to clear.
fn await_traffic(world: &World, out: &str) -> Result<(), BenchError> {
    let began = Instant::now();
    while !matches!(counters(world, out), Ok((1.., _))) {
        if began.elapsed() > PATIENCE {
            // Says what is there.
            return counters(world, out).map(drop);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A second bridge with an address, whose neighbour is known, and a tunnel to that neighbour as port 3 of the first.
fn underlay(world: &World, kind: &str) -> Result<(), BenchError> {
    world.vsctl(&format!(
        "add-br {UNDERLAY} -- set bridge {UNDERLAY} datapath_type=netdev fail_mode=secure"
    ))?;
    world.ofctl(&format!("add-flow {UNDERLAY} actions=output:2"))?;
    let here = world.namespace();
    ip(&format!("-n {here} addr add 172.31.1.1/24 dev {UNDERLAY}"))?;
    ip(&format!("-n {here} link set {UNDERLAY} up"))?;
    let began = Instant::now();
    loop {
        let routes = world.appctl("ovs/route/show")?;
        if routes.contains(&format!("172.31.1.0/24 dev {UNDERLAY}")) {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(BenchError::unexpected("the routes", "one through the underlay", routes.trim()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    world.appctl(&format!("tnl/neigh/set {UNDERLAY} 172.31.1.2 02:00:00:00:00:22"))?;
    world.vsctl(&format!(
        "add-port br0 t3 -- set Interface t3 type={kind} ofport_request=3 options:remote_ip=172.31.1.2 options:key=5"
    ))?;
    Ok(())
}

/// Packets received by port 1 of the first bridge and sent by port 2 of the one that is the way out.
fn counters(world: &World, out: &str) -> Result<(u64, u64), BenchError> {
    let ports = |bridge: &str| world.ofctl(&format!("-O OpenFlow13 dump-ports {bridge}"));
    let first = ports("br0")?;
    // One answer where there is one bridge: between two, millions of packets pass.
    let last = if out == "br0" { first.clone() } else { ports(out)? };
    let found = count(&first, "1", "rx").zip(count(&last, "2", "tx"));
    found.ok_or_else(|| BenchError::unexpected("the ports", "packets received and sent", last.trim()))
}

/// The packets that went one way through a port.
fn count(text: &str, number: &str, direction: &str) -> Option<u64> {
    let port = text.split(" port ").find(|port| {
        let name = port.split(':').next().unwrap_or_default().trim().trim_matches('"');
        name == number || name == format!("p{number}")
    })?;
    let count = port.split(&format!("{direction} pkts=")).nth(1)?;
    count.split(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counters_are_found_by_number_or_name() {
        let text = "OFPST_PORT reply (OF1.3) (xid=0x2): 2 ports\n  port  1: rx pkts=12, bytes=720, drop=0\n           \
                    tx pkts=3, bytes=1, drop=0\n  port  \"p2\": rx pkts=5, bytes=1\n           tx pkts=11, bytes=660\n";
        assert_eq!((count(text, "1", "rx"), count(text, "2", "tx")), (Some(12), Some(11)));
        assert_eq!(count("nothing", "1", "rx"), None);
    }
}
