//! A warm worker allocates nothing, packet after packet.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use ovs_dpif::conntrack::CtAction;
use ovs_dpif::ovs_flow::DpPort;
use ovs_dpif::ovs_netdev::{ConfigError, Netdev, RxError, RxQueue, Sent, TxQueue, Wait};
use ovs_dpif::ovs_packet::{Batch, Offload, Pool};
use ovs_dpif::{
    Action, Budget, Dpif, Ledger, Masked, PortRequest, SetField, TnlPush, TunnelKind, Upcall,
    UserspaceConfig, UserspaceDatapath, Verdict,
};

use crate::frames::{Kind, Shape};
use crate::rig::{Factory, Script, install, output};

/// Counts what the thread that has switched it on allocates.
struct Counting;

thread_local! {
    static COUNT: Cell<Option<u64>> = const { Cell::new(None) };
}

fn count_one() {
    COUNT.with(|count| count.set(count.get().map(|n| n + 1)));
}

// SAFETY: passes everything on to the system's allocator, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocates.
fn allocations(work: impl FnOnce()) -> u64 {
    COUNT.set(Some(0));
    work();
    COUNT.take().unwrap_or(0)
}

/// A device that always has the same frames, and forgets what it sends.
struct Loop {
    name: &'static str,
    frames: Vec<Vec<u8>>,
}

struct Queue(Vec<Vec<u8>>);

impl Netdev for Loop {
    fn name(&self) -> &str {
        self.name
    }

    fn kind(&self) -> &'static str {
        "loop"
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        vec![Box::new(Queue(std::mem::take(&mut self.frames)))]
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(Queue(Vec::new())))
    }
}

impl RxQueue for Queue {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        for frame in &self.0 {
            if let Some(packet) = pool.packet_from(frame) {
                batch.push(packet).unwrap();
            }
        }
        Ok(batch.len())
    }

    fn wait(&self) -> Wait<'_> {
        Wait::Ready
    }
}

impl TxQueue for Queue {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let sent = Sent { packets: batch.len() as u64, ..Sent::default() };
        batch.clear();
        sent
    }

    fn offloads(&self) -> Offload {
        Offload::all()
    }
}

#[test]
fn a_warm_worker_allocates_nothing() {
    // A copy, a tag, header fields and a recirculation.
    let ledger = warm(|upcall| {
        if upcall.key.recirc_id != 0 {
            return install(upcall.key, [output(2)]);
        }
        let ttl = SetField::Ipv4 {
            src: Masked::NONE,
            dst: Masked::exact([10, 0, 0, 9]),
            tos: Masked::NONE,
            ttl: Masked::exact(9),
            whole: None,
        };
        let clone = Action::Clone([Action::PopVlan, output(2)].into());
        let tag = Action::PushVlan { tpid: 0x8100, tci: 0x1005 };
        install(upcall.key, [output(2), Action::Set(ttl), tag, clone, Action::PopVlan, Action::Recirc(1)])
    });
    assert!(ledger.sent >= 3 * 10_000 * 32);
    assert_eq!(allocations(|| drop(vec![0_u8; 10])), 1, "the allocator counts");
}

#[test]
fn what_comes_out_of_tunnels_allocates_nothing() {
    let ledger = warm(|upcall| {
        if upcall.key.tunnel.is_present() {
            // A copy that takes the outer headers along.
            let clone = Action::Clone([Action::PopVlan, output(2)].into());
            return install(upcall.key, [clone, output(2)]);
        }
        let mut header =
            vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0];
        header.extend([10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0]);
        let push = Action::TnlPush(Box::new(TnlPush::new(TunnelKind::Vxlan, header)));
        let pop = Action::TnlPop { port: DpPort(2), format: TunnelKind::Vxlan.into(), mirrored: None };
        install(upcall.key, [push, pop])
    });
    assert!(ledger.sent >= 2 * 10_000 * 32, "{ledger:?}");
}

#[test]
fn tracked_packets_allocate_nothing() {
    let ledger = warm(|upcall| {
        let again = Action::Ct(Box::new(CtAction { commit: true, zone: 1, ..CtAction::default() }));
        match upcall.key.recirc_id {
            0 => install(upcall.key, [Action::Ct(Box::default()), Action::Recirc(1)]),
            1 => install(upcall.key, [again, Action::Recirc(2)]),
            _ => install(upcall.key, [output(2)]),
        }
    });
    assert!(ledger.sent >= 10_000 * 32, "{ledger:?}");
}

/// Lets 10,000 batches through a worker that has seen such packets before, and says what became of all; none of the 10,000
/// takes memory.
fn warm(answer: impl Fn(&Upcall<'_>) -> Verdict + Send + Sync + 'static) -> Ledger {
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default().cache(256, 1));
    datapath.set_handler(Arc::new(Factory(Script::new(answer))));
    let mut worker = datapath.add_worker(None);
    let kinds = [Kind::Tcp4, Kind::Udp4, Kind::Arp, Kind::Tcp6, Kind::Other];
    let frames = (0..32).map(|n| Shape::new(kinds[n % kinds.len()], n as u8).frame(0)).collect();
    for (number, device) in [(1, Loop { name: "in", frames }), (2, Loop { name: "out", frames: Vec::new() })]
    {
        let request = PortRequest { device: Box::new(device), number: Some(DpPort(number)) };
        datapath.add_port(request).unwrap();
    }
    let mut now = Duration::ZERO;
    let mut turn = || {
        now += Duration::from_millis(1);
        worker.poll(now, Budget::default());
    };
    // Each turn takes eight batches.
    (0..25).for_each(|_| turn());
    let count = allocations(|| (0..1_250).for_each(|_| turn()));
    assert_eq!(count, 0);
    let ledger = worker.ledger();
    assert_eq!(ledger.imbalance(), 0);
    assert_eq!(ledger.received, 1_275 * 8 * 32);
    ledger.clone()
}
