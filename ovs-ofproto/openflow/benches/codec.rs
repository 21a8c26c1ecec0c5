//! How fast flows are read and told.

#![expect(clippy::expect_used, reason = "a bench that cannot run shall say so")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ovs_openflow::text::{NoNames, parse_flow_mod};
use ovs_openflow::{Dialect, FlowFacts, FlowModCommand, FlowStatsEncoder, Message, Protocol, Version};

const FLOWS: usize = 1000;

fn flows() -> Vec<Message> {
    (0..FLOWS)
        .map(|i| {
            let text = format!(
                "table=1,priority={},tcp,in_port=1,nw_src=10.0.{}.{},nw_dst=10.1.0.1,tp_dst={},actions=output:{}",
                i % 100,
                i / 256,
                i % 256,
                i,
                i % 50 + 1
            );
            Message::FlowMod(Box::new(parse_flow_mod(FlowModCommand::Add, &text, &NoNames).expect("a flow")))
        })
        .collect()
}

fn codec(c: &mut Criterion) {
    let flows = flows();
    let mut group = c.benchmark_group("flow_mod");
    group.throughput(Throughput::Elements(FLOWS as u64));
    let nxm = Protocol::new(Version::V10).with_nxm(true).with_table_id(true);
    for (name, protocol) in [("1.0", Protocol::new(Version::V10)), ("nxm", nxm), ("1.3", Version::V13.into())]
    {
        let bytes: Vec<Vec<u8>> = flows.iter().map(|m| m.encode(protocol, 1).expect("encodes")).collect();
        group.bench_function(format!("decode {name}"), |b| {
            b.iter(|| {
                for message in &bytes {
                    black_box(Message::decode(protocol, message)).expect("decodes");
                }
            });
        });
        group.bench_function(format!("encode {name}"), |b| {
            let mut out = Vec::new();
            b.iter(|| {
                out.clear();
                for message in &flows {
                    message.encode_into(protocol, 1, &mut out).expect("encodes");
                }
            });
        });
    }
    group.finish();
}

fn dump(c: &mut Criterion) {
    let flows = flows();
    let mut group = c.benchmark_group("dump");
    group.throughput(Throughput::Elements(FLOWS as u64));
    for (name, version, dialect) in
        [("nxm", Version::V10, Dialect::Nicira), ("1.3", Version::V13, Dialect::Standard)]
    {
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut answer = FlowStatsEncoder::new(version.into(), dialect, 1);
                for message in &flows {
                    let Message::FlowMod(flow) = message else { continue };
                    answer.push(&FlowFacts::default(), &flow.matching, &flow.actions).expect("encodes");
                }
                black_box(answer.finish())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, codec, dump);
criterion_main!(benches);
