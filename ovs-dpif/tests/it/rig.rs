//! Both datapaths behind one handle, polled by hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ovs_dpif::ovs_flow::{DpPort, FlowKey, FlowMask, Ufid};
use ovs_dpif::ovs_netdev::dummy::{Dummies, DummyHandle};
use ovs_dpif::{
    Action, Actions, Budget, Dpif, DropReason, Event, HandlerFactory, Install, NaiveDatapath, NaiveWorker,
    PortRequest, Punt, Upcall, UpcallHandler, UserspaceConfig, UserspaceDatapath, Verdict, Worker, WorkerId,
};

/// What runs a datapath's packet side.
enum Side {
    Naive(NaiveWorker),
    Userspace(Vec<Worker>),
}

/// A datapath over dummy ports.
pub struct Rig {
    pub dpif: Box<dyn Dpif>,
    pub dummies: Dummies,
    pub now: Duration,
    pub events: Vec<Event>,
    side: Side,
}

impl Rig {
    pub fn naive() -> Self {
        Self::naive_limited(1000)
    }

    pub fn naive_limited(flows: usize) -> Self {
        let dpif = NaiveDatapath::new("dp", "dummy", 1, flows);
        let side = Side::Naive(dpif.worker());
        Self::with(Box::new(dpif), side)
    }

    pub fn userspace() -> Self {
        Self::configured(UserspaceConfig::default().seed(1).flow_limit(1000), 1)
    }

    pub fn configured(config: UserspaceConfig, workers: usize) -> Self {
        let mut dpif = UserspaceDatapath::new(config.named("dp", "dummy"));
        let side = Side::Userspace((0..workers).map(|_| dpif.add_worker(None)).collect());
        Self::with(Box::new(dpif), side)
    }

    fn with(dpif: Box<dyn Dpif>, side: Side) -> Self {
        Self { dpif, dummies: Dummies::new(), now: Duration::from_secs(1), events: Vec::new(), side }
    }

    /// Both kinds, one after the other, and one with several workers.
    pub fn each(test: impl Fn(Self)) {
        test(Self::naive());
        test(Self::userspace());
        test(Self::configured(UserspaceConfig::default().flow_limit(1000).cache(8, 1), 3));
    }

    /// Adds a dummy port.
    pub fn port(&mut self, name: &str, number: u32) -> DummyHandle {
        let device = self.dummies.open(name, "dummy").unwrap();
        let handle = device.handle();
        let number = Some(DpPort(number));
        self.dpif.add_port(PortRequest { device: Box::new(device), number }).unwrap();
        handle
    }

    /// One turn of the packet side that answers no more than so many upcalls.
    pub fn turn(&mut self, upcalls: usize) {
        match &mut self.side {
            Side::Naive(worker) => drop(worker.run(self.now)),
            Side::Userspace(workers) => {
                for worker in workers {
                    worker.poll(self.now, Budget { upcalls, ..Budget::default() });
                }
            }
        }
    }

    /// Turns until nothing moves any more; keeps the events. The ledger must balance after every turn.
    pub fn settle(&mut self) {
        for _ in 0..1000 {
            let busy = match &mut self.side {
                Side::Naive(worker) => worker.run(self.now) > 0,
                Side::Userspace(workers) => {
                    let mut busy = false;
                    for worker in workers {
                        let progress = worker.poll(self.now, Budget::default());
                        assert_eq!(worker.ledger().imbalance(), 0, "{:?}", worker.ledger());
                        busy |= !progress.is_idle();
                    }
                    busy
                }
            };
            let before = self.events.len();
            let events = &mut self.events;
            self.dpif.poll(self.now, &mut |event| events.push(event));
            assert_eq!(self.dpif.ledger().imbalance(), 0, "{:?}", self.dpif.ledger());
            if !busy && self.events.len() == before {
                return;
            }
        }
        panic!("the datapath does not come to rest");
    }

    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dpif.ledger().dropped_for(reason)
    }
}

type Answer = Box<dyn Fn(&Upcall<'_>) -> Verdict + Send + Sync>;

/// What a handler was asked and told.
#[derive(Default)]
pub struct Log {
    pub misses: Vec<Vec<u8>>,
    pub punts: Vec<Vec<u8>>,
    pub installed: Vec<(Ufid, Option<DropReason>)>,
}

/// A handler that answers misses by a function, and punts with a list of actions.
pub struct Script {
    answer: Answer,
    punt: Result<Option<Actions>, DropReason>,
    pub log: Mutex<Log>,
}

impl Script {
    pub fn new(answer: impl Fn(&Upcall<'_>) -> Verdict + Send + Sync + 'static) -> Arc<Self> {
        Self::punting(answer, Ok(None))
    }

    pub fn punting(
        answer: impl Fn(&Upcall<'_>) -> Verdict + Send + Sync + 'static,
        punt: Result<Option<Actions>, DropReason>,
    ) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), punt, log: Mutex::default() })
    }
}

/// Lets the rig and the test share a script.
pub struct Factory(pub Arc<Script>);

impl HandlerFactory for Factory {
    fn handler(&self, _: WorkerId) -> Box<dyn UpcallHandler> {
        Box::new(Handler(self.0.clone()))
    }
}

struct Handler(Arc<Script>);

impl UpcallHandler for Handler {
    fn begin(&mut self, _: Duration) {}

    fn miss(&mut self, upcall: Upcall<'_>) -> Verdict {
        self.0.log.lock().unwrap().misses.push(upcall.packet.data().to_vec());
        (self.0.answer)(&upcall)
    }

    fn installed(&mut self, ufid: Ufid, refused: Option<DropReason>) {
        self.0.log.lock().unwrap().installed.push((ufid, refused));
    }

    fn punt(&mut self, punt: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        self.0.log.lock().unwrap().punts.push(punt.packet.data().to_vec());
        self.0.punt.clone()
    }
}

/// The mask of what every megaflow matches on.
pub fn base_mask() -> FlowMask {
    let mut mask = FlowMask::default();
    mask.fields.in_port = u32::MAX;
    mask.fields.recirc_id = u32::MAX;
    mask.fields.dl_type = 0xffff.into();
    mask
}

/// Forward by `actions` and install that for the packet's key under the base mask.
pub fn install(key: &FlowKey, actions: impl Into<Actions>) -> Verdict {
    let actions = actions.into();
    let ufid =
        Ufid(u128::from(key.in_port) << 64 | u128::from(key.recirc_id) << 32 | u128::from(key.dl_type.get()));
    let install = Install { ufid, mask: Box::new(base_mask()), actions: actions.clone() };
    Verdict::Forward { actions, install: Some(install) }
}

/// An Ethernet frame of a type that is not parsed further.
pub fn frame(last: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x12, 0x34];
    frame.resize(60, last);
    frame
}

pub fn output(port: u32) -> Action {
    Action::Output(DpPort(port))
}
