//! Random bytes and random values.

use std::time::Duration;

use ovs_openflow::ovs_flow::{Field, Match, OfPort, Subfield, TableId, VlanId};
use ovs_openflow::{
    Action, Dialect, FlowFacts, FlowMod, FlowModCommand, FlowModFlags, FlowStatsEncoder, Message, Mod,
    Protocol, SetField, StatsReplyBody, Version,
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
