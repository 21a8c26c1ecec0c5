//! Datapath actions: any text is read or refused, what is read prints as it reads, and any list of actions on any
//! packet leaves both datapaths with the same output and balanced ledgers.
//!
//! The first byte is the length of the text of actions; the rest is the packet.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ovs_dpif::ovs_flow::text::NoNames;
use ovs_dpif::ovs_flow::{DpPort, Metadata};
use ovs_dpif::ovs_netdev::dummy::Dummies;
use ovs_dpif::ovs_packet::Packet;
use ovs_dpif::text::{DisplayActions, parse_actions};
use ovs_dpif::{
    Action, Budget, Dpif, Execute, NaiveDatapath, PortRequest, UserspaceConfig, UserspaceDatapath,
};

/// What leaves by port 1 when `datapath` executes `actions` on `packet`.
fn sent(datapath: &mut dyn Dpif, run: &mut dyn FnMut(), actions: &[Action], packet: &[u8]) -> Vec<Vec<u8>> {
    let dummies = Dummies::new();
    let Ok(device) = dummies.open("p1", "dummy") else { return Vec::new() };
    let handle = device.handle();
    let request = PortRequest { device: Box::new(device), number: Some(DpPort(1)) };
    datapath.add_port(request).expect("the number is free");
    let Ok(packet) = Packet::detached(packet) else { return Vec::new() };
    let execute = Execute { packet, metadata: Metadata::of_port(DpPort(1)), actions: actions.into() };
    datapath.execute(execute).expect("the queue is empty");
    run();
    assert_eq!(datapath.ledger().imbalance(), 0, "{:?}", datapath.ledger());
    handle.take_sent()
}

fuzz_target!(|data: &[u8]| {
    let Some((&length, rest)) = data.split_first() else { return };
    let (text, packet) = rest.split_at(rest.len().min(usize::from(length)));
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(actions) = parse_actions(text, &NoNames) else { return };
    let printed = DisplayActions::new(&actions, &NoNames).to_string();
    let again = parse_actions(&printed, &NoNames).expect("what is printed can be read");
    assert_eq!(DisplayActions::new(&again, &NoNames).to_string(), printed);

    let mut naive = NaiveDatapath::new("naive", "dummy", 0, 10);
    let mut naive_worker = naive.worker();
    let slow = sent(&mut naive, &mut || while naive_worker.run(Duration::ZERO) > 0 {}, &actions, packet);

    let mut userspace = UserspaceDatapath::new(UserspaceConfig::default());
    let mut worker = userspace.add_worker(None);
    let mut run = || while !worker.poll(Duration::ZERO, Budget::default()).is_idle() {};
    assert_eq!(sent(&mut userspace, &mut run, &actions, packet), slow);
});
