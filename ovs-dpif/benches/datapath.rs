//! What a packet costs between two ports in memory: by the exact-match cache, by the megaflow index, by upcall.
#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up shall stop")]

mod null;

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use null::Null;
use ovs_dpif::ovs_flow::{DpPort, FlowMask, Ufid};
use ovs_dpif::{
    Action, Actions, Budget, Dpif, DropReason, HandlerFactory, Install, PortRequest, Punt, TnlPush,
    TunnelKind, Upcall, UpcallHandler, UserspaceConfig, UserspaceDatapath, Verdict, Worker, WorkerId,
};

/// TCP over IPv4, of so many flows.
fn frames(flows: u32) -> Vec<[u8; 64]> {
    let mut frame = [0; 64];
    frame[..14].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
    frame[14..34].copy_from_slice(&[0x45, 0, 0, 50, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame[34..46].copy_from_slice(&[0, 1, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0]);
    frame[46..48].copy_from_slice(&[0x50, 0x10]);
    let flow = |n: u32| {
        frame[26..30].copy_from_slice(&n.to_be_bytes());
        frame
    };
    (0..flows).map(flow).collect()
}

/// Sends everything out of port 2; installs megaflows with this many bits of the source address, if at all.
#[derive(Clone)]
struct Logic {
    prefix: Option<u32>,
    actions: Actions,
}

impl HandlerFactory for Logic {
    fn handler(&self, _: WorkerId) -> Box<dyn UpcallHandler> {
        Box::new(self.clone())
    }
}

impl UpcallHandler for Logic {
    fn begin(&mut self, _: Duration) {}

    fn miss(&mut self, upcall: Upcall<'_>) -> Verdict {
        let install = self.prefix.map(|prefix| {
            let mut mask = FlowMask::default();
            mask.fields.in_port = u32::MAX;
            mask.fields.recirc_id = u32::MAX;
            mask.fields.dl_type = u16::MAX.into();
            mask.fields.nw_src = prefix.into();
            let ufid = Ufid(u128::from(upcall.key.nw_src.get() & prefix));
            Install { ufid, mask: Box::new(mask), actions: self.actions.clone() }
        });
        Verdict::Forward { actions: self.actions.clone(), install }
    }

    fn installed(&mut self, _: Ufid, _: Option<DropReason>) {}

    fn punt(&mut self, _: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        Ok(None)
    }
}

/// A warm worker.
fn worker(
    flows: u32,
    prefix: Option<u32>,
    actions: Actions,
    config: UserspaceConfig,
) -> (UserspaceDatapath, Worker) {
    let mut datapath = UserspaceDatapath::new(config);
    datapath.set_handler(Arc::new(Logic { prefix, actions }));
    let mut worker = datapath.add_worker(None);
    for (number, name, flows) in [(1, "in", flows), (2, "out", 0)] {
        let device = Box::new(Null { name, frames: Arc::new(frames(flows)), sent: Arc::default() });
        datapath.add_port(PortRequest { device, number: Some(DpPort(number)) }).unwrap();
    }
    for _ in 0..flows.max(100) {
        worker.poll(Duration::ZERO, Budget { packets: 32, upcalls: 64, commands: 64 });
    }
    (datapath, worker)
}

/// Puts VXLAN over IPv4 around packets.
fn vxlan() -> Action {
    let mut header =
        vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0];
    header.extend([10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0]);
    Action::TnlPush(Box::new(TnlPush::new(TunnelKind::Vxlan, header)))
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("packet");
    group.throughput(Throughput::Elements(32));
    let cached = || UserspaceConfig::default().cache(8192, 1);
    let uncached = || UserspaceConfig::default().cache(2, 0);
    let output: Actions = [Action::Output(DpPort(2))].into();
    let vlan: Actions = [Action::PushVlan { tpid: 0x8100, tci: 0x1005 }, Action::Output(DpPort(2))].into();
    let push = [vxlan(), Action::Output(DpPort(2))];
    let vxlan: Actions = push.clone().into();
    let copy: Actions = [Action::Clone(push.into()), Action::Output(DpPort(2))].into();
    let cases = [
        ("cache_hit_1_flow", 1, Some(0), &output, cached()),
        ("cache_hit_1000_flows", 1000, Some(0), &output, cached()),
        ("megaflow_hit_1_flow", 1, Some(0), &output, uncached()),
        ("megaflow_hit_1000_flows", 1000, Some(u32::MAX), &output, uncached()),
        ("push_vlan", 1, Some(0), &vlan, cached()),
        ("push_vxlan", 1000, Some(0), &vxlan, cached()),
        ("push_vxlan_4_megaflows", 1000, Some(3), &vxlan, cached()),
        ("push_vxlan_onto_a_copy", 1000, Some(0), &copy, cached()),
        ("miss", 1, None, &output, uncached()),
    ];
    for (name, flows, prefix, actions, config) in cases {
        let (_datapath, mut worker) = worker(flows, prefix, actions.clone(), config);
        let budget = Budget { packets: 32, upcalls: 64, commands: 64 };
        group.bench_function(name, |bencher| bencher.iter(|| worker.poll(Duration::from_secs(1), budget)));
        assert_eq!(worker.ledger().imbalance(), 0);
    }
    group.finish();
}

criterion_group!(datapath, benches);
criterion_main!(datapath);
