//! Two dummy ports and a static rule, polled by hand: what comes in by one goes out by the other.
//!
//! `cargo run -p ovs-dpif --example two_ports`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;
use std::time::Duration;

use ovs_dpif::ovs_flow::text::NoNames;
use ovs_dpif::ovs_flow::{DpPort, FlowMask, Ufid};
use ovs_dpif::ovs_netdev::dummy::Dummies;
use ovs_dpif::text::DisplayFlow;
use ovs_dpif::{
    Action, Actions, Budget, Dpif, DropReason, FlowCursor, HandlerFactory, Install, PortRequest, Punt,
    Upcall, UpcallHandler, UserspaceConfig, UserspaceDatapath, Verdict, WorkerId,
};

/// Answers every miss with "out of the other port", for all packets of that port and Ethernet type.
struct Crossover;

impl HandlerFactory for Crossover {
    fn handler(&self, _: WorkerId) -> Box<dyn UpcallHandler> {
        Box::new(Crossover)
    }
}

impl UpcallHandler for Crossover {
    fn begin(&mut self, _: Duration) {}

    fn miss(&mut self, upcall: Upcall<'_>) -> Verdict {
        let actions: Actions = [Action::Output(DpPort(3 - upcall.key.in_port))].into();
        let mut mask = FlowMask::default();
        mask.fields.in_port = u32::MAX;
        mask.fields.recirc_id = u32::MAX;
        mask.fields.packet_type = u32::MAX.into();
        mask.fields.dl_type = u16::MAX.into();
        let ufid = Ufid(u128::from(upcall.key.in_port) << 16 | u128::from(upcall.key.dl_type.get()));
        let install = Install { ufid, mask: Box::new(mask), actions: actions.clone() };
        Verdict::Forward { actions, install: Some(install) }
    }

    fn installed(&mut self, _: Ufid, _: Option<DropReason>) {}

    fn punt(&mut self, _: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        Ok(None)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dummies = Dummies::new();
    let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
    let mut worker = datapath.add_worker(None);
    for number in [1, 2] {
        let device = Box::new(dummies.open(&format!("p{number}"), "dummy")?);
        datapath.add_port(PortRequest { device, number: Some(DpPort(number)) })?;
    }
    datapath.set_handler(Arc::new(Crossover));

    let (p1, p2) = (dummies.handle("p1").ok_or("no p1")?, dummies.handle("p2").ok_or("no p2")?);
    let frame = [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x12, 0x34][..], &[0; 46]].concat();
    for second in 1..=3 {
        p1.receive(frame.clone());
        let now = Duration::from_secs(second);
        while !worker.poll(now, Budget::default()).is_idle() {}
        datapath.poll(now, &mut |event| println!("{event:?}"));
    }
    println!("p2 has sent {} packets", p2.take_sent().len());
    datapath.dump_flows(&mut FlowCursor::default(), 100, &mut |flow| {
        println!("{}", DisplayFlow::new(&flow, Duration::from_secs(3), &NoNames));
    });
    println!("the ledger's imbalance is {}", datapath.ledger().imbalance());
    Ok(())
}
