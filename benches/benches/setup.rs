//! How many megaflows a second one worker sets up, in a whole switch between ports in memory: each packet is the first of
//! its flow, is looked up in an OpenFlow table of 100,000 rules, and installs a megaflow.
//!
//! `taskset -c 1 cargo bench -p ovs-benches --bench setup`
//!
//! The worker and the switch's control side take turns on one core; in vswitchd they have threads of their own, so the
//! worker's own rate is what one of its threads can do, and the rate of both is what a single core can do.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and may fail by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ovs_benches::null::{Frames, Null};
use ovs_benches::traffic::udp;
use ovs_dpif::ovs_flow::OfPort;
use ovs_dpif::ovs_flow::text::{NoNames, parse_match};
use ovs_dpif::ovs_netdev::{Factory, Netdev, OpenError, Options, Registry};
use ovs_dpif::{Budget, Op, UserspaceConfig, UserspaceDatapath, Worker};
use ovs_ofproto::ovs_openflow::{Action, FlowMod, FlowModCommand};
use ovs_ofproto::{BridgeConfig, DesiredState, FailMode, InterfaceConfig, PortConfig, Switch, SwitchConfig};

/// As in vswitchd.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FLOWS: u32 = 100_000;
/// When nothing is measured.
const TRIED: u32 = 500;
const ROUNDS: usize = 9;

/// Makes devices that have the frames, if they are called `in`.
struct Nulls {
    kind: &'static str,
    frames: Frames,
    sent: Arc<AtomicU64>,
}

impl Factory for Nulls {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn open(&self, name: &str, _: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        let frames = (name == "in").then(|| self.frames.clone());
        Ok(Box::new(Null::new(name.to_owned(), frames, &self.sent)))
    }
}

/// A switch with a rule for each address, and its worker.
fn switch(flows: u32, sent: &Arc<AtomicU64>) -> (Switch, Worker) {
    let frames = Frames::new((0..flows).map(|n| udp(10 << 24 | n, 0xc0a8_0001, 1, 2)).collect());
    let mut registry = Registry::new();
    for kind in ["null", "internal"] {
        registry.register(Box::new(Nulls { kind, frames: frames.clone(), sent: Arc::clone(sent) }));
    }
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    let worker = datapath.add_worker(None);
    let mut switch = Switch::new(SwitchConfig::default(), registry, Box::new(datapath));
    let mut bridge = BridgeConfig::new("br0").fail_mode(FailMode::Secure);
    for name in ["in", "out"] {
        bridge = bridge.port(PortConfig::new(name).interface(InterfaceConfig::new(name, "null")));
    }
    let plan = switch.plan(&DesiredState::default().bridge(bridge));
    switch.apply(plan, Duration::ZERO);
    let mut view = switch.bridge("br0").expect("it was made");
    for n in 0..flows {
        let [_, a, b, c] = n.to_be_bytes();
        let text = format!("udp,nw_src=10.{a}.{b}.{c}");
        let mut change = FlowMod::new(FlowModCommand::Add, parse_match(&text, &NoNames).expect("a match"));
        change.actions = vec![Action::output(OfPort(2))];
        view.flow_mod(&change).expect("a flow");
    }
    drop(view);
    while switch.poll(Duration::ZERO, 4096).more {}
    (switch, worker)
}

/// One switch, whose memory has been used before when it is measured: all flows are set up and removed, and set up
/// again.
fn round(flows: u32) -> (Duration, Duration) {
    let sent = Arc::new(AtomicU64::new(0));
    let (mut switch, mut worker) = switch(flows, &sent);
    fill(&mut switch, &mut worker, flows);
    let _ = switch.dpif_mut().submit(Op::FlowFlush).expect("there is room");
    while switch.dpif().stats().flows > 0 {
        worker.poll(Duration::ZERO, Budget { packets: 0, upcalls: 0, commands: 64 });
        switch.poll(Duration::ZERO, 4096);
    }
    let times = fill(&mut switch, &mut worker, flows);
    assert!(sent.load(Ordering::Relaxed) >= u64::from(2 * flows), "packets are forwarded");
    times
}

/// Time that the worker took, and both together, until all flows are there.
fn fill(switch: &mut Switch, worker: &mut Worker, flows: u32) -> (Duration, Duration) {
    // As many packets as upcalls: each packet is answered, none is dropped to come again.
    let budget = Budget { packets: 64, upcalls: 64, commands: 64 };
    let (mut own, start) = (Duration::ZERO, Instant::now());
    while switch.dpif().stats().flows < u64::from(flows) {
        let began = Instant::now();
        for _ in 0..16 {
            worker.poll(Duration::ZERO, budget);
        }
        own += began.elapsed();
        switch.poll(Duration::ZERO, 4096);
    }
    (own, start.elapsed())
}

fn main() {
    let measured = std::env::args().any(|arg| arg == "--bench");
    let (flows, rounds) = if measured { (FLOWS, ROUNDS) } else { (TRIED, 1) };
    let mut times: Vec<_> = (0..rounds).map(|_| round(flows)).collect();
    times.sort();
    let rate = |time: Duration| f64::from(flows) / time.as_secs_f64();
    let (own, both) = times[rounds / 2];
    println!(
        "{flows} megaflows: {:.0} a second on the worker, {:.0} with the control side",
        rate(own),
        rate(both)
    );
}
