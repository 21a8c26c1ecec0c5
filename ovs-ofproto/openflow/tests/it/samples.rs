//! At least one message of every kind in every version that has it.

use std::time::Duration;

use ovs_openflow::ovs_flow::text::parse_match;
use ovs_openflow::ovs_flow::{Match, OfPort, TableId};
use ovs_openflow::text::{NoNames, parse_actions, parse_flow_mod, parse_group_mod, parse_meter_mod};
use ovs_openflow::*;

fn port() -> PortDesc {
    let mut port = PortDesc::new(OfPort(1), "p1", [2, 0, 0, 0, 0, 1]);
    port.config = PortConfig::PORT_DOWN;
    port.state = PortState::LINK_DOWN;
    port.current = PortFeatures::GB10_FD | PortFeatures::COPPER;
    port.supported = PortFeatures::GB10_FD | PortFeatures::MB100_HD | PortFeatures::AUTONEG;
    port.current_speed = 10_000_000;
    port.max_speed = 10_000_000;
    port
}

fn flow(text: &str) -> FlowMod {
    parse_flow_mod(FlowModCommand::Add, text, &NoNames).expect(text)
}

fn matching(text: &str) -> Match {
    parse_match(text, &NoNames).expect(text)
}

fn flow_removed(version: Version, reason: FlowRemovedReason) -> Message {
    let mut removed = FlowRemoved::new(matching("tcp,tp_dst=80"), reason);
    removed.duration = Duration::from_millis(1500);
    removed.packets = 7;
    removed.bytes = 420;
    removed.cookie = 5;
    removed.priority = 9;
    removed.idle_timeout = 10;
    // 1.0 does not say which table it was.
    removed.table = if version == Version::V10 { TableId::ALL } else { TableId(3) };
    Message::FlowRemoved(Box::new(removed))
}

fn groups(version: Version) -> Vec<Message> {
    let text = "group_id=7,type=select,bucket=weight:5,output:1,bucket=weight:1,watch_port:2,output:2";
    let mut change = parse_group_mod(GroupModCommand::Add, text, &NoNames).expect(text);
    let numbered = matches!(version, Version::V10 | Version::V15);
    for (bucket, id) in change.buckets.iter_mut().zip(0..) {
        bucket.id = numbered.then_some(id);
    }
    let desc = GroupDesc {
        group: 7,
        kind: GroupType::Select,
        buckets: change.buckets.clone(),
        selection: Selection::default(),
    };
    let stats = GroupStats {
        group: 7,
        references: 2,
        packets: 30,
        bytes: 400,
        duration: (version >= Version::V13 || version == Version::V10).then_some(Duration::from_millis(2250)),
        buckets: vec![(10, 100), (20, 300)],
    };
    let features = GroupFeatures {
        types: 15,
        capabilities: 7,
        max_groups: [0xffff_ff00; 4],
        actions: [0x07ff_ffff & !0x3ffe; 4],
    };
    let group = match version {
        Version::V10 | Version::V15 => 7,
        _ => GroupMod::ALL,
    };
    let mut all = vec![
        Message::GroupMod(Box::new(change)),
        Message::GroupMod(Box::new(GroupMod::new(GroupModCommand::Delete, GroupMod::ALL))),
        Message::StatsRequest(StatsRequest::Group(7)),
        Message::StatsRequest(StatsRequest::Group(GroupMod::ALL)),
        Message::StatsRequest(StatsRequest::GroupDesc(group)),
        reply(StatsReplyBody::Group(vec![stats])),
        reply(StatsReplyBody::GroupDesc(vec![desc])),
    ];
    if version != Version::V11 {
        all.push(Message::StatsRequest(StatsRequest::GroupFeatures));
        all.push(reply(StatsReplyBody::GroupFeatures(features)));
    }
    all
}

fn meters() -> Vec<Message> {
    let text =
        "meter=3,kbps,burst,stats,bands=type=drop,rate=5,burst_size=6,type=dscp_remark,rate=4,prec_level=1";
    let change = parse_meter_mod(MeterModCommand::Add, text).expect(text);
    let stats = MeterStats {
        meter: 3,
        flows: 2,
        packets: 30,
        bytes: 400,
        duration: Duration::from_millis(2250),
        bands: vec![(10, 100), (20, 300)],
    };
    let features = MeterFeatures {
        max_meters: 100,
        band_types: 2,
        capabilities: MeterFlags::all(),
        max_bands: 8,
        max_color: 0,
    };
    vec![
        Message::MeterMod(Box::new(change.clone())),
        Message::MeterMod(Box::new(MeterMod {
            command: MeterModCommand::Delete,
            config: MeterConfig::new(MeterConfig::ALL),
        })),
        Message::StatsRequest(StatsRequest::Meter(3)),
        Message::StatsRequest(StatsRequest::MeterConfig(MeterConfig::ALL)),
        Message::StatsRequest(StatsRequest::MeterFeatures),
        reply(StatsReplyBody::Meter(vec![stats])),
        reply(StatsReplyBody::MeterConfig(vec![change.config])),
        reply(StatsReplyBody::MeterFeatures(features)),
    ]
}

fn reply(body: StatsReplyBody) -> Message {
    Message::StatsReply(Box::new(body.into()))
}

fn flow_stats(version: Version, dialect: Dialect) -> Message {
    let change = flow("priority=9,tcp,tp_dst=80,actions=output:1,set_field:00:11:22:33:44:55->eth_src");
    let facts = FlowFacts {
        table: TableId(2),
        priority: 9,
        cookie: 0x12,
        duration: Duration::from_millis(3040),
        idle_timeout: 5,
        hard_timeout: 6,
        packets: 7,
        bytes: 800,
        flags: if version >= Version::V13 && dialect == Dialect::Standard {
            FlowModFlags::SEND_FLOW_REM
        } else {
            FlowModFlags::empty()
        },
        idle_age: (dialect == Dialect::Nicira).then_some(4),
        hard_age: None,
        importance: if version >= Version::V14 { 3 } else { 0 },
    };
    let encoded = {
        let mut encoder = FlowStatsEncoder::new(version.into(), dialect, 9);
        encoder.push(&facts, &change.matching, &change.actions).expect("encodes");
        encoder.finish()
    };
    Message::decode(version.into(), &encoded).expect("decodes").1
}

fn statistics(version: Version) -> Vec<Message> {
    let filter = FlowFilter { table: TableId(3), matching: matching("ip"), ..FlowFilter::default() };
    let mut all = vec![
        Message::StatsRequest(StatsRequest::Desc),
        Message::StatsRequest(StatsRequest::Flow(Box::new(filter.clone()), Dialect::Standard)),
        Message::StatsRequest(StatsRequest::Aggregate(Box::default(), Dialect::Standard)),
        Message::StatsRequest(StatsRequest::Table),
        Message::StatsRequest(StatsRequest::Port(OfPort::NONE)),
        Message::StatsRequest(StatsRequest::Port(OfPort(3))),
        Message::StatsRequest(StatsRequest::Queue { port: OfPort::ALL, queue: QueueStats::ALL }),
        Message::StatsRequest(StatsRequest::PortDesc(OfPort::NONE)),
        reply(StatsReplyBody::Desc(SwitchDesc {
            manufacturer: "Nobody".into(),
            hardware: "None".into(),
            software: "3.7.1".into(),
            serial: "1".into(),
            datapath: "br0".into(),
        })),
        flow_stats(version, Dialect::Standard),
        reply(StatsReplyBody::Aggregate(
            AggregateStats { packets: 5, bytes: 6, flows: 7 },
            Dialect::Standard,
        )),
        reply(StatsReplyBody::Table(vec![TableStats {
            name: if version < Version::V13 { "classifier".into() } else { String::new() },
            max_entries: if version < Version::V13 { 1_000_000 } else { 0 },
            active: 3,
            lookups: 9,
            matched: 8,
            ..TableStats::default()
        }])),
        reply(StatsReplyBody::Port(vec![PortStats::unknown(OfPort(1))])),
        reply(StatsReplyBody::Queue(vec![QueueStats {
            port: OfPort(1),
            queue: 2,
            tx_bytes: 3,
            tx_packets: 4,
            tx_errors: 5,
            duration: if version >= Version::V13 { Duration::from_secs(6) } else { Duration::ZERO },
        }])),
        reply(StatsReplyBody::PortDesc(vec![port()])),
    ];
    if version == Version::V10 {
        all.push(Message::StatsRequest(StatsRequest::Flow(Box::new(filter), Dialect::Nicira)));
        all.push(Message::StatsRequest(StatsRequest::Aggregate(Box::default(), Dialect::Nicira)));
        all.push(flow_stats(version, Dialect::Nicira));
    }
    if version >= Version::V13 {
        all.push(Message::StatsRequest(StatsRequest::TableFeatures(Vec::new())));
    }
    if version >= Version::V14 {
        all.push(Message::StatsRequest(StatsRequest::TableDesc));
        all.push(Message::StatsRequest(StatsRequest::QueueDesc {
            port: OfPort::NONE,
            queue: QueueStats::ALL,
        }));
        all.push(reply(StatsReplyBody::TableDesc(vec![table_desc()])));
        all.push(reply(StatsReplyBody::QueueDesc(vec![QueueDesc {
            port: OfPort(1),
            queue: 2,
            properties: vec![QueueProperty::MinRate(500), QueueProperty::MaxRate(700)],
        }])));
    }
    all
}

fn table_desc() -> TableDesc {
    TableDesc {
        table: TableId(5),
        config: TableMod::EVICTION | TableMod::VACANCY_EVENTS,
        eviction: Some(1),
        vacancy: Some(Vacancy { down: 20, up: 80, current: 30 }),
    }
}

fn monitors(version: Version) -> Vec<Message> {
    let mut request = MonitorRequest::new(4, MonitorFlags::INITIAL | MonitorFlags::ADD);
    request.table = TableId(2);
    request.matching = matching("ip");
    let mut updates = vec![
        FlowUpdate::Full(Box::new(FlowUpdateFull {
            event: FlowEvent::Added,
            table: TableId(2),
            priority: 9,
            idle_timeout: 5,
            hard_timeout: 6,
            cookie: 7,
            matching: matching("tcp"),
            actions: parse_actions("output:1", &NoNames).expect("actions"),
        })),
        FlowUpdate::Full(Box::new(FlowUpdateFull {
            event: FlowEvent::Removed(FlowRemovedReason::Delete),
            table: TableId(2),
            priority: 9,
            idle_timeout: 0,
            hard_timeout: 0,
            cookie: 7,
            matching: matching("tcp"),
            actions: Vec::new(),
        })),
        FlowUpdate::Abbrev(0x1234),
    ];
    if version >= Version::V14 {
        updates.extend([FlowUpdate::Paused, FlowUpdate::Resumed]);
    }
    let mut all = vec![
        Message::StatsRequest(StatsRequest::FlowMonitor(vec![request])),
        reply(StatsReplyBody::FlowMonitor(updates)),
    ];
    if version <= Version::V13 {
        all.extend([Message::FlowMonitorCancel(4), Message::FlowMonitorPaused, Message::FlowMonitorResumed]);
    }
    all
}

fn extensions(version: Version) -> Vec<Message> {
    let map = TlvMap { class: 0xffff, kind: 1, len: 4, index: 2 };
    let mut flush = CtFlush::default();
    flush.ip_proto = 6;
    flush.zone = Some(5);
    flush.original.src = "::ffff:10.0.0.1".parse().ok();
    flush.original.dst_port = Some(80);
    let ipfix = IpfixStats { total_flows: 1, current_flows: 2, packets: 3, ..IpfixStats::default() };
    let mut resume = PacketIn::new(PacketInReason::Action, OfPort(3), vec![0; 60]);
    resume.userdata = vec![1, 2, 3];
    let mut all = vec![
        Message::TlvTableMod(TlvTableMod { command: TlvTableCommand::Add, maps: vec![map] }),
        Message::TlvTableMod(TlvTableMod { command: TlvTableCommand::Clear, maps: Vec::new() }),
        Message::TlvTableRequest,
        Message::TlvTableReply(TlvTable { max_option_space: 256, max_fields: 64, maps: vec![map] }),
        Message::CtFlushZone(5),
        Message::CtFlush(Box::new(flush)),
        Message::SetControllerId(123),
        Message::SetPacketInFormat(PacketInFormat::Nxt2),
        Message::StatsRequest(StatsRequest::IpfixBridge),
        Message::StatsRequest(StatsRequest::IpfixFlow),
        reply(StatsReplyBody::IpfixBridge(ipfix)),
        reply(StatsReplyBody::IpfixFlow(vec![IpfixStats { collector_set: 4, ..ipfix }])),
        Message::Resume(Box::new(resume)),
    ];
    if version == Version::V10 {
        all.extend([
            Message::FlowAge,
            Message::SetFlowFormat(FlowFormat::Nxm),
            Message::FlowModTableId(true),
        ]);
    }
    all
}

fn newer(version: Version) -> Vec<Message> {
    let mut all = Vec::new();
    if version >= Version::V13 {
        let delete = GroupMod::new(GroupModCommand::Delete, 5);
        let status = RoleStatus { role: Role::Primary, reason: RoleReason::Config, generation: Some(16) };
        let flags = BundleFlags::ATOMIC | BundleFlags::ORDERED;
        all.extend([
            Message::RoleStatus(status),
            Message::RequestForward { xid: 5, message: Box::new(Message::GroupMod(Box::new(delete))) },
            Message::GetAsyncRequest,
            Message::GetAsyncReply(AsyncConfig::default()),
            Message::BundleControl(BundleControl { id: 1, kind: BundleControlKind::OpenReply, flags }),
            Message::BundleAdd(Box::new(BundleAdd {
                id: 1,
                flags,
                xid: 9,
                message: Message::FlowMod(Box::new(flow("table=1,tcp,actions=output:1"))),
            })),
        ]);
    }
    if version >= Version::V14 {
        all.push(Message::TableStatus(TableStatus { room: false, desc: table_desc() }));
        let mut change = TableMod::new(TableId(5), TableMod::EVICTION);
        change.eviction = Some(1);
        all.push(Message::TableMod(change));
    }
    all
}

fn basic(version: Version) -> Vec<Message> {
    let mut features = Features::new(0x00aa_bbcc_ddee);
    features.capabilities = Capabilities::FLOW_STATS | Capabilities::PORT_STATS;
    features.ports = if version < Version::V13 { vec![port()] } else { Vec::new() };
    features.actions = if version == Version::V10 { 0xfff } else { 0 };
    let mut port_mod = PortMod::new(OfPort(2), [2, 0, 0, 0, 0, 2]);
    port_mod.config = PortConfig::PORT_DOWN;
    port_mod.mask = PortConfig::PORT_DOWN;
    let mut packet = PacketIn::new(PacketInReason::NoMatch, OfPort(3), vec![0; 60]);
    packet.cookie = if version >= Version::V13 { 5 } else { u64::MAX };
    packet.table = TableId(if version >= Version::V11 { 2 } else { 0 });
    let mut all = vec![
        Message::EchoRequest(Vec::new()),
        Message::EchoReply(vec![1, 2, 3]),
        Message::FeaturesRequest,
        Message::FeaturesReply(Box::new(features)),
        Message::GetConfigRequest,
        Message::GetConfigReply(SwitchConfig::default()),
        Message::SetConfig(SwitchConfig { miss_send_len: 65535, ..SwitchConfig::default() }),
        Message::PacketIn(Box::new(packet)),
        flow_removed(version, FlowRemovedReason::IdleTimeout),
        flow_removed(version, FlowRemovedReason::Delete),
        Message::PortStatus(PortStatus { reason: PortStatusReason::Add, desc: port() }),
        Message::BarrierRequest,
        Message::BarrierReply,
        Message::PortMod(port_mod),
        Message::RoleRequest(RoleMsg { role: Role::Equal, generation: None }),
        Message::PacketOut(PacketOut {
            buffer_id: None,
            in_port: OfPort::CONTROLLER,
            actions: parse_actions("output:1,NORMAL", &NoNames).expect("actions"),
            data: vec![0; 60],
        }),
        Message::FlowMod(Box::new(flow("priority=7,idle_timeout=5,cookie=9,tcp,tp_dst=80,actions=output:1"))),
    ];
    if version <= Version::V13 {
        all.push(Message::QueueGetConfigRequest(OfPort(1)));
        all.push(Message::QueueGetConfigReply {
            port: OfPort(1),
            queues: vec![QueueConfig { id: 2, properties: vec![QueueProperty::MinRate(500)] }],
        });
    }
    if (Version::V11..Version::V14).contains(&version) {
        all.push(Message::TableMod(TableMod::new(TableId(5), if version == Version::V13 { 0 } else { 2 })));
    }
    all
}

/// At least one message of every kind that a version has.
pub(crate) fn messages(version: Version) -> Vec<Message> {
    let mut all = basic(version);
    all.extend(groups(version));
    if version >= Version::V13 {
        all.extend(meters());
    }
    all.extend(statistics(version));
    all.extend(monitors(version));
    all.extend(extensions(version));
    all.extend(newer(version));
    all
}
