//! The userspace datapath with its workers on threads of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use ovs_dpif::ovs_flow::DpPort;
use ovs_dpif::ovs_netdev::Wait;
use ovs_dpif::ovs_netdev::dummy::Dummies;
use ovs_dpif::{
    Budget, Dpif, DpifError, Event, FlowCursor, Next, Op, PortRequest, UserspaceConfig, UserspaceDatapath,
    Waker, Worker,
};

use crate::rig::{Factory, Script, frame, install, output};

/// Longest that anything here is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

struct Unpark(thread::Thread);

impl Waker for Unpark {
    fn wake(&self) {
        self.0.unpark();
    }
}

/// Polls a worker until the datapath is gone; sleeps a moment when there is nothing to do.
fn drive(mut worker: Worker, start: Instant) -> Worker {
    loop {
        match worker.poll(start.elapsed(), Budget::default()).next {
            Next::Closed => return worker,
            Next::Now => {}
            _ => thread::park_timeout(Duration::from_millis(1)),
        }
        assert_eq!(worker.ledger().imbalance(), 0);
    }
}

fn open(dummies: &Dummies, datapath: &mut UserspaceDatapath, number: u32) {
    let device = Box::new(dummies.open(&format!("p{number}"), "dummy").unwrap());
    datapath.add_port(PortRequest { device, number: Some(DpPort(number)) }).unwrap();
}

/// Polls until `done` says so.
fn until(datapath: &mut UserspaceDatapath, start: Instant, mut done: impl FnMut(&Event) -> bool) {
    let mut seen = false;
    while !seen {
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        datapath.poll(start.elapsed(), &mut |event| seen |= done(&event));
        thread::yield_now();
    }
}

/// Sends frames to port 3, and takes what others have sent, until told to stop.
fn load(stop: &Arc<AtomicBool>, dummies: &Dummies) -> thread::JoinHandle<()> {
    let (stop, source, dummies) = (stop.clone(), dummies.handle("p3").unwrap(), dummies.clone());
    thread::spawn(move || {
        while !stop.load(Relaxed) {
            for n in 0..64 {
                source.receive(frame(n));
            }
            dummies.handles().iter().for_each(|handle| drop(handle.take_sent()));
            thread::yield_now();
        }
    })
}

#[test]
fn ports_come_and_go_under_load() {
    let start = Instant::now();
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default().cache(64, 1));
    let dummies = Dummies::new();
    // Everything goes out of ports 1 and 2, one of which may just not be there.
    datapath
        .set_handler(Arc::new(Factory(Script::new(|upcall| install(upcall.key, [output(1), output(2)])))));
    let drivers = (0..2).map(|_| datapath.add_worker(None)).map(|w| thread::spawn(move || drive(w, start)));
    let drivers: Vec<_> = drivers.collect();
    for number in [1, 2, 3] {
        open(&dummies, &mut datapath, number);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let load = load(&stop, &dummies);
    for round in 0..50 {
        let number = 1 + round % 2;
        datapath.remove_port(DpPort(number)).unwrap();
        assert_eq!(datapath.remove_port(DpPort(number)), Err(DpifError::NoPort));
        // A dump needs no stand-still.
        datapath.dump_flows(&mut FlowCursor::default(), 1000, &mut |flow| assert!(flow.key.in_port == 3));
        until(&mut datapath, start, |event| matches!(event, Event::PortGone(DpPort(n)) if *n == number));
        assert!(dummies.handle(&format!("p{number}")).is_none());
        open(&dummies, &mut datapath, number);
        if round % 10 == 0 {
            datapath.submit(Op::FlowFlush).unwrap();
        }
    }
    stop.store(true, Relaxed);
    load.join().unwrap();
    let ticket = datapath.submit(Op::Sync).unwrap();
    until(&mut datapath, start, |event| matches!(event, Event::Done { ticket: t, .. } if *t == ticket));
    assert_eq!(datapath.ledger().imbalance(), 0);
    assert!(datapath.ledger().received > 0);
    drop(datapath);
    for driver in drivers {
        let worker = driver.join().unwrap();
        assert_eq!(worker.ledger().imbalance(), 0);
        let mut waits = 0;
        worker.waits(&mut |_| waits += 1);
        assert_eq!(waits, 0, "it has let go of all ports");
    }
    assert!(dummies.handles().is_empty());
}

#[test]
fn commands_wake_a_sleeping_worker() {
    let start = Instant::now();
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    datapath.set_control_waker(Arc::new(Unpark(thread::current())));
    let (sender, receiver) = std::sync::mpsc::channel::<Worker>();
    let driver = thread::spawn(move || {
        let mut worker = receiver.recv().unwrap();
        loop {
            match worker.poll(start.elapsed(), Budget::default()).next {
                Next::Closed => return,
                Next::Now => {}
                // No time limit: only a waker ends this.
                _ => thread::park(),
            }
        }
    });
    sender.send(datapath.add_worker(Some(Arc::new(Unpark(driver.thread().clone()))))).unwrap();
    for _ in 0..100 {
        let ticket = datapath.submit(Op::Sync).unwrap();
        let mut done = false;
        while !done {
            datapath.poll(start.elapsed(), &mut |event| {
                done |= matches!(event, Event::Done { ticket: t, .. } if t == ticket);
            });
            if !done {
                thread::park_timeout(PATIENCE);
                assert!(start.elapsed() < PATIENCE, "nobody woke us");
            }
        }
    }
    drop(datapath);
    driver.thread().unpark();
    driver.join().unwrap();
}

#[test]
fn a_dropped_worker_answers_by_name() {
    let start = Instant::now();
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    let dummies = Dummies::new();
    let (first, second) = (datapath.add_worker(None), datapath.add_worker(None));
    open(&dummies, &mut datapath, 1);
    let ticket = datapath.submit(Op::FlowFlush).unwrap();
    datapath.remove_port(DpPort(1)).unwrap();
    drop(second);
    let gone = drop_and_poll(first, &mut datapath, start);
    let failed = |event: &Event| match event {
        Event::Done { ticket: t, result: Err(DpifError::WorkerGone(_)) } => *t == ticket,
        _ => false,
    };
    assert!(gone.iter().any(failed), "{gone:?}");
    assert!(gone.iter().any(|event| matches!(event, Event::PortGone(DpPort(1)))));
    // Without workers there is nothing to do, and that is done at once.
    let ticket = datapath.submit(Op::Sync).unwrap();
    until(
        &mut datapath,
        start,
        |event| matches!(event, Event::Done { ticket: t, result: Ok(_) } if *t == ticket),
    );
}

fn drop_and_poll(worker: Worker, datapath: &mut UserspaceDatapath, start: Instant) -> Vec<Event> {
    drop(worker);
    let mut events = Vec::new();
    for _ in 0..3 {
        datapath.poll(start.elapsed(), &mut |event| events.push(event));
    }
    events
}

#[test]
fn waits_say_when_there_is_work() {
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    let dummies = Dummies::new();
    let mut worker = datapath.add_worker(None);
    let ready = |worker: &Worker| {
        let mut ready = false;
        worker.waits(&mut |wait| ready |= matches!(wait, Wait::Ready));
        ready
    };
    assert!(!ready(&worker));
    open(&dummies, &mut datapath, 1);
    assert!(ready(&worker), "a command waits");
    while !worker.poll(Duration::ZERO, Budget::default()).is_idle() {}
    assert!(!ready(&worker));
    dummies.handle("p1").unwrap().receive(frame(0));
    assert!(ready(&worker), "a packet waits");
}
