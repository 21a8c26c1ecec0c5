//! What tracked packets cost a worker between ports in memory, by the pipeline of the side-by-side `ct` workloads: `ct`, start
//! over, then `ct(commit)` for what is new, and out.
//!
//! `taskset -c 1 cargo bench -p ovs-dpif --bench tracked -- WHAT…`, of
//!
//! - `established N`: packets of N connections in turn
//! - `new N`: each packet begins a connection, over N that are there
//! - `scan N`: packets of 1,000 connections alone, and while N half-open ones are in the table
//!
//! Without any, all of them. Figures are nanoseconds and cycles of the nominal clock for each packet: least and median of
//! rounds.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and may fail by panicking"
)]

mod null;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use null::Null;
use ovs_dpif::conntrack::{CtAction, Phase, TimeoutPolicy};
use ovs_dpif::ovs_flow::{CtMetadata, CtState, DpPort, FlowMask, Ufid};
use ovs_dpif::ovs_packet::edit::Ipv4;
use ovs_dpif::ovs_packet::{Packet, build, checksum};
use ovs_dpif::{
    Action, Actions, Budget, Dpif, DropReason, HandlerFactory, Install, PortRequest, Punt, Upcall,
    UpcallHandler, UserspaceConfig, UserspaceDatapath, Verdict, Worker, WorkerId,
};

const ROUNDS: usize = 15;
/// Packets of a round, if there are no more flows than that.
const PACKETS: u64 = 200_000;
/// Longer than a connection of one packet lives.
const LONG: Duration = Duration::from_secs(100);

type Frame = [u8; 64];

/// A UDP datagram from one IPv4 address and port to another.
fn udp(src: u32, dst: u32, sport: u16, dport: u16) -> Frame {
    let mut frame = [0; 64];
    frame[..14].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
    frame[14..26].copy_from_slice(&[0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame[26..30].copy_from_slice(&src.to_be_bytes());
    frame[30..34].copy_from_slice(&dst.to_be_bytes());
    let sum = checksum::internet(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame[34..36].copy_from_slice(&sport.to_be_bytes());
    frame[36..38].copy_from_slice(&dport.to_be_bytes());
    frame[38..40].copy_from_slice(&26_u16.to_be_bytes());
    frame
}

/// A packet of each of so many flows between two hosts, as the side-by-side workloads have them.
fn flows(count: u32) -> Vec<Frame> {
    let ports = |n: u32| (1000 + (n % 50_000) as u16, 2000 + (n / 50_000) as u16);
    (0..count).map(ports).map(|(sport, dport)| udp(0x0a00_0001, 0x0a01_0001, sport, dport)).collect()
}

/// The pipeline.
struct Logic;

impl HandlerFactory for Logic {
    fn handler(&self, _: WorkerId) -> Box<dyn UpcallHandler> {
        Box::new(Self)
    }
}

impl UpcallHandler for Logic {
    fn begin(&mut self, _: Duration) {}

    fn miss(&mut self, upcall: Upcall<'_>) -> Verdict {
        let mut mask = FlowMask::default();
        (mask.fields.in_port, mask.fields.recirc_id) = (u32::MAX, u32::MAX);
        (mask.fields.dl_type, mask.fields.nw_proto) = (u16::MAX.into(), u8::MAX);
        let out = Action::Output(DpPort(2));
        let key = upcall.key;
        let actions: Actions = if key.recirc_id == 0 {
            [Action::Ct(Box::default()), Action::Recirc(1)].into()
        } else {
            mask.fields.ct_state = (CtState::NEW | CtState::EST | CtState::TRK).bits();
            if key.ct_state & CtState::NEW.bits() == 0 {
                [out].into()
            } else {
                let commit = CtAction { commit: true, ..CtAction::default() };
                [Action::Ct(Box::new(commit)), out].into()
            }
        };
        let ufid =
            Ufid(u128::from(key.recirc_id) << 16 | u128::from(key.ct_state) << 8 | u128::from(key.nw_proto));
        let install = Some(Install { ufid, mask: Box::new(mask), actions: actions.clone() });
        Verdict::Forward { actions, install }
    }

    fn installed(&mut self, _: Ufid, _: Option<DropReason>) {}

    fn punt(&mut self, _: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        Ok(None)
    }
}

/// A datapath of one worker and a port that gives these frames over and over.
struct Bench {
    datapath: UserspaceDatapath,
    worker: Worker,
    sent: Arc<AtomicU64>,
    now: Duration,
}

impl Bench {
    fn new(frames: Vec<Frame>) -> Self {
        let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
        datapath.set_handler(Arc::new(Logic));
        let worker = datapath.add_worker(None);
        let sent = Arc::<AtomicU64>::default();
        for (number, name, frames) in [(1, "in", frames), (2, "out", Vec::new())] {
            let device = Box::new(Null { name, frames: Arc::new(frames), sent: sent.clone() });
            datapath.add_port(PortRequest { device, number: Some(DpPort(number)) }).expect("a port");
        }
        Self { datapath, worker, sent, now: Duration::from_secs(1) }
    }

    /// Lets so many packets through; gives the nanoseconds that each took.
    fn run(&mut self, packets: u64) -> f64 {
        let wanted = self.sent.load(Ordering::Relaxed) + packets;
        let began = Instant::now();
        while self.sent.load(Ordering::Relaxed) < wanted {
            self.worker.poll(self.now, Budget { packets: 256, upcalls: 64, commands: 64 });
        }
        began.elapsed().as_nanos() as f64 / packets as f64
    }

    /// Ends what is over.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        let conntrack = self.datapath.conntrack().expect("a tracker");
        conntrack.sweep(self.now, u32::MAX);
    }

    fn connections(&self) -> u32 {
        self.datapath.conntrack().expect("a tracker").len()
    }
}

/// The nominal clock in cycles a nanosecond.
fn clock() -> f64 {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("cpu MHz"));
    line.and_then(|line| line.split(':').nth(1)?.trim().parse().ok()).unwrap_or(1000.0) / 1000.0
}

fn show(what: &str, rounds: &[f64]) {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (least, median) = (sorted[0], sorted[sorted.len() / 2]);
    let [a, b] = [least, median].map(|nanoseconds| nanoseconds * clock());
    println!("{what:<36} {least:>8.1} ns {a:>7.0} cycles   median {median:>8.1} ns {b:>7.0} cycles");
}

fn established(count: u32) -> Vec<f64> {
    let mut bench = Bench::new(flows(count));
    let packets = PACKETS.max(count.into());
    bench.run(packets);
    assert!(bench.connections() + 512 >= count, "every flow is a connection");
    (0..ROUNDS).map(|_| bench.run(packets)).collect()
}

/// Connections that end after weeks are there, each begun by one packet.
fn fill(bench: &Bench, count: u32, frame: &str) {
    let conntrack = bench.datapath.conntrack().expect("a tracker");
    let mut policy = TimeoutPolicy::default();
    for phase in [Phase::TcpSynSent, Phase::UdpFirst] {
        policy.set(phase, 10_000_000);
    }
    conntrack.set_policy(1, policy);
    let commit = CtAction { commit: true, timeout: Some("1".into()), ..CtAction::default() };
    let mut packet = Packet::detached(&build::frame(frame).expect("a frame")).expect("memory");
    for n in 0..count {
        Ipv4::of(&mut packet).expect("IPv4").set_src((11 << 24 | n).to_be_bytes());
        conntrack.track(&mut packet, &mut CtMetadata::default(), &commit, bench.now, 0);
    }
    assert_eq!(bench.connections(), count);
}

fn new(count: u32) -> Vec<f64> {
    let frames = (0..PACKETS as u32).map(|n| udp(10 << 24 | n, 0x0a01_0001, 1, 2));
    let mut bench = Bench::new(frames.collect());
    fill(&bench, count, "eth / ipv4 11.0.0.0 > 10.1.0.1 / udp 1 > 2");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(bench.run(PACKETS));
        assert!(bench.connections() >= count + PACKETS as u32 - 512, "every packet is new");
        bench.pass(LONG);
    }
    rounds
}

fn scan(count: u32) -> [Vec<f64>; 2] {
    const KNOWN: u32 = 1000;
    let (mut alone, mut scanned) = (Bench::new(flows(KNOWN)), Bench::new(flows(KNOWN)));
    fill(&scanned, count, "eth / ipv4 11.0.0.0 > 10.1.0.1 / tcp 1 > 80 flags=2 window=1000");
    alone.run(PACKETS);
    scanned.run(PACKETS);
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        rounds[0].push(alone.run(PACKETS));
        rounds[1].push(scanned.run(PACKETS));
    }
    rounds
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let mut words = args.iter();
    let mut wanted: Vec<(&str, u32)> = Vec::new();
    while let Some(word) = words.next() {
        let count = words.next().and_then(|count| count.parse().ok());
        wanted.push((word, count.expect("a number of connections")));
    }
    if wanted.is_empty() {
        wanted = vec![
            ("established", 1000),
            ("established", 100_000),
            ("established", 500_000),
            ("new", 0),
            ("new", 500_000),
            ("scan", 1_000_000),
        ];
    }
    for (what, count) in wanted {
        match what {
            "established" => show(&format!("established {count}"), &established(count)),
            "new" => show(&format!("new over {count}"), &new(count)),
            "scan" => {
                let [alone, scanned] = scan(count);
                show("established 1000 alone", &alone);
                show(&format!("the same among {count} half open"), &scanned);
            }
            other => println!("{other}: established, new or scan"),
        }
    }
}
