//! Whatever a connection of a bridge says, the switch goes on: it holds no more than its limits, and forwards after it.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ovs_dpif::NaiveDatapath;
use ovs_netdev::Registry;
use ovs_netdev::dummy::Dummies;
use ovs_ofproto::{
    BridgeConfig, ConnectionKind, DesiredState, FailMode, InterfaceConfig, Limits, PortConfig, Switch,
    SwitchConfig,
};
use ovs_openflow::{Hello, Message, Protocol, Version, VersionSet};

const OUTPUT: usize = 1 << 16;
const INPUT: usize = 1 << 17;

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let dummies = Dummies::new();
    let mut registry = Registry::new();
    registry.register(Box::new(dummies.factory("dummy")));
    registry.register_as("internal", Box::new(dummies.factory("dummy-internal")));
    let dpif = NaiveDatapath::new("dp", "dummy", 1, 100);
    let mut worker = dpif.worker();
    let limits = Limits::default().output_buffer(OUTPUT).input_buffer(INPUT).rules_per_table(1000);
    let mut switch = Switch::new(SwitchConfig::default().limits(limits), registry, Box::new(dpif));
    let port = |name: &str| PortConfig::new(name).interface(InterfaceConfig::new(name, "dummy"));
    let mode = if first & 1 == 0 { FailMode::Standalone } else { FailMode::Secure };
    let bridge = BridgeConfig::new("br0").fail_mode(mode).port(port("p1")).port(port("p2"));
    let plan = switch.plan(&DesiredState::default().bridge(bridge));
    let mut now = Duration::from_secs(1);
    switch.apply(plan, now);

    let kind = [ConnectionKind::Controller, ConnectionKind::Service, ConnectionKind::Snoop]
        [usize::from(first >> 1) % 3];
    let connection = switch.open_connection("br0", kind, now).expect("the first connection");
    let version = [Version::V10, Version::V13, Version::V14][usize::from(first >> 3) % 3];
    let mut input = Vec::new();
    // Most inputs get past the hello, and have their messages' versions and lengths put right.
    if first & 0x80 == 0 {
        let hello = Message::Hello(Hello { versions: VersionSet::NONE.with(version) });
        input = hello.encode(Protocol::new(version), 1).expect("a hello");
        for chunk in data.chunks(64) {
            let mut message = chunk.to_vec();
            if message.len() >= 8 {
                message[0] = version.wire();
                message[2..4].copy_from_slice(&(chunk.len() as u16).to_be_bytes());
            }
            input.extend(message);
        }
    } else {
        input.extend(data);
    }
    for piece in input.chunks(200) {
        let _ = switch.feed(connection, piece);
        if let Some(p1) = dummies.handle("p1") {
            p1.receive([&[0xff; 6][..], &[2; 6], &[0x88, 0xb5], &[0; 46]].concat());
        }
        now += Duration::from_millis(50);
        for _ in 0..3 {
            worker.run(now);
            switch.poll(now, 1000);
        }
        // A reply that is begun is finished: the limit may be passed by one, of which the features of all tables
        // are the longest.
        assert!(switch.pending_output(connection) <= OUTPUT + (1 << 19));
        if first & 0x40 != 0 {
            switch.take_output(connection, usize::MAX, &mut Vec::new());
        }
    }
    switch.close_connection(connection, now);
    worker.run(now);
    switch.poll(now, 1000);
    assert_eq!(switch.dpif().ledger().imbalance(), 0);
});
