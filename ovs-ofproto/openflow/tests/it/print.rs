//! What `ovs-ofctl` makes of our bytes.

use std::time::Duration;

use ovs_openflow::ovs_flow::{OfPort, TableId};
use ovs_openflow::text::{NoNames, parse_actions, parse_flow_mod};
use ovs_openflow::{
    AggregateStats, AsyncConfig, BundleControl, BundleControlKind, BundleFlags, Capabilities, Dialect,
    ErrorCode, ErrorMsg, Features, FlowFacts, FlowModCommand, FlowRemoved, FlowRemovedReason,
    FlowStatsEncoder, Message, OfError, PacketIn, PacketInFormat, PacketInReason, PacketOut, PortConfig,
    PortDesc, PortFeatures, PortMod, PortState, PortStats, PortStatus, PortStatusReason, Protocol,
    QueueStats, Role, RoleMsg, StatsReplyBody, StatsRequest, SwitchConfig, SwitchDesc, TableFeatures,
    TableStats, Version,
};

use crate::ofctl;

fn port() -> PortDesc {
    let mut port = PortDesc::new(OfPort(1), "p1", [2, 0, 0, 0, 0, 1]);
    port.config = PortConfig::PORT_DOWN;
    port.state = PortState::LINK_DOWN;
    port.current = PortFeatures::GB10_FD | PortFeatures::COPPER;
    port.current_speed = 10_000_000;
    port
}

fn flow_removed() -> FlowRemoved {
    let flow = parse_flow_mod(FlowModCommand::Add, "tcp,tp_dst=80,actions=drop", &NoNames).expect("a flow");
    let mut removed = FlowRemoved::new(flow.matching, FlowRemovedReason::IdleTimeout);
    removed.duration = Duration::from_millis(1500);
    removed.packets = 7;
    removed
}

/// One of every kind of message that a switch sends.
fn messages(version: Version) -> Vec<Message> {
    let mut features = Features::new(0x00aa_bbcc_ddee);
    features.capabilities = Capabilities::FLOW_STATS | Capabilities::PORT_STATS;
    features.ports = if version == Version::V10 { vec![port()] } else { Vec::new() };
    let bodies = [
        StatsReplyBody::Desc(SwitchDesc { software: "3.7.1".into(), ..SwitchDesc::default() }),
        StatsReplyBody::Aggregate(AggregateStats { packets: 5, bytes: 6, flows: 7 }, Dialect::Standard),
        StatsReplyBody::Table(vec![TableStats { active: 3, lookups: 9, ..TableStats::default() }]),
        StatsReplyBody::Port(vec![PortStats::unknown(OfPort(1))]),
        StatsReplyBody::Queue(vec![QueueStats {
            port: OfPort(1),
            queue: 2,
            tx_bytes: 3,
            tx_packets: 4,
            tx_errors: 5,
            duration: Duration::from_secs(6),
        }]),
        StatsReplyBody::PortDesc(vec![port()]),
    ];
    let mut all = vec![
        Message::FeaturesReply(Box::new(features)),
        Message::GetConfigReply(SwitchConfig::default()),
        Message::Error(ErrorMsg::about(OfError::FmfcTableFull, &[version.wire(), 5, 0, 8, 0, 0, 0, 1])),
        Message::PacketIn(Box::new(PacketIn::new(PacketInReason::NoMatch, OfPort(3), vec![0; 60]))),
        Message::FlowRemoved(Box::new(flow_removed())),
        Message::PortStatus(PortStatus { reason: PortStatusReason::Add, desc: port() }),
        Message::RoleReply(RoleMsg { role: Role::Primary, generation: Some(5) }),
        Message::BarrierReply,
        Message::PortMod(PortMod::new(OfPort(2), [2, 0, 0, 0, 0, 2])),
        Message::PacketOut(PacketOut {
            buffer_id: None,
            in_port: OfPort::CONTROLLER,
            actions: parse_actions("output:1,NORMAL", &NoNames).expect("actions"),
            data: vec![0; 60],
        }),
        Message::StatsRequest(StatsRequest::Flow(Box::default(), Dialect::Standard)),
        Message::StatsRequest(StatsRequest::Port(OfPort::NONE)),
    ];
    all.extend(bodies.map(|body| Message::StatsReply(Box::new(body.into()))));
    if version >= Version::V13 {
        let mut table = TableFeatures::new(TableId(0), "classifier");
        table.instructions = vec![1, 4];
        table.apply_actions = vec![0];
        table.max_entries = 1_000_000;
        all.push(Message::StatsReply(Box::new(StatsReplyBody::TableFeatures(vec![table]).into())));
        all.push(Message::GetAsyncReply(AsyncConfig::default()));
        let flags = BundleFlags::ATOMIC | BundleFlags::ORDERED;
        let control = BundleControl { id: 1, kind: BundleControlKind::OpenReply, flags };
        all.push(Message::BundleControl(control));
    }
    all
}

#[test]
fn it_reads_what_a_switch_says() {
    let Some(ofctl) = ofctl::find("it_reads_what_a_switch_says") else { return };
    for version in [Version::V10, Version::V13, Version::V14] {
        for message in messages(version) {
            let bytes = message.encode(version, 9).expect("encodes");
            let text = ofctl::parse(&ofctl, &bytes);
            assert!(!text.contains("***") && text.contains("xid=0x9"), "{version} {message:?}\n{text}");
        }
    }
}

#[test]
fn it_reads_every_form_of_packet_in() {
    let Some(ofctl) = ofctl::find("it_reads_every_form_of_packet_in") else { return };
    for version in [Version::V10, Version::V13] {
        for format in [PacketInFormat::Standard, PacketInFormat::Nxt, PacketInFormat::Nxt2] {
            let mut packet = PacketIn::new(PacketInReason::Action, OfPort(3), vec![0; 60]);
            packet.cookie = 5;
            let message = Message::PacketIn(Box::new(packet));
            let protocol = Protocol::new(version).with_packet_in(format);
            let bytes = message.encode(protocol, 9).expect("encodes");
            let text = ofctl::parse(&ofctl, &bytes);
            assert!(text.contains("in_port=3") && !text.contains("***"), "{text}");
            assert_eq!(
                Message::decode(protocol, &bytes).map(|(_, m)| m.encode(protocol, 9)),
                Ok(Ok(bytes)),
                "{version} {format:?}"
            );
        }
    }
}

#[test]
fn it_prints_flows_as_we_do() {
    let Some(ofctl) = ofctl::find("it_prints_flows_as_we_do") else { return };
    for (file, version) in
        [(include_str!("flows/nxm.txt"), Version::V10), (include_str!("flows/v13.txt"), Version::V13)]
    {
        for line in file.lines().filter(|l| l.contains("actions=") && !l.starts_with(['#', 'm'])) {
            let flow = parse_flow_mod(FlowModCommand::Add, line, &NoNames).expect(line);
            let dialect = if version == Version::V10 { Dialect::Nicira } else { Dialect::Standard };
            let mut answer = FlowStatsEncoder::new(version.into(), dialect, 1);
            let facts = FlowFacts { priority: flow.priority, ..FlowFacts::default() };
            answer.push(&facts, &flow.matching, &flow.actions).expect("encodes");
            let bytes = answer.finish();
            let text = ofctl::parse(&ofctl, &bytes);
            // What came back over the wire is what we print, too.
            let Ok((_, Message::StatsReply(reply))) = Message::decode(version.into(), &bytes) else {
                panic!("{line}")
            };
            let StatsReplyBody::Flow(flows, _) = reply.body else { panic!("{line}") };
            let rule = ovs_openflow::text::RuleDisplay::new(&flows[0].matching, flows[0].facts.priority)
                .with_actions(&flows[0].actions)
                .to_string();
            let rule = rule.trim_start_matches(',').replace("strip_vlan", "pop_vlan");
            let text = text.replace("strip_vlan", "pop_vlan").replace(" actions=", ",actions=");
            assert!(text.trim_end().ends_with(&rule), "{line}\n theirs {text} ours {rule}");
        }
    }
}

#[test]
fn errors_have_its_names_and_numbers() {
    let Some(ofctl) = ofctl::find("errors_have_its_names_and_numbers") else { return };
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for version in Version::ALL {
        for error in OfError::all().filter(|e| e.wire(version).is_some()) {
            let message = ErrorMsg { error: ErrorCode::Known(error), data: Vec::new() };
            bytes.extend(Message::Error(message).encode(version, 1).expect("encodes"));
            expected.push(error.name());
        }
    }
    let text = ofctl::parse(&ofctl, &bytes);
    let named: Vec<&str> = text
        .lines()
        .filter_map(|l| l.split_once("): ").map(|(_, name)| name))
        .filter(|name| name.starts_with("OFP") || name.starts_with("NX"))
        .collect();
    assert_eq!(named, expected);
}
