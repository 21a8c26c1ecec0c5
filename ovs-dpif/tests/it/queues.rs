//! Receive queues go from worker to worker: nothing is lost and nothing overtakes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ovs_dpif::ovs_flow::{DpPort, FlowKey, Metadata, SparseKey, extract};
use ovs_dpif::ovs_netdev::{ConfigError, Netdev, RxError, RxQueue, Sent, TxQueue, Wait};
use ovs_dpif::ovs_packet::{Batch, Packet, Pool};
use ovs_dpif::{
    Action, Budget, Core, Dpif, Event, FlowPut, Next, Op, PortRequest, PutMode, RxConfig, RxPolicy,
    UserspaceConfig, UserspaceDatapath, Verdict, Worker, WorkerId,
};

use crate::rig::{Factory, Script, frame, install, output};

/// A device that is polled: each of its queues makes frames that carry the queue (counted from `first`) and a number, as
/// long as `on` says so; what is sent by it is kept by queue.
#[derive(Clone)]
struct Source {
    name: String,
    queues: u8,
    first: u8,
    polled: bool,
    on: Arc<AtomicBool>,
    made: Arc<AtomicU64>,
    sent: Arc<Mutex<VecDeque<(u8, u8, u32)>>>,
}

impl Source {
    fn new(name: &str, queues: u8, polled: bool, on: &Arc<AtomicBool>) -> Self {
        let (made, sent) = Default::default();
        Self { name: name.to_owned(), queues, first: 0, polled, on: Arc::clone(on), made, sent }
    }
}

struct Queue {
    source: Source,
    number: u8,
    flows: u8,
    next: u32,
}

impl RxQueue for Queue {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        if !self.source.on.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let mut count = 0;
        // The number of frames varies, and so does the flow that they belong to.
        for _ in 0..=self.next % 7 {
            let flow = (self.next % u32::from(self.flows)) as u8;
            let mut bytes = frame(flow);
            let end = bytes.len();
            bytes[11] = flow;
            bytes[end - 6..].copy_from_slice(&[
                self.number,
                flow,
                (self.next >> 24) as u8,
                (self.next >> 16) as u8,
                (self.next >> 8) as u8,
                self.next as u8,
            ]);
            let packet: Packet = pool.packet_from(&bytes).unwrap();
            if batch.push(packet).is_err() {
                break;
            }
            self.next += 1;
            count += 1;
        }
        self.source.made.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn wait(&self) -> Wait<'_> {
        Wait::Ready
    }

    fn is_polled(&self) -> bool {
        self.source.polled
    }
}

struct Sink(Source);

impl TxQueue for Sink {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut sent = Sent::default();
        let mut all = self.0.sent.lock().unwrap();
        for packet in batch.drain() {
            let &[.., queue, flow, a, b, c, d] = packet.data() else { panic!("a frame of ours") };
            all.push_back((queue, flow, u32::from_be_bytes([a, b, c, d])));
            sent.packets += 1;
        }
        sent
    }
}

impl Netdev for Source {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "test"
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        let queue = |n| Queue { source: self.clone(), number: self.first + n, flows: FLOWS, next: 0 };
        (0..self.queues).map(|number| Box::new(queue(number)) as Box<dyn RxQueue>).collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(Sink(self.clone())))
    }
}

/// Flows of each queue.
const FLOWS: u8 = 5;
/// What the queues of other ports are counted from.
const OTHERS: u8 = 100;

/// Forwards to port 2, with a megaflow for each source.
fn by_source(key: &FlowKey) -> Verdict {
    let Verdict::Forward { actions, install: Some(mut install) } = install(key, [output(2)]) else {
        panic!("it forwards and installs")
    };
    install.mask.fields.dl_src = [0xff; 6];
    install.ufid.0 ^= u128::from(key.dl_src[5]) << 96;
    Verdict::Forward { actions, install: Some(install) }
}

/// Changes what is done with the packets of port 1: they go to port 2 in any case, by one list of actions or another. The
/// megaflow is made where it is not yet.
fn change_flows(datapath: &mut UserspaceDatapath, round: usize) {
    for flow in 0..FLOWS {
        let mut packet = Packet::detached(&frame(flow)).unwrap();
        packet.data_mut()[11] = flow;
        let mut sparse = SparseKey::new();
        extract(&mut packet, &Metadata::of_port(DpPort(1)), &mut sparse);
        let key = sparse.expand();
        let Verdict::Forward { install: Some(install), .. } = by_source(&key) else { panic!("it installs") };
        let actions =
            if round.is_multiple_of(2) { vec![Action::CtClear, output(2)] } else { vec![output(2)] };
        let put = FlowPut {
            ufid: Some(install.ufid),
            key: Box::new(key),
            mask: install.mask,
            actions: actions.into(),
            mode: PutMode::Upsert,
            worker: None,
        };
        let _ = datapath.submit(Op::FlowPut(put)).unwrap();
    }
}

fn drive(mut worker: Worker, start: Instant) {
    while worker.poll(start.elapsed(), Budget { upcalls: 1, ..Budget::default() }).next != Next::Closed {
        assert_eq!(worker.ledger().imbalance(), 0);
        thread::yield_now();
    }
}

fn add(datapath: &mut UserspaceDatapath, source: &Source, number: u32) {
    let device = Box::new(source.clone());
    datapath.add_port(PortRequest { device, number: Some(DpPort(number)) }).unwrap();
}

/// Polls for a moment, in which nothing is lost; the flows that went.
fn run(datapath: &mut UserspaceDatapath, start: Instant, lasting: Duration) -> usize {
    let (until, mut gone) = (start.elapsed() + lasting, 0);
    while start.elapsed() < until {
        datapath.poll(start.elapsed(), &mut |event| match event {
            Event::FlowGone { .. } => gone += 1,
            Event::Done { result, .. } => assert!(result.is_ok(), "{result:?}"),
            _ => {}
        });
        thread::yield_now();
    }
    gone
}

/// Every frame that was made came out, and those of each flow in their order. Frames of ports that went may have gone with
/// them.
fn complete(from: &Source, to: &Source) {
    let sent: Vec<_> = to.sent.lock().unwrap().iter().copied().filter(|(n, ..)| *n < OTHERS).collect();
    assert_eq!(sent.len() as u64, from.made.load(Ordering::Relaxed), "frames are missing");
    let mut last: BTreeMap<(u8, u8), u32> = BTreeMap::new();
    for (queue, flow, number) in sent {
        if let Some(before) = last.insert((queue, flow), number) {
            assert!(before < number, "queue {queue}, flow {flow}: {number} came after {before}");
        }
    }
}

#[test]
fn workers_come_and_go_and_no_packet_is_lost_or_overtaken() {
    let start = Instant::now();
    // One upcall at a time, and few places in queues: but nothing may be refused here.
    let config = UserspaceConfig::default().cache(64, 1).upcall_queue(100_000).cycles(|| 1);
    let mut datapath = UserspaceDatapath::new(config);
    datapath.set_handler(Arc::new(Factory(Script::new(|upcall| by_source(upcall.key)))));
    let on = Arc::new(AtomicBool::new(true));
    let (from, to) = (Source::new("from", 4, true, &on), Source::new("to", 0, true, &on));
    let mut threads = vec![(WorkerId(0), datapath.add_worker(None))];
    let start_one = |datapath: &mut UserspaceDatapath, core| {
        let worker = datapath.add_polling_worker(Core::new(core), None).unwrap();
        (worker.id(), worker)
    };
    threads.push(start_one(&mut datapath, 0));
    let mut threads: Vec<_> =
        threads.into_iter().map(|(id, worker)| (id, thread::spawn(move || drive(worker, start)))).collect();
    add(&mut datapath, &to, 2);
    add(&mut datapath, &from, 1);
    let moment = Duration::from_millis(5);
    let mut gone = 0;
    for round in 0..20 {
        let (id, worker) = start_one(&mut datapath, round + 1);
        threads.push((id, thread::spawn(move || drive(worker, start))));
        gone += run(&mut datapath, start, moment);
        // Another port comes, whose packets go the same way, and goes under load.
        let number = round as u32 + 3;
        let mut other = Source::new(&format!("other{round}"), 2, true, &on);
        other.first = OTHERS;
        add(&mut datapath, &other, number);
        change_flows(&mut datapath, round);
        let policy = [RxPolicy::RoundRobin, RxPolicy::Cycles, RxPolicy::Group][round % 3];
        datapath.configure_rx(RxConfig::default().policy(policy));
        datapath.pin_rx(DpPort(1), &BTreeMap::from([(0, round + 1), (1, round % 2)]));
        while other.made.load(Ordering::Relaxed) == 0 {
            gone += run(&mut datapath, start, moment);
            assert!(start.elapsed() < Duration::from_mins(2), "the port of round {round} is not polled");
        }
        datapath.remove_port(DpPort(number)).unwrap();
        // The oldest but the main one.
        let (id, thread) = threads.remove(1);
        assert!(datapath.retire_worker(id));
        assert!(!datapath.retire_worker(id), "once");
        while !thread.is_finished() {
            gone += run(&mut datapath, start, moment);
            assert!(start.elapsed() < Duration::from_mins(2), "worker {} does not end", id.0);
        }
        thread.join().unwrap();
    }
    on.store(false, Ordering::Relaxed);
    run(&mut datapath, start, moment * 20);
    assert!(gone >= 20, "megaflows of workers that went: {gone}");
    assert_eq!(datapath.ledger().imbalance(), 0);
    complete(&from, &to);
    drop(datapath);
    for (_, thread) in threads {
        thread.join().unwrap();
    }
}

/// Where the queues of port 1 are.
fn places(datapath: &UserspaceDatapath) -> Vec<Option<u32>> {
    datapath
        .rx_queues(Duration::from_mins(1))
        .iter()
        .filter(|q| q.port == DpPort(1))
        .map(|q| q.worker.map(|w| w.0))
        .collect()
}

#[test]
fn queues_follow_pins_policies_and_loads() {
    let counter = || {
        static NOW: AtomicU64 = AtomicU64::new(0);
        NOW.fetch_add(10, Ordering::Relaxed)
    };
    let on = Arc::new(AtomicBool::new(true));
    let source = Source::new("from", 3, true, &on);
    let slow = Source::new("slow", 1, false, &on);
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default().cycles(counter));
    add(&mut datapath, &source, 1);
    assert_eq!(places(&datapath), [None, None, None], "nobody is there");
    let mut workers = vec![datapath.add_worker(None)];
    assert_eq!(places(&datapath), [Some(0), Some(0), Some(0)], "better this one than none");
    let settle = |datapath: &mut UserspaceDatapath, workers: &mut Vec<Worker>, now: u64| {
        for _ in 0..8 {
            for worker in workers.iter_mut() {
                worker.poll(Duration::from_secs(now), Budget::default());
            }
            datapath.poll(Duration::from_secs(now), &mut |_| {});
        }
    };
    for core in [3, 5] {
        workers.push(datapath.add_polling_worker(Core::new(core), None).unwrap());
    }
    settle(&mut datapath, &mut workers, 0);
    assert_eq!(places(&datapath), [Some(1), Some(2), Some(2)]);
    add(&mut datapath, &slow, 2);
    assert_eq!(datapath.rx_queues(Duration::from_mins(1))[3].worker, Some(WorkerId(0)), "this one can sleep");
    datapath.configure_rx(RxConfig::default().policy(RxPolicy::RoundRobin));
    settle(&mut datapath, &mut workers, 1);
    assert_eq!(places(&datapath), [Some(1), Some(2), Some(1)]);
    datapath.pin_rx(DpPort(1), &BTreeMap::from([(0, 5)]));
    settle(&mut datapath, &mut workers, 2);
    assert_eq!(places(&datapath), [Some(2), Some(1), Some(1)], "queue 0 has its core for itself");
    assert_eq!(datapath.rx_queues(Duration::from_mins(1))[0].pinned, Some(5));
    settle(&mut datapath, &mut workers, 7);
    settle(&mut datapath, &mut workers, 12);
    let loads: Vec<_> = datapath
        .rx_queues(Duration::from_mins(1))
        .iter()
        .map(|q| q.load.expect("an interval is over"))
        .collect();
    assert!(loads.iter().all(|load| load.packets > 0 && load.busy > 0 && load.all >= load.busy), "{loads:?}");
    assert!(datapath.rebalance_gain().is_some());
    assert!(datapath.retire_worker(WorkerId(2)));
    settle(&mut datapath, &mut workers, 13);
    assert_eq!(places(&datapath), [Some(1), Some(1), Some(1)]);
    assert_eq!(workers[2].poll(Duration::from_secs(13), Budget::default()).next, Next::Closed);
    assert!(!datapath.retire_worker(WorkerId(9)));
    assert_eq!(datapath.rebalance_gain(), None, "there is one worker");
}
