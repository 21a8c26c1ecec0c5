//! Random bytes and random values.

use std::time::Duration;

use ovs_openflow::action::*;
use ovs_openflow::ovs_flow::{Field, Match, OfPort, Subfield, TableId, VlanId};
use ovs_openflow::{
    BandKind, Bucket, GroupMod, GroupModCommand, GroupType, MeterBand, MeterConfig, MeterFlags, MeterMod,
    MeterModCommand,
};
use ovs_openflow::{
    Dialect, FlowFacts, FlowMod, FlowModCommand, FlowModFlags, FlowStatsEncoder, Message, Protocol,
    StatsReplyBody, Version,
};
use proptest::prelude::*;

/// Reads bytes in every version and form; a fuzz target calls this too.
fn decode_all(bytes: &[u8]) {
    for version in Version::ALL {
        for nxm in [false, true] {
            let protocol = Protocol::new(version).with_nxm(nxm).with_table_id(nxm);
            let Ok((xid, message)) = Message::decode(protocol, bytes) else { continue };
            // What can be read can be written, or there is a reason that says why not.
            if let Ok(again) = message.encode(protocol, xid) {
                assert!(Message::decode(protocol, &again).is_ok(), "{message:?}");
            }
        }
    }
}

fn action() -> impl Strategy<Value = Action> {
    let reg = || (0_usize..16).prop_map(|n| Field::reg(n).expect("a register"));
    prop_oneof![
        (1_u16..100).prop_map(|n| Action::output(OfPort(n))),
        Just(Action::output(OfPort::NORMAL)),
        any::<u16>().prop_map(|max_len| Action::Output { port: OfPort::CONTROLLER, max_len }),
        (1_u16..100, 0_u8..254).prop_map(|(port, table)| Action::Resubmit {
            in_port: OfPort(port),
            table: TableId(table),
            ct: false
        }),
        (reg(), any::<u32>(), 1..=u32::MAX).prop_map(|(f, v, m)| Action::SetField(SetField::masked(
            f,
            v.into(),
            m.into()
        ))),
        (reg(), 0_u16..32, any::<u64>()).prop_map(|(f, start, v)| {
            let dst = Subfield::new(f, start, 32 - start).expect("bits of a register");
            Action::SetField(SetField::load(dst, v & ((1 << (32 - start)) - 1)))
        }),
        (reg(), reg()).prop_map(|(a, b)| Action::Move { src: Subfield::whole(a), dst: Subfield::whole(b) }),
        (0_u16..4096).prop_map(|n| Action::SetVlanVid { vid: VlanId::from_tci(n), push: true }),
        Just(Action::PopVlan { strip: true }),
        any::<[u8; 6]>().prop_map(|mac| Action::Mod(Mod::EthSrc(mac))),
        any::<u32>().prop_map(Action::SetQueue),
        Just(Action::DecTtl(vec![0])),
        prop::collection::vec(any::<u16>(), 1..5).prop_map(Action::DecTtl),
        prop::collection::vec(any::<u8>(), 6..=6).prop_map(Action::Note),
        Just(Action::Exit),
    ]
}

fn nat() -> impl Strategy<Value = Nat> {
    (any::<bool>(), 1..u32::MAX, any::<u16>(), prop::option::of((1_u16..1000, 0_u16..9)), any::<bool>())
        .prop_map(|(src, min, more, ports, persistent)| {
            let max = min.saturating_add(more.into());
            let addresses = AddressRange::V4(min.into(), max.into());
            let mut flags = if src { NatFlags::SRC } else { NatFlags::DST };
            flags.set(NatFlags::PERSISTENT, persistent);
            Nat { flags, addresses: Some(addresses), ports: ports.map(|(min, more)| (min, min + more)) }
        })
}

fn ct() -> impl Strategy<Value = Action> {
    (any::<bool>(), any::<u16>(), prop::option::of(0_u8..254), prop::option::of(nat()), any::<u32>())
        .prop_map(|(commit, zone, table, nat, mark)| {
            let mut actions: Vec<Action> = nat.map(|nat| Action::Nat(Box::new(nat))).into_iter().collect();
            actions.push(Action::SetField(SetField::whole(Field::CT_MARK, mark.into())));
            if !commit {
                // Without it nothing is written and no address chosen.
                actions = vec![Action::Nat(Box::default())];
            }
            let table = table.map(TableId);
            let zone = CtZone::Number(zone);
            Action::Ct(Box::new(Ct { commit, force: commit, zone, table, alg: 21, actions }))
        })
}

fn learn() -> impl Strategy<Value = Action> {
    let reg = || (0_usize..16).prop_map(|n| Field::reg(n).expect("a register"));
    let spec = (reg(), reg(), 1_u16..33, any::<u32>(), 0_u8..5).prop_map(|(a, b, bits, value, form)| {
        let (src, dst) = (Subfield::new(a, 0, bits), Subfield::new(b, 32 - bits, bits));
        let (src, dst) = (src.expect("bits"), dst.expect("bits"));
        let value = u128::from(value) & ((1 << bits) - 1);
        let (src, dst) = match form {
            0 => (LearnSrc::Field(src), LearnDst::Match(dst)),
            1 => (LearnSrc::Value(value.into()), LearnDst::Match(dst)),
            2 => (LearnSrc::Field(src), LearnDst::Load(dst)),
            3 => (LearnSrc::Value(value.into()), LearnDst::Load(dst)),
            _ => (LearnSrc::Field(src), LearnDst::Output),
        };
        LearnSpec { bits, src, dst }
    });
    let specs = prop::collection::vec(spec, 0..5);
    (specs, any::<u64>(), 0_u8..254, any::<u16>(), 0_u32..9, any::<bool>(), 0_u16..4).prop_map(
        |(specs, cookie, table, timeout, limit, result, flags)| {
            let result_dst = result.then(|| Subfield::new(Field::METADATA, 3, 1).expect("a bit"));
            Action::Learn(Box::new(Learn {
                specs,
                cookie,
                table: TableId(table),
                idle_timeout: timeout,
                limit,
                result_dst,
                flags: LearnFlags::from_bits_truncate(flags),
                ..Learn::default()
            }))
        },
    )
}

/// Actions of Open vSwitch that every version has.
fn extension() -> impl Strategy<Value = Action> {
    let reg = || (0_usize..16).prop_map(|n| Subfield::whole(Field::reg(n).expect("a register")));
    let fields = || prop::sample::select(HashFields::ALL.to_vec());
    let members = prop::collection::vec((1_u16..100).prop_map(OfPort), 0..6);
    prop_oneof![
        ct(),
        learn(),
        Just(Action::CtClear),
        (1_u16..100, 14_u32..).prop_map(|(n, max_len)| Action::OutputTruncated { port: OfPort(n), max_len }),
        (fields(), any::<u16>(), members, prop::option::of(reg())).prop_map(
            |(fields, basis, members, dst)| {
                let algorithm = BundleAlgorithm::Hrw;
                Action::Bundle(Box::new(Bundle { algorithm, fields, basis, members, dst }))
            }
        ),
        (fields(), any::<u16>(), any::<u16>(), any::<u32>(), reg()).prop_map(
            |(fields, basis, max_link, arg, dst)| {
                let algorithm = MultipathAlgorithm::IterHash;
                Action::Multipath(Box::new(Multipath { fields, basis, algorithm, max_link, arg, dst }))
            }
        ),
        (1_u16.., any::<u32>(), any::<u32>(), any::<bool>()).prop_map(|(probability, set, point, egress)| {
            let mut sample = Sample::new(probability);
            sample.collector_set = set;
            sample.obs_point = ObservationId::Number(point);
            sample.direction = if egress { SampleDirection::Egress } else { SampleDirection::Default };
            Action::Sample(Box::new(sample))
        }),
        (any::<u16>(), 0_u16..32).prop_map(|(len, bit)| {
            let dst = Subfield::new(Field::reg(0).expect("a register"), bit, 1).expect("a bit");
            Action::CheckPktLarger { len, dst }
        }),
        (0_usize..64).prop_map(|n| Action::DeleteField(Field::tun_metadata(n).expect("an option"))),
        (any::<u16>(), any::<u16>()).prop_map(|(idle, hard)| Action::FinTimeout { idle, hard }),
        (1_u16..99, 0_u8..254, any::<bool>()).prop_map(|(port, table, ct)| Action::Resubmit {
            in_port: OfPort(port),
            table: TableId(table),
            ct,
        }),
        (prop::collection::vec(any::<u8>(), 1..20), any::<bool>(), any::<u32>()).prop_map(
            |(userdata, pause, meter)| {
                let mut to = ToController::default();
                (to.userdata, to.pause, to.meter) = (userdata, pause, meter);
                Action::Controller(Box::new(to))
            }
        ),
    ]
}

/// Any action that every version has, also in `clone`.
fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![action(), extension()]
        .prop_recursive(3, 12, 3, |inner| prop::collection::vec(inner, 0..4).prop_map(Action::Clone))
}

/// Actions that only newer versions have.
fn newer_action() -> impl Strategy<Value = Action> {
    let tlv = (any::<u16>(), any::<u8>(), prop::collection::vec(1..=u8::MAX, 1..124))
        .prop_map(|(class, kind, value)| EncapProperty::NshTlv { class, kind, value });
    prop_oneof![
        prop::collection::vec(tlv, 0..3).prop_map(|properties| {
            let encap = Encap { packet_type: PacketType::NSH, header_size: 0, properties };
            Action::Encap(Box::new(encap))
        }),
        any::<u16>().prop_map(|number| Action::Decap(PacketType { namespace: 1, number })),
        Just(Action::DecNshTtl),
        prop::sample::select(vec![0x8100, 0x88a8]).prop_map(Action::PushVlan),
        (0_u32..0x10_0000).prop_map(Action::SetMplsLabel),
        any::<u8>().prop_map(Action::SetMplsTtl),
        any::<u32>().prop_map(Action::Group),
    ]
}

fn bucket() -> impl Strategy<Value = Bucket> {
    (any::<u16>(), 0_u16..99, 0_u32..9, prop::collection::vec(any_action(), 0..3)).prop_map(
        |(weight, port, group, actions)| {
            let mut bucket = Bucket::new(actions);
            (bucket.weight, bucket.watch_port, bucket.watch_group) = (weight, OfPort(port), group);
            bucket
        },
    )
}

fn matching() -> impl Strategy<Value = Match> {
    (any::<bool>(), 1_u16..100, any::<u32>(), any::<u32>(), any::<u16>()).prop_map(
        |(tcp, port, ip, reg, tp)| {
            let mut m = Match::default();
            Field::IN_PORT.set_match(&mut m, port.into());
            if let Some(field) = Field::reg(3) {
                field.set_masked(&mut m, reg.into(), 0xffff_00ff).expect("maskable");
            }
            if tcp {
                m.require_ethernet(Field::ETH_TYPE);
                Field::ETH_TYPE.set_match(&mut m, 0x800);
                Field::IP_PROTO.set_match(&mut m, 6);
                Field::IP_SRC.set_match(&mut m, ip.into());
                Field::TCP_DST.set_match(&mut m, tp.into());
            }
            m
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 8..300), kind in 0_u8..40, version in 1_u8..7) {
        bytes[0] = version;
        bytes[1] = kind;
        let len = (bytes.len() as u16).to_be_bytes();
        bytes[2..4].copy_from_slice(&len);
        decode_all(&bytes);
    }

    #[test]
    fn no_changed_flow_panics(
        actions in prop::collection::vec(action(), 0..6), m in matching(), at in any::<prop::sample::Index>(),
        byte: u8, v13: bool,
    ) {
        let mut flow = FlowMod::new(FlowModCommand::Add, m);
        flow.actions = actions;
        let protocol = if v13 { Protocol::new(Version::V13) } else { Protocol::new(Version::V10).with_nxm(true) };
        let mut bytes = Message::FlowMod(Box::new(flow)).encode(protocol, 1).expect("encodes");
        let i = at.index(bytes.len());
        if !(2..4).contains(&i) {
            bytes[i] = byte;
        }
        decode_all(&bytes);
    }

    #[test]
    fn flows_survive_the_wire(actions in prop::collection::vec(action(), 0..6), m in matching(), cookie: u64) {
        let mut flow = FlowMod::new(FlowModCommand::Modify, m);
        flow.actions = actions;
        flow.cookie_mask = u64::MAX;
        flow.cookie = cookie;
        flow.flags = FlowModFlags::SEND_FLOW_REM;
        flow.modify_cookie = true;
        let protocol = Protocol::new(Version::V10).with_nxm(true).with_table_id(true);
        let message = Message::FlowMod(Box::new(flow));
        let bytes = message.encode(protocol, 1).expect("encodes");
        let (_, again) = Message::decode(protocol, &bytes).expect("decodes");
        // A masked set_field has become loads; written again it is the same bytes.
        prop_assert_eq!(again.encode(protocol, 1).expect("encodes"), bytes);
        if let (Message::FlowMod(a), Message::FlowMod(b)) = (message, again) {
            prop_assert_eq!(a.matching, b.matching);
            prop_assert_eq!((a.cookie, a.cookie_mask, a.priority), (b.cookie, b.cookie_mask, b.priority));
        }
    }

    #[test]
    fn actions_survive_every_version(
        actions in prop::collection::vec(any_action(), 0..5), newer in prop::collection::vec(newer_action(), 0..3),
    ) {
        let m = Match::default();
        for version in Version::ALL {
            let mut list = actions.clone();
            list.extend(newer.iter().filter(|_| version >= Version::V13).cloned());
            let mut bytes = Vec::new();
            encode_actions(&list, &m, version, &mut bytes).expect("encodes");
            let again = decode_actions(&bytes, version);
            prop_assert!(again.is_ok(), "{} {:?} {:02x?}", version, again, bytes);
            let again = again.expect("decodes");
            let mut twice = Vec::new();
            encode_actions(&again, &m, version, &mut twice).expect("encodes");
            prop_assert_eq!(&twice, &bytes, "{} {:?}", version, again);
            let text = ovs_openflow::text::ActionsDisplay::new(&again).to_string();
            let parsed = ovs_openflow::text::parse_actions(&text, &ovs_openflow::text::NoNames).expect(&text);
            prop_assert_eq!(ovs_openflow::text::ActionsDisplay::new(&parsed).to_string(), text);
        }
    }

    #[test]
    fn groups_and_meters_survive_every_version(
        buckets in prop::collection::vec(bucket(), 0..4), id in 0..GroupMod::MAX, rate: u32, level: u8,
    ) {
        for version in Version::ALL {
            let mut change = GroupMod::new(GroupModCommand::Add, id);
            change.kind = GroupType::Select;
            change.buckets.clone_from(&buckets);
            let mut messages = vec![Message::GroupMod(Box::new(change))];
            if version >= Version::V13 {
                let mut config = MeterConfig::new(id.max(1));
                config.flags = MeterFlags::PKTPS | MeterFlags::BURST;
                let kind = BandKind::DscpRemark(level);
                config.bands = vec![MeterBand { kind, rate, burst: rate }];
                messages.push(Message::MeterMod(Box::new(MeterMod { command: MeterModCommand::Modify, config })));
            }
            for message in messages {
                let bytes = message.encode(version, 1).expect("encodes");
                let again = Message::decode(version.into(), &bytes);
                prop_assert!(again.is_ok(), "{} {:?}", version, again);
                prop_assert_eq!(again.expect("decodes").1.encode(version, 1), Ok(bytes));
            }
        }
    }

    #[test]
    fn printing_takes_any_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0_u8..40, version in 1_u8..7) {
        if bytes.len() >= 8 {
            (bytes[0], bytes[1]) = (version, kind);
            let len = (bytes.len() as u16).to_be_bytes();
            bytes[2..4].copy_from_slice(&len);
        }
        let text = ovs_openflow::text::print_message(&bytes, &ovs_openflow::text::NoNames);
        prop_assert!(text.ends_with('\n') || bytes.is_empty());
    }

    #[test]
    fn changed_samples_never_panic(which: prop::sample::Index, at: prop::sample::Index, byte: u8, v: prop::sample::Index) {
        let version = *v.get(&Version::ALL);
        let samples = crate::samples::messages(version);
        let mut bytes = which.get(&samples).encode(version, 1).expect("encodes");
        let i = at.index(bytes.len());
        if !(2..4).contains(&i) {
            bytes[i] = byte;
        }
        decode_all(&bytes);
        let _ = ovs_openflow::text::print_message(&bytes, &ovs_openflow::text::NoNames);
    }

    #[test]
    fn action_text_survives(actions in prop::collection::vec(action(), 0..6)) {
        let text = ovs_openflow::text::ActionsDisplay::new(&actions).to_string();
        let again = ovs_openflow::text::parse_actions(&text, &ovs_openflow::text::NoNames).expect("parses");
        prop_assert_eq!(ovs_openflow::text::ActionsDisplay::new(&again).to_string(), text);
    }
}

#[test]
fn long_answers_roll_over() {
    let mut m = Match::default();
    Field::IN_PORT.set_match(&mut m, 1);
    let mut answer = FlowStatsEncoder::new(Version::V13.into(), Dialect::Standard, 7);
    let facts = FlowFacts { duration: Duration::from_secs(3), packets: 5, ..FlowFacts::default() };
    let mut bytes = Vec::new();
    for _ in 0..5000 {
        answer.push(&facts, &m, &[Action::output(OfPort(2))]).expect("encodes");
        if answer.complete_len() > 100_000 {
            bytes.extend(answer.take_complete());
        }
    }
    bytes.extend(answer.finish());
    let (mut flows, mut parts, mut rest) = (0, 0, &bytes[..]);
    while !rest.is_empty() {
        let len = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let (message, tail) = rest.split_at(len);
        let (7, Message::StatsReply(reply)) = Message::decode(Version::V13.into(), message).expect("a part")
        else {
            panic!("not a part")
        };
        let StatsReplyBody::Flow(part, Dialect::Standard) = reply.body else { panic!("not flows") };
        assert_eq!(reply.more, !tail.is_empty());
        flows += part.len();
        parts += 1;
        rest = tail;
    }
    assert_eq!(flows, 5000);
    assert!(parts > 5, "{parts} parts");
}
