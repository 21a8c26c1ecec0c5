//! How fast a bridge translates, and takes changes of flows.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ovs_ofproto::ovs_dpif::NaiveDatapath;
use ovs_ofproto::ovs_flow::text::{NoNames, parse_match};
use ovs_ofproto::ovs_flow::{FlowKey, OfPort, TableId};
use ovs_ofproto::ovs_netdev::{Registry, dummy::Dummies};
use ovs_ofproto::ovs_openflow::{Action, FlowMod, FlowModCommand, Message, Protocol, Version};
use ovs_ofproto::trace::Unwatched;
use ovs_ofproto::translate::{Scratch, translate};
use ovs_ofproto::{
    BridgeConfig, ConnectionKind, DesiredState, FailMode, InterfaceConfig, PortConfig, Switch, SwitchConfig,
};

const NOW: Duration = Duration::from_secs(1);

fn switch(mode: FailMode) -> Switch {
    let dummies = Dummies::new();
    let mut registry = Registry::new();
    registry.register(Box::new(dummies.factory("dummy")));
    registry.register_as("internal", Box::new(dummies.factory("internal")));
    let datapath = NaiveDatapath::new("ovs-dummy", "dummy", 1, 1000);
    let mut switch = Switch::new(SwitchConfig::default(), registry, Box::new(datapath));
    let mut bridge = BridgeConfig::new("br0").fail_mode(mode);
    for name in ["p1", "p2", "p3"] {
        bridge = bridge.port(PortConfig::new(name).interface(InterfaceConfig::new(name, "dummy")));
    }
    let plan = switch.plan(&DesiredState::default().bridge(bridge));
    switch.apply(plan, NOW);
    switch
}

fn flow(n: u32) -> FlowMod {
    let text = format!(
        "tcp,in_port=1,nw_src=192.168.{}.{},nw_dst=10.{}.{}.{},tp_dst={}",
        n >> 8 & 0xff,
        n & 0xff,
        n >> 16 & 0xff,
        n >> 8 & 0xff,
        n & 0xff,
        n & 0x3fff
    );
    let mut change = FlowMod::new(FlowModCommand::Add, parse_match(&text, &NoNames).unwrap_or_default());
    change.actions = vec![Action::output(OfPort(2))];
    change
}

fn packet(in_port: u32) -> FlowKey {
    let text = "tcp,nw_src=1.2.3.4,nw_dst=10.0.0.5,nw_ttl=64,tp_src=5,tp_dst=80,dl_src=50:54:00:00:00:01";
    let mut key = parse_match(text, &NoNames).unwrap_or_default().key;
    key.in_port = in_port;
    key
}

fn translations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("translate");
    group.throughput(Throughput::Elements(1));
    let normal = switch(FailMode::Standalone);
    let mut pipeline = switch(FailMode::Secure);
    for table in 0..10_u8 {
        let mut change = flow(0);
        change.table = TableId(table);
        change.matching = parse_match(["tcp", "ip,nw_dst=10.0.0.0/8"][usize::from(table % 2)], &NoNames)
            .unwrap_or_default();
        change.actions = match table {
            9 => vec![Action::DecTtl(vec![0]), Action::output(OfPort(2))],
            _ => vec![Action::GotoTable(TableId(table + 1))],
        };
        if let Ok(mut bridge) = pipeline.bridge("br0") {
            // Each of these is valid; the bench would show it if not.
            let _ = bridge.flow_mod(&change);
        }
    }
    pipeline.poll(NOW, 1000);
    for (name, switch) in [("normal", &normal), ("pipeline of 10 tables", &pipeline)] {
        let snapshot = switch.snapshot();
        let mut scratch = Scratch::new(&snapshot);
        let ports = switch.dpif().ports();
        let in_port = ports.iter().find(|port| port.name == "p1").map_or(0, |port| port.number.0);
        let key = packet(in_port);
        let once = translate(&snapshot, &key, None, &mut scratch, &mut Unwatched);
        assert!(!once.actions.is_empty(), "{name} forwards");
        group.bench_function(name, |bencher| {
            bencher.iter(|| translate(&snapshot, black_box(&key), None, &mut scratch, &mut Unwatched));
        });
    }
}

fn changes(criterion: &mut Criterion) {
    const FLOWS: u32 = 100_000;
    let changes: Vec<FlowMod> = (0..FLOWS).map(flow).collect();
    let protocol = Protocol::new(Version::V13);
    let mut bytes = Vec::new();
    for (n, change) in (0..).zip(&changes) {
        let message = Message::FlowMod(Box::new(change.clone()));
        // Every version has words for these.
        let _ = message.encode_into(protocol, n, &mut bytes);
    }
    let mut group = criterion.benchmark_group("add 100,000 flows");
    group.sample_size(10).throughput(Throughput::Elements(FLOWS.into()));
    group.bench_function("typed", |bencher| {
        bencher.iter_batched_ref(
            || switch(FailMode::Secure),
            |switch| {
                let mut bridge = switch.bridge("br0").ok();
                for change in &changes {
                    let _ = bridge.as_mut().map(|bridge| bridge.flow_mod(change));
                }
                switch.poll(NOW, 1000)
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("OpenFlow 1.3 messages", |bencher| {
        bencher.iter_batched_ref(
            || switch(FailMode::Secure),
            |switch| {
                let hello = [4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x10];
                let Ok(id) = switch.open_connection("br0", ConnectionKind::Service, NOW) else { return };
                let _ = switch.feed(id, &hello);
                let mut at = 0;
                while at < bytes.len() {
                    at += switch.feed(id, &bytes[at..]).unwrap_or(bytes.len());
                    switch.poll(NOW, 100_000);
                }
                assert_eq!(switch.rule_count(), FLOWS as usize);
            },
            BatchSize::PerIteration,
        );
    });
}

criterion_group!(benches, translations, changes);
criterion_main!(benches);
