//! Packets through a datapath with DPDK's ports: one that gives the same packets over and over, out of memory, and one
//! that forgets what it is sent.

use std::fmt::Write as _;
use std::fs;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, Instant};

use ovs_dpif::ovs_packet::pcap::Writer;

use crate::process::Threads;
use crate::traffic::{Access, Frame, explosion, flows};
use crate::{BenchError, Database, Programs, Who, World, machine};

/// The rules of the access list.
const ACCESS: usize = 500;
/// By how much the share that is sent may differ from what the rules say, beside what chance does to few packets.
const INEXACT: f64 = 0.01;

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
}

impl Load {
    fn new(rules: &str, frames: Vec<Frame>) -> Self {
        Self { rules: rules.to_owned(), frames, share: 1.0, warm_up: 2 }
    }

    fn warm_up(self, warm_up: u64) -> Self {
        Self { warm_up, ..self }
    }

    /// With the share of packets that `passes` says of.
    fn sharing(self, passes: impl Fn(&Frame) -> bool) -> Self {
        let passed = self.frames.iter().filter(|frame| passes(frame)).count();
        Self { share: passed as f64 / self.frames.len() as f64, ..self }
    }
}

const BY_PORT: &str = "in_port=1,actions=output:2\n";
const BY_NETWORK: &str = "in_port=1,udp,nw_dst=10.0.0.0/8,actions=output:2\n";
const TRACKED: &str = "table=0,in_port=1,udp,ct_state=-trk,actions=ct(table=1)\n\
                       table=1,in_port=1,udp,ct_state=+trk+new,actions=ct(commit),output:2\n\
                       table=1,in_port=1,udp,ct_state=+trk+est,actions=output:2\n";
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
    world.vsctl("add-port br0 p2 -- set Interface p2 type=dpdk ofport_request=2 options:dpdk-devargs=net_null_b,no-rx=1")?;
    world.vsctl(&format!(
        "add-port br0 p1 -- set Interface p1 type=dpdk ofport_request=1 \
         options:dpdk-devargs=net_pcap_a,rx_pcap={},infinite_rx=1",
        trace.display()
    ))?;
    await_traffic(&world)?;
    std::thread::sleep(Duration::from_secs(load.warm_up));
    let (before, threads) = (counters(&world)?, Threads::of(world.pid())?);
    std::thread::sleep(Duration::from_secs(seconds.into()));
    let (after, time) = (counters(&world)?, Threads::of(world.pid())?.busiest_since(&threads));
    let (received, sent) = (after.0 - before.0, after.1 - before.1);
    let chance = 3.0 * (load.share * (1.0 - load.share) / received as f64).sqrt();
    if received == 0 || (sent as f64 / received as f64 - load.share).abs() > INEXACT + chance {
        let expected = format!("{:.1}% of what it received", 100.0 * load.share);
        return Err(BenchError::unexpected("packets sent", expected, format!("{sent} of {received}")));
    }
    Ok(time.as_secs_f64() * machine::megahertz() * 1e6 / received as f64)
}

fn write(path: &Path, frames: &[Frame]) -> std::io::Result<()> {
    let mut writer = Writer::new(BufWriter::new(fs::File::create(path)?))?;
    for frame in frames {
        writer.write(0, frame)?;
    }
    writer.flush()
}

/// Waits for the first packet: memory for packets may take the system many seconds to clear.
fn await_traffic(world: &World) -> Result<(), BenchError> {
    let began = Instant::now();
    while !matches!(counters(world), Ok((1.., _))) {
        if began.elapsed() > PATIENCE {
            // Says what is there.
            return counters(world).map(drop);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Packets received by port 1 and sent by port 2.
fn counters(world: &World) -> Result<(u64, u64), BenchError> {
    let text = world.ofctl("-O OpenFlow13 dump-ports br0")?;
    parse(&text).ok_or_else(|| BenchError::unexpected("the ports", "packets received and sent", text.trim()))
}

fn parse(text: &str) -> Option<(u64, u64)> {
    let of_port = |number: &str, direction: &str| {
        let port = text.split(" port ").find(|port| {
            let name = port.split(':').next().unwrap_or_default().trim().trim_matches('"');
            name == number || name == format!("p{number}")
        })?;
        let count = port.split(&format!("{direction} pkts=")).nth(1)?;
        count.split(',').next()?.trim().parse().ok()
    };
    Some((of_port("1", "rx")?, of_port("2", "tx")?))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn counters_are_found_by_number_or_name() {
        let text = "OFPST_PORT reply (OF1.3) (xid=0x2): 2 ports\n  port  1: rx pkts=12, bytes=720, drop=0\n           \
                    tx pkts=3, bytes=1, drop=0\n  port  \"p2\": rx pkts=5, bytes=1\n           tx pkts=11, bytes=660\n";
        assert_eq!(parse(text), Some((12, 11)));
        assert_eq!(parse("nothing"), None);
    }
}
